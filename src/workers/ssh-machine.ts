import { randomBytes } from 'node:crypto';
import { mkdtemp, open, rm, statfs } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AppError, toAppError } from '../domain/errors.js';
import type { Capabilities, Line, WorkerMetrics } from '../domain/workers/worker.js';
import { Rate } from '../lib/rate.js';
import { orAborted, type SshConnection } from '../ssh/connection.js';
import type { ReconnectingSsh } from '../ssh/reconnecting.js';
import type { MachineState } from '../ssh/machine-scripts.js';
import { DESCRIBE, MEASURE, readDescription, readState, REMOVE, SAMPLE } from '../ssh/machine-scripts.js';
import { BLOCK_BYTES } from '../ssh/pieces.js';
import { endJob, makeJob } from '../ssh/remote-job.js';
import { connectFailure, lost } from '../ssh/ssh-error.js';
import { download, lanesFor, upload, type TransferOptions } from '../ssh/transfer.js';

export interface SshMachineParts {
  line: ReconnectingSsh;
  scratchDir: string;
  folderName: string;
  maxMbps: number | null;
  now: () => Date;
  /** How long an answer may take before the machine is taken for busy or away. Milliseconds. */
  answerMs?: number;
}

/** Longer than a machine that is well takes to answer, also one that works hard. Milliseconds. */
const ANSWER_MS = 10_000;
const REMOVE_MS = 15_000;
/** Folder of a measurement of the line, among those of jobs: whatever is left of it is swept. */
const TEST_FOLDER = 'line-test';
const NOISE_BYTES = 16 * BLOCK_BYTES;
/** What two seconds of a gigabit transfer. */
const MOST_BYTES = 4096 * BLOCK_BYTES;
/** A measurement takes no more than this part of what is free. */
const PART_OF_FREE = 8;
/** How long the last, largest amount should be under way; half of it is taken too. Milliseconds. */
const AIM_MS = 2000;
/** How long all amounts of one direction may be, and one of them alone. Milliseconds. */
const DIRECTION_MS = 6000;
const AMOUNT_MS = 10_000;
const LARGEST_STEP = 16;
const UNKNOWN: MachineState = {
  ...{ cpuPercent: null, gpuPercent: null, memoryUsedBytes: null, memoryBytes: null, scratchFreeBytes: null },
  ...{ temperatureC: null, isCardStuck: false },
};

/** What the machine behind a line says of itself, and what the connection transfers. */
export class SshMachine {
  readonly #parts: SshMachineParts;
  readonly #answerMs: number;
  /** Its nvidia-smi never came back: asked again and again, they would pile up there. */
  #isCardStuck = false;
  #turn: Promise<unknown> = Promise.resolve();

  constructor(parts: SshMachineParts) {
    this.#parts = parts;
    this.#answerMs = parts.answerMs ?? ANSWER_MS;
  }

