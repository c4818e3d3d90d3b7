import type { Placed } from '../domain/replace/swap.js';
import { chmod, chown, stat, utimes } from './disks.js';
import { naming } from './file-error.js';

/** What a file carries beside its content. */
export interface Attributes {
  uid: number;
  gid: number;
  mode: number;
  /** Seconds since the epoch; good to a quarter of a microsecond. */
  atimeSec: number;
  mtimeSec: number;
}

const seconds = (ns: bigint): number => Number(ns / 1_000_000_000n) + Number(ns % 1_000_000_000n) / 1e9;

/** Reads them. Throws `file_missing`, `file_denied`. */
export async function readAttributes(path: string): Promise<Attributes> {
  const { uid, gid, mode, atimeNs, mtimeNs } = await naming(path, () => stat(path));
  return { uid, gid, mode, atimeSec: seconds(atimeNs), mtimeSec: seconds(mtimeNs) };
}

/**
 * Gives them to a file. Shares and unprivileged users are refused some of it, which must not stop a swap: the answer
 * names what could not be set.
 */
export async function applyAttributes(path: string, wanted: Attributes): Promise<Placed['notKept']> {
  const notKept: Placed['notKept'] = [];
  const attempt = async (name: Placed['notKept'][number], task: () => Promise<void>): Promise<void> => {
    try {
      await task();
    } catch {
      notKept.push(name);
    }
  };
  const now = await readAttributes(path);
  if (now.uid !== wanted.uid || now.gid !== wanted.gid) {
    await attempt('owner', () => chown(path, wanted.uid, wanted.gid));
  }
  // After the owner: a change of owner clears bits of the mode.
  await attempt('mode', () => chmod(path, wanted.mode));
  await attempt('times', () => utimes(path, wanted.atimeSec, wanted.mtimeSec));
  return notKept;
}
