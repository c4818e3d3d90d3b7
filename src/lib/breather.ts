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
    await new Promise(setImmediate);
    this.#since = performance.now();
  }
}
