import { readdir, readFile } from 'node:fs/promises';

/** Dead, and only remembered because nobody has asked how it ended. */
const OVER = new Set(['Z', 'X', 'x']);

/** What `/proc/<pid>/stat` says; the name before it may hold spaces and brackets. Null for no such process, or no `/proc`. */
async function statOf(path: string): Promise<{ state: string; began: string } | null> {
  const stat = await readFile(`${path}/stat`, 'utf8').catch(() => null);
  const fields = stat?.slice(stat.lastIndexOf(')') + 2).split(' ');
  return fields?.[0] === undefined || fields[19] === undefined ? null : { state: fields[0], began: fields[19] };
}

/** When a process began, in ticks since the machine did; null where the system does not say. */
export const beganAt = async (pid: number): Promise<string | null> => (await statOf(`/proc/${pid}`))?.began ?? null;

/**
 * Whether a process still lives. One that has ended and was never reaped by its parent is dead, and so is another process that has got its number since:
 * `began` tells them apart.
 */
export async function isProcessAlive(pid: number, began: string | null): Promise<boolean> {
  const found = await statOf(`/proc/${pid}`);
  if (!found) return isKnown(pid);
  if (began !== null && found.began !== began) return false;
  return !OVER.has(found.state) || hasLivingThread(pid);
}

/** A thread that waits for a disk outlives the end of its process, and may still write. */
async function hasLivingThread(pid: number): Promise<boolean> {
  const threads = await readdir(`/proc/${pid}/task`).catch(() => []);
  const states = await Promise.all(threads.map((id) => statOf(`/proc/${pid}/task/${id}`)));
  return states.some((thread) => thread !== null && !OVER.has(thread.state));
}

/** Where `/proc` says nothing: is there such a process, though it may be somebody else's? */
function isKnown(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
