import { AppError } from '../../domain/errors.js';
import type { Events } from '../../domain/events.js';
import type { RemoteExecutor } from '../../domain/jobs/executor.js';
import { WorkerKey, type SshWorker, type Worker, type WorkerPath } from '../../domain/workers/worker.js';
import type { Bus } from '../../lib/bus.js';
import type { Log } from '../../lib/log.js';
import type { Store } from '../../store/store.js';
import { isFinished } from '../../domain/jobs/job.js';
import { Watch } from './watch.js';

export interface MembersParts {
  store: Store;
  bus: Bus<Events>;
  log: Log;
  now: () => Date;
  /** The executor of a worker whose host key was confirmed. */
  connect: (
    worker: SshWorker & { hostKey: string },
    key: WorkerKey,
    sharedPaths: () => readonly WorkerPath[],
  ) => RemoteExecutor;
  /** How often workers are asked how they are. Milliseconds. */
  heartbeatMs?: number;
  /** Shared folders are proved before a worker gets work. */
  provePaths: (id: string, signal: AbortSignal) => Promise<unknown>;
}

interface Member {
  executor: RemoteExecutor;
  watch: Watch;
}

const HEARTBEAT_MS = 15_000;
/** A probe makes some thirty test encodes; those of a slow machine take a while. Milliseconds. */
const PROBE_MS = 300_000;
const SWEEP_MS = 120_000;
const PROVE_MS = 300_000;

/** The workers that are looked after: those whose host key was confirmed. Each has its executor, and is watched. */
export class Members {
  readonly #parts: MembersParts;
  readonly #members = new Map<string, Member>();
  #isStopped = true;

  constructor(parts: MembersParts) {
    this.#parts = parts;
  }

  /** Begins to look after every confirmed worker; nobody waits for them. */
  start(): void {
    this.#isStopped = false;
    for (const worker of this.#parts.store.workers.values()) this.#join(worker);
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    await Promise.all([...this.#members.keys()].map((id) => this.leave(id)));
  }

  /** Undefined for one that is not looked after. */
  watchOf(id: string): Watch | undefined {
    return this.#members.get(id)?.watch;
  }

  /** Throws `worker_unavailable` for one that is not looked after. */
  remote(id: string): RemoteExecutor {
    const member = this.#members.get(id);
    if (member) return member.executor;
    const name = this.#parts.store.workers.find(id)?.name ?? 'This worker';
    throw new AppError(
      'worker_unavailable',
      `${name} cannot be used: its host key is not confirmed, or it was removed.`,
    );
  }

  /** Ends and removes whatever lies there of us, if it can be reached at all. */
  async clear(id: string): Promise<void> {
    const executor = this.#members.get(id)?.executor;
    await executor?.sweep([], AbortSignal.timeout(SWEEP_MS)).catch(() => undefined);
  }

  /** Ends and removes one work on a worker. One that cannot be reached is swept when it is met. */
  async forget({ workerId, ...work }: { workerId: string; jobId: string; workKey: string }): Promise<void> {
    await this.#members
      .get(workerId)
      ?.executor.forget(work, AbortSignal.timeout(SWEEP_MS))
      .catch(() => undefined);
  }

  /** What jobs have there and may take up again. */
  #wantedOn(id: string): { jobId: string; workKey: string }[] {
    return this.#parts.store.jobs
      .where(({ state, leftOn }) => !isFinished(state) && leftOn?.workerId === id)
      .map(({ id: jobId, leftOn }) => ({ jobId, workKey: leftOn?.workKey ?? '' }));
  }

  #join(worker: Worker): void {
    const { store, now, bus, heartbeatMs = HEARTBEAT_MS } = this.#parts;
    if (worker.kind !== 'ssh') return;
    const { id, hostKey } = worker;
    const sealed = store.secrets.find(`worker:${id}`);
    if (this.#isStopped || hostKey === null || sealed === null) return;
    const executor = this.#parts.connect({ ...worker, hostKey }, WorkerKey.parse(JSON.parse(sealed)), () =>
      this.#pathsOf(id),
    );
    const watch = new Watch({
      ...{ executor, now, everyMs: heartbeatMs },
      onMet: (signal) => this.#meet(id, executor, signal),
      onMeasured: (metrics) => {
        bus.emit('worker.measured', { id, ...metrics });
      },
      onChanged: (change) => {
        this.#announce(id, change);
      },
      onRefused: (error) => this.#noteHostKey(id, error),
    });
    this.#members.set(id, { executor, watch });
    watch.start();
  }

  #pathsOf(id: string): readonly WorkerPath[] {
    const worker = this.#parts.store.workers.find(id);
    return worker?.kind === 'ssh' ? worker.pathMappings : [];
  }

  /** Meets a worker anew, by another address, key or host key. */
  joinAgain(worker: Worker): void {
    void this.leave(worker.id).then(() => {
      this.#join(worker);
      this.tell(worker.id);
    });
  }

  /** Lets go of a worker; what it encodes goes on there. */
  async leave(id: string): Promise<void> {
    const member = this.#members.get(id);
    if (!member) return;
    this.#members.delete(id);
    const { lastSeenMs } = member.watch;
    if (lastSeenMs !== null && this.#parts.store.workers.find(id)) {
      await this.#parts.store.workers
        .patch(id, { lastSeenAt: new Date(lastSeenMs).toISOString() })
        .catch(() => undefined);
    }
    await member.watch.stop();
    await member.executor.close();
  }

  /** Before it gets work: what no job here knows of is ended there, and a machine nobody tested is tested. */
  async #meet(id: string, executor: RemoteExecutor, signal: AbortSignal): Promise<void> {
    const { store, log } = this.#parts;
    const swept = await executor.sweep(this.#wantedOn(id), AbortSignal.any([signal, AbortSignal.timeout(SWEEP_MS)]));
    if (this.#pathsOf(id).length > 0)
      await this.#parts.provePaths(id, AbortSignal.any([signal, AbortSignal.timeout(PROVE_MS)]));
    if (swept.length > 0) log.info({ worker: id, swept }, 'Took away what earlier jobs had left on a worker');
    if (store.workers.find(id)?.capabilities !== null) return;
    const capabilities = await executor.probe(AbortSignal.any([signal, AbortSignal.timeout(PROBE_MS)]));
    await store.workers.patch(id, { capabilities });
  }

  #announce(id: string, change: 'online' | 'offline'): void {
    const { bus, store } = this.#parts;
    const name = store.workers.find(id)?.name ?? id;
    const reason = this.#members.get(id)?.watch.reason ?? '';
    if (change === 'online') bus.emit('server.online', { id, name });
    else bus.emit('server.offline', { id, name, reason });
    this.tell(id);
  }

  /** A host key that is not the confirmed one is a hard stop: nothing is sent there until the owner has said yes. */
  async #noteHostKey(id: string, { code, fields }: AppError): Promise<void> {
    const seen = fields['hostKey'];
    if (code !== 'worker_host_key' || seen === undefined) return;
    const { store } = this.#parts;
    const worker = store.workers.find(id);
    if (worker?.kind !== 'ssh' || worker.seenHostKey === seen) return;
    await store.workers.patch(id, { seenHostKey: seen });
    await store.audit.append({ who: 'MediaFlow', action: 'refuse host key', object: `${worker.name}: ${seen}` });
    this.tell(id);
  }

  /** What others see of a worker has changed. */
  tell(id: string): void {
    this.#parts.bus.emit('worker.changed', { ids: [id] });
    // Who waits for a worker may have found one.
    this.#parts.bus.emit('queue.changed', {});
  }
}
