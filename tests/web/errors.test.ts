import { AppError, ERROR_CODES } from '../../src/domain/errors.js';
import { headingOf } from '../../src/web/errors.js';
import { expect } from 'chai';
import { raw } from '../support/raw-http.js';
import { API_KEY, Browser, startWeb, type WebTest } from '../support/web.js';

interface Shown {
  error: { code: string; message: string; fields: Record<string, string> };
}

describe('how a refusal looks', () => {
  let web: WebTest;
  before(async () => {
    web = await startWeb();
  });
  after(() => web.stop());
  const key = { 'X-Api-Key': API_KEY, 'Content-Type': 'application/json' };
  const send = async (method: string, path: string, body?: string, headers: Record<string, string> = key) => {
    const answer = await raw(web.url + path, { method, headers, ...(body === undefined ? {} : { body }) });
    return { ...answer, shown: JSON.parse(answer.text) as Shown };
  };

  it('is code, message and fields below /api, whatever went wrong', async () => {
    const big = JSON.stringify({ itemIds: ['x'.repeat(300_000)], presetId: 'a' });
    const cases: [string, string, string | undefined, number, string][] = [
      ['GET', '/api/nothing-here', undefined, 404, 'not_found'],
      ['GET', '/api/transcode/jobs/none', undefined, 404, 'not_found'],
      ['GET', '/api/library/items/none', undefined, 404, 'not_found'],
      ['GET', '/api/library/items?page=0', undefined, 422, 'invalid'],
      ['GET', '/api/library/items?pageSize=9999', undefined, 422, 'invalid'],
      ['POST', '/api/transcode/jobs', '{', 422, 'invalid'],
      ['POST', '/api/transcode/jobs', '[]', 422, 'invalid'],
      ['POST', '/api/transcode/jobs', '"text"', 422, 'invalid'],
      ['POST', '/api/transcode/jobs', '{}', 422, 'invalid'],
      ['POST', '/api/transcode/jobs', big, 413, 'too_large'],
      ['PUT', '/api/settings', '{"safety":{"nothing":1}}', 422, 'invalid'],
      ['PUT', '/api/settings', '{"__proto__":{"x":1},"constructor":{"y":1}}', 422, 'invalid'],
      ['DELETE', '/api/settings', undefined, 404, 'not_found'],
    ];
    for (const [method, path, body, status, code] of cases) {
      const answer = await send(method, path, body);
      expect(answer.status, `${method} ${path} ${(body ?? '').slice(0, 40)}`).to.equal(status);
      expect(answer.headers['content-type'], path).to.contain('application/json');
      expect(Object.keys(answer.shown)).to.deep.equal(['error']);
      expect(Object.keys(answer.shown.error)).to.have.members(['code', 'message', 'fields']);
      expect(answer.shown.error.code, path).to.equal(code);
      expect(answer.shown.error.message).to.be.a('string').and.not.equal('');
    }
  });

  it('comes before a stranger has anything read, and takes what is bounded only', async () => {
    const nested = `{"safety":${'['.repeat(100_000)}${']'.repeat(100_000)}}`;
    for (const body of ['{', `"${'x'.repeat(2_000_000)}"`]) {
      const { status } = await send('PUT', '/api/settings', body, { 'Content-Type': 'application/json' });
      expect(status).to.equal(401);
    }
    expect((await send('PUT', '/api/settings', nested)).status).to.equal(422);
    const many = JSON.stringify({ itemIds: Array.from({ length: 40_000 }, (_, n) => `item-${n}`), add: ['x'] });
    expect((await send('POST', '/api/tags/apply', many)).status).not.to.equal(413);
    const long = JSON.stringify({ paths: { quarantineDir: `/${'x'.repeat(5000)}` } });
    expect((await send('PUT', '/api/settings', long)).shown.error.fields).to.have.property('paths');
    for (const change of [
      { plex: { syncCron: '0-9999999 * * * *' } },
      { security: { allowedHosts: ['http://nas/'] } },
      { security: { trustedProxies: ['everybody'] } },
    ])
      expect((await send('PUT', '/api/settings', JSON.stringify(change))).status).to.equal(422);
    for (const url of ['http://169.254.169.254', 'file:///etc/passwd', 'http://me:secret@nas', 'nonsense'])
      expect((await send('POST', '/api/plex/servers/test', JSON.stringify({ url, token: 't' }))).status, url).to.equal(
        422,
      );
  });

  it('names the fields that are wrong', async () => {
    const { shown } = await send('PUT', '/api/settings', JSON.stringify({ safety: { minSavingPercent: 500 } }));
    expect(shown.error.fields).to.have.property('safety.minSavingPercent');
  });

  it('is a page with a way on for people, inside the house when they are signed in', async () => {
    const mismatch = await raw(`${web.url}/nothing-here`, { headers: { Accept: 'text/html' } });
    expect(mismatch.status).to.equal(404);
    expect(mismatch.text).to.contain('<h1').and.not.contain('nav class="side"');
    const browser = new Browser(web.url);
    await browser.signIn();
    const { response, text } = await browser.get('/nothing-here', { Accept: 'text/html' });
    expect(response.status).to.equal(404);
    expect(text).to.contain('class="side"').and.contain('href="/"');
  });

  it('keeps its own faults to the log, under an id that the page names', async () => {
    const { queue } = web.context;
    const restore = Object.getOwnPropertyDescriptor(queue, 'state') ?? {};
    queue.state = () => {
      throw new Error('SECRET-INSIDE /data/media/private.mkv');
    };
    const { status, shown, headers } = await send('GET', '/api/transcode/queue');
    expect(status).to.equal(500);
    expect(shown.error.code).to.equal('internal');
    expect(shown.error.message).to.contain(String(headers['x-request-id'])).and.not.contain('SECRET-INSIDE');
    expect(web.logged.join('\n')).to.contain('SECRET-INSIDE').and.contain(String(headers['x-request-id']));
    const page = await raw(`${web.url}/queue`, { headers: { 'X-Api-Key': API_KEY, Accept: 'text/html' } });
    expect(page.status).to.equal(500);
    expect(page.text).to.contain('Something went wrong').and.not.contain('SECRET-INSIDE');
    Object.defineProperty(queue, 'state', restore);
  });

  it('has a status and a heading for every reason, and is logged as an error only where it is our own fault', async () => {
    const { queue } = web.context;
    const restore = Object.getOwnPropertyDescriptor(queue, 'state') ?? {};
    for (const code of ERROR_CODES) {
      queue.state = () => {
        throw new AppError(code, 'This failed. Do that.');
      };
      const before = web.logged.length;
      const { status, shown } = await send('GET', '/api/transcode/queue');
      const errors = web.logged.slice(before).filter((line) => line.includes('"level":50'));
      expect(status === 500, `${code} answers ${status}`).to.equal(code === 'internal');
      expect(status, code).to.be.within(401, 507);
      expect(shown.error.code).to.equal(code);
      expect(errors.length > 0, `${code} is logged as an error`).to.equal(code === 'internal');
      expect(headingOf(status), `heading of ${status}`).not.to.equal(headingOf(0));
    }
    Object.defineProperty(queue, 'state', restore);
  });

  it('redraws a refused form with what was typed', async () => {
    const browser = new Browser(web.url);
    await browser.signIn();
    const { response, text } = await browser.post('/settings/plex', {
      syncCron: 'every now and then',
      settleSec: '12',
    });
    expect(response.status).to.equal(422);
    expect(text)
      .to.contain('is not a cron expression')
      .and.contain('value="every now and then"')
      .and.contain('value="12"');
    expect(web.context.store.settings.value.plex.settleSec).to.equal(30);
  });
});

