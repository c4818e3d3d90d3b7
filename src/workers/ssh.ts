import { AppError } from '../domain/errors.js';
import type { ProvisionStep } from '../domain/workers/provision.js';
import type { EncodeTask, Progress, RemoteExecutor, SharedSearch, WorkerHealth } from '../domain/jobs/executor.js';
import type { SampleFile } from '../domain/workers/shared-folders.js';
import type {
  Capabilities,
  EncoderSpeed,
  EncoderSupport,
  Line,
  WorkerMetrics,
  WorkerPath,
} from '../domain/workers/worker.js';
import { measureSpeeds } from '../ffmpeg/encoder-speed.js';
import { probeEncoders, versionOf, type RunFfmpeg } from '../ffmpeg/encoders.js';
import type { SshAddress } from '../ssh/connect.js';
import { ReconnectingSsh, type TransferFile } from '../ssh/reconnecting.js';
import { endJob, sweepJobs } from '../ssh/remote-job.js';
import { FFMPEG, PREPARE } from '../ssh/scripts.js';
import { findShared } from './find-shared.js';
import { verifyShared } from './verify-shared.js';
import { SshEncode } from './ssh-encode.js';
import { SshMachine } from './ssh-machine.js';
import { SshProvision } from './ssh-provision.js';

export interface SshWorkerOptions {
  address: SshAddress;
  /** Empty: the user's cache folder there. */
  scratchDir: string;
  /** Name of the folder in it that is ours alone, such as `mediaflow-1a2b3c`. */
  folderName: string;
  /** Megabits in a second, each way; null: as fast as it goes. */
  maxMbps: number | null;
  /** Shared folders, as they are known now. */
  sharedPaths?: () => readonly WorkerPath[];
  /** How long a lost worker is waited for before its job goes elsewhere. Milliseconds. */
  patienceMs?: number;
  /** How often a running encode is looked at. Milliseconds. */
  pollMs?: number;
  /** An encode that says nothing new for this long is ended. Milliseconds. */
  stallMs?: number;
  now?: () => Date;
  /** Where a release of static builds of ffmpeg lies, with a `checksums.sha256` beside them. */
  releaseUrl?: string;
  /** Who transfers files; by itself, this process does. */
  transferFile?: TransferFile;
}

/** What is known of a worker's side once it was asked. */
export interface Ground {
  /** Our folder there, absolute. */
  root: string;
  /** Absolute path of ffmpeg there; null when there is none. */
  ffmpeg: string | null;
  renderNodes: readonly string[];
}

const PATIENCE_MS = 60_000;
const POLL_MS = 2000;
/** MP4 files are written a second time at their end, in silence: a hundred gigabytes of it on a disk of today. */
const STALL_MS = 20 * 60_000;
const TEST_ENCODE_MS = 60_000;
const FORGET_MS = 120_000;
const RELEASE_URL = 'https://github.com/BtbN/FFmpeg-Builds/releases/download/latest';

/** Encodes on a machine that is reached over SSH, of which nothing is asked but `sh`, coreutils and ffmpeg. */
export class SshExecutor implements RemoteExecutor {
  readonly #options: SshWorkerOptions;
  readonly #line: ReconnectingSsh;
  readonly #machine: SshMachine;
  readonly #running = new Set<{ abort: AbortController; done: Promise<unknown> }>();
  /** By their folders there. */
  readonly #encoding = new Set<string>();
  readonly #forgetting = new Map<string, Promise<unknown>>();
  #ground: Promise<Ground> | null = null;

  constructor(options: SshWorkerOptions) {
    this.#options = options;
    this.#line = new ReconnectingSsh(options.address, options.patienceMs ?? PATIENCE_MS, options.transferFile);
    const { now = () => new Date() } = options;
    this.#machine = new SshMachine({ ...options, line: this.#line, now });
  }

