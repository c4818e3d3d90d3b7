import type { Executor, WorkerHealth } from '../../domain/jobs/executor.js';
import { LOCAL_WORKER_ID, type Capabilities, type WorkerMetrics } from '../../domain/workers/worker.js';
import type { Log } from '../../lib/log.js';
import { Loop } from '../../lib/loop.js';
import type { Store } from '../../store/store.js';

/** Cheap while the same ffmpeg stands there; one that was installed or has gone is noticed this soon. Milliseconds. */
const LOOK_EVERY_MS = 60_000;
/** A probe makes some thirty test encodes; those of a slow machine take a while. Milliseconds. */
const PROBE_MS = 300_000;

/** What this machine is, and how it was in the last ten minutes, oldest first. */
export interface MachineDescription {
  os: string;
  cpu: string;
  cores: number;
  history: readonly WorkerMetrics[];
}

export interface LocalProbeParts {
  store: Store;
  log: Log;
  now: () => Date;
  describe: () => MachineDescription;
  /** This machine. */
  local: Pick<Executor, 'check'>;
  /** Resolves when there is room for thirty test encodes, or when the signal is aborted; nobody who needs the answer waits for it. */
  mayBegin: (signal: AbortSignal) => Promise<void>;
  /** What others see of this machine has changed. */
  tell: (id: string) => void;
}

/** What the ffmpeg of this machine can do, as it was seen last; also kept with its row among the workers. */
export class LocalProbe {
  readonly #parts: LocalProbeParts;
  readonly #loop: Loop;
  #health: WorkerHealth | null = null;
  #hasBegun = false;

  constructor(parts: LocalProbeParts) {
    this.#parts = parts;
    this.#loop = new Loop((signal) => this.#look(signal), {
      everyMs: LOOK_EVERY_MS,
      onError: (error) => {
        parts.log.warn({ err: error }, 'What ffmpeg can do on this machine could not be found out');
      },
    });
  }

  start(): void {
    this.#loop.start();
  }

  async stop(): Promise<void> {
    await this.#loop.stop();
  }

  /** Null before the first look. */
  get health(): WorkerHealth | null {
    return this.#health;
  }

  /** Looks now. Throws the signal's reason. */
  async now(signal: AbortSignal = AbortSignal.timeout(PROBE_MS)): Promise<WorkerHealth> {
    const before = JSON.stringify(this.#health);
    const health = await this.#parts.local.check(signal);
    this.#health = health;
    if (JSON.stringify(health) === before) return health;
    // A full disk is no reason to say that ffmpeg cannot be used.
    await this.#keep(health).catch((error: unknown) => {
      this.#parts.log.warn({ err: error }, 'What ffmpeg can do on this machine could not be written down');
    });
    this.#parts.tell(LOCAL_WORKER_ID);
    return health;
  }

  async #keep(health: WorkerHealth): Promise<void> {
    const { store, now, describe } = this.#parts;
    const { os, cpu, cores, history } = describe();
    const metrics = history.at(-1);
    const capabilities: Capabilities = {
      ...{ os, cpu, cores, gpus: [] },
      memoryBytes: metrics?.memoryBytes ?? 0,
      scratchFreeBytes: metrics?.scratchFreeBytes ?? 0,
      ffmpegVersion: health.ok ? health.ffmpegVersion : null,
      encoders: health.ok ? [...health.encoders] : [],
      // Older versions kept the speeds of this machine among the settings.
      speeds: store.workers.get(LOCAL_WORKER_ID).capabilities?.speeds ?? store.settings.value.machine.speeds,
      at: now().toISOString(),
    };
    await store.workers.patch(LOCAL_WORKER_ID, { capabilities });
  }

  async #look(signal: AbortSignal): Promise<void> {
    if (!this.#hasBegun) await this.#parts.mayBegin(signal);
    this.#hasBegun = true;
    if (!signal.aborted) await this.now(AbortSignal.any([signal, AbortSignal.timeout(PROBE_MS)]));
  }
}
