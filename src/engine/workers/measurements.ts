import { AppError } from '../../domain/errors.js';
import type { Executor, RemoteExecutor, WorkerHealth } from '../../domain/jobs/executor.js';
import type {
  Capabilities,
  EncoderSpeed,
  EncoderSupport,
  Line,
  SshWorker,
  Worker,
  WorkerMetrics,
  WorkerPath,
} from '../../domain/workers/worker.js';
import type { Store } from '../../store/store.js';
import { keepProofs, provePaths } from './shared-paths.js';
import { keepSpeeds } from './speeds.js';

/** A probe makes some thirty test encodes; those of a slow machine take a while. Milliseconds. */
const PROBE_MS = 300_000;
/** Two encodes of some seconds with each encoder; those of a slow machine take a while. Milliseconds. */
const SPEEDS_MS = 300_000;
const MEASURE_MS = 30_000;
export const PROVE_MS = 300_000;

export interface MeasurementsParts {
  store: Store;
  now: () => Date;
  executorOf: (id: string) => Executor;
  /** Throws `worker_unavailable`. */
  remote: (id: string) => RemoteExecutor;
  probeLocal: (signal?: AbortSignal) => Promise<WorkerHealth>;
  /** What others see of a worker has changed. */
  tell: (id: string) => void;
}

/** What is found out about a worker when somebody asks, and kept with its row. */
export class Measurements {
  readonly #parts: MeasurementsParts;

  constructor(parts: MeasurementsParts) {
    this.#parts = parts;
  }

  /** How it is right now. Throws `worker_unreachable` and other trouble of the worker. */
  async load(id: string, signal: AbortSignal = AbortSignal.timeout(MEASURE_MS)): Promise<WorkerMetrics> {
    return this.#parts.remote(id).measure(signal);
  }

  /** What the machine is and can do, found out now and kept. Throws `worker_unavailable` and other trouble of the worker. */
  async probe(id: string, signal: AbortSignal = AbortSignal.timeout(PROBE_MS)): Promise<Capabilities> {
    const { store, remote, probeLocal, tell } = this.#parts;
    const worker = store.workers.get(id);
    if (worker.kind === 'local') return capabilitiesOf(store.workers.get(id), await probeLocal(signal));
    const found = await remote(id).probe(signal);
    const capabilities = { ...found, speeds: store.workers.get(id).capabilities?.speeds ?? [] };
    await store.workers.patch(id, { capabilities });
    tell(id);
    return capabilities;
  }

  /** What a worker's test encodes showed. Throws `worker_unavailable`. */
  async encoders(id: string, signal: AbortSignal): Promise<readonly EncoderSupport[]> {
    const { store, probeLocal } = this.#parts;
    const { kind, capabilities, name } = store.workers.get(id);
    if (kind === 'local') {
      const health = await probeLocal(signal);
      if (!health.ok) throw new AppError('worker_unavailable', health.reason);
      return health.encoders;
    }
    if (!capabilities) throw new AppError('worker_unavailable', `${name} has not been tested yet.`);
    return capabilities.encoders;
  }

  /** Proves every shared folder of a worker now, and keeps what came out. Throws like `probe`. */
  async paths(id: string, signal: AbortSignal = AbortSignal.timeout(PROVE_MS)): Promise<readonly WorkerPath[]> {
    const { store, now, remote, tell } = this.#parts;
    const proved = await provePaths(remote(id), pathsOf(store.workers.get(id)), now, signal);
    const pathMappings = keepProofs(proved, pathsOf(store.workers.get(id)));
    await store.workers.patch(id, { pathMappings } satisfies Partial<SshWorker>);
    tell(id);
    return proved;
  }

  /** How fast files get there and back, measured now and kept. Throws like `probe`. */
  async line(id: string, signal: AbortSignal = AbortSignal.timeout(PROBE_MS)): Promise<Line> {
    const line = await this.#parts.remote(id).measureLine(signal);
    await this.#parts.store.workers.patch(id, { line } satisfies Partial<SshWorker>);
    this.#parts.tell(id);
    return line;
  }

  /** See `keepSpeeds`. */
  async speeds(id: string, signal: AbortSignal = AbortSignal.timeout(SPEEDS_MS)): Promise<EncoderSpeed[]> {
    const asked = { executor: this.#parts.executorOf(id), encoders: await this.encoders(id, signal) };
    const speeds = await keepSpeeds(this.#parts.store, id, asked, signal);
    this.#parts.tell(id);
    return speeds;
  }
}

/** Folders that a worker and this machine both see, as the owner named them. */
export const pathsOf = (worker: Worker): readonly WorkerPath[] => (worker.kind === 'ssh' ? worker.pathMappings : []);

function capabilitiesOf({ capabilities }: Worker, health: WorkerHealth): Capabilities {
  if (!health.ok) throw new AppError('worker_unavailable', health.reason);
  if (capabilities === null) throw new AppError('worker_unavailable', 'This machine has not been tested yet.');
  return capabilities;
}
