import { toAppError, type AppError } from '../../domain/errors.js';
import type { RemoteExecutor } from '../../domain/jobs/executor.js';
import type { WorkerMetrics } from '../../domain/workers/worker.js';
import { isLost } from '../../domain/workers/trust.js';
import { Loop } from '../../lib/loop.js';
import { steadyClock } from '../../lib/steady-clock.js';

export interface WatchParts {
  executor: RemoteExecutor;
  /** How often the worker is asked how it is. Milliseconds. */
  everyMs: number;
  now: () => Date;
  /** Counts milliseconds and cannot be set. */
  steadyMs?: () => number;
  /** It was met, for the first time or after it was away: what has to be done before it gets work. */
  onMet: (signal: AbortSignal) => Promise<void>;
  onMeasured: (metrics: WorkerMetrics) => void;
  /** What the others see of it changed. */
  onChanged: (change: 'online' | 'offline') => void;
  onRefused: (error: AppError) => Promise<void>;
}

/** How many measurements are kept for the charts: ten minutes of one in fifteen seconds. */
const HISTORY = 40;

/** Keeps an eye on one worker: asks it again and again how it is, and says when it comes and goes. */
export class Watch {
  readonly #parts: WatchParts;
  readonly #loop: Loop;
  readonly history: WorkerMetrics[] = [];
  /** `checking` until it answered, or did not, for the first time. */
  state: 'checking' | 'online' | 'offline' = 'checking';
  /** Why it is offline, and since when (ISO time). */
  reason: string | null = null;
  lastSeenMs: number | null = null;
  /** The same by a clock that cannot be set: what a lease is counted by. */
  #heardMs: number | null = null;
  readonly #steadyMs: () => number;

  constructor(parts: WatchParts) {
    this.#parts = parts;
    this.#steadyMs = parts.steadyMs ?? steadyClock;
    this.#loop = new Loop((signal) => this.#look(signal), { everyMs: parts.everyMs, onError: () => undefined });
  }

  start(): void {
    this.#loop.start();
  }

  /** Asks now. */
  wake(): void {
    this.#loop.wake();
  }

  /** Others could not reach it for as long as a lease lasts: it counts as away until it answers here. */
  miss(): void {
    this.lastSeenMs = null;
    this.#heardMs = null;
    this.wake();
  }

  async stop(): Promise<void> {
    await this.#loop.stop();
  }

  async #look(signal: AbortSignal): Promise<void> {
    const { executor, now, onMet, onMeasured, onChanged, onRefused } = this.#parts;
    try {
      const metrics = await executor.measure(signal);
      if (this.state !== 'online') await onMet(signal);
      this.lastSeenMs = now().getTime();
      this.#heardMs = this.#steadyMs();
      this.history.push(metrics);
      if (this.history.length > HISTORY) this.history.shift();
      onMeasured(metrics);
      this.#become('online', null, onChanged);
    } catch (error) {
      if (signal.aborted) return;
      const known = toAppError(error);
      // One answer that got lost is no reason to take its jobs away; a key that is not the confirmed one is.
      const isOver = known.code !== 'worker_unreachable' || isLost(this.#heardMs, this.#steadyMs());
      if (isOver) this.#become('offline', known.message, onChanged);
      await onRefused(known);
    }
  }

  #become(state: 'online' | 'offline', reason: string | null, tell: (change: 'online' | 'offline') => void): void {
    const isNews = this.state !== state || this.reason !== reason;
    this.state = state;
    this.reason = reason;
    if (isNews) tell(state);
  }
}
