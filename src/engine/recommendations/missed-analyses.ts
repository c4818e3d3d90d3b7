import type { Log } from '../../lib/log.js';
import type { Store } from '../../store/store.js';

/**
 * Titles go to the disk before the rules have looked at them, and a program that ends in between would never look: nothing about them
 * changes any more. So it is written down first that there will be such titles; whoever finds that at the start looks at everything.
 */
export class MissedAnalyses {
  readonly #document: Store['analysisDue'];
  readonly #log: Log;
  readonly #now: () => Date;
  /** How many are taking titles in. */
  #open = 0;
  /** How many ended without a look. */
  #missed: number;
  /** Resolves when it is on the disk that a look is due; null while none is. */
  #written: Promise<unknown> | null = null;

  constructor(parts: { store: Pick<Store, 'analysisDue'>; log: Log; now: () => Date }) {
    this.#document = parts.store.analysisDue;
    this.#log = parts.log;
    this.#now = parts.now;
    this.#missed = this.#document.value.since === null ? 0 : 1;
    if (this.#missed > 0) this.#written = Promise.resolve();
  }

  get any(): boolean {
    return this.#missed > 0;
  }

  /** To be awaited before titles are stored. What it answers is called once: whether the rules have looked at them. Throws `no_space`. */
  async begin(): Promise<(isAnalyzed: boolean) => void> {
    this.#open++;
    this.#written ??= this.#document.put({ since: this.#now().toISOString() });
    try {
      await this.#written;
    } catch (error) {
      this.#open--;
      this.#written = null;
      throw error;
    }
    return (isAnalyzed) => {
      this.#open--;
      if (!isAnalyzed) this.#missed++;
      this.#settle();
    };
  }

  /** `look`: the rules look at everything. Answers what it answers. */
  async makeUp<T extends { error: string | null }>(look: () => Promise<T>): Promise<T> {
    const before = this.#missed;
    const looked = await look();
    if (looked.error !== null) return looked;
    // What was missed meanwhile may have come too late for it.
    this.#missed -= before;
    this.#settle();
    return looked;
  }

  #settle(): void {
    if (this.#open > 0 || this.#missed > 0 || this.#written === null) return;
    this.#written = null;
    this.#document.put({ since: null }).catch((error: unknown) => {
      this.#log.warn(
        { err: error },
        'That everything was analyzed could not be stored; it is analyzed again at the next start',
      );
    });
  }
}
