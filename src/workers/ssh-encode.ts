import { rm, stat } from 'node:fs/promises';
import { extname } from 'node:path';
import { AppError, toAppError } from '../domain/errors.js';
import type { EncodeStep, EncodeTask, Progress } from '../domain/executor.js';
import { placeArgs, quoteArgs } from '../ffmpeg/command-line.js';
import { encodeFailure } from '../ffmpeg/failure.js';
import { progressReader } from '../ffmpeg/progress.js';
import { Rate } from '../lib/rate.js';
import { sha256Of } from '../lib/sha256.js';
import type { SshLine } from '../ssh/line.js';
import { endJob, hashOf, makeJob, sizeOf } from '../ssh/remote-job.js';
import { ACCEPT } from '../ssh/scripts.js';
import { download, lanesFor, upload, type TransferOptions } from '../ssh/transfer.js';
import { openJobLog, type JobLog } from './job-log.js';
import { followStep } from './ssh-step.js';

export interface SshEncodeParts {
  line: SshLine;
  task: EncodeTask;
  /** Our folder on the worker. */
  root: string;
  /** Absolute path there. */
  ffmpeg: string;
  maxMbps: number | null;
  pollMs: number;
  stallMs: number;
  report: (progress: Progress) => void;
}

/** Never promised to anybody: a disk without room makes more trouble than the job that filled it. Bytes. */
const MARGIN_BYTES = 256 * 1024 * 1024;
/** What may go wrong on the way is tried once more from the start of the way. */
const TRIES = 2;
/** To end an encode that is no longer wanted. Milliseconds. */
const END_MS = 75_000;
/** Hashing a large film on a slow disk. Milliseconds. */
const HASH_MS = 3_600_000;
/** Of the source's name only this much travels: enough for ffmpeg to know a container by. */
const PLAIN_EXTENSION = /^\.[a-z0-9]{1,8}$/;

/** One encode on a worker: the source goes there, is encoded there, and the result comes back; each compared by its hash. */
export class SshEncode {
  readonly #parts: SshEncodeParts;
  readonly #dir: string;
  readonly #input: string;
  readonly #output: string;

  constructor(parts: SshEncodeParts) {
    const { task, root } = parts;
    this.#parts = parts;
    this.#dir = `${root}/jobs/${SshEncode.folderOf(task)}`;
    this.#input = `in${plainExtension(task.input)}`;
    this.#output = `out${plainExtension(task.output)}`;
  }

  /** Name of the folder on the worker in which this very work is done. */
  static folderOf({ jobId, workKey }: Pick<EncodeTask, 'jobId' | 'workKey'>): string {
    return `${jobId}.${workKey}`;
  }

  /** Resolves when the result is here and was compared. Leaves nothing on the worker, but for work that is to be taken up again. */
  async run(signal: AbortSignal): Promise<void> {
    const { task } = this.#parts;
    const log = await openJobLog(task.logPath);
    try {
      await this.#send(signal);
      for (const [at, step] of task.steps.entries()) await this.#step(String(at), step, log, signal);
      await this.#fetch(signal);
      signal.throwIfAborted();
      await this.#clear();
    } catch (error) {
      await rm(task.output, { force: true });
      log.write(
        `\n${signal.aborted ? 'stopped' : 'failed'}: ${error instanceof Error ? error.message : String(error)}\n`,
      );
      if (!isToBeTakenUp(signal.aborted ? signal.reason : error)) await this.#clear();
      signal.throwIfAborted();
      throw error;
    } finally {
      await log.close();
    }
  }