  async check(signal: AbortSignal): Promise<WorkerHealth> {
    try {
      const tried = await this.#tried(signal);
      return tried ? { ok: true, ...tried } : { ok: false, reason: withoutFfmpeg(this.#options.address.host) };
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof AppError) return { ok: false, reason: error.message };
      throw error;
    }
  }

  async measure(signal: AbortSignal): Promise<WorkerMetrics> {
    return this.#machine.measure(signal);
  }

  async probe(signal: AbortSignal): Promise<Capabilities> {
    const described = await this.#machine.describe(signal);
    return { ...described, speeds: [], ...((await this.#tried(signal)) ?? { ffmpegVersion: null, encoders: [] }) };
  }

  async measureSpeeds(encoders: readonly EncoderSupport[], signal: AbortSignal): Promise<EncoderSpeed[]> {
    const { now = () => new Date(), address } = this.#options;
    return this.#machine.inTurn(async () => {
      const { ffmpeg } = await this.#prepared(signal);
      if (ffmpeg === null) throw new AppError('worker_unavailable', withoutFfmpeg(address.host));
      return measureSpeeds(this.#ffmpegRun(ffmpeg, signal), encoders, now);
    });
  }

  async measureLine(signal: AbortSignal): Promise<Line> {
    return this.#machine.measureLine(async () => (await this.#prepared(signal)).root, signal);
  }

  async encode(task: EncodeTask, report: (progress: Progress) => void, signal: AbortSignal): Promise<void> {
    await this.#untilClosed((open) => this.#encode(task, report, AbortSignal.any([signal, open])));
  }

  /** Puts an ffmpeg that works for films on the machine, and says what it does meanwhile. Throws `worker_unavailable` with what to do by hand. */
  async provision(report: (step: ProvisionStep) => void, signal: AbortSignal): Promise<Capabilities> {
    const { releaseUrl = RELEASE_URL, pollMs = POLL_MS } = this.#options;
    const provision = new SshProvision({
      ...{ line: this.#line, releaseUrl, pollMs, report },
      describe: (asked) => this.#machine.describe(asked),
      ground: (asked) => {
        this.#ground = null;
        return this.#prepared(asked);
      },
      ffmpegAt: (path, asked) => this.#ffmpegRun(path, asked),
    });
    try {
      return await this.#untilClosed((open) => provision.run(AbortSignal.any([signal, open])));
    } finally {
      // What was found meanwhile may have been put back.
      this.#ground = null;
    }
  }

  async sweep(keep: readonly Pick<EncodeTask, 'jobId' | 'workKey'>[], signal: AbortSignal): Promise<string[]> {
    const { root } = await this.#prepared(signal);
    const names = keep.map((work) => SshEncode.folderOf(work));
    return this.#line.persist((connection) => sweepJobs(connection, root, names, signal), signal);
  }

  async forget(work: Pick<EncodeTask, 'jobId' | 'workKey'>, signal: AbortSignal): Promise<void> {
    const folder = SshEncode.folderOf(work);
    if (this.#encoding.has(folder)) return;
    const going = this.#prepared(signal).then(({ root }) =>
      this.#line.persist((connection) => endJob(connection, `${root}/jobs/${folder}`, signal), signal),
    );
    const settled = going.catch(() => undefined);
    this.#forgetting.set(folder, settled);
    try {
      await going;
    } finally {
      if (this.#forgetting.get(folder) === settled) this.#forgetting.delete(folder);
    }
  }

  verifyPath(path: Pick<WorkerPath, 'here' | 'there'>, signal: AbortSignal): Promise<string | null> {
    return verifyShared(this.#line, path, signal);
  }

  findShared(samples: readonly SampleFile[], signal: AbortSignal): Promise<SharedSearch> {
    return findShared(this.#line, samples, signal);
  }

  /** Lets go of the worker. What it encodes goes on there and is taken up again by whoever asks for the same work. */
  async close(): Promise<void> {
    const runs = [...this.#running];
    for (const { abort } of runs) abort.abort(new AppError('interrupted', 'MediaFlow is stopping.'));
    await Promise.allSettled(runs.map(({ done }) => done));
    this.#line.close();
  }

  /** Work that `close` interrupts and waits for. */
  async #untilClosed<T>(work: (open: AbortSignal) => Promise<T>): Promise<T> {
    const abort = new AbortController();
    const run = { abort, done: work(abort.signal) };
    this.#running.add(run);
    try {
      return await run.done;
    } finally {
      this.#running.delete(run);
    }
  }

  async #encode(task: EncodeTask, report: (progress: Progress) => void, signal: AbortSignal): Promise<void> {
    const folder = SshEncode.folderOf(task);
    signal.throwIfAborted();
    const ground = await this.#prepared(signal);
    const { ffmpeg, root } = ground;
    if (ffmpeg === null) throw new AppError('worker_unavailable', withoutFfmpeg(this.#options.address.host));
    const { maxMbps, pollMs = POLL_MS, stallMs = STALL_MS } = this.#options;
    const known = this.#options.sharedPaths?.() ?? [];
    const shared = known.filter(({ provedAt, problem }) => provedAt !== null && problem === null);
    const parts = { line: this.#line, task, root, ffmpeg, maxMbps, shared, pollMs, stallMs, report };
    const encode = new SshEncode(parts);
    // Whoever takes it away is not to take away what begins now.
    await this.#forgetting.get(folder);
    this.#encoding.add(folder);
    try {
      await encode.run(signal);
    } finally {
      this.#encoding.delete(folder);
      // The job does not wait for it. A worker that stays away is swept when it is met again.
      if (encode.hasLeft) void this.forget(task, AbortSignal.timeout(FORGET_MS)).catch(() => undefined);
    }
  }

  /** Asks for ffmpeg anew and encodes a moment of test picture with every encoder. Null where there is no ffmpeg. */
  async #tried(signal: AbortSignal): Promise<{ ffmpegVersion: string; encoders: EncoderSupport[] } | null> {
    return this.#machine.inTurn(async () => {
      this.#ground = null;
      const { ffmpeg, root, renderNodes } = await this.#prepared(signal);
      if (ffmpeg === null) return null;
      const run = this.#ffmpegRun(ffmpeg, signal);
      const ffmpegVersion = await versionOf(run, `Look at ${ffmpeg} on ${this.#options.address.host}.`);
      const output = `${root}/test.mkv`;
      try {
        return { ffmpegVersion, encoders: await probeEncoders(run, { output, renderNodes }) };
      } finally {
        await this.#machine.remove(output);
      }
    });
  }

  async #prepared(signal: AbortSignal): Promise<Ground> {
    this.#ground ??= this.#prepare(signal).catch((error: unknown) => {
      this.#ground = null;
      throw error;
    });
    return this.#ground;
  }

  async #prepare(signal: AbortSignal): Promise<Ground> {
    const { scratchDir, folderName, address } = this.#options;
    return this.#line.persist(async (connection) => {
      const ran = await connection.run(PREPARE, [scratchDir, folderName], { signal });
      const [root = '', ffmpeg = '', ...renderNodes] = ran.stdout.split('\n').slice(0, -1);
      if (!ran.ok || !root.startsWith('/')) {
        throw new AppError(
          'worker_unavailable',
          `${address.host} gives no work folder${scratchDir === '' ? '' : ` in ${scratchDir}`}: ${ran.stderr.trim() || 'it does not say why'}.`,
        );
      }
      return { root, ffmpeg: ffmpeg === '' ? null : ffmpeg, renderNodes };
    }, signal);
  }

  #ffmpegRun(ffmpeg: string, signal: AbortSignal): RunFfmpeg {
    return (args) =>
      this.#line.persist(async (connection) => {
        const ran = await connection.run(FFMPEG, [ffmpeg, ...args], { signal, timeoutMs: TEST_ENCODE_MS });
        return { stdout: ran.stdout, stderr: ran.stderr, failed: !ran.ok };
      }, signal);
  }
}

const withoutFfmpeg = (host: string): string =>
  `There is no ffmpeg on ${host}. Install it there, or let MediaFlow do it from the page of this worker.`;
