import { AppError } from '../domain/errors.js';
import type { FileStats } from '../domain/settings/disk.js';
import type { Fingerprint } from '../domain/jobs/job.js';
import { lstat } from './disks.js';
import { isMissing, naming } from './file-error.js';

const NS = 1_000_000_000n;

/** What a file is now. Throws `file_missing` (also for a folder), `file_linked` for a symbolic link, `file_denied`, `unavailable`. */
export async function fingerprint(path: string): Promise<Fingerprint> {
  const stats = await naming(path, () => lstat(path));
  if (stats.kind === 'link') {
    throw new AppError('file_linked', `${path} is a symbolic link. MediaFlow does not change links.`);
  }
  if (stats.kind !== 'file') throw new AppError('file_missing', `${path} is not a file.`);
  return fingerprintOf(stats);
}

const fingerprintOf = ({ dev, ino, sizeBytes, mtimeNs, nlink }: FileStats): Fingerprint => ({
  ...{ dev, ino, sizeBytes },
  mtimeNs: String(mtimeNs),
  // Some network file systems count no links at all.
  nlink: Math.max(1, nlink),
});

/** The fingerprint, or null when there is nothing, or something that is not a plain file. Throws when the disk does not answer. */
export async function fingerprintIfFile(path: string): Promise<Fingerprint | null> {
  try {
    const stats = await lstat(path);
    return stats.kind === 'file' ? fingerprintOf(stats) : null;
  } catch (error) {
    if (isMissing(error)) return null;
    return naming(path, () => Promise.reject(error as Error));
  }
}

/** Whether anything at all stands at the path, a broken link included. */
export async function isOccupied(path: string): Promise<boolean> {
  try {
    await lstat(path);
    return true;
  } catch (error) {
    if (isMissing(error)) return false;
    return naming(path, () => Promise.reject(error as Error));
  }
}

/**
 * Whether two looks saw the same content. Device, inode and link count alone say nothing: on SMB and mergerfs they change
 * while the file does not. Times are compared to the whole second when one side has no finer ones (some shares).
 */
export function isSameFile(a: Fingerprint, b: Fingerprint): boolean {
  if (a.sizeBytes !== b.sizeBytes) return false;
  const [one, other] = [BigInt(a.mtimeNs), BigInt(b.mtimeNs)];
  if (one === other) return true;
  return (one % NS === 0n || other % NS === 0n) && one / NS === other / NS;
}

/** Whether both are names of one and the same file on disk, unchanged. */
export const isSameInode = (a: Fingerprint, b: Fingerprint): boolean =>
  a.dev === b.dev && a.ino === b.ino && a.sizeBytes === b.sizeBytes && a.mtimeNs === b.mtimeNs;
