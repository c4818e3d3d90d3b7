import type { MissedAnalyses } from './missed-analyses.js';

/** Rules whose setting changed and with which the library is still to be looked at again; a program that ends before does it at its next start. */
export class ChangedRules {
  readonly #missed: MissedAnalyses;
  #ids = new Set<string>();
  #marks: Promise<(isAnalyzed: boolean) => void>[] = [];

  constructor(missed: MissedAnalyses) {
    this.#missed = missed;
  }

  get isEmpty(): boolean {
    return this.#ids.size === 0;
  }

  add(ids: readonly string[]): void {
    if (ids.length === 0) return;
    for (const id of ids) this.#ids.add(id);
    this.#marks.push(this.#missed.begin());
  }

  /** All of them, which are none any more; `over` is told whether the library was looked at with them. Never throws. */
  take(): { ids: ReadonlySet<string>; over: (isAnalyzed: boolean) => Promise<void> } {
    const [ids, marks] = [this.#ids, this.#marks];
    this.#ids = new Set();
    this.#marks = [];
    const marked = Promise.allSettled(marks);
    const over = async (isAnalyzed: boolean): Promise<void> => {
      for (const mark of await marked) if (mark.status === 'fulfilled') mark.value(isAnalyzed);
    };
    return { ids, over };
  }
}