describe('the headers of every answer', () => {
  let web: WebTest;
  before(async () => {
    web = await startWeb();
  });
  after(() => web.stop());

  it('hold a strict policy and ask nothing of a plain http home', async () => {
    for (const path of ['/sign-in', '/ping', '/nothing', '/app.js', '/api/summary', '/%zz', '/hooks/plex/%zz']) {
      const { headers } = await raw(web.url + path);
      const policy = String(headers['content-security-policy']);
      expect(policy, path)
        .to.contain("default-src 'none'")
        .and.contain("script-src 'self'")
        .and.contain("style-src 'self'");
      expect(policy, path).to.contain("frame-ancestors 'self'").and.contain("base-uri 'none'");
      expect(policy, path).not.to.match(/unsafe|upgrade-insecure/);
      expect(headers['x-content-type-options'], path).to.equal('nosniff');
      expect(headers['strict-transport-security'], path).to.equal(undefined);
      expect(headers['x-powered-by'], path).to.equal(undefined);
      expect(headers['x-request-id'], path).to.match(/^req/);
    }
  });

  it('keep pages and answers out of every cache, and files in it', async () => {
    expect((await raw(`${web.url}/sign-in`)).headers['cache-control']).to.equal('no-store');
    expect((await raw(`${web.url}/api/summary`)).headers['cache-control']).to.equal('no-store');
    expect((await raw(`${web.url}/app.js`)).headers['cache-control']).to.contain('max-age');
  });

  it('let browsers keep a file for ever under an address that holds the hash of what is in it', async () => {
    const { text } = await raw(`${web.url}/sign-in`);
    const files = [...text.matchAll(/(?:href|src)="([^"#]+\.(?:css|js|svg|woff2))["#]/g)].map(([, path = '']) => path);
    expect(files.length).to.be.greaterThan(4);
    for (const path of new Set(files)) {
      expect(path).to.match(/^\/assets\/[0-9a-f]{16}\//);
      const { status, headers } = await raw(web.url + path);
      expect(status, path).to.equal(200);
      expect(headers['cache-control'], path).to.equal('public, max-age=31536000, immutable');
    }
    // A page that is older than the program still gets its files, and asks again the next time.
    const old = await raw(`${web.url}/assets/0000000000000000/app.js`);
    expect([old.status, old.headers['cache-control']]).to.deep.equal([200, 'public, max-age=0']);
    const nowhere = await raw(`${web.url}${files[0]?.replace(/[^/]+$/, 'nothing.css') ?? ''}`);
    expect([nowhere.status, nowhere.headers['cache-control']]).to.deep.equal([404, 'no-store']);
  });

  it('serve every font that a stylesheet names', async () => {
    const { text: css } = await raw(`${web.url}/app.css`);
    const [, first] = /--sans:\s*["']?([^"',]+)/.exec(css) ?? [];
    expect(css).to.match(new RegExp(`font-family:["']?${first ?? 'no font'}["';]`));
    const fonts = [...css.matchAll(/url\(["']?([^"')#]+\.woff2)["']?\)/g)].map(([, path = '']) => path);
    expect(fonts.length).to.be.greaterThan(1);
    for (const path of fonts) {
      const { status, headers } = await raw(new URL(path, `${web.url}/app.css`).href);
      expect([status, headers['content-type']], path).to.deep.equal([200, 'font/woff2']);
    }
  });

  it('ask for https where the owner has it', async () => {
    const secure = await startWeb({ publicUrl: 'https://media.example' });
    const { headers } = await raw(`${secure.url}/sign-in`);
    expect(headers['strict-transport-security']).to.contain('max-age');
    await secure.stop();
  });

  it('never serve a file from outside the public folder', async () => {
    for (const path of [
      '/../package.json',
      '/%2e%2e/package.json',
      '/..%2fpackage.json',
      '/styles/../../package.json',
      '/styles/index.css',
      '/scripts/main.ts',
      '/.env',
    ]) {
      const { status, text } = await raw(web.url + path);
      expect(status, path).to.be.oneOf([303, 400, 403, 404]);
      expect(text, path).not.to.contain('"dependencies"');
    }
  });
});

describe('the url base', () => {
  let web: WebTest;
  before(async () => {
    web = await startWeb({ urlBase: '/mediaflow' });
  });
  after(() => web.stop());

  it('holds every page, link, file and redirect', async () => {
    const origin = new URL(web.url).origin;
    expect((await raw(`${origin}/queue`)).status).to.equal(404);
    expect((await raw(`${origin}/ping`)).status, 'for Docker, which knows no base').to.equal(200);
    expect((await raw(`${web.url}/ping`)).status).to.equal(200);
    const browser = new Browser(web.url);
    const { response } = await browser.get('/queue');
    expect(response.headers.get('location')).to.equal('/mediaflow/sign-in?next=%2Fqueue');
    const { text } = await browser.get('/sign-in');
    for (const [, path = ''] of text.matchAll(/(?:href|src|action)="(\/[^"]*)"/g)) {
      expect(path).to.match(/^\/mediaflow\//);
    }
    const signedIn = await browser.post('/sign-in', { password: 'correct horse battery', next: '/queue' });
    expect(signedIn.response.headers.get('location')).to.equal('/mediaflow/queue');
    expect(signedIn.response.headers.getSetCookie().join()).to.contain('Path=/mediaflow');
    const page = await browser.get('/queue');
    expect(page.response.status).to.equal(200);
    for (const [, path = ''] of page.text.matchAll(/(?:href|src|action)="(\/[^"]*)"/g)) {
      expect(path, 'in the queue').to.match(/^\/mediaflow(\/|$)/);
    }
    expect((await raw(`${web.url}/app.js`)).status).to.equal(200);
    const paused = await browser.post('/transcode/queue/pause', {}, { Referer: `${web.url}/queue` });
    expect(paused.response.headers.get('location')).to.equal('/mediaflow/queue');
  });

  it('is in the OpenAPI document and in the address of the webhook', async () => {
    const document = JSON.parse(
      (await raw(`${web.url}/api/openapi.json`, { headers: { 'X-Api-Key': API_KEY } })).text,
    ) as {
      servers: { url: string }[];
    };
    expect(document.servers).to.deep.equal([{ url: '/mediaflow' }]);
    const browser = new Browser(web.url);
    await browser.signIn();
    const { text } = await browser.get('/api/plex/webhook');
    expect((JSON.parse(text) as { url: string }).url).to.match(new RegExp(`^${web.url}/hooks/plex/`));
  });
});
