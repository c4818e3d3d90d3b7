import { conflict, toAppError } from '../../domain/errors.js';
import type { Events } from '../../domain/events.js';
import type { RemoteExecutor } from '../../domain/jobs/executor.js';
import type { ProvisionStep } from '../../domain/workers/provision.js';
import type { Bus } from '../../lib/bus.js';
import type { Log } from '../../lib/log.js';
import type { Store } from '../../store/store.js';

/** How ffmpeg is being installed on a worker, or was. Kept as long as MediaFlow runs. */
export interface ProvisionRun {
  startedAt: string;
  /** Null while it goes on. */
  finishedAt: string | null;
  steps: readonly ProvisionStep[];
  /** Why it failed, and what to do by hand. */
  error: string | null;
}

export interface ProvisionsParts {
  store: Store;
  bus: Bus<Events>;
  log: Log;
  now: () => Date;
  /** Throws `worker_unavailable`. */
  remote: (id: string) => RemoteExecutor;
}

/** A slow line may carry a build for an hour, and a package manager may wait for another one. Milliseconds. */
const LIMIT_MS = 2 * 3_600_000;

/** Installs ffmpeg on workers, one attempt at a time on each, and keeps what became of the last one. */
export class Provisions {
  readonly #parts: ProvisionsParts;
  readonly #runs = new Map<string, ProvisionRun>();

  constructor(parts: ProvisionsParts) {
    this.#parts = parts;
  }

  /** The last attempt on a worker, as it stands; null when there was none. */
  of(id: string): ProvisionRun | null {
    return this.#runs.get(id) ?? null;
  }

  /** Returns at once; the work follows. Throws `worker_unavailable`, or `conflict` while it is at it already. */
  begin(id: string): ProvisionRun {
    const { now, remote } = this.#parts;
    if (this.of(id)?.finishedAt === null) throw conflict('ffmpeg is being installed there already.');
    const executor = remote(id);
    const run: ProvisionRun = { startedAt: now().toISOString(), finishedAt: null, steps: [], error: null };
    this.#set(id, run);
    void this.#work(id, executor);
    return run;
  }

  async #work(id: string, executor: RemoteExecutor): Promise<void> {
    const { store, now } = this.#parts;
    let error: string | null = null;
    try {
      const capabilities = await executor.provision((step) => {
        this.#note(id, step);
      }, AbortSignal.timeout(LIMIT_MS));
      await store.workers.patch(id, { capabilities });
    } catch (thrown) {
      error = toAppError(thrown).message;
    }
    const run = this.of(id);
    if (run) this.#set(id, { ...run, finishedAt: now().toISOString(), error });
    // Who waits for a worker that can encode may have found one.
    this.#parts.bus.emit('queue.changed', {});
  }

  #note(id: string, step: ProvisionStep): void {
    const { store, log } = this.#parts;
    const { name, state, text, log: output } = step;
    const worker = store.workers.find(id)?.name ?? id;
    if (state === 'failed') log.warn({ worker, state, text, output }, name);
    else if (state !== 'running') log.info({ worker, state, text, output }, name);
    const run = this.of(id);
    if (!run) return;
    const isKnown = run.steps.some((known) => known.name === name);
    const steps = isKnown ? run.steps.map((known) => (known.name === name ? step : known)) : [...run.steps, step];
    this.#set(id, { ...run, steps });
  }

  #set(id: string, run: ProvisionRun): void {
    this.#runs.set(id, run);
    this.#parts.bus.emit('worker.changed', { ids: [id] });
  }
}
