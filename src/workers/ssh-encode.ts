import { rm } from 'node:fs/promises';
import { toAppError } from '../domain/errors.js';
import type { EncodeStep, EncodeTask, Progress } from '../domain/jobs/executor.js';
import type { TransferMode, WorkerPath } from '../domain/workers/worker.js';
import { placeArgs, quoteArgs } from '../ffmpeg/command-line.js';
import { encodeFailure } from '../ffmpeg/failure.js';
import { progressReader } from '../ffmpeg/progress.js';
import type { ReconnectingSsh } from '../ssh/reconnecting.js';
import { endJob, makeJob } from '../ssh/remote-job.js';
import { CopiedFiles } from './copied-files.js';
import type { FileWay } from './file-way.js';
import { openJobLog, type JobLog } from './job-log.js';
import { SharedFiles } from './shared-files.js';
import { StreamedFiles } from './streamed-files.js';
import { followStep } from './ssh-step.js';

export interface SshEncodeParts {
  line: ReconnectingSsh;
  task: EncodeTask;
  /** Our folder on the worker. */
  root: string;
  /** Absolute path there. */
  ffmpeg: string;
  maxMbps: number | null;
  /** Shared folders, proved ones only. */
  shared: readonly WorkerPath[];
  pollMs: number;
  stallMs: number;
  report: (progress: Progress) => void;
}

/** To end an encode that is no longer wanted. Milliseconds. */
const END_MS = 75_000;

/** One encode on a worker: its files come there, it runs there whatever becomes of the connection, and the result comes back. */
export class SshEncode {
  readonly #parts: SshEncodeParts;
  readonly #dir: string;
  #way: FileWay;

  constructor(parts: SshEncodeParts) {
    const { task, root } = parts;
    this.#parts = parts;
    this.#dir = `${root}/jobs/${SshEncode.folderOf(task)}`;
    this.#way = this.#wayBy(task.mode);
  }

  #wayBy(mode: TransferMode | null): FileWay {
    const parts = { ...this.#parts, dir: this.#dir };
    if (mode === 'shared') return new SharedFiles(parts);
    return mode === 'stream' ? new StreamedFiles(parts) : new CopiedFiles(parts);
  }

  /** Name of the folder on the worker in which this very work is done. */
  static folderOf({ jobId, workKey }: Pick<EncodeTask, 'jobId' | 'workKey'>): string {
    return `${jobId}.${workKey}`;
  }

  /** Whether something lies there that is of no use to anybody. */
  hasLeft = false;

  /** Resolves when the result is here and was compared. Leaves nothing on the worker, but for work that is to be taken up again. */
  async run(signal: AbortSignal): Promise<void> {
    const { task } = this.#parts;
    const log = await openJobLog(task.logPath);
    try {
      await this.#prepare(log, signal);
      const { broken } = this.#way;
      const whole = broken ? AbortSignal.any([signal, broken]) : signal;
      for (const [at, step] of task.steps.entries()) await this.#step(String(at), step, log, whole);
      await this.#way.fetch(whole);
      signal.throwIfAborted();
      await this.#clear();
    } catch (error) {
      log.write(
        `\n${signal.aborted ? 'stopped' : 'failed'}: ${error instanceof Error ? error.message : String(error)}\n`,
      );
      if (!this.#way.isLasting || !isToBeTakenUp(signal.aborted ? signal.reason : error)) await this.#clear();
      await this.#way.drop();
      // Last: until now somebody may have been writing to it.
      await rm(task.output, { force: true });
      signal.throwIfAborted();
      throw error;
    } finally {
      await log.close();
    }
  }

  async #prepare(log: JobLog, signal: AbortSignal): Promise<void> {
    const { line, task } = this.#parts;
    // What a lost run of the program left under the same key would write to a file that nobody reads.
    if (!this.#way.isLasting) await line.persist((connection) => endJob(connection, this.#dir, signal), signal);
    const freeBytes = await line.persist((connection) => makeJob(connection, this.#dir, signal), signal);
    try {
      await this.#way.bring(freeBytes, signal);
    } catch (error) {
      // Some servers allow no tunnel; a file can be copied to every one.
      if (task.mode !== 'stream' || toAppError(error).code !== 'worker_unavailable') throw error;
      await this.#way.drop();
      log.write(`${toAppError(error).message} The file is copied instead.\n`);
      this.#way = this.#wayBy('transfer');
      await this.#way.bring(freeBytes, signal);
    }
  }

  async #step(name: string, step: EncodeStep, log: JobLog, signal: AbortSignal): Promise<void> {
    const { line, task, ffmpeg, pollMs, stallMs, report } = this.#parts;
    const dir = this.#dir;
    const { input, output, source } = this.#way;
    const places = { input, output, scratchDir: `${dir}/scratch`, ...(source ? { source } : {}) };
    const placed = placeArgs(step.args, places);
    const command = [ffmpeg, '-progress', `file:${dir}/${name}.progress`, '-stats_period', '1', ...placed];
    // The token that opens the source is nobody's business.
    const told = placed.map((arg) => (source?.options.includes(arg) && arg.includes('\n') ? '…' : arg));
    log.write(`$ ${quoteArgs([ffmpeg, ...told])}\n`);
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

  /** What cannot be taken away now is `hasLeft`. */
  async #clear(): Promise<void> {
    const signal = AbortSignal.timeout(END_MS);
    try {
      const connection = await this.#parts.line.shared(signal);
      this.hasLeft = !(await endJob(connection, this.#dir, signal));
    } catch {
      // The worker is away, for a moment or for longer.
      this.hasLeft = true;
    }
  }
}

/** What was stopped because the program stops, or because the worker is away, is not lost: it goes on there. */
function isToBeTakenUp(reason: unknown): boolean {
  const { code } = toAppError(reason);
  return code === 'interrupted' || code === 'worker_unreachable';
}
