import { setTimeout as sleep } from 'node:timers/promises';
import { AppError, toAppError, type ErrorCode } from '../../domain/errors.js';
import type { Events } from '../../domain/events.js';
import { itemId, type LibraryItem } from '../../domain/library.js';
import type { MediaServer } from '../../domain/media-server.js';
import { toLocalPath } from '../../domain/paths.js';
import type { Run } from '../../domain/run.js';
import type { PendingItem, PlexWebhook, WebhookOutcome } from '../../domain/webhook.js';
import type { Bus } from '../../lib/bus.js';
import { Gate } from '../../lib/gate.js';
import type { Log } from '../../lib/log.js';
import type { Store } from '../../store/store.js';
import { isUnsettled, type Look } from './settled.js';
import { Shelf } from './shelf.js';
import { WebhookTally } from './webhook-tally.js';

export interface IntakeParts {
  store: Store;
  bus: Bus<Events>;
  log: Log;
  now: () => Date;
  /** Throws `plex_not_configured`. */
  server: () => MediaServer;
  analyzer: { items(itemIds: string[], trigger: Run['trigger']): Promise<unknown> };
  /** First pause before something is tried again, milliseconds; doubles each time. */
  retryMs?: number;
}

const READS_AT_A_TIME = 4;
/** The same news about an item that was read so recently is a repetition. */
const REPEAT_MS = 600_000;
const LONGEST_PAUSE_MS = 600_000;
/** News that never end hold an item no longer than this. */
const LONGEST_SETTLE_MS = 3_600_000;
/** So often an item may be found unfinished; then it is taken as it is, and the next sync sees the rest. */
const LOOKS = 15;
/** Episodes that came within this time belong to the news about their show. */
const NEW_EPISODES_SEC = 86_400;
/** Asking again would bring the same answer. */
const HOPELESS: ReadonlySet<ErrorCode> = new Set<ErrorCode>(['invalid', 'not_found', 'plex_not_found']);
const DETAILS_AT_A_TIME = 50;

/** Takes in news from the media server: drops repeats, waits until an item has settled, reads it, lets the rules look. */
export class Intake {
  readonly #parts: IntakeParts;
  readonly #shelf: Shelf;
  readonly #tally: WebhookTally;
  readonly #retryMs: number;
  readonly #gate = new Gate(READS_AT_A_TIME);
  /** Ids of pending rows that are being read. */
  readonly #busy = new Map<string, Promise<void>>();
  readonly #looks = new Map<string, { count: number; look: Look | null }>();
  /** Pending id -> when it was read, and the server's own date of the item then (epoch seconds). */
  readonly #read = new Map<string, { atMs: number; updatedAt: number }>();
  #abort: AbortController | null = null;
  #timer: NodeJS.Timeout | null = null;

  constructor(parts: IntakeParts) {
    this.#parts = parts;
    this.#shelf = new Shelf(parts);
    this.#tally = new WebhookTally(parts);
    this.#retryMs = parts.retryMs ?? 5000;
  }

  /** Goes on with what waited when the program ended. */
  start(): void {
    this.#abort = new AbortController();
    this.#schedule();
  }

