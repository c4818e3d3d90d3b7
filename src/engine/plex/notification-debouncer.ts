import { setTimeout as sleep } from 'node:timers/promises';
import type { Events } from '../../domain/events.js';
import { itemId, type LibraryItem } from '../../domain/library/library.js';
import type { Servers } from '../../domain/plex/media-server.js';
import type { ServerEvent } from '../../domain/library/server-event.js';
import type { Bus } from '../../lib/bus.js';
import type { Log } from '../../lib/log.js';
import type { Store } from '../../store/store.js';
import type { Intake } from '../library/intake.js';
import type { AnnouncedTitle } from '../library/admission.js';

export interface DebouncerParts {
  store: Store;
  bus: Bus<Events>;
  log: Log;
  /** Throws `plex_not_configured`. */
  server: Servers;
  intake: Pick<Intake, 'expect' | 'hear' | 'readChanged'>;
  /** Of the server that tells the news; empty until it is known. */
  serverId: () => string;
}

/** How long a title must be quiet, milliseconds; news that go on and on hold it no longer than the second. */
export interface DebouncerPauses {
  quietMs: number;
  longestMs: number;
  /** For a title the server did not finish: without an agent for its library it never says so. */
  unfinishedMs: number;
}

const PAUSES: DebouncerPauses = { quietMs: 1000, longestMs: 2000, unfinishedMs: 15_000 };
/** More than this in ten minutes is no deletion by hand: a full sync looks closer before it believes that. */
const MOST_REMOVED = 100;
const REMOVED_WITHIN_MS = 600_000;
const DETAILS_AT_A_TIME = 50;
/** Titles that are asked for along with those that seem to be gone, as a proof that the server does answer. */
const WITNESSES = 3;
/** A server that is busy scanning may not show an item for a moment. */
const SECOND_LOOK_MS = 500;

type Changed = Extract<ServerEvent, { type: 'changed' }>;
type Removed = Extract<ServerEvent, { type: 'removed' }>;

interface News {
  /** The latest. */
  event: Changed | Removed;
  /** What `expect` answered about it. */
  order: number;
  isAnalyzed: boolean;
  /** When the server first said that it is done with the title. */
  doneMs: number | null;
  dueMs: number;
}

/** Gathers what the media server tells of titles, and acts when a title has come to rest: new ones and changed ones are read. */
export class NotificationDebouncer {
  readonly #parts: DebouncerParts;
  readonly #pauses: DebouncerPauses;
  /** By rating key. */
  readonly #waiting = new Map<string, News>();
  /** How many were said to be gone, and when. */
  #removals: { atMs: number; count: number }[] = [];
  #timer: NodeJS.Timeout | null = null;
  #work: Promise<void> = Promise.resolve();
  #abort = new AbortController();

  constructor(parts: DebouncerParts, pauses: Partial<DebouncerPauses> = {}) {
    this.#parts = parts;
    this.#pauses = { ...PAUSES, ...pauses };
  }

  start(): void {
    this.#abort = new AbortController();
  }

