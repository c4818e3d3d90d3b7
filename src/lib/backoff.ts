import { setTimeout as sleep } from 'node:timers/promises';

export interface BackoffOptions {
  /** First pause in milliseconds; doubles each time. */
  firstMs: number;
  /** Longest pause in milliseconds. */
  maxMs: number;
  /** How often the task is tried in all. */
  tries: number;
  /** Says whether another try can help; the default is yes. */
  retryIf?: (error: unknown) => boolean;
  signal?: AbortSignal;
}

/** Tries a task again with growing, jittered pauses. Throws the last error. */
export async function withBackoff<T>(task: () => Promise<T>, options: BackoffOptions): Promise<T> {
  for (let tried = 1; ; tried++) {
    try {
      return await task();
    } catch (error) {
      if (tried >= options.tries || options.retryIf?.(error) === false || options.signal?.aborted) throw error;
      const pauseMs = Math.min(options.maxMs, options.firstMs * 2 ** (tried - 1));
      await sleep(pauseMs * (0.5 + Math.random() / 2), undefined, options.signal ? { signal: options.signal } : {});
    }
  }
}
