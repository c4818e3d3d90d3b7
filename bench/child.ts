import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';

/** As `npm start` and the container start the program. */
export const SMALL_HEAP = ['--max-semi-space-size=8', '--v8-pool-size=1'];
export const SMALL_STORES = {
  MALLOC_ARENA_MAX: '2',
  MALLOC_MMAP_THRESHOLD_: '131072',
  MALLOC_TRIM_THRESHOLD_: '131072',
};

/** Starts a file of this folder as a process of its own: a fresh heap, and its work does not hold up ours. */
export function startChild(file: string, args: readonly string[] = []): ChildProcess {
  return fork(join(import.meta.dirname, file), args, {
    execArgv: [...SMALL_HEAP, '--expose-gc', '--import', 'tsx'],
    env: { ...process.env, ...SMALL_STORES, NODE_ENV: 'production' },
  });
}

/** The next thing it says. Throws when it ends without a word. */
export async function nextWord<T>(child: ChildProcess): Promise<T> {
  const ended = new AbortController();
  const onExit = (code: number | null): void => {
    ended.abort(new Error(`${child.spawnargs.slice(-2).join(' ')} ended with ${String(code)} and said nothing`));
  };
  child.once('exit', onExit);
  try {
    const [word] = (await once(child, 'message', { signal: ended.signal })) as [T];
    return word;
  } catch (error) {
    throw ended.signal.aborted ? (ended.signal.reason as Error) : error;
  } finally {
    child.off('exit', onExit);
  }
}

/** Runs a file of this folder to its end; what it said. */
export async function runChild<T>(file: string, args: readonly string[] = []): Promise<T> {
  const child = startChild(file, args);
  const word = await nextWord<T>(child);
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
  return word;
}

/** Says one thing and ends. */
export function answer(word: object): void {
  process.send?.(word, () => {
    process.exit(0);
  });
}

/**
 * The longest time the loop of an idle process was late while `task` ran: what the machine itself cost.
 * The yardstick of every "longest block".
 */
export async function besideIdle<T>(task: () => Promise<T>): Promise<{ result: T; idleBlockedMs: number }> {
  const child = startChild('idle-child.ts');
  await nextWord(child);
  const result = await task();
  child.send('stop');
  const { blockedMs } = await nextWord<{ blockedMs: number }>(child);
  return { result, idleBlockedMs: blockedMs };
}

/** Buffers that nobody holds are given back only a while after the collection that found them. */
export async function collectGarbage(): Promise<void> {
  for (let round = 0; round < 3; round++) {
    globalThis.gc?.();
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}
