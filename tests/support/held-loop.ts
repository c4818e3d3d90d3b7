import { readFileSync } from 'node:fs';

const EVERY_MS = 5;
/**
 * How long the event loop of this process worked at most before it came round again, in processor time: the same on a machine
 * that is busy with something else. Where the system does not tell, it is the time that passed.
 */
export class HeldLoop {
  maxMs = 0;
  readonly #timer: NodeJS.Timeout;
  #atMs = 0;

  constructor() {
    this.reset();
    this.#timer = setInterval(() => {
      const atMs = workedMs();
      this.maxMs = Math.max(this.maxMs, atMs - this.#atMs);
      this.#atMs = atMs;
    }, EVERY_MS);
    this.#timer.unref();
  }

  /** Begins anew; what was done until now does not count. */
  reset(): void {
    [this.maxMs, this.#atMs] = [0, workedMs()];
  }
}

/** How long the event loop of a process has worked so far, in processor time; where the system does not tell, the time that passed. */
export function workedMs(pid: number | 'self' = 'self'): number {
  try {
    // Of the first thread: nanoseconds on a processor, nanoseconds it waited for one.
    return Number(readFileSync(`/proc/${pid}/schedstat`, 'utf8').split(' ')[0]) / 1e6;
  } catch {
    return performance.now();
  }
}
