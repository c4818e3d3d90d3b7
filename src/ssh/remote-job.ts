import { AppError } from '../domain/errors.js';
import type { SshConnection } from './connection.js';
import { END_JOB, FORGET, HASH_OF, HASHES_OF, LOOK, MAKE_JOB, SIZE_OF, START, SWEEP } from './scripts.js';

/** How a step on a worker is. `gone`: it ended without a word, as after a power cut. */
type StepState = { kind: 'none' | 'starting' | 'running' | 'gone' } | { kind: 'ended'; code: number };

export interface StepLook {
  state: StepState;
  /** The last lines that ffmpeg wrote about its progress. */
  progress: string[];
  /** What is new in its log, and how many bytes of it are known now. */
  log: string;
  logBytes: number;
}

/** How much of a log a look fetches at most. Bytes, as in `LOOK`. */
const LOG_BYTES = 100_000;
/** Hashing a large film on a slow disk. Milliseconds. */
const HASH_MS = 3_600_000;
const SHA256 = /^[0-9a-f]{64}$/;
const NO_HASHES = 'has no program to make checksums (sha256sum, shasum or openssl)';
/** Ending stubborn processes takes a few seconds each. Milliseconds. */
const END_MS = 60_000;

/** Makes the folder of a job, or finds it. Resolves with the bytes free there. Throws `worker_unavailable`. */
export async function makeJob(connection: SshConnection, dir: string, signal?: AbortSignal): Promise<number> {
  const ran = await connection.run(MAKE_JOB, [dir], signal ? { signal } : {});
  if (!ran.ok) throw refused(connection, 'makes no folder for a job', ran.stderr);
  return Number(ran.stdout.trim()) * 1024;
}

/** Bytes of a file in a job's folder; null when it is not there. */
export async function sizeOf(
  connection: SshConnection,
  dir: string,
  name: string,
  signal?: AbortSignal,
): Promise<number | null> {
  const { stdout } = await connection.run(SIZE_OF, [dir, name], signal ? { signal } : {});
  return stdout.trim() === '' ? null : Number(stdout.trim());
}

/** SHA-256 of a file in a job's folder, as the worker sees it. */
export async function hashOf(
  connection: SshConnection,
  dir: string,
  name: string,
  signal?: AbortSignal,
): Promise<string> {
  const ran = await connection.run(HASH_OF, [dir, name], { ...(signal ? { signal } : {}), timeoutMs: HASH_MS });
  const hash = ran.stdout.trim();
  if (!ran.ok || !SHA256.test(hash)) throw refused(connection, NO_HASHES, ran.stderr);
  return hash;
}

/** SHA-256 of each part of `partBytes` of a file in a job's folder, as the worker sees it. */
export async function hashesOf(
  connection: SshConnection,
  { dir, name, sizeBytes, partBytes }: { dir: string; name: string; sizeBytes: number; partBytes: number },
  signal?: AbortSignal,
): Promise<string[]> {
  const args = [dir, name, String(partBytes), String(Math.ceil(sizeBytes / partBytes))];
  const ran = await connection.run(HASHES_OF, args, { ...(signal ? { signal } : {}), timeoutMs: HASH_MS });
  const hashes = ran.stdout.split('\n').slice(0, -1);
  if (!ran.ok || hashes.some((hash) => !SHA256.test(hash))) throw refused(connection, NO_HASHES, ran.stderr);
  return hashes;
}

/** Begins a step once, however often it is called. It runs on whatever becomes of the connection. */
export async function startStep(
  connection: SshConnection,
  { dir, step, command }: { dir: string; step: string; command: readonly string[] },
  signal?: AbortSignal,
): Promise<void> {
  const ran = await connection.run(START, [dir, step, ...command], signal ? { signal } : {});
  if (!ran.ok) throw refused(connection, 'does not begin the encode', ran.stderr);
}

/** How a step is, and what it said since `logBytes`. */
export async function lookAtStep(
  connection: SshConnection,
  { dir, step, logBytes }: { dir: string; step: string; logBytes: number },
  signal?: AbortSignal,
): Promise<StepLook> {
  const ran = await connection.run(LOOK, [dir, step, String(logBytes)], signal ? { signal } : {});
  const [first = '', ...rest] = ran.stdout.split('\n');
  const at = rest.findIndex((line) => /^log +\d+$/.test(line));
  if (!ran.ok || at < 0) throw refused(connection, 'does not say how the encode is', ran.stderr);
  const size = Number(rest[at]?.split(/ +/)[1]);
  return {
    state: stateOf(first),
    progress: rest.slice(0, at),
    log: rest.slice(at + 1).join('\n'),
    logBytes: Math.min(size, logBytes + LOG_BYTES),
  };
}

/** Lets a step that is `gone` begin again. */
export async function forgetStep(
  connection: SshConnection,
  dir: string,
  step: string,
  signal?: AbortSignal,
): Promise<void> {
  await connection.run(FORGET, [dir, step], signal ? { signal } : {});
}

/** Ends whatever runs in a job's folder and removes it. False when something is left. */
export async function endJob(connection: SshConnection, dir: string, signal?: AbortSignal): Promise<boolean> {
  return (await connection.run(END_JOB, [dir], { ...(signal ? { signal } : {}), timeoutMs: END_MS })).ok;
}

/** Ends and removes every job in our folder `root` but those in `keep` (names of their folders). Resolves with what went. */
export async function sweepJobs(
  connection: SshConnection,
  root: string,
  keep: readonly string[],
  signal?: AbortSignal,
): Promise<string[]> {
  const ran = await connection.run(SWEEP, [root, ...keep], { ...(signal ? { signal } : {}), timeoutMs: 10 * END_MS });
  return ran.stdout.split('\n').filter((name) => name !== '');
}

function stateOf(line: string): StepState {
  const ended = /^ended (\d+)$/.exec(line);
  if (ended) return { kind: 'ended', code: Number(ended[1]) };
  return line === 'starting' || line === 'running' || line === 'gone' ? { kind: line } : { kind: 'none' };
}

const refused = ({ host }: SshConnection, what: string, said: string): AppError =>
  new AppError('worker_unavailable', `${host} ${what}${said.trim() === '' ? '' : `: ${said.trim().slice(0, 300)}`}.`);
