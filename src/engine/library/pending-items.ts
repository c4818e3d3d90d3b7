import { setTimeout as sleep } from 'node:timers/promises';
import { toAppError, type ErrorCode } from '../../domain/errors.js';
import type { PendingItem } from '../../domain/plex/webhook.js';
import type { Log } from '../../lib/log.js';
import type { Store } from '../../store/store.js';
import type { Look } from './settled.js';

/** What an item was at the last look, and how often it was found unfinished. */
export interface Looks {
  count: number;
  look: Look | null;
}

/** Side by side, and so with one request to the server, one look of the rules and one trip to the disk. */
const READS_AT_A_TIME = 50;
const LONGEST_PAUSE_MS = 600_000;
/** News that never end hold an item no longer than this. */
const LONGEST_SETTLE_MS = 3_600_000;
/** Between two looks through all that waits; a long line takes a while to look through. */
const LOOK_EVERY_MS = 50;
/** The clock may be set while a timer runs. */
const LONGEST_TIMER_MS = 60_000;
/** Asking again would bring the same answer. */
const HOPELESS: ReadonlySet<ErrorCode> = new Set<ErrorCode>(['invalid', 'not_found', 'plex_not_found']);

/**
 * Items that wait until they are due. They are stored, so a restart forgets none; what cannot be read is tried again for
 * as long as it takes.
 */
export class PendingItems {
  readonly #parts: { store: Store; log: Log; now: () => Date };
  /** Null when done, otherwise what the item waits for. */
  readonly #read: (row: PendingItem, signal: AbortSignal) => Promise<string | null>;
  readonly #retryMs: number;
  /** Ids of rows that are being read. */
  readonly #busy = new Map<string, Promise<void>>();
  readonly #looks = new Map<string, Looks>();
  /** Ids of rows that are due, in the order in which they are read. */
  #ready: string[] = [];
  #lookedAtMs = Number.NEGATIVE_INFINITY;
  #abort: AbortController | null = null;
  /** The next look, and when it is due by the clock of `performance`. */
  #timer: { handle: NodeJS.Timeout; atMs: number } | null = null;

  constructor(
    parts: { store: Store; log: Log; now: () => Date },
    options: { read: (row: PendingItem, signal: AbortSignal) => Promise<string | null>; retryMs: number },
  ) {
    this.#parts = parts;
    this.#read = options.read;
    this.#retryMs = options.retryMs;
  }

  /** Goes on with what waited when the program ended. */
  start(): void {
    this.#abort = new AbortController();
    this.#lookIn(0);
  }

