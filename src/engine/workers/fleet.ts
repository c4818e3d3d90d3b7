import { AppError, conflict, invalid } from '../../domain/errors.js';
import type { Executor, WorkerHealth } from '../../domain/jobs/executor.js';
import {
  LOCAL_WORKER_ID,
  Worker,
  type Capabilities,
  type EncoderSpeed,
  type EncoderSupport,
  type Line,
  type WorkerKey,
  type WorkerMetrics,
  type WorkerPath,
  type WorkerState,
} from '../../domain/workers/worker.js';
import { afterFailure, afterSuccess, backInService, type WorkerFault } from '../../domain/workers/trust.js';
import { workerIdFor } from '../../domain/workers/id.js';
import { Loop } from '../../lib/loop.js';
import { Leftovers } from './leftovers.js';
import { keepProofs, provePaths } from './shared-paths.js';
import { keepSpeeds } from './speeds.js';
import { LocalProbe } from './local-probe.js';
import { Members, type MembersParts } from './members.js';
import { Provisions } from './provision.js';
import { SharedFinder } from './shared-search.js';
import { stateOf } from './state.js';

export interface FleetParts extends Omit<MembersParts, 'provePaths'> {
  newId: (prefix: string) => string;
  /** This machine. */
  local: Executor;
  /** See `LocalLook`; at once without it. */
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
  /** The last ten minutes, oldest first. */
  history: readonly WorkerMetrics[];
  lastSeenAt: string | null;
}

/** A worker that is to be added. */
export type WorkerDraft = Omit<Worker, 'id' | 'createdAt' | 'authKind' | 'seenHostKey'>;

