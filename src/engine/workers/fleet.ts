import { conflict, invalid } from '../../domain/errors.js';
import type { Executor, WorkerHealth } from '../../domain/jobs/executor.js';
import {
  LOCAL_WORKER_ID,
  SshWorker,
  type EncoderSupport,
  type Worker,
  type WorkerChange,
  type WorkerDraft,
  type WorkerKey,
  type WorkerMetrics,
  type WorkerState,
} from '../../domain/workers/worker.js';
import { afterFailure, afterSuccess, backInService, type WorkerFault } from '../../domain/workers/trust.js';
import { workerIdFor } from '../../domain/workers/id.js';
import { Loop } from '../../lib/loop.js';
import { Leftovers } from './leftovers.js';
import { LocalProbe, type MachineDescription } from './local-probe.js';
import { Measurements, pathsOf, PROVE_MS } from './measurements.js';
import { Members, type MembersParts } from './members.js';
import { Provisions } from './provision.js';
import { keepProofs } from './shared-paths.js';
import { SharedFinder } from './shared-search.js';
import { stateOfLocal, stateOfRemote } from './state.js';

export interface FleetParts extends Omit<MembersParts, 'provePaths'> {
  newId: (prefix: string) => string;
  /** This machine: who encodes on it, and what it is. */
  local: Executor;
  describe: () => MachineDescription;
  /** See `LocalProbe`; at once without it. */
  mayProbeLocal?: (signal: AbortSignal) => Promise<void>;
  /** The host key that a machine shows. Throws `worker_unreachable`. */
  seeHostKey: (address: { host: string; port: number }, signal?: AbortSignal) => Promise<string>;
}

/** A worker with what is known of it at this moment. */
export interface SeenWorker {
  worker: Worker;
  state: WorkerState;
  /** Why it is in this state, for the owner; null when nothing is wrong. */
  reason: string | null;
  /** How many jobs it runs at a time. */
  slots: number;
  /** What its test encodes showed; null before there were any. */
  encoders: readonly EncoderSupport[] | null;
  /** The last ten minutes, oldest first. */
  history: readonly WorkerMetrics[];
  lastSeenAt: string | null;
}

const PROVE_EVERY_MS = 3_600_000;
/** What changes how a worker is reached, so that it has to be met anew. */
const ADDRESS = ['host', 'port', 'username', 'authKind', 'hostKey', 'scratchDir', 'maxMbps'] as const;

/** The workers: this machine and those reached over SSH. Knows who is there, and hands out who can encode. */
export class Fleet {
  readonly #parts: FleetParts;
  readonly #members: Members;
  readonly #here: LocalProbe;
  readonly #proving: Loop;
  readonly #leftovers: Leftovers;
  readonly measurements: Measurements;
  readonly provisions: Provisions;
  readonly shared: SharedFinder;

