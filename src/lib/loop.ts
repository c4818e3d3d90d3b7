/**
 * Runs a task again and again, `everyMs` after the previous run ended, until stopped.
 * `wake()` brings the next run forward; runs never overlap; a failing run is reported and the loop goes on.
 */
export class Loop {
  readonly #task: (signal: AbortSignal) => Promise<void>;
  readonly #everyMs: number;
  readonly #onError: (error: unknown) => void;
  #abort: AbortController | null = null;
  #running: Promise<void> | null = null;
  #timer: NodeJS.Timeout | null = null;
  #again = false;

  constructor(
    task: (signal: AbortSignal) => Promise<void>,
    options: { everyMs: number; onError: (error: unknown) => void },
  ) {
    this.#task = task;
    this.#everyMs = options.everyMs;
    this.#onError = options.onError;
  }

  start(): void {
    if (this.#abort) return;
    this.#abort = new AbortController();
    this.wake();
  }

  /** Runs as soon as possible; during a run, once more right after it. Does nothing when stopped. */
  wake(): void {
    if (!this.#abort) return;
    if (this.#running) {
      this.#again = true;
      return;
    }
    if (this.#timer) clearTimeout(this.#timer);
    this.#timer = null;
    this.#running = this.#run(this.#abort.signal);
  }

  /** Aborts the current run and waits for its end. */
  async stop(): Promise<void> {
    this.#abort?.abort();
    this.#abort = null;
    this.#again = false;
    if (this.#timer) clearTimeout(this.#timer);
    this.#timer = null;
    await this.#running;
  }

  async #run(signal: AbortSignal): Promise<void> {
    // Whoever starts or wakes it has something to finish first.
    await new Promise(setImmediate);
    try {
      await this.#task(signal);
    } catch (error) {
      if (!signal.aborted) this.#onError(error);
    }
    this.#running = null;
    if (signal.aborted) return;
    if (this.#again) {
      this.#again = false;
      this.wake();
      return;
    }
    this.#timer = setTimeout(() => {
      this.wake();
    }, this.#everyMs);
    this.#timer.unref();
  }
}
