import type { Events } from '../../domain/events.js';
import type { Recommendation } from '../../domain/recommendations/recommendation.js';
import { EventLoopYield } from '../../lib/event-loop-yield.js';
import type { Bus } from '../../lib/bus.js';
import type { Store } from '../../store/store.js';

/** Fewer than the store places in one turn: what was decided is put before the owner can decide otherwise. */
const ROWS_PER_TURN = 48;

/** Gathers rows and puts them in small groups, letting other work in between groups, never inside one. */
export class RecommendationWriter {
  readonly #store: Store;
  readonly #bus: Bus<Events>;
  readonly #mayWaitMs: number;
  readonly #loopYield = new EventLoopYield();
  readonly #writes: Promise<void>[] = [];
  readonly #ids: string[] = [];
  #rows: Recommendation[] = [];

  /** `mayWaitMs`: how long the disk may wait for more, because more follows right behind. */
  constructor(store: Store, bus: Bus<Events>, { mayWaitMs = 0 } = {}) {
    this.#store = store;
    this.#bus = bus;
    this.#mayWaitMs = mayWaitMs;
  }

  put(row: Recommendation): void {
    this.#rows.push(row);
    this.#ids.push(row.id);
    if (this.#rows.length >= ROWS_PER_TURN) this.#flush();
  }

  get isDue(): boolean {
    return this.#loopYield.isDue;
  }

  /** Puts what is there first: nothing may come between deciding and putting. */
  async pause(): Promise<void> {
    this.#flush();
    await this.#loopYield.pause();
  }

  /** Resolves when everything is on disk. */
  async done(): Promise<void> {
    this.#flush();
    await Promise.all(this.#writes);
    for (let start = 0; start < this.#ids.length; start += 500)
      this.#bus.emit('recommendation.changed', { ids: this.#ids.slice(start, start + 500) });
  }

  #flush(): void {
    if (this.#rows.length === 0) return;
    const write = this.#store.recommendations.putMany(this.#rows, { mayWaitMs: this.#mayWaitMs });
    // Handled in `done`; until then a refusal must not count as forgotten.
    write.catch(() => undefined);
    this.#writes.push(write);
    this.#rows = [];
  }
}