  constructor(parts: FleetParts) {
    this.#parts = parts;
    this.#members = new Members({ ...parts, provePaths: (id, signal) => this.measurements.paths(id, signal) });
    this.#here = new LocalProbe({
      ...parts,
      mayBegin: parts.mayProbeLocal ?? (() => Promise.resolve()),
      tell: (id) => {
        this.#members.tell(id);
      },
    });
    this.measurements = new Measurements({
      ...parts,
      executorOf: (id) => this.executorOf(id),
      remote: (id) => this.#members.remote(id),
      probeLocal: (signal) => this.#here.now(signal),
      tell: (id) => {
        this.#members.tell(id);
      },
    });
    this.provisions = new Provisions({ ...parts, remote: (id) => this.#members.remote(id) });
    this.#leftovers = new Leftovers({ ...parts, forget: (work) => this.#members.forget(work) });
    this.shared = new SharedFinder({ ...parts, remote: (id) => this.#members.remote(id) });
    // A share that was mounted yesterday may be gone today.
    this.#proving = new Loop((signal) => this.#proveAll(signal), {
      everyMs: PROVE_EVERY_MS,
      onError: (error) => {
        parts.log.warn({ err: error }, 'Shared folders of workers could not be verified again');
      },
    });
  }

  /** Begins to look after every confirmed worker; nobody waits for them. */
  start(): void {
    this.#members.start();
    this.#leftovers.start();
    this.#proving.start();
    this.#here.start();
  }

  async stop(): Promise<void> {
    this.#leftovers.stop();
    await Promise.all([this.#proving.stop(), this.#here.stop()]);
    await this.#members.stop();
  }

  /** What this machine's ffmpeg can do; asked anew. Throws the signal's reason. */
  checkLocal(signal?: AbortSignal): Promise<WorkerHealth> {
    return this.#here.now(signal);
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
    return this.#here.health;
  }

  /** Who encodes for a worker. Throws `worker_unavailable` when nobody does just now. */
  executorOf(id: string): Executor {
    if (id === LOCAL_WORKER_ID) return this.#parts.local;
    return this.#members.remote(id);
  }

  /** Adds a worker. It stays unconfirmed until its host key is confirmed, unless `hostKey` is the one it shows. */
  async add(draft: WorkerDraft, key: WorkerKey): Promise<Worker> {
    const { store, now } = this.#parts;
    const isTwin = store.workers.where(
      (other) =>
        other.kind === 'ssh' &&
        other.host === draft.host &&
        other.port === draft.port &&
        other.username === draft.username,
    );
    if (isTwin.length > 0)
      throw conflict(`${draft.username}@${draft.host} is a worker already: ${isTwin[0]?.name ?? ''}.`);
    const seenHostKey = await this.#parts.seeHostKey(draft);
    const isRight = draft.hostKey === seenHostKey;
    const worker = SshWorker.parse({
      ...draft,
      id: workerIdFor(draft.name, (id) => store.workers.has(id)),
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
    this.#members.joinAgain(worker);
    return worker;
  }

  /** The owner's yes to the host key that was seen. Throws `invalid` when another one is meant. */
  async confirm(id: string, hostKey: string): Promise<Worker> {
    const { store } = this.#parts;
    const { seenHostKey } = this.remote(id);
    if (seenHostKey === null) throw conflict('The host key of this worker is confirmed already.');
    if (hostKey !== seenHostKey)
      throw invalid(`This is not the host key that was seen: ${seenHostKey}. Compare it on the machine itself.`, {
        hostKey: 'is another one',
      });
    const worker = await store.workers.patch(id, {
      hostKey: seenHostKey,
      seenHostKey: null,
      failuresInRow: 0,
      disabledReason: null,
    } satisfies WorkerChange);
    await store.audit.append({ who: 'owner', action: 'confirm host key', object: `${worker.name}: ${hostKey}` });
    this.#members.joinAgain(worker);
    return worker;
  }

  /** Changes a worker; a new address or key is used at once. Work that runs there goes on where it can. Throws `not_found`. */
  async change(id: string, { slots, ...change }: WorkerChange, key?: WorkerKey): Promise<void> {
    const { store, bus } = this.#parts;
    if (store.workers.get(id).kind !== 'local')
      return this.#changeRemote(id, slots === undefined ? change : { slots, ...change }, key);
    if (Object.keys(change).length > 0) await store.workers.patch(id, change);
    if (slots !== undefined) {
      await store.settings.change({ queue: { concurrency: slots } });
      bus.emit('settings.changed', {});
    }
    this.#members.tell(id);
  }

  async #changeRemote(id: string, change: WorkerChange, key?: WorkerKey): Promise<void> {
    const { store } = this.#parts;
    const before = this.remote(id);
    const pathMappings = change.pathMappings && keepProofs(before.pathMappings, change.pathMappings);
    // Another machine has another key.
    const isElsewhere = (change.host ?? before.host) !== before.host || (change.port ?? before.port) !== before.port;
    const seen = isElsewhere ? await this.#parts.seeHostKey({ ...before, ...change }) : null;
    if (key) await store.secrets.set(`worker:${id}`, JSON.stringify(key));
    await store.workers.patch(id, {
      ...change,
      ...(pathMappings ? { pathMappings } : {}),
      ...(key ? { authKind: key.kind } : {}),
      ...(seen === null || seen === before.hostKey ? {} : { hostKey: null, seenHostKey: seen }),
    });
    const worker = this.remote(id);
    const isMetAnew = key !== undefined || ADDRESS.some((field) => worker[field] !== before[field]);
    if (isMetAnew) this.#members.joinAgain(worker);
    else this.#members.tell(id);
  }

  /** A worker that is reached over SSH. Throws `not_found`, and `conflict` for this machine. */
  remote(id: string): SshWorker {
    const worker = this.#parts.store.workers.get(id);
    if (worker.kind !== 'ssh')
      throw conflict(`${worker.name} is the machine MediaFlow runs on, so this does not apply to it.`);
    return worker;
  }

  /** Throws `not_found`, or `conflict` while a job runs there. */
  async remove(id: string): Promise<Worker> {
    const { store } = this.#parts;
    const worker = this.remote(id);
    const busy = store.jobs.where(({ workerId, state }) => workerId === id && state === 'running');
    if (busy.length > 0)
      throw conflict(`${worker.name} encodes just now. Cancel its jobs first, or let it finish and stop.`);
    // Nothing is left behind there, if it can be reached at all.
    await this.#members.clear(id);
    await this.#members.leave(id);
    await store.workers.remove(id);
    await store.secrets.remove(`worker:${id}`);
    await store.audit.append({ who: 'owner', action: 'remove worker', object: worker.name });
    this.#members.tell(id);
    return worker;
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
    // This machine stays in service: nothing could be encoded at all, and the owner reads of its failures with each job.
    if (worker?.kind !== 'ssh') return;
    const trust = afterFailure(worker, fault);
    await store.workers.patch(id, trust);
    if (fault === 'connection') this.#members.watchOf(id)?.miss();
    if (trust.disabledReason !== worker.disabledReason) log.warn({ worker: worker.name }, trust.disabledReason ?? '');
    this.#members.tell(id);
  }

  /** Trusts a disabled worker again. Throws `not_found`. */
  async enable(id: string): Promise<void> {
    await this.#parts.store.workers.patch(id, backInService());
    this.#members.watchOf(id)?.wake();
    this.#members.tell(id);
  }

  async #proveAll(signal: AbortSignal): Promise<void> {
    for (const { worker, state } of this.list()) {
      if (state === 'online' && pathsOf(worker).length > 0) {
        await this.measurements.paths(worker.id, AbortSignal.any([signal, AbortSignal.timeout(PROVE_MS)]));
      }
    }
  }

  #seen(worker: Worker): SeenWorker {
    if (worker.kind === 'local') {
      const { health } = this.#here;
      const [state, reason] = stateOfLocal(worker, health);
      const encoders = health === null ? null : health.ok ? health.encoders : [];
      const slots = this.#parts.store.settings.value.queue.concurrency;
      const lastSeenAt = this.#parts.now().toISOString();
      return { worker, state, reason, slots, encoders, history: this.#parts.describe().history, lastSeenAt };
    }
    const watch = this.#members.watchOf(worker.id);
    const history = watch?.history ?? [];
    const lastSeenAt = watch?.lastSeenMs ? new Date(watch.lastSeenMs).toISOString() : worker.lastSeenAt;
    const [state, reason] = stateOfRemote(worker, watch);
    const encoders = worker.capabilities?.encoders ?? null;
    return { worker, state, reason, slots: worker.slots, encoders, history, lastSeenAt };
  }
}
