import type { Events } from '../../domain/events.js';
import { isFinished, type Job } from '../../domain/jobs/job.js';
import type { Bus } from '../../lib/bus.js';
import type { Store } from '../../store/store.js';

/** Something of a job that lies on a worker. */
interface Left {
  workerId: string;
  jobId: string;
  workKey: string;
}

export interface LeftoversParts {
  store: Store;
  bus: Bus<Events>;
  /** Ends it and takes it away. */
  forget: (left: Left) => Promise<void>;
}

/**
 * Sees when a job turns away from a worker on which something of it lies: it went on elsewhere, or ended in another way than
 * there. A worker that cannot be reached then is swept when it is met again.
 */
export class Leftovers {
  readonly #parts: LeftoversParts;
  readonly #leftBy = new Map<string, Left>();
  #unsubscribe: () => void = () => undefined;

  constructor(parts: LeftoversParts) {
    this.#parts = parts;
  }

  start(): void {
    const { store, bus, forget } = this.#parts;
    for (const job of store.jobs.values()) this.#note(job);
    this.#unsubscribe = bus.on('job.changed', (job) => {
      const before = this.#leftBy.get(job.id);
      const now = this.#note(job);
      if (!before || (before.workerId === now?.workerId && before.workKey === now.workKey)) return;
      // Where it was encoded to its end, the worker has put its folder in order itself.
      if (now || before.workerId !== job.workerId || isFinished(job.state)) void forget(before);
    });
  }

  stop(): void {
    this.#unsubscribe();
    this.#leftBy.clear();
  }

  #note({ id, state, leftOn }: Job): Left | null {
    const left = leftOn === null || isFinished(state) ? null : { ...leftOn, jobId: id };
    if (left === null) this.#leftBy.delete(id);
    else this.#leftBy.set(id, { workerId: left.workerId, jobId: id, workKey: left.workKey });
    return left;
  }
}