  /** What waits stays stored. */
  async stop(): Promise<void> {
    this.#abort?.abort();
    this.#abort = null;
    if (this.#timer) clearTimeout(this.#timer.handle);
    this.#timer = null;
    this.#ready = [];
    await Promise.all(this.#busy.values());
  }

  /** Aborted by `stop`. */
  get signal(): AbortSignal | undefined {
    return this.#abort?.signal;
  }

  /** Resolves when the rows are stored. */
  async add(rows: PendingItem[]): Promise<void> {
    const saved = this.#parts.store.pending.putMany(rows);
    this.#expect(rows);
    await saved;
  }

  /** A row that more news came about: due later, though not for ever. */
  held(row: PendingItem, settleMs: number): PendingItem {
    const latest = new Date(new Date(row.firstSeenAt).getTime() + LONGEST_SETTLE_MS).toISOString();
    const dueAt = [this.in(settleMs), latest].sort()[0] ?? latest;
    return { ...row, dueAt: dueAt > row.dueAt ? dueAt : row.dueAt };
  }

  /** The time so many milliseconds from now. */
  in(ms: number): string {
    return new Date(this.#parts.now().getTime() + ms).toISOString();
  }

  looksAt(id: string): Looks {
    return this.#looks.get(id) ?? { count: 0, look: null };
  }

  /** What is remembered until the item is done. */
  remember(id: string, look: Look): void {
    this.#looks.set(id, { ...this.looksAt(id), look });
  }

  /** Reads what is due at once, without waiting for the look through all that waits. */
  #expect(rows: readonly PendingItem[]): void {
    const nowMs = this.#parts.now().getTime();
    for (const row of rows) if (this.#waitOf(row, nowMs) <= 0) this.#ready.push(row.id);
    this.#lookIn(0);
    this.#beginNext();
  }

  /** Looks through the line in so many milliseconds, or earlier when that was planned already. */
  #lookIn(ms: number): void {
    if (!this.#abort) return;
    const nowMs = performance.now();
    const atMs = Math.max(nowMs + ms, this.#lookedAtMs + LOOK_EVERY_MS);
    if (this.#timer) {
      if (this.#timer.atMs <= atMs) return;
      clearTimeout(this.#timer.handle);
    }
    const handle = setTimeout(() => {
      this.#look();
    }, atMs - nowMs);
    this.#timer = { handle, atMs };
  }

  /** Finds what is due, and when to look again. */
  #look(): void {
    this.#timer = null;
    this.#lookedAtMs = performance.now();
    const nowMs = this.#parts.now().getTime();
    let nextMs = Number.POSITIVE_INFINITY;
    this.#ready = [];
    for (const row of this.#parts.store.pending.values()) {
      if (this.#busy.has(row.id)) continue;
      const waitMs = this.#waitOf(row, nowMs);
      if (waitMs > 0) nextMs = Math.min(nextMs, waitMs);
      else this.#ready.push(row.id);
    }
    if (nextMs < Number.POSITIVE_INFINITY) this.#lookIn(Math.min(nextMs, LONGEST_TIMER_MS));
    this.#beginNext();
  }

  /** No date lies further ahead than this; one that does is from before the clock was set back. */
  #waitOf({ dueAt }: PendingItem, nowMs: number): number {
    const waitMs = Date.parse(dueAt) - nowMs;
    return waitMs > LONGEST_SETTLE_MS ? 0 : waitMs;
  }

  /** Reads as many as may be read side by side. */
  #beginNext(): void {
    const signal = this.#abort?.signal;
    while (signal && this.#busy.size < READS_AT_A_TIME) {
      const id = this.#ready.shift();
      if (id === undefined) return;
      const row = this.#parts.store.pending.find(id);
      // More may have come of it since the look, and then it waits on.
      if (row && !this.#busy.has(id) && this.#waitOf(row, this.#parts.now().getTime()) <= 0) this.#begin(id, signal);
    }
  }

  #begin(id: string, signal: AbortSignal): void {
    const done = this.#handle(id, signal)
      .catch(async (error: unknown) => {
        if (signal.aborted) return;
        this.#parts.log.error({ err: error, item: id }, 'An event about an item could not be handled');
        // Not even the next date could be stored: wait here, or it would be due again at once.
        await sleep(this.#retryMs, undefined, { signal }).catch(() => undefined);
      })
      .finally(() => {
        this.#busy.delete(id);
        if (this.#ready.length > 0) this.#beginNext();
        else this.#lookIn(0);
      });
    this.#busy.set(id, done);
  }

  async #handle(id: string, signal: AbortSignal): Promise<void> {
    const { store, log } = this.#parts;
    const row = store.pending.find(id);
    if (!row) return;
    let reason: string | null;
    try {
      reason = await this.#read(row, signal);
    } catch (error) {
      if (signal.aborted) return;
      if (!HOPELESS.has(toAppError(error).code)) {
        await this.#postpone(row, error);
        return;
      }
      log.info({ err: error, item: id }, 'An event about something that is neither a film nor an episode');
      reason = null;
    }
    if (reason !== null) {
      await this.#lookAgain(row, reason);
      return;
    }
    this.#looks.delete(id);
    // News that came meanwhile are handled on their own.
    if (store.pending.find(id) === row) await store.pending.remove(id);
  }

  async #lookAgain(row: PendingItem, reason: string): Promise<void> {
    const { count, look } = this.looksAt(row.id);
    this.#looks.set(row.id, { count: count + 1, look });
    await this.#put(row, { dueAt: this.in(this.#pauseMs(count + 1)), lastError: reason });
  }

  /** Tried again for as long as it takes: a wrong token is mended by the owner, not by us. */
  async #postpone(row: PendingItem, error: unknown): Promise<void> {
    const failures = row.failures + 1;
    const { message } = toAppError(error);
    if (failures === 1)
      this.#parts.log.warn({ err: error, item: row.id }, 'An item could not be read; MediaFlow tries again');
    await this.#put(row, { failures, lastError: message, dueAt: this.in(this.#pauseMs(failures)) });
  }

  #pauseMs(tried: number): number {
    return Math.min(LONGEST_PAUSE_MS, this.#retryMs * 2 ** (tried - 1));
  }

  /** Unless news came meanwhile, which have a date of their own. */
  async #put(row: PendingItem, change: Partial<PendingItem>): Promise<void> {
    const { pending } = this.#parts.store;
    const now = pending.find(row.id);
    if (now === row) await pending.put({ ...row, ...change });
    else if (now) await pending.put({ ...now, failures: change.failures ?? now.failures });
  }
}
