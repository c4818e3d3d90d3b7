import type { LibraryItem } from '../../domain/library/library.js';
import { needsDetails } from './item-writer.js';

/** The same news about an item that was read so recently is a repetition. */
const REPEAT_MS = 600_000;
/** A sync that stored an item so shortly before the first news of it may have read what they tell of. */
const BEFORE_NEWS_MS = 60_000;
/** A sync that touches more reads no streams before it ends. */
const MOST_STORED = 200;
/** The server's dates are whole seconds. */
const SECOND_MS = 1000;
/** Further than this the server's clock and ours do not go apart. */
const CLOCKS_MS = 300_000;

/** A read of an item that began: its place in the order of what was heard, and our time. */
export interface Reading {
  order: number;
  atMs: number;
}

interface Read extends Reading {
  /** The server's own date of the item in the answer, epoch seconds. */
  updatedAt: number;
  /** Whether the answer was whole, and that second over when the read began: what has this date is in the answer. */
  isFinal: boolean;
}

interface Said {
  order: number;
  /** The latest date that news gave, epoch seconds; infinite when they gave none. */
  updatedAt: number;
}

/**
 * When items were read and what news said of them, so that news from several sides make one read. A read knows what was
 * heard before it began, and of what was heard later what its date covers. Keyed by item id.
 */
export class ReadLedger {
  readonly #now: () => Date;
  #order = 0;
  /** Reads that are under way. */
  readonly #reading = new Map<string, number>();
  readonly #read = new Map<string, Read>();
  /** What news said of items that wait; forgotten when they wait no longer. */
  readonly #said = new Map<string, Said>();
  /** The latest date that was heard, and when it was heard first: by then the server's clock had reached it. */
  readonly #dates = new Map<string, { updatedAt: number; atMs: number }>();
  /** When somebody else stored the item. */
  readonly #stored = new Map<string, { atMs: number }>();

  constructor(now: () => Date) {
    this.#now = now;
  }

  /** News came about an item. `updatedAt` in epoch seconds. Answers their place in the order. */
  heard(id: string, updatedAt: number | null): number {
    const atMs = this.#now().getTime();
    if (updatedAt !== null && updatedAt > (this.#dates.get(id)?.updatedAt ?? 0))
      putLast(this.#dates, id, { updatedAt, atMs });
    this.remind(id, updatedAt, ++this.#order);
    return this.#order;
  }

  /** News that were heard before, at this place in the order, still wait to be known. */
  remind(id: string, updatedAt: number | null, order: number): void {
    const before = this.#said.get(id);
    const nowMs = this.#now().getTime();
    if (!before && Math.abs(nowMs - (this.#stored.get(id)?.atMs ?? 0)) > BEFORE_NEWS_MS) this.#stored.delete(id);
    const date = updatedAt ?? Number.POSITIVE_INFINITY;
    // What was said before a read began is left to that read.
    const said =
      !before || this.isKnownBy(id, before.order)
        ? { order, updatedAt: date }
        : { order: Math.max(before.order, order), updatedAt: Math.max(before.updatedAt, date) };
    this.#said.set(id, said);
  }

  /** Somebody else stored these items: a sync, as a rule. `isPiece`: they are some of a long list. */
  stored(ids: readonly string[], isPiece = false): void {
    const areRead = !isPiece && ids.length <= MOST_STORED;
    if (!areRead && this.#said.size === 0) return;
    const atMs = this.#now().getTime();
    for (const id of ids) if (areRead || this.#said.has(id)) putLast(this.#stored, id, { atMs });
  }

  /** A read of the item begins now. */
  begin(id: string): Reading {
    const reading = this.#asOfNow();
    this.#reading.set(id, reading.order);
    return reading;
  }

  /** That read is over, whatever came of it. */
  end(id: string, { order }: Reading): void {
    if (this.#reading.get(id) === order) this.#reading.delete(id);
  }

  /** The item was read; without a reading of ours, somebody else did, and it knows all that was heard so far. */
  wasRead(item: LibraryItem, { order, atMs }: Reading = this.#asOfNow()): void {
    const updatedAt = secondsOf(item);
    const heard = this.#dates.get(item.id);
    const isHeard = heard !== undefined && heard.updatedAt >= updatedAt;
    const sinceMs = Math.min(updatedAt * 1000 + CLOCKS_MS, isHeard ? heard.atMs + SECOND_MS : Number.POSITIVE_INFINITY);
    putLast(this.#read, item.id, { order, atMs, updatedAt, isFinal: isWhole(item) && atMs >= sinceMs });
    for (const map of [this.#read, this.#dates, this.#stored]) dropOld(map, this.#now().getTime());
  }

  /** Whether a read that is done or under way began after news that were heard then. */
  isKnownBy(id: string, order: number): boolean {
    return order < Math.max(this.#read.get(id)?.order ?? 0, this.#reading.get(id) ?? 0);
  }

  /** Whether news with this date (epoch seconds) tell nothing that the last read did not. */
  isRepeat(id: string, updatedAt: number): boolean {
    const read = this.#read.get(id);
    if (read === undefined || Math.abs(this.#now().getTime() - read.atMs) >= REPEAT_MS) return false;
    return updatedAt < read.updatedAt || (updatedAt === read.updatedAt && read.isFinal);
  }

  /** Whether all that the news told of while the item waited was read meanwhile, by whomever. */
  isUpToDate(item: LibraryItem): boolean {
    const said = this.#said.get(item.id);
    if (said === undefined || item.state !== 'present' || needsDetails(item)) return false;
    if (said.order < (this.#read.get(item.id)?.order ?? 0) || this.isRepeat(item.id, said.updatedAt)) return true;
    return this.#stored.has(item.id) && secondsOf(item) >= said.updatedAt;
  }

  /** The item waits no longer. */
  forget(id: string): void {
    this.#said.delete(id);
  }

  #asOfNow(): Reading {
    return { order: ++this.#order, atMs: this.#now().getTime() };
  }
}

const secondsOf = ({ updatedAt }: LibraryItem): number => Math.floor(new Date(updatedAt ?? 0).getTime() / 1000);

const isWhole = ({ files }: LibraryItem): boolean =>
  files.every(
    ({ optimized, video, sizeBytes }) => optimized || (video !== null && video.codec !== '' && sizeBytes > 0),
  );

/** Maps keep their order: the oldest come first. */
function putLast<T>(map: Map<string, T>, id: string, value: T): void {
  map.delete(id);
  map.set(id, value);
}

/** A date that lies ahead is from before the clock was set back. */
function dropOld(map: Map<string, { atMs: number }>, nowMs: number): void {
  for (const [id, { atMs }] of map) {
    if (Math.abs(nowMs - atMs) < REPEAT_MS) break;
    map.delete(id);
  }
}
