/** Long tasks that wait for their next turn, oldest first. */
const waiting: (() => void)[] = [];

/** One a round of the event loop: several long tasks at once hold it no longer than one does. */
function letNextGoOn(): void {
  waiting.shift()?.();
  if (waiting.length > 0) setImmediate(letNextGoOn);
}

/** Keeps a long task from holding the event loop: when `isDue`, await `pause()` and other work gets its turn. */
export class Breather {
  readonly #everyMs: number;
  #since = performance.now();

  constructor(everyMs = 8) {
    this.#everyMs = everyMs;
  }

  /** Whether the loop was held for `everyMs` since the last pause. */
  get isDue(): boolean {
    return performance.now() - this.#since >= this.#everyMs;
  }

  /** Resolves when everything that was waiting had its turn. */
  async pause(): Promise<void> {
    await new Promise<void>((resolve) => {
      if (waiting.push(resolve) === 1) setImmediate(letNextGoOn);
    });
    this.#since = performance.now();
  }
}