  /** What waits is forgotten: the sync after the next connection finds it. */
  async stop(): Promise<void> {
    this.#abort.abort();
    if (this.#timer) clearTimeout(this.#timer);
    this.#timer = null;
    this.#waiting.clear();
    await this.#work;
  }

  /** Returns at once; the work follows. */
  take(event: Changed | Removed): void {
    const { sectionId, ratingKey } = event;
    if (this.#abort.signal.aborted) return;
    if (sectionId !== null && this.#parts.store.sections.find(sectionId)?.enabled === false) return;
    const order = event.type === 'changed' ? this.#parts.intake.expect(this.#newsOf(event)) : 0;
    const nowMs = performance.now();
    const before = this.#waiting.get(ratingKey);
    const isFinished = event.type === 'removed' || event.isFinished;
    const doneMs = before?.doneMs ?? (isFinished ? nowMs : null);
    // What is done stays so until it is handled; steps of more work on it do not hold it up.
    if (!isFinished && doneMs !== null) return;
    const { quietMs, longestMs, unfinishedMs } = this.#pauses;
    const dueMs = doneMs === null ? nowMs + unfinishedMs : Math.min(nowMs + quietMs, doneMs + longestMs);
    const isAnalyzed = (event.type === 'changed' && event.isAnalyzed) || (before?.isAnalyzed ?? false);
    this.#waiting.set(ratingKey, { event, order, isAnalyzed, doneMs, dueMs });
    this.#schedule();
  }

  #schedule(): void {
    if (this.#timer) clearTimeout(this.#timer);
    this.#timer = null;
    let dueMs = Number.POSITIVE_INFINITY;
    for (const news of this.#waiting.values()) dueMs = Math.min(dueMs, news.dueMs);
    if (dueMs === Number.POSITIVE_INFINITY) return;
    this.#timer = setTimeout(
      () => {
        this.#timer = null;
        this.#work = this.#work.then(() => this.#handleDue());
      },
      Math.max(0, dueMs - performance.now()),
    );
  }

  async #handleDue(): Promise<void> {
    const { signal } = this.#abort;
    // What is nearly due comes along: one request for all of them.
    const untilMs = performance.now() + this.#pauses.quietMs / 4;
    const due = [...this.#waiting.values()].filter(({ dueMs }) => dueMs <= untilMs);
    for (const { event } of due) this.#waiting.delete(event.ratingKey);
    try {
      if (!signal.aborted) await this.#handle(due, signal);
    } catch (error) {
      if (!signal.aborted)
        this.#parts.log.warn({ err: error }, 'A notification from Plex could not be handled; the next sync catches up');
    }
    if (!signal.aborted) this.#schedule();
  }

  async #handle(due: readonly News[], signal: AbortSignal): Promise<void> {
    const { store, intake } = this.#parts;
    const serverId = this.#parts.serverId();
    if (serverId === '') return;
    const idOf = ({ event }: News): string => itemId(serverId, event.ratingKey);
    const isKnown = (news: News): boolean => store.library.find(idOf(news))?.state === 'present';
    const again: AnnouncedTitle[] = [];
    for (const news of due) {
      const { event, order, isAnalyzed } = news;
      if (event.type === 'removed') continue;
      if (!isKnown(news)) await intake.hear({ ...event, serverId, order });
      else again.push({ ...this.#newsOf({ ...event, isAnalyzed }), order });
    }
    await intake.readChanged(again);
    const gone = due.filter((news) => news.event.type === 'removed' && isKnown(news));
    if (gone.length > 0) await this.#verifyGone(gone.map(idOf), signal);
  }

  /** Marks as missing what the server does not show although it shows other titles beside it. Nothing is removed here. */
  async #verifyGone(ids: readonly string[], signal: AbortSignal): Promise<void> {
    const { store, bus, log } = this.#parts;
    const nowMs = performance.now();
    this.#removals = this.#removals.filter(({ atMs }) => nowMs - atMs < REMOVED_WITHIN_MS);
    this.#removals.push({ atMs: nowMs, count: ids.length });
    const titles = this.#removals.reduce((sum, { count }) => sum + count, 0);
    if (titles > MOST_REMOVED) {
      log.info({ titles }, 'Plex reports many titles as deleted; the next full sync checks them');
      return;
    }
    const missing: string[] = [];
    for (let start = 0; start < ids.length; start += DETAILS_AT_A_TIME) {
      let some: readonly string[] = ids.slice(start, start + DETAILS_AT_A_TIME);
      some = await this.#notShown(some, signal);
      if (some.length > 0) {
        await sleep(SECOND_LOOK_MS, undefined, { signal });
        some = await this.#notShown(some, signal);
      }
      missing.push(...some);
    }
    const rows = missing
      .map((id) => store.library.find(id))
      .filter((item): item is LibraryItem => item?.state === 'present');
    if (rows.length === 0) return;
    await store.library.putMany(rows.map((item) => ({ ...item, state: 'missing' as const })));
    bus.emit('library.changed', { itemIds: rows.map(({ id }) => id) });
  }

  /** Those that the server does not show. None when it shows nothing else either: that proves nothing. */
  async #notShown(ids: readonly string[], signal: AbortSignal): Promise<readonly string[]> {
    const { store, server } = this.#parts;
    const items = ids.map((id) => store.library.find(id)).filter((item) => item !== null);
    const isFrozen = ({ sectionId }: LibraryItem): boolean => (store.sections.find(sectionId)?.frozen ?? null) !== null;
    const suspects = items.filter((item) => !isFrozen(item));
    const witnesses = await this.#witnesses(suspects);
    if (suspects.length === 0 || witnesses.length === 0) return [];
    const keys = [...suspects, ...witnesses].map(({ ratingKey }) => ratingKey);
    const shown = new Set(
      (await server(this.#parts.serverId()).details(keys, signal)).map(({ ratingKey }) => ratingKey),
    );
    if (!witnesses.some(({ ratingKey }) => shown.has(ratingKey))) return [];
    return suspects.filter(({ ratingKey }) => !shown.has(ratingKey)).map(({ id }) => id);
  }

  /** After a look into the file the date of a title says nothing about its streams. */
  #newsOf(event: Changed): AnnouncedTitle {
    return { ...event, serverId: this.#parts.serverId(), updatedAt: event.isAnalyzed ? null : event.updatedAt };
  }

  async #witnesses(suspects: readonly LibraryItem[]): Promise<LibraryItem[]> {
    const ids = new Set(suspects.map(({ id }) => id));
    const sections = new Set(suspects.map(({ sectionId }) => sectionId));
    const found: LibraryItem[] = [];
    await this.#parts.store.library.each((item) => {
      if (item.state !== 'present' || !sections.has(item.sectionId) || ids.has(item.id)) return true;
      if (this.#waiting.get(item.ratingKey)?.event.type === 'removed') return true;
      return found.push(item) < WITNESSES;
    });
    return found;
  }
}
