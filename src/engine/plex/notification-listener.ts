import { setTimeout as sleep } from 'node:timers/promises';
import { AppError, toAppError, type ErrorCode } from '../../domain/errors.js';
import type { ServerEvent } from '../../domain/library/server-event.js';
import { withBackoff } from '../../lib/backoff.js';
import { NotificationDebouncer, type DebouncerParts, type DebouncerPauses } from './notification-debouncer.js';
import type { LibrarySync } from '../library/sync.js';

export interface NotificationListenerParts extends DebouncerParts {
  /** What the connection hangs on; null while no server is known. A new connection is made when it changes. */
  address: () => string | null;
  now: () => Date;
  sync: Pick<LibrarySync, 'run' | 'status'>;
  /** Tells that somebody began or stopped to watch. */
  onPlaying: () => void;
  pauses?: Partial<NotificationListenerPauses>;
}

export interface NotificationListenerPauses extends DebouncerPauses {
  /** Between two tries to connect; doubles up to the longest. Milliseconds. */
  firstMs: number;
  maxMs: number;
  /** After an answer that only the owner can change. */
  hopelessMs: number;
}

/** How the connection to the server's own news stands. */
export interface NotificationListenerStatus {
  /** `off`: no server is set up, or it has not said yet who it is. */
  state: 'off' | 'connecting' | 'connected';
  /** ISO time since when the state is what it is. */
  since: string;
  /** ISO time when the library had caught up with what was missed before the connection. Null until then. */
  caughtUpAt: string | null;
  /** ISO time of the last event, of any kind. */
  lastEventAt: string | null;
  /** Why the last connection ended or did not come about. Null once it stands again. */
  lastError: { code: ErrorCode; message: string; at: string } | null;
}

const FIRST_MS = 1000;
const MAX_MS = 60_000;
const HOPELESS_MS = 600_000;
/** A connection that breaks sooner is no success: the pauses go on growing. */
const STOOD_MS = 10_000;
const ASK_AGAIN_MS = 500;
/** Trying again soon would bring the same answer. */
const HOPELESS: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'plex_unauthorized',
  'plex_forbidden',
  'plex_not_found',
  'plex_wrong_server',
  'plex_not_configured',
]);

/**
 * Listens to what the media server tells by itself, for as long as the program runs. News are hints: titles are read from
 * the server, and what came while nobody listened is found by a sync after each connection. Without it everything still
 * works, only later.
 */
export class NotificationListener {
  readonly #parts: NotificationListenerParts;
  readonly #debouncer: NotificationDebouncer;
  #stopped = new AbortController();
  /** Aborted when the settings name another server. */
  #changed = new AbortController();
  #address: string | null = null;
  #running: Promise<void> = Promise.resolve();
  #catchingUp: Promise<void> = Promise.resolve();
  #unsubscribe: () => void = () => undefined;
  #status: NotificationListenerStatus;

  constructor(parts: NotificationListenerParts) {
    this.#parts = parts;
    this.#debouncer = new NotificationDebouncer(parts, parts.pauses);
    const since = parts.now().toISOString();
    this.#status = { state: 'off', since, caughtUpAt: null, lastEventAt: null, lastError: null };
  }