  /** What waits stays stored. */
  async stop(): Promise<void> {
    this.#abort?.abort();
    this.#abort = null;
    if (this.#timer) clearTimeout(this.#timer);
    await Promise.all(this.#busy.values());
    await this.#tally.flush();
  }

  /** Resolves when the news is stored; the work follows. */
  async receive(event: PlexWebhook): Promise<WebhookOutcome> {
    const { outcome, row } = this.#sort(event);
    await this.count(outcome, event.event);
    if (row) {
      const saved = this.#parts.store.pending.put(row);
      this.#schedule();
      await saved;
    }
    return outcome;
  }

  /** Counts a webhook; never fails and does not wait for the disk. */
  count(outcome: WebhookOutcome, event: string): Promise<void> {
    this.#tally.add(outcome, event);
    this.#parts.bus.emit('webhook.received', { event, outcome });
    return Promise.resolve();
  }

  /** Reads items again without waiting for them to settle. When Plex is away they are read later; other errors are thrown. */
  async readNow(ratingKeys: string[]): Promise<void> {
    try {
      for (let start = 0; start < ratingKeys.length; start += DETAILS_AT_A_TIME) {
        const keys = ratingKeys.slice(start, start + DETAILS_AT_A_TIME);
        const items = await this.#parts.server().details(keys, this.#abort?.signal);
        await this.#take(items, 'owner');
      }
    } catch (error) {
      if (!toAppError(error).isRetriable) throw error;
      this.#parts.log.warn({ err: error }, 'Items could not be read again now; MediaFlow tries again');
      const serverId = this.#parts.store.settings.value.plex.serverId;
      await this.#parts.store.pending.putMany(ratingKeys.map((key) => this.#newRow(serverId, key, 'movie', 'owner')));
      this.#schedule();
    }
  }

  /** What becomes of an event, and the row to wait with. */
  #sort(event: PlexWebhook): { outcome: WebhookOutcome; row: PendingItem | null } {
    const { store, now } = this.#parts;
    const { serverId } = store.settings.value.plex;
    if (serverId !== '' && event.Server.uuid !== serverId) return { outcome: 'wrong_server', row: null };
    if (event.event !== 'library.new') return { outcome: 'ignored', row: null };
    const { Metadata: about } = event;
    if (!about) return { outcome: 'malformed', row: null };
    if (!['movie', 'episode', 'season', 'show'].includes(about.type)) return { outcome: 'ignored', row: null };
    if (about.librarySectionID !== undefined && store.sections.find(about.librarySectionID)?.enabled === false)
      return { outcome: 'ignored', row: null };
    const row = this.#newRow(event.Server.uuid, about.ratingKey, about.type, 'webhook');
    const waiting = store.pending.find(row.id);
    if (waiting) return { outcome: 'repeated', row: this.#hold(waiting) };
    const read = this.#read.get(row.id);
    const isFresh = read !== undefined && now().getTime() - read.atMs < REPEAT_MS;
    if (isFresh && (about.updatedAt ?? 0) <= read.updatedAt) return { outcome: 'repeated', row: null };
    return { outcome: 'accepted', row: { ...row, dueAt: this.#in(this.#settleMs()) } };
  }

  #settleMs(): number {
    return this.#parts.store.settings.value.plex.settleSec * 1000;
  }

  #in(ms: number): string {
    return new Date(this.#parts.now().getTime() + ms).toISOString();
  }

  /** Due at once. */
  #newRow(serverId: string, ratingKey: string, type: string, cause: PendingItem['cause']): PendingItem {
    const now = this.#parts.now();
    return {
      id: `${serverId}/${ratingKey}`,
      ratingKey,
      type,
      cause,
      firstSeenAt: now.toISOString(),
      dueAt: now.toISOString(),
      failures: 0,
      lastError: null,
      addedAfter: type === 'show' || type === 'season' ? Math.floor(now.getTime() / 1000) - NEW_EPISODES_SEC : null,
    };
  }

  /** More news: it has not settled yet. */
  #hold(waiting: PendingItem): PendingItem {
    const latest = new Date(new Date(waiting.firstSeenAt).getTime() + LONGEST_SETTLE_MS).toISOString();
    const dueAt = [this.#in(this.#settleMs()), latest].sort()[0] ?? latest;
    return { ...waiting, dueAt: dueAt > waiting.dueAt ? dueAt : waiting.dueAt };
  }

  /** Starts what is due and sets the clock for what is next. */
  #schedule(): void {
    if (!this.#abort) return;
    if (this.#timer) clearTimeout(this.#timer);
    const { signal } = this.#abort;
    const now = this.#parts.now().getTime();
    let nextMs = Number.POSITIVE_INFINITY;
    for (const row of this.#parts.store.pending.values()) {
      if (this.#busy.has(row.id)) continue;
      const waitMs = new Date(row.dueAt).getTime() - now;
      if (waitMs > 0) nextMs = Math.min(nextMs, waitMs);
      else this.#begin(row, signal);
    }
    // A timer holds 24 days at most; it is set again whenever something happens.
    if (nextMs < Number.POSITIVE_INFINITY)
      this.#timer = setTimeout(
        () => {
          this.#schedule();
        },
        Math.min(nextMs, 60_000),
      );
  }

  #begin({ id }: PendingItem, signal: AbortSignal): void {
    const done = this.#gate
      .run(async () => {
        if (!signal.aborted) await this.#handle(id, signal);
      })
      .catch(async (error: unknown) => {
        if (signal.aborted) return;
        this.#parts.log.error({ err: error, item: id }, 'News about an item could not be handled');
        // Not even the next date could be stored: wait here, or it would be due again at once.
        await sleep(this.#retryMs, undefined, { signal }).catch(() => undefined);
      })
      .finally(() => {
        this.#busy.delete(id);
        this.#schedule();
      });
    this.#busy.set(id, done);
  }

  async #handle(id: string, signal: AbortSignal): Promise<void> {
    const { store } = this.#parts;
    const row = store.pending.find(id);
    if (!row) return;
    let reason: string | null;
    try {
      reason =
        row.type === 'show' || row.type === 'season'
          ? await this.#expand(row, signal)
          : await this.#readRow(row, signal);
    } catch (error) {
      if (signal.aborted) return;
      if (!HOPELESS.has(toAppError(error).code)) {
        await this.#postpone(row, error);
        return;
      }
      this.#parts.log.info({ err: error, item: id }, 'News about something that is no film or episode');
      reason = null;
    }
    // News that came meanwhile are handled on their own.
    if (reason === null && store.pending.find(id) === row) await store.pending.remove(id);
    else if (reason !== null) await this.#lookAgain(row, reason);
  }

  /** Null when done, otherwise what it waits for. */
  async #readRow(row: PendingItem, signal: AbortSignal): Promise<string | null> {
    const { store, server, now } = this.#parts;
    const item = await server().item(row.ratingKey, signal);
    const seen = this.#looks.get(row.id);
    if (!item) return this.#forgetLooks(row);
    if (store.sections.find(item.sectionId)?.enabled === false) return this.#forgetLooks(row);
    const { mappings } = store.settings.value.paths;
    const { reason, look } = await isUnsettled(item, {
      nowMs: now().getTime(),
      settleMs: row.cause === 'owner' ? 0 : this.#settleMs(),
      before: seen?.look ?? null,
      toLocal: (path) => toLocalPath(path, mappings),
    });
    this.#looks.set(row.id, { count: seen?.count ?? 0, look });
    if (reason !== null && (seen?.count ?? 0) < LOOKS) return reason;
    await this.#take([item], row.cause);
    this.#rememberRead(row.id, item);
    return this.#forgetLooks(row);
  }

  #forgetLooks({ id }: PendingItem): null {
    this.#looks.delete(id);
    return null;
  }

