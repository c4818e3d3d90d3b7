import { rm, stat } from 'node:fs/promises';
import { AppError } from '../domain/errors.js';
import type { EncodeStep, EncodeTask, Executor, Progress, WorkerHealth } from '../domain/jobs/executor.js';
import type { EncoderSpeed, EncoderSupport } from '../domain/workers/worker.js';
import { abilitiesOf } from '../ffmpeg/abilities.js';
import { placeArgs, quoteArgs } from '../ffmpeg/command-line.js';
import { measureSpeeds } from '../ffmpeg/encoder-speed.js';
import { runHere } from '../ffmpeg/encoders.js';
import { encodeFailure } from '../ffmpeg/failure.js';
import { findProgram, NICENESS } from '../ffmpeg/program.js';
import { isProgressLine, progressReader } from '../ffmpeg/progress.js';
import { runFfmpeg } from './ffmpeg-run.js';
import { openJobLog, type JobLog } from './job-log.js';

/** How many of ffmpeg's last lines are searched for the cause of a failure. */
const LINES_KEPT = 400;
const DEFAULT_GRACE_MS = 5000;

/** Encodes on this machine. */
export class LocalExecutor implements Executor {
  readonly #ffmpeg: string;
  readonly #niceness: number;
  readonly #graceMs: number;
  readonly #running = new Set<{ abort: AbortController; done: Promise<void> }>();

  /**
   * `ffmpeg` is a path or a name to be found. `niceness` (0 to 19) makes room for other programs. After `graceMs` a
   * process that was asked to stop is killed.
   */
  constructor(options: { ffmpeg: string; niceness?: number; graceMs?: number }) {
    this.#ffmpeg = options.ffmpeg;
    this.#niceness = options.niceness ?? NICENESS;
    this.#graceMs = options.graceMs ?? DEFAULT_GRACE_MS;
  }

  /** See `abilitiesOf`. */
  async check(signal: AbortSignal): Promise<WorkerHealth> {
    try {
      return { ok: true, ...(await abilitiesOf(await findProgram(this.#ffmpeg), signal)) };
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof AppError) return { ok: false, reason: error.message };
      throw error;
    }
  }

  async measureSpeeds(encoders: readonly EncoderSupport[], signal: AbortSignal): Promise<EncoderSpeed[]> {
    const ffmpeg = await findProgram(this.#ffmpeg);
    return measureSpeeds(runHere(ffmpeg, signal), encoders, () => new Date());
  }

  async encode(task: EncodeTask, report: (progress: Progress) => void, signal: AbortSignal): Promise<void> {
    const abort = new AbortController();
    const run = { abort, done: this.#encode(task, report, AbortSignal.any([signal, abort.signal])) };
    this.#running.add(run);
    try {
      await run.done;
    } finally {
      this.#running.delete(run);
    }
  }

  /** Stops every running encode and waits until its process is gone. */
  async close(): Promise<void> {
    const runs = [...this.#running];
    for (const { abort } of runs) abort.abort(new AppError('interrupted', 'MediaFlow is stopping.'));
    await Promise.allSettled(runs.map(({ done }) => done));
  }

  async #encode(task: EncodeTask, report: (progress: Progress) => void, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    const ffmpeg = await findProgram(this.#ffmpeg);
    const log = await openJobLog(task.logPath);
    try {
      for (const step of task.steps) {
        await this.#runStep(ffmpeg, step, task, { report, signal, log });
      }
      await refuseNothing(task.output);
      signal.throwIfAborted();
    } catch (error) {
      await rm(task.output, { force: true });
      throw error;
    } finally {
      await log.close();
    }
  }

  async #runStep(
    ffmpeg: string,
    step: EncodeStep,
    task: EncodeTask,
    { report, signal, log }: { report: (progress: Progress) => void; signal: AbortSignal; log: JobLog },
  ): Promise<void> {
    const placed = placeArgs(step.args, task);
    const args = ['-progress', 'pipe:2', '-stats_period', '1', ...placed];
    log.write(`$ ${quoteArgs([ffmpeg, ...placed])}\n`);
    const isLast = step === task.steps.at(-1);
    const read = progressReader(task.durationSec);
    const last: string[] = [];
    const onLine = (line: string): void => {
      if (isProgressLine(line)) {
        const progress = read(line);
        if (progress && isLast) report(progress);
        return;
      }
      log.write(`${line}\n`);
      last.push(line);
      if (last.length > LINES_KEPT) last.shift();
    };
    try {
      await runFfmpeg({ ffmpeg, args, niceness: this.#niceness, graceMs: this.#graceMs, signal, onLine });
      log.write('\n');
    } catch (error) {
      log.write(
        `\n${signal.aborted ? 'stopped' : 'failed'}: ${error instanceof Error ? error.message : String(error)}\n`,
      );
      signal.throwIfAborted();
      throw encodeFailure(last, step.purpose, error);
    }
  }
}

async function refuseNothing(output: string): Promise<void> {
  const size = await stat(output).then(
    (seen) => seen.size,
    () => 0,
  );
  if (size === 0)
    throw new AppError('encode_failed', 'ffmpeg ended well but wrote nothing. The log of the job says more.');
}
