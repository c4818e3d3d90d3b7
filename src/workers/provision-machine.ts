import { AppError } from '../domain/errors.js';
import { judge, type ProvisionFacts, type ProvisionStep, type Verdict } from '../domain/workers/provision.js';
import type { Capabilities } from '../domain/workers/worker.js';
import { probeEncoders, versionOf, type RunFfmpeg } from '../ffmpeg/encoders.js';
import type { Ran } from '../ssh/connection.js';
import type { ReconnectingSsh } from '../ssh/reconnecting.js';
import { REMOVE } from '../ssh/machine-scripts.js';
import type { StepLog, StepTalk } from './provision-steps.js';
import { followStep } from './ssh-step.js';

export interface SshProvisionParts {
  line: ReconnectingSsh;
  /** What the machine is. */
  describe: (signal: AbortSignal) => Promise<Omit<Capabilities, 'ffmpegVersion' | 'encoders' | 'speeds'>>;
  /** Our folder there and the ffmpeg that is found now; asked anew each time. */
  ground: (signal: AbortSignal) => Promise<{ root: string; ffmpeg: string | null; renderNodes: readonly string[] }>;
  /** Runs the ffmpeg at an absolute path there. */
  ffmpegAt: (path: string, signal: AbortSignal) => RunFfmpeg;
  /** Where a release of static builds lies, with a `checksums.sha256` beside them. */
  releaseUrl: string;
  pollMs: number;
  report: (step: ProvisionStep) => void;
}

/** What an ffmpeg showed. */
export interface Tried {
  /** Absolute path there. */
  path: string;
  ffmpegVersion: string;
  encoders: Capabilities['encoders'];
  verdict: Verdict;
}

/** What is known of the machine before anything is done. */
export interface Ground {
  facts: ProvisionFacts;
  /** Our folder there, and the one of this attempt in it. */
  root: string;
  dir: string;
  renderNodes: readonly string[];
  /** Null: there is none, or it does not run. */
  before: Tried | null;
  /** The one that is found now, whether it runs or not, was put there by MediaFlow. */
  hasOwn: boolean;
}

/** To take something back, or away, although nobody waits any more. Milliseconds. */
export const END_MS = 75_000;
/** How much is read of what a program says. Characters. */
export const MOST_SAID = 1_000_000;
/** Nothing arrives, nothing is unpacked. Milliseconds. */
const STALL_MS = 5 * 60_000;

/** What every way to an ffmpeg needs to do on the machine. */
export class ProvisionMachine {
  readonly parts: SshProvisionParts;
  readonly steps: StepLog;

  constructor(parts: SshProvisionParts, steps: StepLog) {
    this.parts = parts;
    this.steps = steps;
  }

  get host(): string {
    return this.parts.line.address.host;
  }

  /** Runs a short script that may be run twice. Throws what `ReconnectingSsh.persist` throws. */
  async run(script: string, args: readonly string[], signal: AbortSignal, timeoutMs?: number): Promise<Ran> {
    const options = timeoutMs === undefined ? { signal } : { signal, timeoutMs };
    return this.parts.line.persist((connection) => connection.run(script, args, options), signal);
  }

  /** Throws `worker_unavailable` when the script fails. */
  async must(script: string, args: readonly string[], signal: AbortSignal): Promise<void> {
    const ran = await this.run(script, args, signal);
    if (!ran.ok) throw refusal('Files in the work folder cannot be renamed.', ran.stderr);
  }

  /**
   * Runs what takes long, whatever becomes of the connection: a script that takes the folder as its first argument. Resolves
   * with all it said. Throws `worker_unavailable` when it failed.
   */
  async long(
    { dir, step, stallMs = STALL_MS }: { dir: string; step: string; stallMs?: number },
    [script = '', ...args]: readonly string[],
    talk: StepTalk,
    signal: AbortSignal,
  ): Promise<string> {
    let said = '';
    const { line, pollMs } = this.parts;
    const command = ['sh', '-c', script, 'mediaflow', dir, ...args];
    const listener = {
      onLog: (text: string): void => {
        talk.log(text);
        if (said.length < MOST_SAID) said += text;
      },
      onProgress: (lines: readonly string[]): void => {
        const bytes = /^bytes= *(\d+)$/m.exec(lines.join('\n'))?.[1];
        if (bytes !== undefined) talk.say(`${inMegabytes(Number(bytes))} so far`);
      },
    };
    const end = await followStep(line, { dir, step, command, pollMs, stallMs }, listener, signal);
    if (end.error !== null) throw refusal(`It failed: ${end.error.message}.`, end.lines.join('\n'));
    return said;
  }

  /** Test encodes with an ffmpeg, which is no better than none when not one works. Throws `worker_unavailable` then. */
  async try(
    path: string,
    { facts, renderNodes, root }: Pick<Ground, 'facts' | 'renderNodes' | 'root'>,
    talk: StepTalk,
    signal: AbortSignal,
  ): Promise<Tried> {
    const run = this.parts.ffmpegAt(path, signal);
    const { stdout, stderr, failed } = await run(['-hide_banner', '-version']);
    talk.log(`$ ${path} -version\n${stdout}${stderr}\n`);
    if (failed) throw refusal('It does not run there.', stderr);
    const ffmpegVersion = await versionOf(run, `Look at ${path} on ${this.host}.`);
    const output = `${root}/provision-test.mkv`;
    try {
      const encoders = await probeEncoders(run, { output, renderNodes });
      for (const { name, works, error } of encoders)
        talk.log(`${name}: ${works ? 'works' : (error ?? 'does not work')}\n`);
      const verdict = judge(encoders, facts.driver);
      if (verdict.level === 'useless') throw refusal(verdict.text);
      return { path, ffmpegVersion, encoders, verdict };
    } finally {
      const rest = signal.aborted ? AbortSignal.timeout(END_MS) : signal;
      await this.run(REMOVE, [output], rest).catch(() => undefined);
    }
  }
}

export const inMegabytes = (bytes: number): string => `${Math.round(bytes / 1e6)} MB`;

/** `worker_unavailable`, with the last line that was said about it. */
export function refusal(text: string, said = ''): AppError {
  const last = said.trim().split('\n').at(-1)?.trim().slice(0, 200) ?? '';
  return new AppError('worker_unavailable', last === '' ? text : `${text} ${last.replace(/[.!]?$/, '.')}`);
}