  #rememberRead(id: string, item: LibraryItem): void {
    const atMs = this.#parts.now().getTime();
    for (const [other, read] of this.#read) {
      if (atMs - read.atMs < REPEAT_MS) break;
      this.#read.delete(other);
    }
    this.#read.delete(id);
    this.#read.set(id, { atMs, updatedAt: Math.floor(new Date(item.updatedAt ?? 0).getTime() / 1000) });
  }

  /** A show or season: its new episodes wait in its place. */
  async #expand(row: PendingItem, signal: AbortSignal): Promise<string | null> {
    const { store, server } = this.#parts;
    const serverId = row.id.slice(0, row.id.lastIndexOf('/'));
    const leaves = await server().leaves(row.ratingKey, signal);
    if (leaves.length === 0 && (this.#looks.get(row.id)?.count ?? 0) < LOOKS) return 'Plex shows no episodes of it yet';
    const isNew = (leaf: { ratingKey: string; addedAt: string }): boolean =>
      new Date(leaf.addedAt).getTime() / 1000 >= (row.addedAfter ?? 0) &&
      !store.pending.has(`${serverId}/${leaf.ratingKey}`) &&
      !store.library.find(itemId(serverId, leaf.ratingKey))?.files.every(({ detailed }) => detailed);
    const rows = leaves.filter(isNew).map(({ ratingKey }) => this.#newRow(serverId, ratingKey, 'episode', row.cause));
    await store.pending.putMany(rows);
    return this.#forgetLooks(row);
  }

  /** Stores items and lets the rules look. Both go to the disk side by side. */
  async #take(items: LibraryItem[], trigger: Run['trigger']): Promise<void> {
    const { saved } = this.#shelf.put(items);
    const ids = items.map(({ id }) => id);
    await Promise.all([saved, this.#analyze(ids, trigger)]);
  }

  /** Without rules an item is still an item: a sync has it looked at again. */
  async #analyze(ids: string[], trigger: Run['trigger']): Promise<void> {
    if (ids.length === 0) return;
    try {
      await this.#parts.analyzer.items(ids, trigger);
    } catch (error) {
      if (error instanceof AppError && error.code === 'no_space') throw error;
      this.#parts.log.warn({ err: error, items: ids }, 'The rules could not look at new items');
    }
  }

  async #lookAgain(row: PendingItem, reason: string): Promise<void> {
    const seen = this.#looks.get(row.id);
    const count = (seen?.count ?? 0) + 1;
    this.#looks.set(row.id, { count, look: seen?.look ?? null });
    await this.#put(row, { dueAt: this.#in(this.#pauseMs(count)), lastError: reason });
  }

  /** Tried again for as long as it takes: a wrong token is mended by the owner, not by us. */
  async #postpone(row: PendingItem, error: unknown): Promise<void> {
    const failures = row.failures + 1;
    const { message } = toAppError(error);
    if (failures === 1)
      this.#parts.log.warn({ err: error, item: row.id }, 'An item could not be read; MediaFlow tries again');
    await this.#put(row, { failures, lastError: message, dueAt: this.#in(this.#pauseMs(failures)) });
  }

  #pauseMs(tried: number): number {
    return Math.min(LONGEST_PAUSE_MS, this.#retryMs * 2 ** (tried - 1));
  }

  /** Unless news came meanwhile, which have a date of their own. */
  async #put(row: PendingItem, change: Partial<PendingItem>): Promise<void> {
    const now = this.#parts.store.pending.find(row.id);
    if (now === row) await this.#parts.store.pending.put({ ...row, ...change });
    else if (now) await this.#parts.store.pending.put({ ...now, failures: change.failures ?? now.failures });
  }
}
