import { constants } from 'node:fs';
import { copyFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { remoteOf } from '../domain/settings/disk.js';
import { AppError } from '../domain/errors.js';
import { withBackoff } from '../lib/backoff.js';
import { applyAttributes, readAttributes } from './attributes.js';
import { copy, link, rename, sync, unlink } from './disks.js';
import { errnoOf, naming, noSpace } from './file-error.js';
import { fingerprint, fingerprintIfFile, isOccupied } from './fingerprint.js';
import { sha256File } from './hash.js';
import { freeBytes } from './space.js';

/** Left free when an original is copied, so that the disk never reaches its last byte through us. */
const COPY_MARGIN_BYTES = 1 << 20;

/** How a file system says that it has no hard links, or none for this user (`fs.protected_hardlinks`). */
const NO_LINKS = new Set(['EPERM', 'EACCES', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EINVAL', 'EMLINK', 'EXDEV']);

/** Makes `to` a second name of `from`; false where that is not possible. Throws `file_exists` when `to` is taken. */
export async function tryLink(from: string, to: string): Promise<boolean> {
  try {
    await link(from, to);
    return true;
  } catch (error) {
    if (NO_LINKS.has(errnoOf(error))) return false;
    return naming(to, () => Promise.reject(error as Error));
  }
}

/** Renames, with patience for a file that a player or scanner on a share holds open. An existing `to` is overwritten. */
export const renameOver = (from: string, to: string): Promise<void> =>
  naming(to, () =>
    withBackoff(() => rename(from, to), {
      firstMs: 200,
      maxMs: 1000,
      tries: 4,
      retryIf: (error) => ['EBUSY', 'ETXTBSY'].includes(errnoOf(error)),
    }),
  );

/** Renames to a free name. Never overwrites where the file system has hard links; elsewhere it looks first. */
export async function renameToFree(from: string, to: string): Promise<void> {
  if (await tryLink(from, to)) {
    await unlink(from);
    return;
  }
  if (await isOccupied(to)) throw occupied(to);
  await renameOver(from, to);
}

export const occupied = (path: string): AppError =>
  new AppError('file_exists', `${path} exists already. Move it away or choose another name.`);

/** What a copy needs to know. `temp` lies beside `to` and belongs to the caller's swap. */
export interface CopyRequest {
  from: string;
  to: string;
  temp: string;
  /** When known; the copy must have it. */
  sha256: string | null;
  signal?: AbortSignal | undefined;
}

/**
 * Gives a file a second home: a hard link, else a clone, else a copy that is on disk and was read back. `to` is never seen
 * half-written. Throws `file_exists`, `no_space`, `verify_failed`, or the signal's reason.
 */
export async function duplicate(request: CopyRequest): Promise<void> {
  if (await tryLink(request.from, request.to)) return;
  await copyVerified(request);
}

/** The copy alone, with owner, mode and times of the original as far as the disk allows. */
export async function copyVerified({ from, to, temp, sha256, signal }: CopyRequest): Promise<void> {
  if (await isOccupied(to)) throw occupied(to);
  await unlinkIfThere(temp);
  try {
    const seen = (await tryClone(from, temp)) ? await sha256File(from, signal) : await plainCopy(from, temp, signal);
    await applyAttributes(temp, await readAttributes(from));
    await syncFile(temp);
    const written = await sha256File(temp, signal);
    if (written !== seen || (sha256 !== null && sha256 !== seen)) {
      throw new AppError('verify_failed', `The copy of ${from} differs from it. Check the disks, then try again.`);
    }
    await renameToFree(temp, to);
  } catch (error) {
    await unlinkIfThere(temp).catch(() => undefined);
    throw error;
  }
}

/** Shares the blocks where the file system can (btrfs, xfs): no time, no space. */
async function tryClone(from: string, to: string): Promise<boolean> {
  if (remoteOf(from) !== null || remoteOf(to) !== null) return false;
  try {
    await copyFile(from, to, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE_FORCE);
    return true;
  } catch {
    await unlinkIfThere(to);
    return false;
  }
}

/** A plain copy. Answers the hash of what was read. */
async function plainCopy(from: string, to: string, signal?: AbortSignal): Promise<string> {
  const { sizeBytes } = await fingerprint(from);
  const free = await freeBytes(dirname(to));
  if (free < sizeBytes + COPY_MARGIN_BYTES) throw noSpace(dirname(to), sizeBytes + COPY_MARGIN_BYTES, free);
  return naming(to, () => copy(from, to, signal));
}

/** Brings a file's content and attributes to the disk itself. */
export const syncFile = (path: string): Promise<void> => naming(path, () => sync(path));

/** Makes a rename or deletion inside the folder last. A folder that is gone needs nothing. */
export async function syncFolderIfThere(dir: string): Promise<void> {
  if (await isOccupied(dir)) await naming(dir, () => sync(dir));
}

/** Deletes a file of ours that may or may not be there; never follows a link and never takes a folder. */
export async function unlinkIfThere(path: string): Promise<void> {
  if ((await fingerprintIfFile(path)) === null) return;
  await naming(path, async () => {
    try {
      await unlink(path);
    } catch (error) {
      if (errnoOf(error) !== 'ENOENT') throw error;
    }
  });
}
