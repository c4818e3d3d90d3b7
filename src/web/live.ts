import type { IncomingMessage, Server as HttpServer } from 'node:http';
import type { RequestHandler } from 'express';
import { Server, type Socket } from 'socket.io';
import type { Context } from '../actions/action.js';
import { LIVE, type Events } from '../domain/events.js';
import { hasOneHostAtMost, isKnownHost, isOwnOrigin } from './hosts.js';
import type { MissedEvents } from './missed-events.js';
import type { SessionStore } from './sessions.js';

/** News within this time goes out as one. */
const COALESCE_MS = 250;
const RECHECK_MS = 60_000;
/** More ids than this tell a page no more than "a lot". */
const MAX_IDS = 100;
const MAX_MESSAGE_BYTES = 16_000;
/** Pages of one browser that hear of events; the next one shows what it showed when it was opened. */
const SOCKETS_A_SESSION = 30;

type LiveEvent = (typeof LIVE)[number];

/** The ids an event is about; the pages fetch the rest through the same doors as ever. */
const IDS: { [Name in LiveEvent]: (payload: Events[Name]) => readonly string[] } = {
  'library.changed': ({ itemIds }) => itemIds,
  'sync.progressed': ({ runId }) => [runId],
  'sync.completed': ({ id }) => [id],
  'analysis.completed': ({ id }) => [id],
  'recommendation.changed': ({ ids }) => ids,
  'job.changed': ({ id }) => [id],
  'job.progressed': ({ jobId }) => [jobId],
  'queue.changed': () => [],
  'quarantine.changed': ({ ids }) => ids,
  'rule.changed': ({ ids }) => ids,
  'collection.changed': ({ ids }) => ids,
  'edit.changed': ({ id }) => [id],
  'settings.changed': () => [],
  'problem.changed': () => [],
  'worker.changed': ({ ids }) => ids,
  'worker.measured': ({ id }) => [id],
};

const idsOf = (name: LiveEvent, payload: Events[LiveEvent]): readonly string[] => IDS[name](payload as never);

/** A doorbell for signed-in pages: names and ids of what happened. Only a job's progress carries numbers. */
export class Live {
  readonly #ctx: Context;
  readonly #sessions: SessionStore;
  readonly #readSession: RequestHandler;
  readonly #missed: MissedEvents;
  readonly #io: Server;
  readonly #ids = new Map<LiveEvent, Set<string>>();
  readonly #progress = new Map<string, Events['job.progressed']>();
  readonly #undo: (() => void)[] = [];
  /** Session id -> its connections, from the first byte on. */
  readonly #open = new Map<string, number>();
  #flushing: NodeJS.Timeout | null = null;
  #rechecking: NodeJS.Timeout | null = null;

  constructor(ctx: Context, sessions: SessionStore, readSession: RequestHandler, missed: MissedEvents) {
    this.#ctx = ctx;
    this.#missed = missed;
    this.#sessions = sessions;
    this.#readSession = readSession;
    this.#io = new Server({
      path: `${ctx.config.urlBase}/socket.io`,
      serveClient: false,
      maxHttpBufferSize: MAX_MESSAGE_BYTES,
      allowRequest: (req, answer) => {
        answer(null, this.#mayConnect(req));
      },
    });
    this.#io.on('connection', (socket) => {
      if (this.#isOwner(socket)) this.#tellMissed(socket);
      else socket.disconnect(true);
    });
  }

  /** Listens on the web server and to the bus. */
  start(server: HttpServer): void {
    this.#io.attach(server);
    // Runs before the check of who may connect, which needs the session.
    this.#io.engine.use(this.#readSession);
    this.#io.engine.on(
      'connection',
      (line: { request: IncomingMessage; once: (event: 'close', heard: () => void) => void }) => {
        const { sessionID = '' } = line.request as IncomingMessage & { sessionID?: string };
        this.#open.set(sessionID, (this.#open.get(sessionID) ?? 0) + 1);
        line.once('close', () => {
          const left = (this.#open.get(sessionID) ?? 1) - 1;
          if (left > 0) this.#open.set(sessionID, left);
          else this.#open.delete(sessionID);
        });
      },
    );
    for (const name of LIVE) this.#undo.push(this.#follow(name));
    this.#rechecking = setInterval(() => {
      this.recheck();
    }, RECHECK_MS);
    this.#rechecking.unref();
  }

  /** Says goodbye to every page; also closes the web server it listens on. */
  async stop(): Promise<void> {
    for (const undo of this.#undo.splice(0)) undo();
    if (this.#flushing) clearTimeout(this.#flushing);
    if (this.#rechecking) clearInterval(this.#rechecking);
    await this.#io.close();
  }

  /** Hangs up on whoever is no longer signed in. */
  recheck(): void {
    for (const socket of this.#io.sockets.sockets.values()) {
      if (!this.#isOwner(socket)) socket.disconnect(true);
    }
  }

  #mayConnect(req: IncomingMessage): boolean {
    const { host = '', origin } = req.headers;
    const { publicUrl } = this.#ctx.config;
    const { allowedHosts } = this.#ctx.store.settings.value.security;
    if (!hasOneHostAtMost(req) || !isKnownHost(host, publicUrl, allowedHosts)) return false;
    if (origin !== undefined && !isOwnOrigin(origin, host, publicUrl)) return false;
    const { sessionID = '' } = req as IncomingMessage & { sessionID?: string };
    if ((this.#open.get(sessionID) ?? 0) >= SOCKETS_A_SESSION) return false;
    return this.#sessions.grantOf((req as { session?: Parameters<SessionStore['grantOf']>[0] }).session) === 'owner';
  }

  #isOwner(socket: Socket): boolean {
    const { sessionID } = socket.request as IncomingMessage & { sessionID?: string };
    return sessionID !== undefined && this.#sessions.grantOfId(sessionID) === 'owner';
  }

  /** A page takes a while to listen; what it names as the last it knows is not all that has happened. */
  #tellMissed(socket: Socket): void {
    const { since } = socket.handshake.auth as { since?: unknown };
    for (const name of this.#missed.since(since)) socket.emit(name, { ids: [] });
  }

  #follow(name: LiveEvent): () => void {
    if (name === 'job.progressed') {
      return this.#ctx.bus.on(name, (progress) => {
        this.#progress.set(progress.jobId, progress);
        this.#flushSoon();
      });
    }
    return this.#ctx.bus.on(name, (payload) => {
      this.#missed.note(name);
      const ids = this.#ids.get(name) ?? new Set<string>();
      for (const id of idsOf(name, payload)) if (ids.size < MAX_IDS) ids.add(id);
      this.#ids.set(name, ids);
      this.#flushSoon();
    });
  }

  #flushSoon(): void {
    this.#flushing ??= setTimeout(() => {
      this.#flush();
    }, COALESCE_MS);
  }

  #flush(): void {
    this.#flushing = null;
    for (const [name, ids] of this.#ids) this.#io.emit(name, { ids: [...ids] });
    for (const { jobId, percent, fps, speed, etaSec } of this.#progress.values()) {
      this.#io.emit('job.progressed', { jobId, percent, fps, speed, etaSec });
    }
    this.#ids.clear();
    this.#progress.clear();
  }
}
