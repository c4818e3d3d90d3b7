import { expect } from 'chai';
import { connect } from 'node:net';
import { AppError } from '../../src/domain/errors.js';
import { raw } from '../support/raw-http.js';
import { API_KEY, Browser, PASSWORD, startWeb, type WebTest } from '../support/web.js';

interface ErrorBody {
  error: { code: string; message: string; fields: Record<string, string> };
}

describe('who may enter', () => {
  let web: WebTest;
  beforeEach(async () => {
    web = await startWeb();
  });
  afterEach(() => web.stop());

  describe('sign-in', () => {
    it('lets the owner in with the password and gives the session a new id', async () => {
      const browser = new Browser(web.url);
      const { response: first } = await browser.get('/library');
      expect(first.status).to.equal(303);
      expect(first.headers.get('location')).to.equal('/sign-in?next=%2Flibrary');
      await browser.get('/sign-in');
      const before = browser.cookie;
      const { response } = await browser.post('/sign-in', { password: PASSWORD });
      expect(response.status).to.equal(303);
      expect(response.headers.get('location')).to.equal('/');
      expect(browser.cookie)
        .to.match(/^mediaflow\.sid=/)
        .and.not.equal(before);
      const cookie = response.headers.getSetCookie().find((set) => set.startsWith('mediaflow.sid')) ?? '';
      expect(cookie)
        .to.match(/HttpOnly/i)
        .and.match(/SameSite=Lax/i)
        .and.match(/Path=\//)
        .and.not.match(/Secure/i);
      const { response: page } = await browser.get('/library');
      expect(page.status).to.equal(200);
    });

    it('shows the page again with a message for a wrong password, and never the password', async () => {
      const browser = new Browser(web.url);
      await browser.get('/sign-in');
      const { response, text } = await browser.post('/sign-in', { password: 'not-the-password', next: '/queue' });
      expect(response.status).to.equal(401);
      expect(text).to.contain('That is not the password').and.not.contain('not-the-password');
      expect(text).to.contain('value="/queue"');
      expect(JSON.stringify(web.logged)).to.contain('wrong password').and.not.contain('not-the-password');
    });

    it('slows down whoever guesses, and lets in whoever knows, behind the same address too', async () => {
      const [guesser, owner] = [new Browser(web.url), new Browser(web.url)];
      await guesser.get('/sign-in');
      for (let n = 0; n < 10; n++)
        expect((await guesser.post('/sign-in', { password: 'wrong' })).response.status).to.equal(401);
      expect(web.pauses).to.deep.equal([1000, 2000, 4000, 8000, 15_000]);
      await owner.get('/sign-in');
      expect((await owner.post('/sign-in', { password: PASSWORD })).response.status).to.equal(303);
      expect(web.pauses).to.have.length(6);
      // A browser that was the owner's is told apart from the guesser, even once it is signed out.
      await owner.get('/health');
      await owner.post('/sign-out');
      await owner.get('/sign-in');
      expect((await owner.post('/sign-in', { password: PASSWORD })).response.status).to.equal(303);
      expect(web.pauses).to.have.length(6);
    });

    it('lets the owner in although the disk is full', async () => {
      const refuse = () =>
        Promise.reject(new AppError('no_space', 'The disk is full. Free some space, then try again.'));
      Object.assign(web.context.store.sessions, { put: refuse });
      Object.assign(web.context.store.audit, { append: refuse });
      const browser = new Browser(web.url);
      await browser.signIn();
      expect((await browser.get('/health')).response.status).to.equal(200);
      await browser.post('/sign-out');
      expect((await browser.get('/health')).response.status).to.equal(303);
    });

    it('needs nothing that a thousand strangers could push out of memory', async () => {
      const browser = new Browser(web.url);
      await browser.get('/sign-in');
      await web.replaceServer();
      expect((await browser.post('/sign-in', { password: PASSWORD })).response.status).to.equal(303);
    });

    const OWN: [string, string][] = [
      ['/queue', '/queue'],
      ['/library?q=a&page=2', '/library?q=a&page=2'],
    ];
    const FOREIGN = [
      'https://evil.example/', '//evil.example', '/\\evil.example', '\\\\evil.example', '/\t/evil.example', ' //evil.example',
      '/.//evil.example', '/%2e//evil.example', '/x/..//evil.example', '/.\\\\/evil.example', '/a/%2e%2e//evil.example', '/.///evil.example',
      'javascript:alert(1)', '/\n/evil.example', 'http:evil.example', '@evil.example', '',
    ]; // prettier-ignore
    it(`leads nowhere else, with ${OWN.length + FOREIGN.length} wishes`, async () => {
      for (const [next, expected] of [...OWN, ...FOREIGN.map((text): [string, string] => [text, '/'])]) {
        const browser = new Browser(web.url);
        await browser.get('/sign-in');
        const { response } = await browser.post('/sign-in', { password: PASSWORD, next });
        expect(response.status, next).to.equal(303);
        const target = new URL(response.headers.get('location') ?? '', web.url);
        expect(target.origin, next).to.equal(new URL(web.url).origin);
        expect(target.pathname + target.search, next).to.equal(expected);
      }
    });

    it('ends the session on sign-out', async () => {
      const browser = new Browser(web.url);
      await browser.signIn();
      const cookie = browser.cookie;
      const { response } = await browser.post('/sign-out');
      expect(response.headers.get('location')).to.equal('/sign-in');
      const again = await raw(`${web.url}/health`, { headers: { Cookie: cookie } });
      expect(again.status).to.equal(303);
    });
  });

  describe('the source of a change', () => {
    const pause = '/transcode/queue/pause';

    it('needs the token of the page', async () => {
      const browser = new Browser(web.url);
      await browser.signIn();
      browser.token = '';
      const { response } = await browser.post(pause);
      expect(response.status).to.equal(403);
      browser.token = 'made-up';
      expect((await browser.post(pause)).response.status).to.equal(403);
      expect(web.asked).not.to.include('pause');
    });

    it('takes the token from the header as well', async () => {
      const browser = new Browser(web.url);
      await browser.signIn();
      const token = browser.token;
      browser.token = '';
      const { response } = await browser.post(pause, {}, { 'X-CSRF-Token': token });
      // An empty field in the form is not the header's fault: the field counts when it is there.
      expect(response.status).to.equal(403);
      const { status } = await raw(web.url + pause, {
        method: 'POST',
        headers: { Cookie: browser.cookie, Origin: web.url, 'X-CSRF-Token': token },
      });
      expect(status).to.equal(303);
      expect(web.asked).to.include('pause');
    });

    for (const [what, headers] of [
      ['another origin', { Origin: 'https://evil.example' }],
      ['another port', { Origin: 'http://127.0.0.1:1' }],
      ['an opaque origin', { Origin: 'null' }],
    ] as const) {
      it(`refuses ${what}`, async () => {
        const browser = new Browser(web.url);
        await browser.signIn();
        const { response, text } = await browser.post(pause, {}, headers);
        expect(response.status).to.equal(403);
        expect(text).to.contain('Another site asked for this');
        expect(web.asked).not.to.include('pause');
      });
    }

    it('refuses what the browser itself calls cross-site', async () => {
      const browser = new Browser(web.url);
      await browser.signIn();
      const { status } = await raw(web.url + pause, {
        method: 'POST',
        headers: { Cookie: browser.cookie, 'X-CSRF-Token': browser.token, 'Sec-Fetch-Site': 'cross-site' },
      });
      expect(status).to.equal(403);
      expect(web.asked).not.to.include('pause');
    });

    it('covers the sign-in form too', async () => {
      const browser = new Browser(web.url);
      const { response } = await browser.post('/sign-in', { password: PASSWORD });
      expect(response.status).to.equal(403);
    });
  });

  describe('the API key', () => {
    const withKey = (key: string, extra: Record<string, string> = {}) => ({ 'X-Api-Key': key, ...extra });

    it('opens the API without session, token or origin', async () => {
      const { status } = await raw(`${web.url}/api/summary`, { headers: withKey(API_KEY) });
      expect(status).to.equal(200);
      const { status: changed } = await raw(`${web.url}/api/transcode/queue/pause`, {
        method: 'POST',
        headers: withKey(API_KEY, { 'Content-Type': 'application/json' }),
        body: '{}',
      });
      expect(changed).to.equal(200);
      expect(web.asked).to.include('pause');
    });

    it('never falls back to the session when it is wrong', async () => {
      const browser = new Browser(web.url);
      await browser.signIn();
      for (const key of ['wrong', '', `${API_KEY} `.slice(1)]) {
        const { status, text } = await raw(`${web.url}/api/summary`, {
          headers: withKey(key, { Cookie: browser.cookie }),
        });
        expect(status, JSON.stringify(key)).to.equal(401);
        expect((JSON.parse(text) as ErrorBody).error.code).to.equal('unauthorized');
      }
    });

    it('opens pages as well, without a session of its own', async () => {
      const { status, headers } = await raw(`${web.url}/health`, {
        headers: withKey(API_KEY, { Accept: 'text/html' }),
      });
      expect(status).to.equal(200);
      expect(headers['set-cookie']).to.equal(undefined);
    });

    it('may not send the token of Plex to another address', async () => {
      const before = web.context.store.settings.value.plex.url;
      const url = 'http://192.0.2.9:32400';
      const { status, text } = await raw(`${web.url}/api/settings`, {
        method: 'PUT',
        headers: withKey(API_KEY, { 'Content-Type': 'application/json' }),
        body: JSON.stringify({ plex: { url, settleSec: 5 } }),
      });
      expect(status).to.equal(422);
      expect((JSON.parse(text) as ErrorBody).error.message).to.include('with its address and token');
      const form = await raw(`${web.url}/settings/plex`, {
        method: 'POST',
        headers: withKey(API_KEY, { 'Content-Type': 'application/x-www-form-urlencoded' }),
        body: `url=${encodeURIComponent(url)}`,
      });
      expect(form.status).to.equal(403);
      expect(web.context.store.settings.value.plex.url).to.equal(before);

      // Sending back what was read changes nothing and is fine.
      const same = await raw(`${web.url}/api/settings`, {
        method: 'PUT',
        headers: withKey(API_KEY, { 'Content-Type': 'application/json' }),
        body: JSON.stringify({ plex: { url: before } }),
      });
      expect(same.status).to.equal(200);
    });

    it('may not manage keys, passwords or the webhook address', async () => {
      for (const path of ['/api/access/password', '/api/access/api-key', '/api/plex/webhook/rotate']) {
        const { status, text } = await raw(web.url + path, {
          method: 'POST',
          headers: withKey(API_KEY, { 'Content-Type': 'application/json' }),
          body: '{}',
        });
        expect(status, path).to.equal(403);
        expect((JSON.parse(text) as ErrorBody).error.code).to.equal('forbidden');
      }
      expect((await raw(`${web.url}/api/plex/webhook`, { headers: withKey(API_KEY) })).status).to.equal(403);
    });

    it('is guessed at most twenty times', async () => {
      const statuses: number[] = [];
      for (let n = 0; n < 21; n++) {
        statuses.push((await raw(`${web.url}/api/summary`, { headers: withKey(`guess-${n}`) })).status);
      }
      expect(statuses.slice(0, 20)).to.deep.equal(Array(20).fill(401));
      expect(statuses[20]).to.equal(429);
      expect((await raw(`${web.url}/api/summary`, { headers: withKey(API_KEY) })).status, 'the right one').to.equal(
        200,
      );
    });
  });

  it('answers only under names that are its own', async () => {
    const { port } = new URL(web.url);
    const statusOf = async (host: string): Promise<number> =>
      (await raw(`${web.url}/sign-in`, { headers: { Host: host } })).status;
    for (const host of [
      `127.0.0.1:${port}`,
      `localhost:${port}`,
      '192.168.1.5:9876',
      '[::1]:9876',
      'tower',
      'nas.local',
    ]) {
      expect(await statusOf(host), host).to.equal(200);
    }
    for (const host of ['evil.example', `evil.example:${port}`, 'a b', 'x@y', '127.0.0.1.evil.example']) {
      expect(await statusOf(host), host).to.equal(421);
    }
    await web.context.store.settings.change({ security: { allowedHosts: ['media.example'] } });
    expect(await statusOf('media.example:443')).to.equal(200);
    const { text } = await raw(`${web.url}/api/summary`, { headers: { Host: 'evil.example' } });
    expect((JSON.parse(text) as ErrorBody).error.message).to.contain('Host names');
  });

  it('refuses a request that names two hosts', async () => {
    for (const path of ['/sign-in', '/ping', '/api/summary']) {
      const text = await new Promise<string>((resolve, reject) => {
        const socket = connect(Number(new URL(web.url).port), '127.0.0.1');
        socket.setEncoding('utf8').on('data', resolve).on('error', reject);
        socket.write(`GET ${path} HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\nConnection: close\r\n\r\n`);
      });
      expect(text, path).to.match(/^HTTP\/1\.1 400 /);
    }
  });

  it('sets who a visitor is by proxies of the owner only', async () => {
    const browser = new Browser(web.url);
    await browser.get('/sign-in');
    // Six failures, each under another invented address: without a trusted proxy they count as one visitor.
    for (let n = 0; n < 6; n++)
      await browser.post('/sign-in', { password: 'wrong' }, { 'X-Forwarded-For': `10.0.0.${n}` });
    expect(web.pauses).to.have.length(1);
  });

  it('ends every other session when the password changes', async () => {
    await web.stop();
    web = await startWeb({ password: null });
    await web.context.access.setPassword('the first password');
    const [one, two] = [new Browser(web.url), new Browser(web.url)];
    await one.signIn('the first password');
    await two.signIn('the first password');
    expect((await two.get('/health')).response.status).to.equal(200);
    const wrong = await one.json('/api/access/password', { currentPassword: 'nope', password: 'the second password' });
    expect(wrong.status).to.equal(401);
    for (let n = 0; n < 5; n++)
      await one.json('/api/access/password', { currentPassword: 'nope', password: 'the second password' });
    expect(web.pauses, 'guesses at the current password').to.deep.equal([1000]);
    const changed = await one.json('/api/access/password', {
      currentPassword: 'the first password',
      password: 'the second password',
    });
    expect(changed.status).to.equal(200);
    expect((await one.get('/health')).response.status, 'who changed it stays').to.equal(200);
    expect((await two.get('/health')).response.status, 'the other has to sign in').to.equal(303);
  });

  it('keeps sessions over a restart, but not their ids', async () => {
    const browser = new Browser(web.url);
    await browser.signIn();
    const sid =
      decodeURIComponent(/mediaflow\.sid=([^;]+)/.exec(browser.cookie)?.[1] ?? '')
        .slice(2)
        .split('.')[0] ?? 'none';
    const rows = [...web.context.store.sessions.values()];
    expect(rows).to.have.length(1);
    expect(JSON.stringify(rows)).not.to.contain(sid);
  });
});

describe('the first visit', () => {
  let web: WebTest;
  beforeEach(async () => {
    web = await startWeb({ password: null, apiKey: null });
  });
  afterEach(() => web.stop());
  const tokenOf = (): string => /setup token: (\S+?)"/.exec(web.logged.join('\n'))?.[1] ?? '';

  it('leads to the setup token, then to the password, then on', async () => {
    const browser = new Browser(web.url);
    const { response } = await browser.get('/');
    expect(response.headers.get('location')).to.equal('/setup/token');
    await browser.get('/setup/token');
    const wrong = await browser.post('/setup/token', { token: 'guess' });
    expect(wrong.response.status).to.equal(401);
    expect(wrong.text).to.contain('not the setup token');
    const right = await browser.post('/setup/token', { token: tokenOf() });
    expect(right.response.headers.get('location')).to.equal('/setup');
    const { text } = await browser.get('/setup');
    expect(text).to.contain('Choose a password');

    const short = await browser.post('/setup/admin', { password: 'short' });
    expect(short.response.status).to.equal(422);
    expect(short.text).to.contain('needs at least 12 characters');
    const chosen = await browser.post('/setup/admin', { password: 'long enough to stay' });
    expect(chosen.response.headers.get('location')).to.equal('/setup');
    expect((await browser.get('/setup')).text).to.contain('Connect Plex');
    expect((await browser.get('/health')).response.status).to.equal(200);
  });

  it('goes to one of two who choose the first password at the same moment', async () => {
    const browsers = [new Browser(web.url), new Browser(web.url), new Browser(web.url)];
    for (const browser of browsers) {
      await browser.get('/setup/token');
      await browser.post('/setup/token', { token: tokenOf() });
      await browser.get('/setup');
    }
    const answers = await Promise.all(
      browsers.map((browser, n) => browser.post('/setup/admin', { password: `the password of number ${n}` })),
    );
    const won = answers.map(
      ({ response }) => response.status === 303 && !response.headers.get('location')?.includes('sign-in'),
    );
    expect(won.filter(Boolean)).to.have.length(1);
    expect(await web.context.access.checkPassword(`the password of number ${won.indexOf(true)}`)).to.equal(true);
  });

  it('opens nothing but the setup with the token, and nothing at all without', async () => {
    const browser = new Browser(web.url);
    await browser.get('/setup/token');
    expect((await browser.get('/setup')).response.headers.get('location')).to.equal('/setup/token');
    expect((await browser.post('/setup/admin', { password: 'long enough to stay' })).response.status).to.equal(303);
    expect(web.context.access.hasPassword).to.equal(false);
    await browser.post('/setup/token', { token: tokenOf() });
    await browser.get('/setup');
    expect((await browser.get('/health')).response.headers.get('location')).to.equal('/setup/token');
    expect((await raw(`${web.url}/api/settings`, { headers: { Cookie: browser.cookie } })).status).to.equal(401);
  });

  it('closes for good once there is a password', async () => {
    const token = tokenOf();
    await web.context.access.setPassword('long enough to stay');
    const browser = new Browser(web.url);
    expect((await browser.get('/setup/token')).response.status).to.equal(409);
    await browser.get('/sign-in');
    const { response } = await browser.post('/setup/token', { token });
    expect(response.status).to.be.oneOf([401, 409]);
    expect((await browser.get('/setup')).response.headers.get('location')).to.contain('/sign-in');
  });

  it('goes through Plex, paths and safety to the dashboard', async () => {
    const browser = new Browser(web.url);
    await browser.get('/setup/token');
    await browser.post('/setup/token', { token: tokenOf() });
    await browser.get('/setup');
    await browser.post('/setup/admin', { password: 'long enough to stay' });
    await browser.get('/setup');
    const bad = await browser.post('/setup/plex', { url: 'not an address', token: 'tok' });
    expect(bad.response.status).to.equal(422);
    expect(bad.text).to.contain('must be an address').and.contain('value="not an address"').and.not.contain('"tok"');
    await browser.post('/setup/plex', { url: 'http://127.0.0.1:32400', token: 'plex-token-1' });
    const opensAt = async (heading: string): Promise<void> => {
      expect((await browser.get('/')).response.headers.get('location')).to.equal('/setup');
      expect((await browser.get('/setup')).text).to.contain(`<h1>${heading}</h1>`);
    };
    await opensAt('Where your files are');
    const paths = await browser.get('/setup');
    expect(paths.text).to.contain('value="/share/Films"');
    const broken = await browser.post('/setup/paths', {
      'mappings[0][from]': '/share/Films',
      'mappings[0][to]': '/nowhere/films',
    });
    expect(broken.response.status).to.equal(422);
    expect(broken.text).to.contain('does not exist').and.contain('value="/nowhere/films"');
    const proved = await browser.post('/setup/paths', {
      'mappings[0][from]': '/share/Films',
      'mappings[0][to]': '/data',
    });
    expect(proved.response.headers.get('location')).to.equal('/setup?step=worker');
    expect((await browser.get('/setup?step=worker')).text).to.contain('Unknown encoder &#x27;libsvtav1&#x27;');
    await opensAt('What this machine can encode');
    await browser.post('/setup/worker', { slots: '0' });
    expect(web.context.store.settings.value.queue.concurrency).to.equal(0);
    await opensAt('Safety');
    await browser.post('/setup/safety', [
      ['dryRun', 'false'],
      ['dryRun', 'true'],
    ]);
    await opensAt('Ready');
    const done = await browser.post('/setup/ready');
    expect(done.response.headers.get('location')).to.equal('/');
    expect(web.asked).to.include('sync full');
    const running = { ...web.context.sync.status(), state: 'running' as const };
    web.context.sync.status = () => running;
    const again = await browser.json('/api/setup/ready', {});
    expect(JSON.parse(again.text), 'the run that reads the library, also when it runs already').to.deep.equal({
      runId: 'run-full',
    });
    expect(web.context.store.settings.value.safety.dryRun).to.equal(true);
    expect((await browser.get('/')).response.status).to.equal(200);
    expect((await browser.get('/setup?step=paths')).response.headers.get('location'), 'once it is done').to.equal('/');
    const late = await browser.post('/setup/safety', { dryRun: 'false' });
    expect(late.response.status).to.equal(409);
    expect(web.context.store.settings.value.safety.dryRun).to.equal(true);
  });
});