  async #send(signal: AbortSignal): Promise<void> {
    const { line, task } = this.#parts;
    const { size } = await stat(task.input);
    const freeBytes = await line.persist((connection) => makeJob(connection, this.#dir, signal), signal);
    // It has that name only when its hash was right, in an earlier run of this program.
    const known = await line.persist((connection) => sizeOf(connection, this.#dir, this.#input, signal), signal);
    if (known === size) return;
    this.#refuseNarrow(freeBytes, size);
    const hashing = sha256Of(task.input, signal);
    hashing.catch(() => undefined);
    for (let tried = 1; ; tried++) {
      await upload(task.input, size, this.#dir, await this.#transfer('upload', size, signal));
      const hash = await hashing;
      if (await this.#isAccepted(hash, size, signal)) return;
      if (tried >= TRIES) throw notTheSame(line.address.host, 'on its way there');
    }
  }

  /** The worker compares what came and gives it its name. An answer that got lost is asked for again. */
  async #isAccepted(hash: string, size: number, signal: AbortSignal): Promise<boolean> {
    return this.#parts.line.persist(async (connection) => {
      const args = [this.#dir, 'in.part', this.#input, hash];
      const ran = await connection.run(ACCEPT, args, { signal, timeoutMs: HASH_MS });
      return ran.ok && (await sizeOf(connection, this.#dir, this.#input, signal)) === size;
    }, signal);
  }

  async #step(name: string, step: EncodeStep, log: JobLog, signal: AbortSignal): Promise<void> {
    const { line, task, ffmpeg, pollMs, stallMs, report } = this.#parts;
    const dir = this.#dir;
    const places = { input: `${dir}/${this.#input}`, output: `${dir}/${this.#output}`, scratchDir: `${dir}/scratch` };
    const placed = placeArgs(step.args, places);
    const command = [ffmpeg, '-progress', `file:${dir}/${name}.progress`, '-stats_period', '1', ...placed];
    log.write(`$ ${quoteArgs([ffmpeg, ...placed])}\n`);
    const isLast = step === task.steps.at(-1);
    const read = progressReader(task.durationSec);
    const last = await followStep(
      line,
      { dir, step: name, command, pollMs, stallMs },
      {
        onLog: (text) => {
          log.write(text);
        },
        onProgress: (lines) => {
          for (const text of lines) {
            const progress = read(text);
            if (progress && isLast) report({ ...progress, stage: 'encode' });
          }
        },
      },
      signal,
    );
    if (last.error !== null) throw encodeFailure(last.lines, step.purpose, last.error);
    log.write('\n');
  }

  async #fetch(signal: AbortSignal): Promise<void> {
    const { line, task } = this.#parts;
    const dir = this.#dir;
    const sizeBytes = await line.persist((connection) => sizeOf(connection, dir, this.#output, signal), signal);
    if (!sizeBytes)
      throw new AppError('encode_failed', 'ffmpeg ended well but wrote nothing. The log of the job says more.');
    const hashing = line.persist((connection) => hashOf(connection, dir, this.#output, signal), signal);
    hashing.catch(() => undefined);
    for (let tried = 1; ; tried++) {
      const options = await this.#transfer('download', sizeBytes, signal);
      await download({ dir, name: this.#output, sizeBytes }, task.output, options);
      if ((await sha256Of(task.output, signal)) === (await hashing)) return;
      if (tried >= TRIES) throw notTheSame(line.address.host, 'on its way back');
    }
  }

  async #transfer(stage: 'upload' | 'download', sizeBytes: number, signal: AbortSignal): Promise<TransferOptions> {
    const { line, maxMbps, report } = this.#parts;
    let toldAtMs = 0;
    const startedMs = performance.now();
    const onBytes = (doneBytes: number): void => {
      const now = performance.now();
      if (now - toldAtMs < 500 && doneBytes < sizeBytes) return;
      toldAtMs = now;
      const perMs = doneBytes / Math.max(1, now - startedMs);
      report({
        stage,
        percent: Math.round((doneBytes / Math.max(1, sizeBytes)) * 1000) / 10,
        etaSec: perMs > 0 ? Math.round((sizeBytes - doneBytes) / perMs / 1000) : null,
        ...{ fps: null, speed: null, outputBytes: doneBytes },
      });
    };
    return {
      connect: (abort) => line.own(abort),
      lanes: lanesFor(await line.persist((connection) => connection.roundTripMs(signal), signal)),
      rate: maxMbps === null ? null : new Rate((maxMbps * 1e6) / 8),
      patienceMs: line.patienceMs,
      onBytes,
      signal,
    };
  }

  /** Room for the source, for a result that should be smaller, and a margin. */
  #refuseNarrow(freeBytes: number, size: number): void {
    const needed = 2 * size + MARGIN_BYTES;
    if (freeBytes >= needed) return;
    const gigabytes = (bytes: number): string => (bytes / 1e9).toFixed(1);
    throw new AppError(
      'no_space',
      `${this.#parts.line.address.host} has ${gigabytes(freeBytes)} GB free in ${this.#parts.root}; this file needs ${gigabytes(needed)} GB there. Make room, or name another work folder on the page of this worker.`,
    );
  }

  /** Whatever cannot be taken away now is swept when the worker is next met. */
  async #clear(): Promise<void> {
    const signal = AbortSignal.timeout(END_MS);
    try {
      const connection = await this.#parts.line.shared(signal);
      await endJob(connection, this.#dir, signal);
    } catch {
      // The worker is away.
    }
  }
}

/** What was stopped because the program stops, or because the worker is away, is not lost: it goes on there. */
function isToBeTakenUp(reason: unknown): boolean {
  const { code } = toAppError(reason);
  return code === 'interrupted' || code === 'worker_unreachable';
}

function plainExtension(path: string): string {
  const extension = extname(path).toLowerCase();
  return PLAIN_EXTENSION.test(extension) ? extension : '';
}

const notTheSame = (host: string, where: string): AppError =>
  new AppError(
    'transfer_failed',
    `The file was damaged ${where} (${host}), twice. Its disk, memory or network may be bad.`,
  );
