import type { Events } from '../../domain/events.js';
import { isFinished, type Job } from '../../domain/job.js';
import type { Bus } from '../../lib/bus.js';
import type { Store } from '../../store/store.js';

export interface LeftoversParts {
  store: Store;
  bus: Bus<Events>;
  /** Takes away what lies on a worker and no job wants. */
  sweep: (workerId: string) => Promise<void>;
}

/**
 * Sees when a job turns away from a worker on which something of it lies: it went on elsewhere, or ended in another way than
 * there. A worker that cannot be reached then is swept when it is met again.
 */
export class Leftovers {
  readonly #parts: LeftoversParts;
  readonly #workerOf = new Map<string, string>();
  #unsubscribe: () => void = () => undefined;

  constructor(parts: LeftoversParts) {
    this.#parts = parts;
  }

  start(): void {
    const { store, bus } = this.#parts;
    for (const job of store.jobs.values()) this.#note(job);
    this.#unsubscribe = bus.on('job.changed', (job) => {
      const before = this.#workerOf.get(job.id);
      this.#note(job);
      if (before === undefined || before === this.#workerOf.get(job.id)) return;
      // Where it was encoded to its end, the worker has put its folder in order itself.
      if (before !== job.workerId || isFinished(job.state)) void this.#parts.sweep(before);
    });
  }

  stop(): void {
    this.#unsubscribe();
    this.#workerOf.clear();
  }

  #note({ id, state, leftOn }: Job): void {
    if (leftOn === null || isFinished(state)) this.#workerOf.delete(id);
    else this.#workerOf.set(id, leftOn.workerId);
  }
}
