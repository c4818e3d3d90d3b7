import { load } from 'cheerio';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { Context } from '../../src/actions/action.js';
import { ReviewSearch } from '../../src/engine/recommendations/review-search.js';
import { LibraryStatisticsCache } from '../../src/engine/library/statistics.js';
import { OwnerAccess } from '../../src/engine/access/owner-access.js';
import { THUMB } from '../../src/demo/plex/artwork.js';
import type { Events } from '../../src/domain/events.js';
import type { MediaServer } from '../../src/domain/plex/media-server.js';
import type { WorkerHealth } from '../../src/domain/jobs/executor.js';
import type { EncoderSupport } from '../../src/domain/workers/worker.js';
import type { PathProof } from '../../src/domain/settings/path-proof.js';
import type { SettingsChange } from '../../src/domain/settings/settings.js';
import type { PlexWebhook, WebhookOutcome } from '../../src/domain/plex/webhook.js';
import { Bus } from '../../src/lib/bus.js';
import { newId } from '../../src/lib/ids.js';
import { BatchEdits } from '../../src/engine/library/batch-edits.js';
import { CollectionKeeper } from '../../src/engine/collections/keeper.js';
import { Estimates } from '../../src/engine/recommendations/estimates.js';
import { Learning } from '../../src/engine/recommendations/learning.js';
import { SavingsLedger } from '../../src/engine/replace/savings-ledger.js';
import { LibrarySearch } from '../../src/engine/library/search.js';
import { newSshKey } from '../../src/ssh/new-key.js';
import { createLog } from '../../src/lib/log.js';
import { openStore } from '../../src/store/store.js';
import { Assets } from '../../src/web/assets.js';
import { Attempts } from '../../src/web/attempts.js';
import { buildApp } from '../../src/web/build-app.js';
import { DrawnPages } from '../../src/web/drawn-pages.js';
import { Guard } from '../../src/web/guard.js';
import { HeldForms } from '../../src/web/held-forms.js';
import { docsPage } from '../../src/web/openapi.js';
import { Acts } from '../../src/web/acts.js';
import { MissedEvents } from '../../src/web/missed-events.js';
import { Views } from '../../src/web/render.js';
import { routes } from '../../src/web/routes.js';
import { WebServer, type WebOptions } from '../../src/web/server.js';
import { openPageFiles } from '../../src/web/page-files.js';
import { SessionStore } from '../../src/web/sessions.js';
import { aJob } from './builders.js';
import { PlayedWorkers } from './played-workers.js';

const root = resolve(import.meta.dirname, '../..');
export const PASSWORD = 'correct horse battery';
export const API_KEY = 'key-for-scripts-0123456789';

export interface WebTest {
  context: Context;
  /** Everything the engine was asked to do, in order. */
  asked: string[];
  /** The machines that workers of this test are. */
  played: PlayedWorkers;
  /** Every webhook that was taken in, and the outcome of those that were refused. */
  webhooks: { events: PlexWebhook[]; refused: WebhookOutcome[] };
  logged: string[];
  /** What wrong passwords cost, in milliseconds; nobody waits for it here. */
  pauses: number[];
  url: string;
  /** Another server at the same address, which remembers nothing but what is stored. */
  replaceServer(): Promise<void>;
  stop(): Promise<void>;
}

const PROOF: PathProof = {
  folder: '',
  exists: true,
  readable: true,
  writable: true,
  canRename: true,
  canHardLink: true,
  caseSensitive: true,
  freeBytes: 1_000_000,
  message: null,
};

const ENCODERS: EncoderSupport[] = [
  { name: 'libx265', works: true, tenBit: true, error: null, device: null },
  { name: 'libx264', works: true, tenBit: false, error: null, device: null },
  { name: 'libsvtav1', works: false, tenBit: false, error: "Unknown encoder 'libsvtav1'", device: null },
];

/** What test encodes on this machine show. */
export const localHealth = (): Promise<WorkerHealth> =>
  Promise.resolve({ ok: true, ffmpegVersion: '7.1', encoders: ENCODERS });

