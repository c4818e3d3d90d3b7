import { AppError, conflict, invalid, type AppError as Failure } from '../../domain/errors.js';
import type { Events } from '../../domain/events.js';
import type { Executor, RemoteExecutor, WorkerHealth } from '../../domain/executor.js';
import { isFinished } from '../../domain/job.js';
import type { Line } from '../../domain/worker.js';
import {
  LOCAL_WORKER_ID,
  Worker,
  WorkerKey,
  type Capabilities,
  type EncoderSupport,
  type WorkerMetrics,
  type WorkerPath,
  type WorkerState,
} from '../../domain/worker.js';
import { afterFailure, afterSuccess, backInService, type WorkerFault } from '../../domain/worker-trust.js';
import type { Bus } from '../../lib/bus.js';
import type { Log } from '../../lib/log.js';
import type { Store } from '../../store/store.js';
import { Loop } from '../../lib/loop.js';
import { keepProofs, provePaths } from './shared-paths.js';
import { Watch } from './watch.js';

export interface FleetParts {
  store: Store;
  bus: Bus<Events>;
  log: Log;
  now: () => Date;
  newId: (prefix: string) => string;
  /** This machine. */
  local: Executor;
  /** The executor of a worker whose host key was confirmed. */
  connect: (
    worker: Worker & { hostKey: string },
    key: WorkerKey,
    sharedPaths: () => readonly WorkerPath[],
  ) => RemoteExecutor;
  /** The host key that a machine shows. Throws `worker_unreachable`. */
  seeHostKey: (address: { host: string; port: number }, signal?: AbortSignal) => Promise<string>;
  /** How often workers are asked how they are. Milliseconds. */
  heartbeatMs?: number;
}

/** A worker with what is known of it at this moment. */
export interface SeenWorker {
  worker: Worker;
  state: WorkerState;
  /** Why it is in this state, for the owner; null when nothing is wrong. */
  reason: string | null;
  /** The last ten minutes, oldest first. */
  history: readonly WorkerMetrics[];
  lastSeenAt: string | null;
}

/** A worker that is to be added. */
export type WorkerDraft = Omit<Worker, 'id' | 'createdAt' | 'authKind' | 'seenHostKey'>;

interface Member {
  executor: RemoteExecutor;
  watch: Watch;
}

const HEARTBEAT_MS = 15_000;
/** A probe makes some thirty test encodes; those of a slow machine take a while. Milliseconds. */
const PROBE_MS = 300_000;
const MEASURE_MS = 30_000;
const SWEEP_MS = 120_000;
const PROVE_MS = 300_000;
const PROVE_EVERY_MS = 3_600_000;
/** What changes how a worker is reached, so that it has to be met anew. */
const ADDRESS = ['host', 'port', 'username', 'authKind', 'hostKey', 'scratchDir', 'maxMbps'] as const;

/** The workers: this machine and those reached over SSH. Knows who is there, and hands out who can encode. */
export class Fleet {
  readonly #parts: FleetParts;
  readonly #members = new Map<string, Member>();
  #localHealth: WorkerHealth | null = null;
  readonly #proving: Loop;
  #isStopped = true;

