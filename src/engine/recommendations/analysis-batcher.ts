import { AppError } from '../../domain/errors.js';
import type { Run } from '../../domain/recommendations/run.js';
import type { Log } from '../../lib/log.js';
import { together } from '../../lib/together.js';

const MOST_TOGETHER = 50;

interface Parts {
  analyzer: {
    items(itemIds: string[], trigger: Run['trigger']): Promise<unknown>;
    willAnalyze(): Promise<(isAnalyzed: boolean) => void>;
  };
  log: Log;
}

/** What was read is looked at by the rules; what is read while they look at others, together. */
export class AnalysisBatcher {
  readonly #parts: Parts;
  /** Titles that wait for the same look, by what they were read for. */
  readonly #next = new Map<Run['trigger'], (id: string) => Promise<void>>();

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /** Resolves when what the rules say of this title is stored. Throws `no_space`. */
  at(id: string, trigger: Run['trigger']): Promise<void> {
    const look =
      this.#next.get(trigger) ?? together((ids: readonly string[]) => this.#each(ids, trigger), MOST_TOGETHER);
    this.#next.set(trigger, look);
    return look(id);
  }

  /** Stores what nothing else on the disk tells of, and has the rules look at it, side by side. Throws `no_space`. */
  async after(store: () => { ids: readonly string[]; saved: Promise<void> }, trigger: Run['trigger']): Promise<void> {
    const looked = await this.#parts.analyzer.willAnalyze();
    let isDone = false;
    try {
      const { ids, saved } = store();
      await Promise.all([saved, this.atAll(ids, trigger)]);
      isDone = true;
    } finally {
      looked(isDone);
    }
  }

  /** Without rules an item is still an item: the next look at everything makes up for it. Throws `no_space`. */
  async atAll(ids: readonly string[], trigger: Run['trigger']): Promise<void> {
    if (ids.length === 0) return;
    try {
      await this.#parts.analyzer.items([...new Set(ids)], trigger);
    } catch (error) {
      if (error instanceof AppError && error.code === 'no_space') throw error;
      this.#parts.log.warn({ err: error, items: ids }, 'New items could not be analyzed');
      const looked = await this.#parts.analyzer.willAnalyze();
      looked(false);
    }
  }

  async #each(ids: readonly string[], trigger: Run['trigger']): Promise<undefined[]> {
    await this.atAll(ids, trigger);
    return ids.map(() => undefined);
  }
}
