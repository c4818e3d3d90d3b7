import { expect } from 'chai';
import { inspect } from 'node:util';
import { AppError } from '../../src/domain/errors.js';
import { createLog } from '../../src/lib/log.js';
import { PlexTvService } from '../../src/plex/account.js';
import { SimulatedPlexTv } from '../../src/demo/plex-tv/simulated-plex-tv.js';
import type { AccountFault } from '../../src/demo/plex-tv/model.js';
import { handMade, oncePerConnection, send } from './hand-made-server.js';

const caught = async (task: Promise<unknown>): Promise<AppError> => {
  try {
    await task;
  } catch (error) {
    if (error instanceof AppError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
};

describe('the Plex account', () => {
  let world: SimulatedPlexTv;
  /** Moved by hand: nothing here waits. */
  let nowMs: number;
  let steadyMs: number;
  let plexTv: PlexTvService;
  beforeEach(async () => {
    world = new SimulatedPlexTv();
    await world.start();
    nowMs = Date.now();
    steadyMs = 5_000_000;
    plexTv = serviceFor(world);
  });
  afterEach(() => world.stop());

  const serviceFor = ({ url }: { url: string }, timeoutMs = 8000): PlexTvService =>
    new PlexTvService({
      ...{ url, clientId: () => 'client-1', version: '1.0.0', timeoutMs },
      ...{ now: () => new Date(nowMs), steadyMs: () => steadyMs },
    });
  const later = (seconds: number): void => {
    nowMs += seconds * 1000;
    steadyMs += seconds * 1000;
  };

  describe('signs in with a code', () => {
    it('that is strong, ours, and shown where the owner signs in', async () => {
      const { authUrl, state, token, expiresAt } = await plexTv.beginSignIn();
      const [asked] = world.requests;
      expect(asked).to.include({ method: 'POST', path: '/api/v2/pins?strong=true' });
      expect(asked?.headers).to.include({ 'x-plex-client-identifier': 'client-1', 'x-plex-product': 'MediaFlow' });
      expect({ state, token }).to.deep.equal({ state: 'waiting', token: null });
      expect(Date.parse(expiresAt) - nowMs).to.equal(900_000);
      const [page, fragment = ''] = authUrl.split('#?');
      expect(page).to.equal(`${world.url}/auth`);
      const { code } = world.latestPin();
      expect(code.length).to.be.greaterThan(20);
      expect(Object.fromEntries(new URLSearchParams(fragment))).to.deep.equal({
        clientID: 'client-1',
        code,
        'context[device][product]': 'MediaFlow',
      });
    });

    it('that is approved, and the token is handed over once it is kept elsewhere', async () => {
      const { id } = await plexTv.beginSignIn();
      expect((await plexTv.findSignIn(id))?.state).to.equal('waiting');
      const token = world.approve();
      later(2);
      expect(await plexTv.findSignIn(id)).to.include({ state: 'approved', token });
      plexTv.settleSignIn(id);
      later(2);
      expect(await plexTv.findSignIn()).to.include({ state: 'approved', token: null });
    });

    it('over another connection when the one that was kept is gone', async () => {
      const pin = { id: 7, code: 'a-code-that-is-long-enough', expiresIn: 900, authToken: null };
      const { handle, gone } = oncePerConnection((res) => {
        send(res, 201, 'application/json', JSON.stringify(pin));
      });
      const server = await handMade((_req, res) => {
        handle(res);
      });
      try {
        const account = serviceFor(server);
        const { id } = await account.beginSignIn();
        later(2);
        expect(await account.findSignIn(id)).to.include({ state: 'waiting', trouble: null });
        expect(gone()).to.be.above(0);
      } finally {
        await server.stop();
      }
    });

    it('that is refused, or expires', async () => {
      const first = await plexTv.beginSignIn();
      world.deny();
      expect((await plexTv.findSignIn(first.id))?.state).to.equal('denied');
      const second = await plexTv.beginSignIn();
      later(901);
      world.expire();
      expect((await plexTv.findSignIn(second.id))?.state).to.equal('expired');
      expect((await plexTv.findSignIn())?.id, 'the latest').to.equal(second.id);
      expect(await plexTv.findSignIn('12345'), 'a code of somebody else').to.equal(null);
    });

    it('asking once a second at most, however many pages wait', async () => {
      const { id } = await plexTv.beginSignIn();
      await Promise.all([plexTv.findSignIn(id), plexTv.findSignIn(id), plexTv.findSignIn()]);
      await plexTv.findSignIn(id);
      expect(world.requests).to.have.length(2);
      later(1);
      await plexTv.findSignIn(id);
      expect(world.requests).to.have.length(3);
    });

    it('and goes on waiting, saying why, while plex.tv is away or slows us down', async () => {
      const { id } = await plexTv.beginSignIn();
      world.fault = 500;
      const away = await plexTv.findSignIn(id);
      expect(away?.state).to.equal('waiting');
      expect(away?.trouble).to.contain('an error of its own');
      world.fault = 429;
      world.retryAfter = '30';
      later(2);
      expect((await plexTv.findSignIn(id))?.trouble).to.contain('Wait 30 seconds');
      const asked = world.requests.length;
      world.fault = null;
      const token = world.approve();
      later(20);
      expect((await plexTv.findSignIn(id))?.trouble).to.contain('Wait 10 seconds');
      expect(world.requests, 'nothing was asked meanwhile').to.have.length(asked);
      later(11);
      expect(await plexTv.findSignIn(id)).to.include({ state: 'approved', token, trouble: null });
    });

    it('also when every type is odd', async () => {
      const odd = new SimulatedPlexTv({ oddTypes: true });
      await odd.start();
      const service = serviceFor(odd);
      const { id, expiresAt } = await service.beginSignIn();
      expect(Date.parse(expiresAt) - nowMs).to.equal(900_000);
      expect((await service.findSignIn(id))?.state).to.equal('waiting');
      const token = odd.approve();
      later(2);
      expect(await service.findSignIn(id)).to.include({ state: 'approved', token });
      await odd.stop();
    });
  });

  describe('knows the account', () => {
    it('with Plex Pass and without, and asks again only after a while', async () => {
      const token = world.issueToken();
      expect(await plexTv.account(token)).to.deep.equal({ name: 'Robin', hasPlexPass: true, hasWebhooks: true });
      world.hasPlexPass = false;
      expect((await plexTv.account(token)).hasPlexPass).to.equal(true);
      expect(world.requests).to.have.length(1);
      later(601);
      expect(await plexTv.account(token)).to.deep.equal({ name: 'Robin', hasPlexPass: false, hasWebhooks: false });
    });

    it('and says to sign in again when its token was revoked', async () => {
      const token = world.issueToken();
      world.revoke(token);
      const error = await caught(plexTv.account(token));
      expect(error.code).to.equal('plex_unauthorized');
      expect(error.message).to.contain('Sign in with Plex again');
    });
  });

  describe('tells every trouble apart', () => {
    const TROUBLES: [AccountFault, string, RegExp][] = [
      [401, 'plex_unauthorized', /Sign in with Plex again/],
      [403, 'plex_forbidden', /Plex Pass/],
      [404, 'plex_not_found', /does not know/],
      [429, 'plex_rate_limited', /Wait 10 seconds/],
      [302, 'plex_bad_answer', /elsewhere/],
      [500, 'plex_unavailable', /an error of its own \(500\)/],
      [418, 'plex_bad_answer', /418/],
      ['html', 'plex_bad_answer', /web page/],
      ['cut', 'plex_bad_answer', /cut off/],
      ['reset', 'plex_unreachable', /by hand/],
      ['hang', 'plex_timeout', /in time/],
    ];
    for (const [fault, code, says] of TROUBLES) {
      it(`${fault} is ${code}`, async () => {
        const service = serviceFor(world, fault === 'hang' ? 150 : 8000);
        const token = world.issueToken();
        world.fault = fault;
        const error = await caught(service.servers(token));
        expect(error.code).to.equal(code);
        expect(error.message).to.match(says);
        const lines: string[] = [];
        createLog('info', { write: (line: string) => void lines.push(line) }).error({ err: error }, error.message);
        expect(inspect(error, { depth: 20, showHidden: true }) + lines.join('')).not.to.contain(token);
      });
    }

    it('nobody there is plex_unreachable', async () => {
      await world.stop();
      const gone = new PlexTvService({
        url: 'http://127.0.0.1:9',
        clientId: () => 'c',
        version: '1',
        now: () => new Date(),
      });
      expect((await caught(gone.beginSignIn())).code).to.equal('plex_unreachable');
    });

    it('doubles its own pause while plex.tv names none, and takes a date for one', async () => {
      const token = world.issueToken();
      world.fault = 429;
      expect((await caught(plexTv.servers(token))).message).to.contain('Wait 10 seconds');
      later(11);
      expect((await caught(plexTv.servers(token))).message).to.contain('Wait 20 seconds');
      later(21);
      world.retryAfter = new Date(nowMs + 300_000).toUTCString();
      expect((await caught(plexTv.servers(token))).message).to.match(/Wait [56] minutes/);
    });

    it('counts pauses and codes by what really passed, however far the clock of this machine jumps', async () => {
      for (const jumpMs of [400 * 86_400_000, -800 * 86_400_000]) {
        const token = world.issueToken();
        const { id } = await plexTv.beginSignIn();
        nowMs += jumpMs;
        expect((await plexTv.findSignIn(id))?.state, 'no code ends by it').to.equal('waiting');
        world.approve();
        later(2);
        expect((await plexTv.findSignIn(id))?.state, 'and it is asked about again').to.equal('approved');
        world.fault = 429;
        world.retryAfter = '30';
        await caught(plexTv.servers(token));
        world.fault = null;
        nowMs += jumpMs;
        later(20);
        expect((await caught(plexTv.servers(token))).message).to.contain('Wait 10 seconds');
        later(11);
        expect((await plexTv.account(token)).hasPlexPass).to.equal(true);
        world.hasPlexPass = false;
        nowMs -= 2 * jumpMs;
        later(601);
        expect((await plexTv.account(token)).hasPlexPass, 'what is known gets old').to.equal(false);
        world.hasPlexPass = true;
      }
    });

    it('never puts a token into an address', async () => {
      const token = world.issueToken();
      await plexTv.account(token);
      await plexTv.servers(token);
      await plexTv.addWebhook(token, 'http://here/hooks/plex/secret');
      expect(world.requests.map(({ path }) => path).join(' ')).not.to.contain(token);
      expect(world.requests.every(({ headers }) => headers['x-plex-token'] === token)).to.equal(true);
    });
  });

  describe('adds our address to the webhooks', () => {
    const OURS = 'http://192.168.1.5:9876/hooks/plex/secret-1';
    const OTHERS = ['https://other.example/plex?a=1&b=2', 'http://tautulli:8181/'];
    let token: string;
    beforeEach(() => {
      token = world.issueToken();
      world.webhooks = OTHERS.map((url) => ({ url, extra: 1 }));
    });

    it('and keeps those of others', async () => {
      expect(await plexTv.addWebhook(token, OURS)).to.deep.equal([...OTHERS, OURS]);
      expect(world.webhooks).to.deep.equal([...OTHERS, OURS].map((url) => ({ url })));
      expect(world.requests.map(({ method }) => method)).to.deep.equal(['GET', 'POST', 'GET']);
    });

    it('once, also when asked twice at the same time', async () => {
      await Promise.all([plexTv.addWebhook(token, OURS), plexTv.addWebhook(token, OURS)]);
      expect(await plexTv.webhooks(token)).to.deep.equal([...OTHERS, OURS]);
      expect(world.requests.filter(({ method }) => method === 'POST')).to.have.length(1);
    });

    it('but writes nothing when the list cannot be read whole', async () => {
      for (const webhooks of [[{ url: 'http://a' }, { address: 'http://b' }], [null]]) {
        world.webhooks = webhooks;
        expect((await caught(plexTv.addWebhook(token, OURS))).code).to.equal('plex_bad_answer');
      }
      world.fault = 'html';
      expect((await caught(plexTv.addWebhook(token, OURS))).code).to.equal('plex_bad_answer');
      expect(world.requests.filter(({ method }) => method === 'POST')).to.deep.equal([]);
    });

    it('and says so when plex.tv does not list it afterwards, or wants Plex Pass', async () => {
      world.keepsWebhooks = false;
      expect((await caught(plexTv.addWebhook(token, OURS))).message).to.contain('does not list');
      world.hasPlexPass = false;
      expect((await caught(plexTv.addWebhook(token, OURS))).message).to.contain('Plex Pass');
    });
  });
});