  constructor(parts: FleetParts) {
    this.#parts = parts;
    // A share that was mounted yesterday may be gone today.
    this.#proving = new Loop((signal) => this.#proveAll(signal), {
      everyMs: PROVE_EVERY_MS,
      onError: (error) => {
        parts.log.warn({ err: error }, 'Shared folders of workers could not be proved again');
      },
    });
  }

  /** Begins to look after every confirmed worker; nobody waits for them. */
  start(): void {
    this.#isStopped = false;
    for (const worker of this.#parts.store.workers.values()) this.#join(worker);
    this.#proving.start();
    void this.lookAtLocal().catch(() => undefined);
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    await this.#proving.stop();
    await Promise.all([...this.#members.keys()].map((id) => this.#leave(id)));
  }

  /** What this machine's ffmpeg can do; asked anew. */
  async lookAtLocal(signal: AbortSignal = AbortSignal.timeout(PROBE_MS)): Promise<WorkerHealth> {
    this.#localHealth = await this.#parts.local.check(signal);
    return this.#localHealth;
  }

  list(): SeenWorker[] {
    return [...this.#parts.store.workers.values()].map((worker) => this.#seen(worker));
  }

  /** Throws `not_found`. */
  get(id: string): SeenWorker {
    return this.#seen(this.#parts.store.workers.get(id));
  }

  /** Null before the first look. */
  localHealth(): WorkerHealth | null {
    return this.#localHealth;
  }

  /** Who encodes for a worker. Throws `worker_unavailable` when nobody does just now. */
  executorOf(id: string): Executor {
    if (id === LOCAL_WORKER_ID) return this.#parts.local;
    return this.#remote(id);
  }

  /** What a worker's test encodes showed. Throws `worker_unavailable`. */
  async encodersOf(id: string, signal: AbortSignal): Promise<readonly EncoderSupport[]> {
    if (id === LOCAL_WORKER_ID) {
      const health = await this.#parts.local.check(signal);
      this.#localHealth = health;
      if (!health.ok) throw new AppError('worker_unavailable', health.reason);
      return health.encoders;
    }
    const { capabilities, name } = this.#parts.store.workers.get(id);
    if (!capabilities) throw new AppError('worker_unavailable', `${name} has not been tested yet.`);
    return capabilities.encoders;
  }

  /** Adds a worker. It stays unconfirmed until its host key is confirmed, unless `hostKey` is the one it shows. */
  async add(draft: WorkerDraft, key: WorkerKey): Promise<Worker> {
    const { store, newId, now } = this.#parts;
    const isTwin = store.workers.where(
      ({ host, port, username }) => host === draft.host && port === draft.port && username === draft.username,
    );
    if (isTwin.length > 0)
      throw conflict(`${draft.username}@${draft.host} is a worker already: ${isTwin[0]?.name ?? ''}.`);
    const seenHostKey = await this.#parts.seeHostKey(draft);
    const isRight = draft.hostKey === seenHostKey;
    const worker = Worker.parse({
      ...draft,
      id: newId('worker'),
      authKind: key.kind,
      hostKey: isRight ? seenHostKey : null,
      seenHostKey: isRight ? null : seenHostKey,
      createdAt: now().toISOString(),
    });
    await store.secrets.set(`worker:${worker.id}`, JSON.stringify(key));
    await store.workers.put(worker);
    await store.audit.append({
      who: 'owner',
      action: 'add worker',
      object: `${worker.name} (${worker.username}@${worker.host})`,
    });
    this.#joinAgain(worker);
    return worker;
  }

  /** The owner's yes to the host key that was seen. Throws `invalid` when another one is meant. */
  async confirm(id: string, hostKey: string): Promise<Worker> {
    const { store } = this.#parts;
    const { seenHostKey } = store.workers.get(id);
    if (seenHostKey === null) throw conflict('The host key of this worker is confirmed already.');
    if (hostKey !== seenHostKey) {
      throw invalid(`This is not the host key that was seen: ${seenHostKey}. Compare it on the machine itself.`, {
        hostKey: 'is another one',
      });
    }
    const worker = await store.workers.patch(id, {
      hostKey: seenHostKey,
      seenHostKey: null,
      failuresInRow: 0,
      disabledReason: null,
    });
    await store.audit.append({ who: 'owner', action: 'confirm host key', object: `${worker.name}: ${hostKey}` });
    this.#joinAgain(worker);
    return worker;
  }

  /** Changes a worker; a new address or key is used at once. Work that runs there goes on where it can. Throws `not_found`. */
  async change(id: string, change: Partial<Omit<Worker, 'id' | 'createdAt'>>, key?: WorkerKey): Promise<Worker> {
    const { store } = this.#parts;
    const before = store.workers.get(id);
    // Another machine has another key.
    const pathMappings = change.pathMappings && keepProofs(before.pathMappings, change.pathMappings);
    const isElsewhere = (change.host ?? before.host) !== before.host || (change.port ?? before.port) !== before.port;
    const seen = isElsewhere ? await this.#parts.seeHostKey({ ...before, ...change }) : null;
    if (key) await store.secrets.set(`worker:${id}`, JSON.stringify(key));
    const worker = await store.workers.patch(id, {
      ...change,
      ...(pathMappings ? { pathMappings } : {}),
      ...(key ? { authKind: key.kind } : {}),
      ...(seen === null || seen === before.hostKey ? {} : { hostKey: null, seenHostKey: seen }),
    });
    const isMetAnew = key !== undefined || ADDRESS.some((field) => worker[field] !== before[field]);
    if (isMetAnew) this.#joinAgain(worker);
    else this.#tell(id);
    return worker;
  }

  /** Throws `not_found`, or `conflict` while a job runs there. */
  async remove(id: string): Promise<Worker> {
    const { store } = this.#parts;
    const worker = store.workers.get(id);
    const busy = store.jobs.where(({ workerId, state }) => workerId === id && state === 'running');
    if (busy.length > 0)
      throw conflict(`${worker.name} encodes just now. Cancel its jobs first, or let it finish and stop.`);
    // Nothing is left behind there, if it can be reached at all.
    await this.#members
      .get(id)
      ?.executor.sweep([], AbortSignal.timeout(SWEEP_MS))
      .catch(() => undefined);
    await this.#leave(id);
    await store.workers.remove(id);
    await store.secrets.remove(`worker:${id}`);
    await store.audit.append({ who: 'owner', action: 'remove worker', object: worker.name });
    this.#tell(id);
    return worker;
  }

  /** How it is right now. Throws `worker_unreachable` and other trouble of the worker. */
  async measure(id: string, signal: AbortSignal = AbortSignal.timeout(MEASURE_MS)): Promise<WorkerMetrics> {
    return this.#remote(id).measure(signal);
  }

  /** What the machine is and can do, found out now and kept. Throws `worker_unavailable` and other trouble of the worker. */
  async probe(id: string, signal: AbortSignal = AbortSignal.timeout(PROBE_MS)): Promise<Capabilities> {
    const capabilities = await this.#remote(id).probe(signal);
    await this.#parts.store.workers.patch(id, { capabilities });
    this.#tell(id);
    return capabilities;
  }

  /** Proves every shared folder of a worker now, and keeps what came out. Throws like `probe`. */
  async provePaths(id: string, signal: AbortSignal = AbortSignal.timeout(PROVE_MS)): Promise<readonly WorkerPath[]> {
    const { store, now } = this.#parts;
    const proved = await provePaths(this.#remote(id), store.workers.get(id), now, signal);
    const { pathMappings } = store.workers.get(id);
    await store.workers.patch(id, { pathMappings: keepProofs(proved, pathMappings) });
    this.#tell(id);
    return proved;
  }

  /** How fast files get there and back, measured now and kept. Throws like `probe`. */
  async measureLine(id: string, signal: AbortSignal = AbortSignal.timeout(PROBE_MS)): Promise<Line> {
    const line = await this.#remote(id).measureLine(signal);
    await this.#parts.store.workers.patch(id, { line });
    this.#tell(id);
    return line;
  }

  /** A job went well there. */
  async praise(id: string): Promise<void> {
    const worker = this.#parts.store.workers.find(id);
    if (worker && worker.failuresInRow > 0) await this.#parts.store.workers.patch(id, afterSuccess(worker));
  }

  /** A job failed there through the worker's fault; with too many in a row it is taken out of service. */
  async blame(id: string, fault: WorkerFault): Promise<void> {
    const { store, log } = this.#parts;
    const worker = store.workers.find(id);
    if (!worker) return;
    const trust = afterFailure(worker, fault);
    await store.workers.patch(id, trust);
    if (fault === 'connection') this.#members.get(id)?.watch.miss();
    if (trust.disabledReason !== worker.disabledReason) log.warn({ worker: worker.name }, trust.disabledReason ?? '');
    this.#tell(id);
  }

  /** Trusts a disabled worker again. Throws `not_found`. */
  async enable(id: string): Promise<Worker> {
    const worker = await this.#parts.store.workers.patch(id, backInService());
    this.#members.get(id)?.watch.wake();
    this.#tell(id);
    return worker;
  }

  async #proveAll(signal: AbortSignal): Promise<void> {
    for (const { worker, state } of this.list()) {
      if (state === 'online' && worker.pathMappings.length > 0) {
        await this.provePaths(worker.id, AbortSignal.any([signal, AbortSignal.timeout(PROVE_MS)]));
      }
    }
  }

  #remote(id: string): RemoteExecutor {
    const member = this.#members.get(id);
    if (member) return member.executor;
    const name = this.#parts.store.workers.find(id)?.name ?? 'This worker';
    throw new AppError(
      'worker_unavailable',
      `${name} cannot be used: its host key is not confirmed, or it was removed.`,
    );
  }

  #seen(worker: Worker): SeenWorker {
    const watch = this.#members.get(worker.id)?.watch;
    const history = watch?.history ?? [];
    const lastSeenAt = watch?.lastSeenMs ? new Date(watch.lastSeenMs).toISOString() : worker.lastSeenAt;
    const [state, reason] = stateOf(worker, watch);
    return { worker, state, reason, history, lastSeenAt };
  }

  #join(worker: Worker): void {
    const { store, now, bus, heartbeatMs = HEARTBEAT_MS } = this.#parts;
    const { id, hostKey } = worker;
    const sealed = store.secrets.find(`worker:${id}`);
    if (this.#isStopped || hostKey === null || sealed === null) return;
    const executor = this.#parts.connect(
      { ...worker, hostKey },
      WorkerKey.parse(JSON.parse(sealed)),
      () => store.workers.find(id)?.pathMappings ?? [],
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

  #joinAgain(worker: Worker): void {
    void this.#leave(worker.id).then(() => {
      this.#join(worker);
      this.#tell(worker.id);
    });
  }

  async #leave(id: string): Promise<void> {
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
    const keep = store.jobs
      .where(({ state, leftOn }) => !isFinished(state) && leftOn?.workerId === id)
      .map(({ id: jobId, leftOn }) => ({ jobId, workKey: leftOn?.workKey ?? '' }));
    const swept = await executor.sweep(keep, AbortSignal.any([signal, AbortSignal.timeout(SWEEP_MS)]));
    if ((store.workers.find(id)?.pathMappings.length ?? 0) > 0)
      await this.provePaths(id, AbortSignal.any([signal, AbortSignal.timeout(PROVE_MS)]));
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
    this.#tell(id);
  }

  /** A host key that is not the confirmed one is a hard stop: nothing is sent there until the owner has said yes. */
  async #noteHostKey(id: string, { code, fields }: Failure): Promise<void> {
    const seen = fields['hostKey'];
    if (code !== 'worker_host_key' || seen === undefined) return;
    const { store } = this.#parts;
    const worker = store.workers.find(id);
    if (!worker || worker.seenHostKey === seen) return;
    await store.workers.patch(id, { seenHostKey: seen });
    await store.audit.append({ who: 'MediaFlow', action: 'refuse host key', object: `${worker.name}: ${seen}` });
    this.#tell(id);
  }

  #tell(id: string): void {
    this.#parts.bus.emit('worker.changed', { ids: [id] });
    // Who waits for a worker may have found one.
    this.#parts.bus.emit('queue.changed', {});
  }
}

/** What the owner decided goes before what was seen. */
function stateOf(worker: Worker, watch: Watch | undefined): [WorkerState, string | null] {
  if (worker.seenHostKey !== null) {
    const why =
      worker.hostKey === null
        ? 'Its host key waits for your yes.'
        : 'It shows another host key than the one you confirmed. Nothing is sent to it.';
    return ['unconfirmed', why];
  }
  if (worker.disabledReason !== null) return ['disabled', worker.disabledReason];
  if (worker.isPaused) return ['paused', null];
  if (watch?.state === 'offline') return ['offline', watch.reason];
  if (worker.isDraining) return ['draining', null];
  return [watch?.state ?? 'offline', watch ? null : 'It cannot be reached without its key. Enter the key again.'];
}
