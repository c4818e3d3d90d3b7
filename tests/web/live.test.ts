import { expect } from 'chai';
import { setTimeout as sleep } from 'node:timers/promises';
import { io, type Socket } from 'socket.io-client';
import { aJob } from '../support/builders.js';
import { Browser, startWeb, type WebTest } from '../support/web.js';

const heard = (socket: Socket | null, event: 'connect' | 'connect_error' | 'disconnect'): Promise<unknown> =>
  new Promise((resolve, reject) => {
    if (socket) socket.once(event, resolve);
    else reject(new Error('It was turned away'));
  });

describe('the live connection', () => {
  let web: WebTest;
  let browser: Browser;
  const open: Socket[] = [];
  beforeEach(async () => {
    web = await startWeb({ password: null });
    await web.context.access.setPassword('correct horse battery');
    browser = new Browser(web.url);
    await browser.signIn();
  });
  afterEach(async () => {
    for (const socket of open.splice(0)) socket.disconnect();
    await web.stop();
  });

  /** Resolves with the socket, or with null when it was turned away. */
  async function connect(
    headers: Record<string, string>,
    transport: 'polling' | 'websocket' = 'websocket',
    { auth = {}, news = [] }: { auth?: object; news?: [string, unknown][] } = {},
  ) {
    const socket = io(new URL(web.url).origin, {
      path: '/socket.io',
      transports: [transport],
      extraHeaders: headers,
      reconnection: false,
      auth,
    });
    socket.onAny((name: string, payload: unknown) => news.push([name, payload]));
    open.push(socket);
    const outcome = await Promise.race([
      heard(socket, 'connect').then(() => 'in'),
      heard(socket, 'connect_error').then(() => 'out'),
    ]);
    if (outcome === 'out') return null;
    return socket;
  }

  it('is given thirty times to a session', async () => {
    const headers = { Cookie: browser.cookie, Origin: new URL(web.url).origin };
    for (let n = 0; n < 30; n++) expect(await connect(headers), String(n)).not.to.equal(null);
    expect(await connect(headers)).to.equal(null);
    open.shift()?.disconnect();
    for (let tries = 0; tries < 100; tries++) {
      await sleep(20);
      if ((await connect(headers)) !== null) return;
    }
    expect.fail('The place of one that left stayed taken');
  });

  for (const transport of ['polling', 'websocket'] as const) {
    it(`lets the owner's page in over ${transport}`, async () => {
      const socket = await connect({ Cookie: browser.cookie, Origin: web.url }, transport);
      expect(socket).not.to.equal(null);
    });
    it(`turns strangers away over ${transport}`, async () => {
      expect(await connect({}, transport), 'without a session').to.equal(null);
      expect(await connect({ Cookie: 'mediaflow.sid=s%3Amade-up.sig' }, transport), 'with an invented one').to.equal(
        null,
      );
      const visitor = new Browser(web.url);
      await visitor.get('/sign-in');
      expect(await connect({ Cookie: visitor.cookie }, transport), 'before signing in').to.equal(null);
      const foreign = await connect({ Cookie: browser.cookie, Origin: 'https://evil.example' }, transport);
      expect(foreign, 'from another site').to.equal(null);
    });
  }

  it('turns away whoever comes under a foreign name', async () => {
    expect(await connect({ Cookie: browser.cookie, Host: 'evil.example' })).to.equal(null);
  });

  it('rings with names and ids, and only progress carries figures', async () => {
    const news: [string, unknown][] = [];
    await connect({ Cookie: browser.cookie, Origin: web.url }, 'websocket', { news });
    const { bus } = web.context;
    bus.emit('job.changed', aJob({ id: 'job-1', sourcePath: '/data/private.mkv' }));
    bus.emit('job.changed', aJob({ id: 'job-2' }));
    bus.emit('job.changed', aJob({ id: 'job-1' }));
    bus.emit('queue.changed', {});
    bus.emit('job.completed', aJob());
    for (const percent of [1, 2, 3]) {
      bus.emit('job.progressed', {
        jobId: 'job-1',
        percent,
        fps: 30,
        speed: 1.5,
        etaSec: 60,
        outputBytes: 1,
      });
    }
    while (news.length < 3) await sleep(20);
    expect(news).to.have.deep.members([
      ['job.changed', { ids: ['job-1', 'job-2'] }],
      ['queue.changed', { ids: [] }],
      ['job.progressed', { jobId: 'job-1', percent: 3, fps: 30, speed: 1.5, etaSec: 60 }],
    ]);
  });

  it('tells a page what happened between its drawing and now, and nothing that it knows', async () => {
    const { bus } = web.context;
    const placeOf = async (): Promise<string> =>
      /data-since="([^"]+)"/.exec((await browser.get('/queue')).text)?.[1] ?? '';
    const toldOf = async (since: unknown): Promise<string[]> => {
      const news: [string, unknown][] = [];
      await connect({ Cookie: browser.cookie, Origin: web.url }, 'websocket', { auth: { since }, news });
      // Whatever is to be told at once is told before this.
      bus.emit('problem.changed', {});
      while (!news.some(([name]) => name === 'problem.changed')) await sleep(20);
      return news.map(([name]) => name).slice(0, -1);
    };
    const told: [string, unknown][] = [];
    await connect({ Cookie: browser.cookie, Origin: web.url }, 'websocket', { news: told });
    const before = await placeOf();
    bus.emit('queue.changed', {});
    bus.emit('job.changed', aJob());
    bus.emit('job.progressed', { jobId: 'job-1', percent: 1, fps: 30, speed: 1.5, etaSec: 60, outputBytes: 1 });
    // By now everybody was told who listens.
    while (told.length < 3) await sleep(20);
    expect(await toldOf(before)).to.have.members(['queue.changed', 'job.changed']);
    expect(await toldOf(await placeOf()), 'a page that was drawn after it').to.deep.equal([]);
    const ofAnotherStart = before.replace(/^.{12}/, '0123456789ab').replace(/\d+$/, '999');
    expect(await toldOf(ofAnotherStart), 'drawn before the last start').to.include.members([
      'queue.changed',
      'job.changed',
    ]);
    for (const odd of [undefined, null, 7, {}, [], '', '-', `${before}0000000000000000`, 'x'.repeat(1000)])
      expect(await toldOf(odd), JSON.stringify(odd)).to.deep.equal([]);
  });

  it('hangs up when the owner signs out', async () => {
    const socket = await connect({ Cookie: browser.cookie, Origin: web.url });
    const gone = heard(socket, 'disconnect');
    await browser.post('/sign-out');
    await gone;
  });

  it('hangs up on every other session when the password changes', async () => {
    const other = new Browser(web.url);
    await other.signIn();
    const socket = await connect({ Cookie: other.cookie, Origin: web.url });
    const gone = heard(socket, 'disconnect');
    const { status } = await browser.json('/api/access/password', {
      currentPassword: 'correct horse battery',
      password: 'another long password',
    });
    expect(status).to.equal(200);
    await gone;
  });

  it('takes nothing from a page and lets no page flood it', async () => {
    const socket = await connect({ Cookie: browser.cookie, Origin: web.url });
    socket?.emit('job.changed', { ids: ['x'.repeat(100)] });
    const gone = heard(socket, 'disconnect');
    socket?.emit('anything', 'x'.repeat(50_000));
    await gone;
  });
});
