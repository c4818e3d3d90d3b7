import { EventLoopYield } from '../lib/event-loop-yield.js';
import { compactSoon } from '../lib/heap.js';
import type { Copies } from './copies.js';
import type { Shard } from './shard.js';

/** The rows of a file of which none was changed and that nobody woke for so long are packed. */
const CALM_MS = 3000;
const CHECK_EVERY_MS = 1000;
/** What so many rows leave behind is worth giving back. */
const MANY = 20_000;

/** Packs the rows of a large collection that nobody needs: they then take a tenth of the memory. */
export class Resting<T extends { id: string }> {
  readonly #shards: ReadonlyMap<string, Shard<T>>;
  readonly #copies: Copies<T>;
  #isWaiting = false;
  /** How many want all rows awake. */
  #holds = 0;
  /** Rows that were packed since what they left behind was given back. */
  #packed = 0;

  constructor(parts: { shards: ReadonlyMap<string, Shard<T>>; copies: Copies<T> }) {
    this.#shards = parts.shards;
    this.#copies = parts.copies;
  }

  /** No row is packed until the returned function is called. */
  hold(): () => void {
    let isHeld = true;
    this.#holds++;
    return () => {
      if (isHeld) this.#holds--;
      isHeld = false;
    };
  }

  /** A row woke, or was changed. */
  note(): void {
    if (this.#isWaiting) return;
    this.#isWaiting = true;
    setTimeout(() => void this.#rest(), CHECK_EVERY_MS).unref();
  }

  async #rest(): Promise<void> {
    const areAllAsleep = await this.rest(CALM_MS);
    if (this.#packed >= MANY) {
      this.#packed = 0;
      compactSoon();
    }
    this.#isWaiting = false;
    if (!areAllAsleep) this.note();
  }

  /** Packs what was not used for so long, unless rows are to stay awake. Answers whether all of them sleep now. */
  async rest(calmMs: number): Promise<boolean> {
    const loopYield = new EventLoopYield();
    let areAllAsleep = true;
    this.#copies.restAlone();
    for (const shard of this.#shards.values()) {
      if (this.#holds > 0) return false;
      // Both in one step: a row that rests is read from its file, and from nowhere else.
      const rested = shard.rest(calmMs);
      this.#copies.rest(shard, rested.packed);
      this.#packed += rested.packed.length;
      areAllAsleep &&= rested.isAsleep;
      if (loopYield.isDue) await loopYield.pause();
    }
    return areAllAsleep && !this.#copies.hasAlone;
  }
}
