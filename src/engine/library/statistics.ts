import { AppError } from '../../domain/errors.js';
import type { Events } from '../../domain/events.js';
import { StatisticsTally, type LibraryStatistics } from '../../domain/library/statistics.js';
import { EventLoopYield } from '../../lib/event-loop-yield.js';
import type { Bus } from '../../lib/bus.js';
import type { Store } from '../../store/store.js';

/** Titles counted between two looks at the clock. */
const ITEMS_PER_TURN = 100;

/** Counts the library when it is asked and something changed since; everybody who asks meanwhile shares the count. */
export class LibraryStatisticsCache {
  readonly #store: Store;
  readonly #bus: Bus<Events>;
  #count: Promise<LibraryStatistics> | null = null;
  #stopListening: () => void = () => undefined;
  #isStopped = true;

  constructor(parts: { store: Store; bus: Bus<Events> }) {
    this.#store = parts.store;
    this.#bus = parts.bus;
  }

  start(): void {
    this.#isStopped = false;
    this.#stopListening = this.#bus.on('library.changed', () => {
      this.#count = null;
    });
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#stopListening();
    await this.#count?.catch(() => undefined);
  }

  async library(): Promise<LibraryStatistics> {
    const count = (this.#count ??= this.#countAll());
    try {
      return await count;
    } catch (error) {
      if (this.#count === count) this.#count = null;
      throw error;
    }
  }

  async #countAll(): Promise<LibraryStatistics> {
    const tally = new StatisticsTally();
    const loopYield = new EventLoopYield();
    let counted = 0;
    for (const item of this.#store.library.values()) {
      tally.add(item);
      if (++counted % ITEMS_PER_TURN !== 0 || !loopYield.isDue) continue;
      await loopYield.pause();
      if (this.#isStopped) throw new AppError('cancelled', 'MediaFlow stops');
    }
    return tally.result();
  }
}
