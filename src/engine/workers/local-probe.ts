import type { Executor, WorkerHealth } from '../../domain/jobs/executor.js';
import { LOCAL_WORKER_ID } from '../../domain/workers/worker.js';
import type { Log } from '../../lib/log.js';
import { Loop } from '../../lib/loop.js';

/** Cheap while the same ffmpeg stands there; one that was installed or has gone is noticed this soon. Milliseconds. */
const LOOK_EVERY_MS = 60_000;
/** A probe makes some thirty test encodes; those of a slow machine take a while. Milliseconds. */
const PROBE_MS = 300_000;

export interface LocalProbeParts {
  log: Log;
  /** This machine. */
  local: Pick<Executor, 'check'>;
  /** Resolves when there is room for thirty test encodes, or when the signal is aborted; nobody who needs the answer waits for it. */
  mayBegin: (signal: AbortSignal) => Promise<void>;
  /** What others see of this machine has changed. */
  tell: (id: string) => void;
}

/** What the ffmpeg of this machine can do, as it was seen last. */
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
    this.#health = await this.#parts.local.check(signal);
    if (JSON.stringify(this.#health) !== before) this.#parts.tell(LOCAL_WORKER_ID);
    return this.#health;
  }

  async #look(signal: AbortSignal): Promise<void> {
    if (!this.#hasBegun) await this.#parts.mayBegin(signal);
    this.#hasBegun = true;
    if (!signal.aborted) await this.now(AbortSignal.any([signal, AbortSignal.timeout(PROBE_MS)]));
  }
}
