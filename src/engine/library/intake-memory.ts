import type { LibraryItem } from '../../domain/library.js';
import { needsDetails } from './shelf.js';

/** The same news about an item that was read so recently is a repetition. */
const REPEAT_MS = 600_000;

/** When items were read and what news said of them, so that news from several sides make one read. Keyed by item id. */
export class IntakeMemory {
  readonly #now: () => Date;
  /** When it was read, and the server's own date of the item then (epoch seconds). */
  readonly #read = new Map<string, { atMs: number; updatedAt: number }>();
  /** The latest date that news gave of an item that waits; infinite when they gave none. */
  readonly #said = new Map<string, number>();
  /** Items that wait, and were stored meanwhile by somebody else. */
  readonly #stored = new Set<string>();

  constructor(now: () => Date) {
    this.#now = now;
  }

  /** News came about an item that waits to be read. `updatedAt` in epoch seconds. */
  heard(id: string, updatedAt: number | null): void {
    this.#said.set(id, Math.max(this.#said.get(id) ?? 0, updatedAt ?? Number.POSITIVE_INFINITY));
  }

  /** Items are stored now. */
  stored(ids: readonly string[]): void {
    for (const id of ids) if (this.#said.has(id)) this.#stored.add(id);
  }

  /** Whether news with this date (epoch seconds) tell nothing that the last read did not. */
  isRepeat(id: string, updatedAt: number): boolean {
    const read = this.#read.get(id);
    return read !== undefined && this.#now().getTime() - read.atMs < REPEAT_MS && updatedAt <= read.updatedAt;
  }

  /** Whether a sync read all that the news told of while the item waited. */
  isUpToDate(item: LibraryItem): boolean {
    const isComplete = item.state === 'present' && !needsDetails(item);
    return isComplete && this.#stored.has(item.id) && secondsOf(item) >= (this.#said.get(item.id) ?? 0);
  }

  /** The item was read just now. */
  wasRead(item: LibraryItem): void {
    const atMs = this.#now().getTime();
    for (const [other, read] of this.#read) {
      if (atMs - read.atMs < REPEAT_MS) break;
      this.#read.delete(other);
    }
    this.#read.delete(item.id);
    this.#read.set(item.id, { atMs, updatedAt: secondsOf(item) });
  }

  /** The item waits no longer. */
  forget(id: string): void {
    this.#said.delete(id);
    this.#stored.delete(id);
  }
}

const secondsOf = ({ updatedAt }: LibraryItem): number => Math.floor(new Date(updatedAt ?? 0).getTime() / 1000);
