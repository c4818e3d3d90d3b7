import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Context } from '../actions/action.js';
import { Attempts } from './attempts.js';
import { Acts } from './acts.js';
import { buildApp } from './build-app.js';
import { DrawnPages } from './drawn-pages.js';
import { Guard } from './guard.js';
import { HeldForms } from './held-forms.js';
import { Live } from './live.js';
import { MissedEvents } from './missed-events.js';
import { docsPage } from './openapi.js';
import type { PageFiles } from './page-files.js';
import { routes } from './routes.js';
import { SessionStore } from './sessions.js';
import { webhookFirst } from './webhook.js';

export interface WebOptions {
  context: Context;
  pageFiles: Promise<PageFiles>;
  /** Guesses at the password; with a pause of its own in tests. */
  attempts?: Attempts;
  /** How long a whole request, and its head, may take to come, and how often that is looked at. */
  patience?: typeof USUAL_PATIENCE;
}

/** Whoever sends slower than this is cut off, so that their connections do not stay for ever. */
const USUAL_PATIENCE = { requestMs: 60_000, headersMs: 20_000, checkEveryMs: 2000 };
/** What still runs after this is cut off when stopping. */
const FAREWELL_MS = 2000;

/** Pages, API, webhook and live events on one port. */
export class WebServer {
  readonly #options: WebOptions;
  #server: Server | null = null;
  #live: Live | null = null;

  constructor(options: WebOptions) {
    this.#options = options;
  }

  /** Resolves with the port that is listened on. Throws when the port is taken or the templates cannot be read. */
  async start({ port, host }: { port: number; host: string }): Promise<number> {
    const { context, pageFiles } = this.#options;
    const { assets, views } = await pageFiles;
    const sessions = new SessionStore(context);
    const guard = new Guard(context, sessions, this.#options.attempts ?? new Attempts());
    const missed = new MissedEvents();
    const live = new Live(context, sessions, guard.session, missed);
    const onSession = (): void => {
      live.recheck();
    };
    const held = new HeldForms();
    const version = (): number => context.store.version + context.bus.emitted;
    const acts = new Acts();
    const drawnPages = new DrawnPages({ version, besideReading: besideReading(context, acts) });
    const all = [...routes, docsPage(routes)];
    const doors = { ctx: context, guard, views, drawnPages, acts, held, missed, routes: all, onSession };
    const app = buildApp(doors, assets);

    const { requestMs, headersMs, checkEveryMs } = this.#options.patience ?? USUAL_PATIENCE;
    const limits = { requestTimeout: requestMs, headersTimeout: headersMs, connectionsCheckingInterval: checkEveryMs };
    const server = createServer(limits, webhookFirst(context, app));
    // A connection that becomes a WebSocket has nobody who hears its errors until it is one, and an unheard error ends the program.
    server.on('connection', (socket) => socket.on('error', () => undefined));
    live.start(server);
    this.#live = live;
    this.#server = server;
    await new Promise<void>((resolve, reject) => {
      // Also later, when a connection could not be taken: then only the promise does not hear of it.
      server.on('error', reject);
      server.listen(port, host, resolve);
    });
    return (server.address() as AddressInfo).port;
  }

  /** Takes nothing new, lets running requests end, and then cuts off what is left. */
  async stop(): Promise<void> {
    const server = this.#server;
    this.#server = null;
    if (!server) return;
    const closed = this.#live?.stop();
    server.closeIdleConnections();
    const timer = new AbortController();
    await Promise.race([closed, sleep(FAREWELL_MS, undefined, { signal: timer.signal }).catch(() => undefined)]);
    timer.abort();
    server.closeAllConnections();
    await closed;
  }
}

/** What a sync and an analysis tell many times a second. */
const OF_READING = ['library.changed', 'recommendation.changed', 'sync.progressed'] as const;

/** See `DrawnPages`. Everything that happens counts but what reading tells, and everything that anybody does. */
function besideReading({ bus, sync, analyzer }: Context, acts: Acts): () => number | null {
  let ofReading = 0;
  for (const event of OF_READING) bus.on(event, () => ofReading++);
  return () => {
    const isReading = sync.status().state === 'running' || analyzer.isLooking;
    return isReading && acts.count !== null ? bus.emitted - ofReading + acts.count : null;
  };
}