/** A real web server over a real store; the engine behind it only remembers what it was asked. */
export async function startWeb(
  options: {
    urlBase?: string;
    publicUrl?: string;
    password?: string | null;
    apiKey?: string | null;
    /** How long a request may take to come. */
    patience?: WebOptions['patience'];
    /** 0: any free port. */
    port?: number;
    lockedBy?: Record<string, string>;
    settingsOverrides?: SettingsChange;
    /** Fills the store before the server starts, and may stand in for parts of the engine. */
    prepare?: (context: Context, asked: string[], played: PlayedWorkers) => Promise<Partial<Context>>;
  } = {},
): Promise<WebTest> {
  const dir = await mkdtemp(join(tmpdir(), 'mediaflow-web-'));
  const logged: string[] = [];
  const log = createLog('warn', { write: (line: string) => void logged.push(line) });
  const now = (): Date => new Date();
  const store = await openStore({
    dir,
    log,
    now,
    ...(options.lockedBy ? { lockedBy: options.lockedBy } : {}),
    ...(options.settingsOverrides ? { settingsOverrides: options.settingsOverrides } : {}),
  });
  const password = options.password === undefined ? PASSWORD : options.password;
  const apiKey = options.apiKey === undefined ? API_KEY : options.apiKey;
  const access = new OwnerAccess({ secrets: store.secrets, log, password, apiKey });
  await access.start();
  const asked: string[] = [];
  const webhooks: WebTest['webhooks'] = { events: [], refused: [] };
  const plex = {
    identity: () => {
      asked.push('identity');
      return Promise.resolve({
        machineIdentifier: 'server-1',
        name: 'Den',
        version: '1.40',
        platform: 'Linux',
        webhooksEnabled: true,
        pushNotifications: null,
      });
    },
    sections: () =>
      Promise.resolve([
        {
          id: '1',
          serverId: 'server-1',
          title: 'Films',
          type: 'movie',
          locations: ['/share/Films'],
          refreshing: false,
        },
      ]),
    // eslint-disable-next-line @typescript-eslint/no-empty-function -- lists nothing
    async *items() {},
    sessions: () => Promise.resolve([]),
    poster: () => Promise.resolve({ type: 'image/jpeg', bytes: THUMB }),
  } as unknown as MediaServer;
  const played = new PlayedWorkers(asked);
  const context = {
    store,
    bus: new Bus<Events>(() => undefined),
    now,
    newId,
    log,
    config: { version: '1.2.3', urlBase: options.urlBase ?? '', publicUrl: options.publicUrl ?? null, demo: false },
    access,
    readiness: () => ({ ready: true }),
    problems: () => Promise.resolve([]),
    server: () => plex,
    connectPlex: () => plex,
    plexTv: {
      findSignIn: () => Promise.resolve(null),
      settleSignIn: () => undefined,
      account: () => Promise.resolve({ name: 'Owner', hasPlexPass: true, hasWebhooks: true }),
      webhooks: () => Promise.resolve(['http://192.168.1.5:8989/other']),
    },
    nextRuns: () => [{ name: 'sync', at: new Date('2026-01-01T00:15:00Z') }],
    verifyPath: (folder: string) =>
      Promise.resolve({ ...PROOF, folder, message: folder.startsWith('/nowhere') ? 'does not exist' : null }),
    findFolder: () => Promise.resolve(null),
    countFiles: (files: readonly unknown[]) => Promise.resolve(files.length),
    countLinks: () => Promise.resolve(new Map()),
    checkWorker: localHealth,
    newKey: () => newSshKey('mediaflow'),
    intake: {
      receive: (event: PlexWebhook) => {
        webhooks.events.push(event);
        return Promise.resolve('accepted');
      },
      count: (outcome: WebhookOutcome) => {
        webhooks.refused.push(outcome);
        return Promise.resolve();
      },
    },
    sync: {
      run: ({ mode }: { mode: string }) => {
        // The run that does what is asked: a full one does all.
        const standing = ['full', mode].find((other) => asked.includes(`sync ${other}`)) ?? mode;
        if (!asked.includes(`sync ${standing}`)) asked.push(`sync ${standing}`);
        return { runId: `run-${standing}`, done: Promise.resolve() };
      },
      status: () => ({ state: 'idle', done: 0, total: 0, lastRun: null }),
    },
    notifications: {
      status: () => ({
        state: 'connected',
        since: now().toISOString(),
        caughtUpAt: null,
        lastEventAt: null,
        lastError: null,
      }),
    },
    analyzer: {},
    enqueue: {
      busyPaths: () => new Map(),
      openJobAt: () => null,
      check: ({ itemId, presetId }: { itemId: string; presetId: string }) => aJob({ itemId, presetId }),
    },
    queue: {
      state: () => ({ paused: false, running: 0, pending: 0, blocked: 0, reasons: [] }),
      progress: () => null,
      next: () => Promise.resolve(null),
      watched: () => Promise.resolve(new Set()),
      pause: () => Promise.resolve(void asked.push('pause')),
      resume: () => Promise.resolve(void asked.push('resume')),
      retry: (id: string) => store.jobs.put(aJob({ id })),
      log: () => Promise.resolve('frame=1'),
    },
    rules: { list: () => [] },
    presets: { list: () => [], problems: [] },
  } as unknown as Context;
  context.fleet = played.fleet(context, localHealth);
  Object.assign(context, await options.prepare?.(context, asked, played));
  const fleet = context.fleet as unknown as { start: () => void; stop: () => Promise<void> };
  fleet.start();
  const edits = new BatchEdits({ ...context, readNow: (ratingKeys) => context.intake.readNow(ratingKeys) });
  context.edits = edits;
  const savings = new SavingsLedger(context);
  context.savings = savings;
  const learning = new Learning({ ...context, savings });
  learning.start();
  const estimates = new Estimates({
    ...context,
    learning,
    membersOf: (group, ruleId) => context.analyzer.membersOf(group, ruleId),
  });
  estimates.start();
  context.estimates = estimates;
  const search = new LibrarySearch(context);
  search.start();
  context.search = search;
  const collections = new CollectionKeeper({ ...context, search });
  collections.start();
  context.collections = collections;
  const statistics = new LibraryStatisticsCache(context);
  statistics.start();
  context.statistics = statistics;
  const review = new ReviewSearch(context);
  context.review = review;
  const pauses: number[] = [];
  const attempts = new Attempts({ pause: (ms) => Promise.resolve(pauses.push(ms)) });
  const places = { viewsDir: join(root, 'views'), publicDir: join(root, 'public') };
  const newServer = (): WebServer =>
    new WebServer({
      ...{ context, pageFiles: openPageFiles({ ...places, urlBase: context.config.urlBase }), attempts },
      ...(options.patience ? { patience: options.patience } : {}),
    });
  let web = newServer();
  const port = await web.start({ port: options.port ?? 0, host: '127.0.0.1' });
  return {
    context,
    asked,
    played,
    webhooks,
    logged,
    pauses,
    url: `http://127.0.0.1:${port}${options.urlBase ?? ''}`,
    async replaceServer() {
      await web.stop();
      web = newServer();
      await web.start({ port, host: '127.0.0.1' });
    },
    async stop() {
      await web.stop();
      await fleet.stop();
      await collections.stop();
      await search.stop();
      await estimates.stop();
      await learning.stop();
      await Promise.all([statistics.stop(), review.stop()]);
      await edits.stop();
      await store.close();
      await rm(dir, { recursive: true });
    },
  };
}

