import { setTimeout as sleep } from 'node:timers/promises';
import { readdir } from '../../files/disks.js';

/** A share that hangs is as good as gone. */
const PATIENCE_MS = 10_000;

/**
 * Whether a folder is there and holds anything visible. A mount that is gone leaves an empty folder, and our own hidden
 * folder in it proves nothing.
 */
export async function isMounted(folder: string): Promise<boolean> {
  const abort = new AbortController();
  try {
    return await Promise.race([hasEntries(folder), sleep(PATIENCE_MS, false, { signal: abort.signal, ref: false })]);
  } finally {
    abort.abort();
  }
}

async function hasEntries(folder: string): Promise<boolean> {
  try {
    return (await readdir(folder)).some((name) => !name.startsWith('.'));
  } catch {
    return false;
  }
}
