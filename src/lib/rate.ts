import { setTimeout as sleep } from 'node:timers/promises';

/** Lets so many bytes a second through, whoever asks; a pause is made up for at most a tenth of a second. */
export class Rate {
  readonly #bytesPerMs: number;
  #freeAtMs = 0;

  constructor(bytesPerSecond: number) {
    this.#bytesPerMs = bytesPerSecond / 1000;
  }

  /** Resolves when these bytes may go. Throws the signal's reason. */
  async pass(bytes: number, signal?: AbortSignal): Promise<void> {
    const now = performance.now();
    this.#freeAtMs = Math.max(this.#freeAtMs, now - 100) + bytes / this.#bytesPerMs;
    const waitMs = this.#freeAtMs - now;
    if (waitMs > 1) await sleep(waitMs, undefined, signal ? { signal } : {}).catch(() => signal?.throwIfAborted());
  }
}