  /** One question after the other that use the same files there. */
  async inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#turn.then(work);
    this.#turn = done.catch(() => undefined);
    return done;
  }

  /**
   * How it is, asked once and without patience. Of a machine that is there and too busy to answer nothing is known. Throws
   * `worker_unreachable`, `worker_unavailable` and what else keeps a connection from being made.
   */
  async measure(signal: AbortSignal): Promise<WorkerMetrics> {
    const { now } = this.#parts;
    const connection = await this.#connected(signal);
    const { isCardStuck, ...state } = await this.#state(connection, signal);
    this.#isCardStuck ||= isCardStuck;
    return { ...state, at: now().toISOString() };
  }

  /** What it is. Throws like `measure`. */
  async describe(signal: AbortSignal): Promise<Omit<Capabilities, 'ffmpegVersion' | 'encoders' | 'speeds'>> {
    const { line, scratchDir, folderName, now } = this.#parts;
    await this.#connected(signal);
    const ran = await line.persist(
      (connection) => connection.run(DESCRIBE, [scratchDir, folderName], { signal }),
      signal,
    );
    const description = readDescription(ran.stdout);
    if (!description) throw this.#saysNothing(ran.stderr);
    const { isCardStuck, ...described } = description;
    this.#isCardStuck = isCardStuck;
    return { ...described, at: now().toISOString() };
  }

  /**
   * Sends noise there and back as files of jobs are sent, more and more until it takes long enough to tell. `findRoot` says where
   * our folder is. Throws like `measure`, and `no_space`.
   */
  async measureLine(findRoot: () => Promise<string>, signal: AbortSignal): Promise<Line> {
    return this.inTurn(async () => {
      const latencyMs = await (await this.#connected(signal)).roundTripMs(signal);
      const dir = `${await findRoot()}/jobs/${TEST_FOLDER}`;
      const here = await mkdtemp(join(tmpdir(), 'mediaflow-line-'));
      try {
        const { upMbps, downMbps } = await this.#bothWays({ dir, path: join(here, 'sample'), latencyMs, signal });
        return { upMbps, downMbps, latencyMs: round(latencyMs), at: this.#parts.now().toISOString() };
      } finally {
        await rm(here, { recursive: true, force: true });
        await this.#quietly((connection, limit) => endJob(connection, dir, limit));
      }
    });
  }

  /** Takes a file away there, if the machine can be reached. */
  async remove(path: string): Promise<void> {
    await this.#quietly((connection, signal) => connection.run(REMOVE, [path], { signal }));
  }

  async #connected(signal: AbortSignal): Promise<SshConnection> {
    const { line } = this.#parts;
    const limit = AbortSignal.timeout(this.#answerMs);
    try {
      return await orAborted(line.shared(signal), AbortSignal.any([signal, limit]));
    } catch (error) {
      signal.throwIfAborted();
      throw limit.aborted ? connectFailure({ level: 'client-timeout' }, line.address) : error;
    }
  }

  async #state(connection: SshConnection, signal: AbortSignal): Promise<MachineState> {
    const { scratchDir, folderName } = this.#parts;
    const args = [scratchDir, folderName, this.#isCardStuck ? '' : 'ask'];
    const limit = AbortSignal.timeout(this.#answerMs);
    // It may have to wait for its turn longer than for its answer: some servers allow one program at a time.
    const asking = connection.run(MEASURE, args, { signal, timeoutMs: this.#answerMs });
    const ran = await orAborted(asking, AbortSignal.any([signal, limit])).catch(async (error: unknown) => {
      signal.throwIfAborted();
      const isLate = limit.aborted || toAppError(error).code === 'worker_unreachable';
      if (!isLate || !connection.isOpen) throw error;
      await this.#ping(connection, signal);
      return null;
    });
    if (ran === null) return UNKNOWN;
    const state = readState(ran.stdout);
    if (!state) throw this.#saysNothing(ran.stderr);
    return state;
  }

  async #ping(connection: SshConnection, signal: AbortSignal): Promise<void> {
    try {
      await connection.roundTripMs(AbortSignal.any([signal, AbortSignal.timeout(this.#answerMs / 2)]));
    } catch (error) {
      signal.throwIfAborted();
      throw lost(connection.host, error);
    }
  }

  async #bothWays(
    test: Omit<Amounts, 'mostBytes'> & { dir: string; path: string },
  ): Promise<Pick<Line, 'upMbps' | 'downMbps'>> {
    const { line } = this.#parts;
    const { dir, path, signal } = test;
    const freeBytes = await line.persist((connection) => makeJob(connection, dir, signal), signal);
    const [there, here] = [freeBytes, await freeAt(tmpdir())].map((free) => wholeBlocks(free / PART_OF_FREE));
    if (!there) throw new AppError('no_space', `The work disk of ${line.address.host} is full.`);
    if (!here) throw new AppError('no_space', `The disk of ${tmpdir()} is full.`);
    const amounts = { ...test, mostBytes: Math.min(MOST_BYTES, there, here) };
    const upMbps = await this.#speed(amounts, {
      prepare: (bytes) => growNoise(path, bytes),
      move: (bytes, options) => upload(path, bytes, dir, options),
    });
    const downMbps = await this.#speed(amounts, {
      prepare: (bytes, limit) =>
        line.persist(async (connection) => {
          const ran = await connection.run(SAMPLE, [dir, String(bytes)], { signal: limit });
          if (!ran.ok)
            throw new AppError(
              'no_space',
              `${connection.host} has not enough free space to measure the bandwidth in ${dir}.`,
            );
        }, limit),
      move: (bytes, options) => download({ dir, name: 'sample', sizeBytes: bytes }, path, options),
      isOverWithLastByte: true,
    });
    return { upMbps, downMbps };
  }

  /** Megabits in a second of the largest amount that got over in time. */
  async #speed({ latencyMs, mostBytes, signal }: Amounts, way: Way): Promise<number> {
    const aimMs = AIM_MS + 5 * latencyMs;
    let known: number | null = null;
    let spentMs = 0;
    for (let bytes = BLOCK_BYTES; ;) {
      const limit = AbortSignal.any([signal, AbortSignal.timeout(AMOUNT_MS)]);
      const tookMs = await this.#moveOnce(bytes, way, { latencyMs, signal: limit }).catch((error: unknown) => {
        signal.throwIfAborted();
        if (!limit.aborted) throw error;
        return null;
      });
      if (tookMs === null) break;
      // To begin and to end takes a few round trips, which is no measure of what fits through.
      const movingMs = tookMs - 3 * latencyMs;
      known = (bytes * 8) / 1000 / Math.max(tookMs / 2, movingMs);
      spentMs += tookMs;
      if (tookMs >= aimMs / 2 || spentMs >= DIRECTION_MS || bytes >= mostBytes) break;
      const growth = Math.min(LARGEST_STEP, Math.max(2, aimMs / Math.max(1, movingMs)));
      bytes = Math.min(mostBytes, wholeBlocks(bytes * growth));
    }
    if (known !== null) return round(known);
    const { host } = this.#parts.line.address;
    const seconds = AMOUNT_MS / 1000;
    throw new AppError(
      'worker_unreachable',
      `The connection to ${host} is too slow for films: 64 kB were not transferred in ${seconds} seconds.`,
    );
  }

  /** How long an amount is under way, milliseconds, with all connections made. */
  async #moveOnce(bytes: number, way: Way, { latencyMs, signal }: Omit<Amounts, 'mostBytes'>): Promise<number> {
    const { line, maxMbps } = this.#parts;
    await way.prepare(bytes, signal);
    let startedMs = 0;
    let lastMs = 0;
    await way.move(bytes, {
      connect: async (abort) => {
        const connection = await line.own(abort);
        startedMs ||= performance.now();
        return connection;
      },
      lanes: lanesFor(latencyMs),
      rate: maxMbps === null ? null : new Rate((maxMbps * 1e6) / 8),
      patienceMs: AMOUNT_MS,
      onBytes: () => (lastMs = performance.now()),
      signal,
    });
    // What came is then synced to a disk that need not be that of the work folder.
    const endedMs = way.isOverWithLastByte ? lastMs : performance.now();
    return Math.max(1, endedMs - startedMs);
  }

  async #quietly(work: (connection: SshConnection, signal: AbortSignal) => Promise<unknown>): Promise<void> {
    const limit = AbortSignal.timeout(REMOVE_MS);
    try {
      await orAborted(work(await orAborted(this.#parts.line.shared(limit), limit), limit), limit);
    } catch {
      // The machine is away; what is left there is swept, or overwritten, when it is next met.
    }
  }

  #saysNothing(said: string): AppError {
    const why = said.trim() === '' ? 'it does not say why' : said.trim().slice(0, 300);
    return new AppError(
      'worker_unavailable',
      `${this.#parts.line.address.host} does not report its status: ${why}. It needs a Unix shell and xargs.`,
    );
  }
}

interface Amounts {
  latencyMs: number;
  mostBytes: number;
  signal: AbortSignal;
}

/** One direction. */
interface Way {
  /** Makes sure that there is enough to send. */
  prepare: (bytes: number, signal: AbortSignal) => Promise<void>;
  move: (bytes: number, options: TransferOptions) => Promise<void>;
  /** Otherwise it is over when the other side has said so. */
  isOverWithLastByte?: boolean;
}

const round = (value: number): number => Number(value.toPrecision(3));
const wholeBlocks = (bytes: number): number => Math.floor(bytes / BLOCK_BYTES) * BLOCK_BYTES;

async function freeAt(dir: string): Promise<number> {
  const { bavail, bsize } = await statfs(dir);
  return bavail * bsize;
}

/** Noise cannot be made smaller on the way; a megabyte of it is further apart than anything looks back for a repetition. */
async function growNoise(path: string, bytes: number): Promise<void> {
  const noise = randomBytes(NOISE_BYTES);
  const file = await open(path, 'a');
  try {
    for (let { size } = await file.stat(); size < bytes;) {
      const { bytesWritten } = await file.write(noise.subarray(0, bytes - size));
      size += bytesWritten;
    }
  } finally {
    await file.close();
  }
}
