import { setTimeout as sleep } from 'node:timers/promises';
import type { ReconnectingSsh } from '../ssh/reconnecting.js';
import { forgetStep, lookAtStep, startStep, type StepLook } from '../ssh/remote-job.js';

/** What ended a step, and ffmpeg's last words. `error` is null when it ended well. */
export interface StepEnd {
  error: Error | null;
  lines: string[];
}

interface Step {
  /** The job's folder on the worker. */
  dir: string;
  step: string;
  /** Program and arguments. */
  command: readonly string[];
  pollMs: number;
  stallMs: number;
}

interface Listener {
  onLog: (text: string) => void;
  /** Lines of `-progress`, whole reports only. */
  onProgress: (lines: readonly string[]) => void;
}

/** How many of ffmpeg's last lines are searched for the cause of a failure. */
const LINES_KEPT = 400;
/** A machine that was switched off may begin a step anew, once: a second time something is wrong with it. */
const BEGINNINGS = 2;
/** Between being started and having a number; longer means that the machine went down in between. Milliseconds. */
const STARTING_MS = 30_000;
/** What a shell says of a program that was killed: 128 and the signal's number. */
const SIGNALS: Readonly<Record<number, string>> = { 137: 'SIGKILL', 143: 'SIGTERM', 139: 'SIGSEGV', 134: 'SIGABRT' };

/**
 * Begins a step on a worker, or finds it begun, and follows it to its end. Lost connections are waited for. Throws
 * `worker_unreachable` when the worker stays away, or the signal's reason; the step then goes on there.
 */
export async function followStep(
  line: ReconnectingSsh,
  step: Step,
  listener: Listener,
  signal: AbortSignal,
): Promise<StepEnd> {
  const lines: string[] = [];
  let begun = 0;
  let told = '';
  let logBytes = 0;
  let news = { text: '', atMs: performance.now() };
  let startingSinceMs: number | null = null;
  for (;;) {
    const look = await line.persist((connection) => lookAtStep(connection, { ...step, logBytes }, signal), signal);
    const isLogLeft = look.logBytes - logBytes > 0;
    logBytes = look.logBytes;
    if (look.log !== '') {
      listener.onLog(look.log);
      lines.push(...look.log.split('\n'));
      lines.splice(0, lines.length - LINES_KEPT);
    }
    const reports = wholeReports(look.progress);
    if (reports.join() !== told) listener.onProgress(reports);
    told = reports.join();
    const { kind } = look.state;
    const isStuck = kind === 'starting' && performance.now() - (startingSinceMs ??= performance.now()) > STARTING_MS;
    if (kind !== 'starting') startingSinceMs = null;
    if (kind === 'none' || kind === 'gone' || isStuck) {
      if (begun >= BEGINNINGS) return { error: new Error('it ended without a word, twice'), lines };
      // What a power cut left is forgotten; what was never begun has nothing to forget.
      if (kind !== 'none')
        await line.persist((connection) => forgetStep(connection, step.dir, step.step, signal), signal);
      await line.persist((connection) => startStep(connection, step, signal), signal);
      begun++;
      logBytes = 0;
      news = { text: '', atMs: performance.now() };
    } else if (look.state.kind === 'ended') {
      // The rest of a long log is fetched before the end is told.
      if (isLogLeft && look.log !== '') continue;
      return { error: errorOf(look.state.code), lines };
    }
    const text = newsOf(look);
    if (text !== news.text || isLogLeft) news = { text, atMs: performance.now() };
    if (performance.now() - news.atMs > step.stallMs) {
      return { error: new Error(`it has done nothing for ${Math.round(step.stallMs / 60_000)} minutes`), lines };
    }
    await sleep(step.pollMs, undefined, { signal }).catch(() => {
      signal.throwIfAborted();
    });
  }
}

const newsOf = ({ state, progress }: StepLook): string => `${state.kind}${progress.join()}`;

/** A tail begins in the middle of a report. */
function wholeReports(tail: readonly string[]): string[] {
  const ends = tail.flatMap((text, at) => (text.startsWith('progress=') ? [at] : []));
  const [last, before] = [ends.at(-1), ends.at(-2)];
  if (last === undefined) return [];
  return tail.slice(before === undefined ? 0 : before + 1, last + 1);
}

function errorOf(code: number): Error | null {
  if (code === 0) return null;
  const signal = SIGNALS[code];
  return new Error(signal === undefined ? `it ended with code ${code}` : `ffmpeg was killed with signal ${signal}`);
}