/** A probe makes some thirty test encodes; those of a slow machine take a while. Milliseconds. */
const PROBE_MS = 300_000;
/** Two encodes of some seconds with each encoder; those of a slow machine take a while. Milliseconds. */
const SPEEDS_MS = 300_000;
const MEASURE_MS = 30_000;
const PROVE_MS = 300_000;
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
  readonly provisions: Provisions;
  readonly shared: SharedFinder;

  constructor(parts: FleetParts) {
    this.#parts = parts;
    this.#members = new Members({ ...parts, provePaths: (id, signal) => this.provePaths(id, signal) });
    this.#here = new LocalProbe({
      ...parts,
      mayBegin: parts.mayProbeLocal ?? (() => Promise.resolve()),
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
        parts.log.warn({ err: error }, 'Shared folders of workers could not be proved again');
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

  /** What this machine's ffmpeg can do; asked anew. */
  probeLocal(signal?: AbortSignal): Promise<WorkerHealth> {
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

  /** What a worker's test encodes showed. Throws `worker_unavailable`. */
  async encodersOf(id: string, signal: AbortSignal): Promise<readonly EncoderSupport[]> {
    if (id === LOCAL_WORKER_ID) {
      const health = await this.probeLocal(signal);
      if (!health.ok) throw new AppError('worker_unavailable', health.reason);
      return health.encoders;
    }
    const { capabilities, name } = this.#parts.store.workers.get(id);
    if (!capabilities) throw new AppError('worker_unavailable', `${name} has not been tested yet.`);
    return capabilities.encoders;
  }

  /** Adds a worker. It stays unconfirmed until its host key is confirmed, unless `hostKey` is the one it shows. */
  async add(draft: WorkerDraft, key: WorkerKey): Promise<Worker> {
    const { store, now } = this.#parts;
    const isTwin = store.workers.where(
      ({ host, port, username }) => host === draft.host && port === draft.port && username === draft.username,
    );
    if (isTwin.length > 0)
      throw conflict(`${draft.username}@${draft.host} is a worker already: ${isTwin[0]?.name ?? ''}.`);
    const seenHostKey = await this.#parts.seeHostKey(draft);
    const isRight = draft.hostKey === seenHostKey;
    const worker = Worker.parse({
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
    const { seenHostKey } = store.workers.get(id);
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
    });
    await store.audit.append({ who: 'owner', action: 'confirm host key', object: `${worker.name}: ${hostKey}` });
    this.#members.joinAgain(worker);
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
    if (isMetAnew) this.#members.joinAgain(worker);
    else this.#members.tell(id);
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
    await this.#members.clear(id);
    await this.#members.leave(id);
    await store.workers.remove(id);
    await store.secrets.remove(`worker:${id}`);
    await store.audit.append({ who: 'owner', action: 'remove worker', object: worker.name });
    this.#members.tell(id);
    return worker;
  }

  /** How it is right now. Throws `worker_unreachable` and other trouble of the worker. */
  async measure(id: string, signal: AbortSignal = AbortSignal.timeout(MEASURE_MS)): Promise<WorkerMetrics> {
    return this.#members.remote(id).measure(signal);
  }

  /** What the machine is and can do, found out now and kept. Throws `worker_unavailable` and other trouble of the worker. */
  async probe(id: string, signal: AbortSignal = AbortSignal.timeout(PROBE_MS)): Promise<Capabilities> {
    const found = await this.#members.remote(id).probe(signal);
    const capabilities = { ...found, speeds: this.#parts.store.workers.get(id).capabilities?.speeds ?? [] };
    await this.#parts.store.workers.patch(id, { capabilities });
    this.#members.tell(id);
    return capabilities;
  }

  /** Proves every shared folder of a worker now, and keeps what came out. Throws like `probe`. */
  async provePaths(id: string, signal: AbortSignal = AbortSignal.timeout(PROVE_MS)): Promise<readonly WorkerPath[]> {
    const { store, now } = this.#parts;
    const proved = await provePaths(this.#members.remote(id), store.workers.get(id), now, signal);
    const { pathMappings } = store.workers.get(id);
    await store.workers.patch(id, { pathMappings: keepProofs(proved, pathMappings) });
    this.#members.tell(id);
    return proved;
  }

  /** How fast files get there and back, measured now and kept. Throws like `probe`. */
  async measureLine(id: string, signal: AbortSignal = AbortSignal.timeout(PROBE_MS)): Promise<Line> {
    const line = await this.#members.remote(id).measureLine(signal);
    await this.#parts.store.workers.patch(id, { line });
    this.#members.tell(id);
    return line;
  }

  /** See `keepSpeeds`. */
  async measureSpeeds(id: string, signal: AbortSignal = AbortSignal.timeout(SPEEDS_MS)): Promise<EncoderSpeed[]> {
    const asked = { executor: this.executorOf(id), encoders: await this.encodersOf(id, signal) };
    const speeds = await keepSpeeds(this.#parts.store, id, asked, signal);
    this.#members.tell(id);
    return speeds;
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
    if (fault === 'connection') this.#members.watchOf(id)?.miss();
    if (trust.disabledReason !== worker.disabledReason) log.warn({ worker: worker.name }, trust.disabledReason ?? '');
    this.#members.tell(id);
  }

  /** Trusts a disabled worker again. Throws `not_found`. */
  async enable(id: string): Promise<Worker> {
    const worker = await this.#parts.store.workers.patch(id, backInService());
    this.#members.watchOf(id)?.wake();
    this.#members.tell(id);
    return worker;
  }

  async #proveAll(signal: AbortSignal): Promise<void> {
    for (const { worker, state } of this.list()) {
      if (state === 'online' && worker.pathMappings.length > 0) {
        await this.provePaths(worker.id, AbortSignal.any([signal, AbortSignal.timeout(PROVE_MS)]));
      }
    }
  }

  #seen(worker: Worker): SeenWorker {
    const watch = this.#members.watchOf(worker.id);
    const history = watch?.history ?? [];
    const lastSeenAt = watch?.lastSeenMs ? new Date(watch.lastSeenMs).toISOString() : worker.lastSeenAt;
    const [state, reason] = stateOf(worker, watch);
    return { worker, state, reason, history, lastSeenAt };
  }
}