interface Layer {
  route?: { path: string | string[]; methods: Record<string, boolean> };
  handle: { stack?: Layer[] };
}

/** `GET /queue` of everything that Express really answers, files aside. */
export async function mountedRoutes({ context }: WebTest): Promise<string[]> {
  const assets = await Assets.open(join(root, 'public'), '');
  const views = await Views.open(join(root, 'views'), '', assets);
  const sessions = new SessionStore(context);
  const guard = new Guard(context, sessions, new Attempts());
  const held = new HeldForms();
  const drawnPages = new DrawnPages({ version: () => 0 });
  const doors = {
    ...{ ctx: context, guard, views, drawnPages, held, missed: new MissedEvents(), acts: new Acts() },
    ...{ routes: [...routes, docsPage(routes)], onSession: () => undefined },
  };
  const list = (layers: readonly Layer[]): string[] =>
    layers.flatMap(({ route, handle }) => {
      if (!route) return list(handle.stack ?? []);
      const methods = Object.keys(route.methods).map((method) => method.toUpperCase());
      return [route.path].flat().flatMap((path) => methods.map((method) => `${method} ${path}`));
    });
  return list((buildApp(doors, assets).router as unknown as { stack: Layer[] }).stack);
}

/** A browser as far as sign-in is concerned: keeps its cookie, finds the token in the page, does not follow redirects. */
export class Browser {
  readonly #url: string;
  readonly #jar = new Map<string, string>();
  token = '';

  constructor(url: string) {
    this.#url = url;
  }

  get cookie(): string {
    return [...this.#jar].map((pair) => pair.join('=')).join('; ');
  }

  async get(path: string, headers: Record<string, string> = {}): Promise<{ response: Response; text: string }> {
    const response = await fetch(this.#url + path, {
      headers: { Cookie: this.cookie, ...headers },
      redirect: 'manual',
    });
    const text = await response.text();
    this.#remember(response, text);
    return { response, text };
  }

  async post(
    path: string,
    fields: Record<string, string> | [string, string][] = {},
    headers: Record<string, string> = {},
  ): Promise<{ response: Response; text: string }> {
    const pairs = Array.isArray(fields) ? fields : Object.entries(fields);
    const response = await fetch(this.#url + path, {
      method: 'POST',
      headers: { Cookie: this.cookie, Origin: new URL(this.#url).origin, ...headers },
      body: new URLSearchParams([...pairs, ['_csrf', this.token]]),
      redirect: 'manual',
    });
    const text = await response.text();
    this.#remember(response, text);
    return { response, text };
  }

  /** What a script of the page sends to the API. */
  async json(path: string, body: object): Promise<{ status: number; text: string }> {
    const response = await fetch(this.#url + path, {
      method: 'POST',
      headers: {
        Cookie: this.cookie,
        Origin: new URL(this.#url).origin,
        'Content-Type': 'application/json',
        'X-CSRF-Token': this.token,
      },
      body: JSON.stringify(body),
      redirect: 'manual',
    });
    const text = await response.text();
    this.#remember(response, '');
    return { status: response.status, text };
  }

  async signIn(password = PASSWORD): Promise<void> {
    await this.get('/sign-in');
    await this.post('/sign-in', { password });
    await this.get('/health');
  }

  #remember(response: Response, text: string): void {
    for (const set of response.headers.getSetCookie()) {
      const [name = '', value = ''] = (set.split(';')[0] ?? '').split('=');
      if (value === '') this.#jar.delete(name);
      else this.#jar.set(name, value);
    }
    const token = load(text)('meta[name="csrf-token"]').attr('content');
    if (token) this.token = token;
  }
}