  start(): void {
    this.#stopped = new AbortController();
    this.#address = this.#parts.address();
    this.#unsubscribe = this.#parts.bus.on('settings.changed', () => {
      if (this.#parts.address() === this.#address) return;
      this.#changed.abort(new AppError('interrupted', 'The connection to Plex was changed in the settings.'));
    });
    this.#debouncer.start();
    this.#running = this.#keep(this.#stopped.signal);
  }

  async stop(): Promise<void> {
    this.#unsubscribe();
    this.#stopped.abort(new AppError('interrupted', 'MediaFlow was stopped'));
    await this.#running;
    await this.#debouncer.stop();
    await this.#catchingUp;
  }

  status(): NotificationListenerStatus {
    return this.#status;
  }

  /** One round for each address, and for each time that pauses begin anew. */
  async #keep(stopped: AbortSignal): Promise<void> {
    while (!stopped.aborted) {
      this.#changed = new AbortController();
      this.#address = this.#parts.address();
      const signal = AbortSignal.any([stopped, this.#changed.signal]);
      try {
        if (this.#address === null) {
          this.#enter('off');
          await untilAborted(signal);
        } else await this.#listenWithPauses(signal);
      } catch (error) {
        if (signal.aborted) continue;
        if (!HOPELESS.has(toAppError(error).code))
          this.#parts.log.error({ err: error }, 'Listening to Plex failed in an unexpected way; MediaFlow tries again');
        await sleep(this.#parts.pauses?.hopelessMs ?? HOPELESS_MS, undefined, { signal, ref: false }).catch(
          () => undefined,
        );
      }
    }
  }

  /** Returns when a connection that stood for a while broke off. Throws what trying again soon cannot help. */
  async #listenWithPauses(signal: AbortSignal): Promise<void> {
    const { firstMs = FIRST_MS, maxMs = MAX_MS } = this.#parts.pauses ?? {};
    const retryIf = (error: unknown): boolean => !signal.aborted && !HOPELESS.has(toAppError(error).code);
    await withBackoff(() => this.#listen(signal), {
      firstMs,
      maxMs,
      tries: Number.POSITIVE_INFINITY,
      retryIf,
      signal,
    });
    // Many installations may have lost the same server at the same moment.
    await sleep(firstMs * Math.random(), undefined, { signal });
  }

  /** One connection. Throws unless it stood for a while. */
  async #listen(signal: AbortSignal): Promise<void> {
    this.#enter('connecting');
    let stoodSinceMs: number | null = null;
    try {
      for await (const event of this.#parts.server(this.#parts.serverId()).listen(signal)) {
        if (event.type === 'listening') {
          stoodSinceMs = performance.now();
          this.#enter('connected');
          this.#catchUp(signal);
        } else this.#take(event);
      }
      throw new AppError('plex_unreachable', 'Plex ended the notification connection.');
    } catch (error) {
      if (signal.aborted) throw error;
      this.#lost(toAppError(error));
      if (stoodSinceMs === null || performance.now() - stoodSinceMs < STOOD_MS) throw error;
    }
  }

  #take(event: Exclude<ServerEvent, { type: 'listening' }>): void {
    this.#status = { ...this.#status, lastEventAt: this.#parts.now().toISOString() };
    if (event.type === 'changed' || event.type === 'removed') this.#debouncer.take(event);
    else if (event.type === 'playing') this.#parts.onPlaying();
  }

  #enter(state: NotificationListenerStatus['state']): void {
    const { lastError } = this.#status;
    const since = this.#parts.now().toISOString();
    if (state !== this.#status.state) this.#status = { ...this.#status, state, since, caughtUpAt: null };
    if (state !== 'connecting') this.#status = { ...this.#status, lastError: null };
    if (state === 'connected' && lastError) this.#parts.log.info('Listening to Plex again');
  }

  /** Said once, not at every try. */
  #lost({ code, message }: AppError): void {
    const at = this.#parts.now().toISOString();
    if (this.#status.lastError?.code !== code)
      this.#parts.log.info({ code, reason: message }, 'Not listening to Plex; webhooks and the schedule go on');
    this.#status = { ...this.#status, lastError: { code, message, at } };
    this.#enter('connecting');
  }

  /** What happened while nobody listened. A sync that runs already began before we did. */
  #catchUp(signal: AbortSignal): void {
    const { store, sync, log } = this.#parts;
    const look = async (): Promise<void> => {
      // The first sync of all is somebody else's.
      while (sync.status().state === 'running' || store.sections.size === 0)
        await sleep(ASK_AGAIN_MS, undefined, { signal });
      if (signal.aborted) return;
      // A stop does not wait for the end of it.
      const run = await Promise.race([sync.run({ mode: 'changed', trigger: 'start' }).done, untilAborted(signal)]);
      if (run && run.error === null) this.#status = { ...this.#status, caughtUpAt: this.#parts.now().toISOString() };
    };
    this.#catchingUp = this.#catchingUp.then(look).catch((error: unknown) => {
      if (!signal.aborted && toAppError(error).code !== 'conflict')
        log.warn({ err: error }, 'The library could not be brought up to date after connecting to Plex');
    });
  }
}

/** Resolves when it is. */
const untilAborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener(
      'abort',
      () => {
        resolve();
      },
      { once: true },
    );
  });
