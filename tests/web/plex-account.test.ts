import { load } from 'cheerio';
import { expect } from 'chai';
import type { SimulatedPlex } from '../../src/demo/plex/simulated-plex.js';
import { WebhookCounts } from '../../src/store/store.js';
import { startAccountWorld } from '../support/plex-account.js';
import { Browser } from '../support/web.js';

interface Pin {
  id: string;
  state: string;
  authUrl: string;
  message: string | null;
}
interface Line {
  id: string;
  state: string;
  text: string;
  fix: string | null;
  canAdd: boolean;
}

describe('the doors of the Plex account', () => {
  let world: Awaited<ReturnType<typeof startAccountWorld>>;
  let browser: Browser;
  beforeEach(async () => {
    world = await startAccountWorld();
    browser = new Browser(world.web.url);
    await browser.signIn();
  });
  afterEach(() => world.stop());

  const ask = async (path: string): Promise<{ status: number; body: unknown; text: string }> => {
    const { response, text } = await browser.get(path, { Accept: 'application/json' });
    return { status: response.status, body: JSON.parse(text) as unknown, text };
  };
  /** The one question that is asked without a token. */
  const onlyIdentity = ({ requests }: SimulatedPlex): boolean => requests.every(({ path }) => path === '/identity');
  const begin = async (): Promise<Pin> => JSON.parse((await browser.json('/api/plex/pin', {})).text) as Pin;
  const signIn = async (): Promise<string> => {
    const { id } = await begin();
    const token = world.plexTv.approve();
    expect(((await ask(`/api/plex/pin/${id}`)).body as Pin).state).to.equal('approved');
    return token;
  };
  const line = async (id: string): Promise<Line> => {
    const { items } = (await ask('/api/plex/diagnosis')).body as { items: Line[] };
    const found = items.find((item) => item.id === id);
    if (!found) throw new Error(`There is no line ${id}`);
    return found;
  };

  it('sign in: the token is kept and never shown', async () => {
    const pin = await begin();
    expect(pin.state).to.equal('waiting');
    expect(pin.authUrl).to.contain(world.plexTv.latestPin().code);
    expect(((await ask(`/api/plex/pin/${pin.id}`)).body as Pin).state).to.equal('waiting');
    const token = world.plexTv.approve();
    world.later(2);
    const { text, body } = await ask(`/api/plex/pin/${pin.id}`);
    expect((body as Pin).state).to.equal('approved');
    expect(world.web.context.store.secrets.find('accountToken')).to.equal(token);
    const page = await browser.get('/settings/plex?find=yes');
    for (const shown of [text, page.text, world.web.logged.join('')])
      for (const secret of [token, world.den.token, world.shared.token]) expect(shown).not.to.contain(secret);
  });

  it('refused, expired and foreign codes say what to do', async () => {
    const first = await begin();
    world.plexTv.deny();
    expect((await ask(`/api/plex/pin/${first.id}`)).body).to.have.property('state', 'denied');
    expect((await browser.get('/settings/plex')).text).to.contain('refused or cancelled on plex.tv');
    const second = await begin();
    world.plexTv.expire();
    world.later(901);
    expect(((await ask(`/api/plex/pin/${second.id}`)).body as Pin).message).to.contain('not finished in time');
    expect((await ask('/api/plex/pin/4711')).status).to.equal(404);
    expect(world.web.context.store.secrets.find('accountToken')).to.equal(null);
  });

  it('say when plex.tv slows us down or is away', async () => {
    world.plexTv.fault = 429;
    world.plexTv.retryAfter = '40';
    const { status, text } = await browser.json('/api/plex/pin', {});
    expect(status).to.equal(503);
    expect(text).to.contain('Wait 40 seconds');
    const page = await browser.post('/settings/plex/pin', {}, { Referer: `${world.web.url}/settings/plex` });
    expect(load(page.text)('#form-error').text()).to.contain('asks us to slow down');
    world.later(41);
    world.plexTv.fault = 'html';
    expect((await browser.json('/api/plex/pin', {})).text).to.contain('web page came instead');
  });

  it('find the servers with what works from here, own ones first', async () => {
    expect((await ask('/api/plex/servers')).status).to.equal(409);
    await signIn();
    interface Found {
      items: {
        name: string;
        isOwned: boolean;
        sharedBy: string | null;
        best: { url: string };
        connections: { works: boolean }[];
      }[];
    }
    const { items } = (await ask('/api/plex/servers')).body as Found;
    expect(items.map(({ name, sharedBy, best }) => [name, sharedBy, best.url])).to.deep.equal([
      ['Den', null, world.den.url],
      ['Attic', 'Kim', world.shared.url],
    ]);
    expect(items[0]?.connections.map(({ works }) => works)).to.deep.equal([false, false, true, true]);
    for (const server of [world.den, world.mismatch, world.shared]) {
      expect(server.requests).not.to.have.length(0);
      expect(onlyIdentity(server)).to.equal(true);
    }
  });

  it('connect the one that was chosen, at its best address, with its own token', async () => {
    await signIn();
    const { status, text } = await browser.json(`/api/plex/servers/${world.den.machineIdentifier}`, {});
    expect(status, text).to.equal(200);
    expect(JSON.parse(text)).to.include({ name: 'Den', url: world.den.url, kind: 'local' });
    const { settings, secrets } = world.web.context.store;
    expect(settings.value.plex).to.include({
      url: world.den.url,
      serverId: world.den.machineIdentifier,
      serverName: 'Den',
    });
    expect(secrets.find('plexToken')).to.equal(world.den.token);
    expect(onlyIdentity(world.mismatch), 'no token goes to a stranger').to.equal(true);
  });

  it('use the token of the share for a shared server, and the relay last', async () => {
    await signIn();
    await browser.json(`/api/plex/servers/${world.shared.machineIdentifier}`, {});
    expect(world.web.context.store.secrets.find('plexToken')).to.equal(world.shared.token);
    const den = world.plexTv.devices.find(({ name }) => name === 'Den');
    den?.connections.splice(2, 1);
    world.later(61);
    const { text } = await browser.json(`/api/plex/servers/${world.den.machineIdentifier}`, {});
    expect(JSON.parse(text)).to.include({ kind: 'relay' });
  });

  it('take an address of ours for a server that is not reached otherwise, but no token goes to a stranger', async () => {
    const den = world.plexTv.devices.find(({ name }) => name === 'Den');
    den?.connections.splice(2);
    await signIn();
    const path = `/api/plex/servers/${world.den.machineIdentifier}`;
    const none = await browser.json(path, {});
    expect(none.status).to.equal(502);
    expect(none.text).to.contain('None of the addresses of Den');
    const wrong = await browser.json(path, { url: world.mismatch.url });
    expect(wrong.status).to.equal(409);
    expect(onlyIdentity(world.mismatch)).to.equal(true);
    expect(world.web.context.store.settings.value.plex.url).to.equal('');
    expect((await browser.json(path, { url: world.den.url })).status).to.equal(200);
  });

  it('forget a revoked account, and only then', async () => {
    const token = await signIn();
    const { secrets } = world.web.context.store;
    world.plexTv.fault = 500;
    expect((await browser.get('/settings/plex?find=yes')).text).to.contain('an error of its own');
    expect(secrets.find('accountToken')).to.equal(token);
    world.plexTv.fault = null;
    expect((await browser.get('/settings/plex?find=yes')).text, 'what is kept of the account').to.contain('Robin');
    world.plexTv.revoke(token);
    world.later(61);
    const { text } = await browser.get('/settings/plex?find=yes');
    expect(text).to.contain('no longer accepts our sign-in').and.contain('Sign in with Plex');
    expect(secrets.find('accountToken')).to.equal(null);
    await signIn();
    expect((await browser.get('/settings/plex?find=yes')).text).to.contain('Connect Den');
  });

  it('sign out', async () => {
    await signIn();
    await browser.json('/api/plex/sign-out', {});
    expect(world.web.context.store.secrets.find('accountToken')).to.equal(null);
    await browser.get('/settings/plex');
    expect(world.web.context.store.secrets.find('accountToken'), 'an old code brings nothing back').to.equal(null);
  });

  describe('say why news do not arrive', () => {
    it('before anything is connected', async () => {
      expect(await line('server')).to.include({ state: 'warning', fix: 'Sign in with Plex.' });
      expect((await line('pass')).state).to.equal('unknown');
      expect((await line('schedule')).text).to.contain('2026-01-01 00:15');
      expect((await line('socket')).state).to.be.oneOf(['unknown', 'ok']);
    });

    it('with an account: Plex Pass, and our address, which a click adds beside those of others', async () => {
      await signIn();
      await browser.json(`/api/plex/servers/${world.den.machineIdentifier}`, {});
      world.plexTv.webhooks = [{ url: 'https://other.example/hook' }];
      expect((await line('server')).state).to.equal('ok');
      expect((await line('pass')).state).to.equal('ok');
      expect(await line('webhook-listed')).to.include({ state: 'warning', canAdd: true });
      const { response } = await browser.post(
        '/settings/events/webhook',
        {},
        { Referer: `${world.web.url}/settings/events` },
      );
      expect(response.status).to.equal(303);
      expect(world.plexTv.webhooks).to.deep.equal([
        { url: 'https://other.example/hook' },
        { url: `${world.web.url}/hooks/plex/${world.web.context.access.webhookSecret}` },
      ]);
      const added = await line('webhook-listed');
      expect(added.canAdd).to.equal(false);
      expect(added.fix, 'the address is this very machine').to.contain('only works when it runs on this very machine');
    });

    it('without Plex Pass, with a revoked token, and with refused webhooks', async () => {
      const token = await signIn();
      world.plexTv.hasPlexPass = false;
      expect((await line('pass')).text).to.contain('no Plex Pass');
      world.later(601);
      world.plexTv.revoke(token);
      expect(await line('pass')).to.include({ state: 'unknown', fix: 'Sign in with Plex.' });
      const { webhookCounts } = world.web.context.store;
      const counted = async (change: object) => {
        await webhookCounts.put({ ...WebhookCounts.parse({}), ...change });
        return line('last-webhook');
      };
      const old = '2026-01-01T10:00:00Z';
      const late = '2026-01-02T11:30:00Z';
      expect(await counted({})).to.include({ state: 'unknown', text: 'None was accepted yet.' });
      expect(await counted({ wrong_secret: 3, lastAtOf: { wrong_secret: old } })).to.include({
        state: 'warning',
        text: 'None was accepted yet. Not accepted: 3 refused for a wrong secret (last at 2026-01-01 10:00 UTC).',
      });
      expect((await counted({ malformed: 1, lastAtOf: { malformed: old } })).state).to.equal('warning');
      const good = { accepted: 1, ignored: 4, lastAt: old, lastEvent: 'library.new' };
      expect(await counted(good)).to.include({
        state: 'ok',
        text: '5 accepted (last at 2026-01-01 10:00 UTC, library.new).',
      });
      const all = {
        ...good,
        wrong_server: 2,
        malformed: 1,
        too_large: 1,
        lastAtOf: { wrong_server: late, malformed: late },
      };
      const came = await counted(all);
      expect(came.state).to.equal('warning');
      expect(came.text).to.contain(
        'Not accepted: 2 from another server (last at 2026-01-02 11:30 UTC), 1 not readable (last at 2026-01-02 11:30 UTC), 1 refused for their size.',
      );
    });

    it('and a refused addition is said on the page', async () => {
      await signIn();
      world.plexTv.hasPlexPass = false;
      const { text } = await browser.post(
        '/settings/events/webhook',
        {},
        { Referer: `${world.web.url}/settings/events` },
      );
      expect(load(text)('#form-error').text()).to.contain('Plex Pass');
    });
  });
});
