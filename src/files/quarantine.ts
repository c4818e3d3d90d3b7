import { dirname, join, relative, resolve } from 'node:path';
import { AppError, conflict } from '../domain/errors.js';
import { isInside } from '../domain/settings/paths.js';
import type { QuarantineEntry } from '../domain/replace/quarantine.js';
import type { SwapPlan } from '../domain/replace/swap.js';
import { syncFolderIfThere } from './duplicate.js';
import { lstat, realpath, rmdir, unlink } from './disks.js';
import { naming } from './file-error.js';
import { fingerprint, fingerprintIfFile, isOccupied, isSameFile } from './fingerprint.js';

/**
 * Deletes a kept original for good, after looking at everything again at this very moment: nothing is taken from an old list.
 *
 * Throws `path_forbidden` when it does not lie in one of the quarantine folders (given as absolute paths), `file_changed`
 * when it is not the file that was put there, `file_missing` when it is gone, `conflict` when its replacement does not stand.
 */
export async function purgeStored(entry: QuarantineEntry, quarantineRoots: string[]): Promise<void> {
  if (entry.state !== 'kept') throw conflict(`This original is ${entry.state}; there is nothing to delete.`);
  const root = await rootHolding(entry.storedPath, quarantineRoots);
  const stored = await fingerprint(entry.storedPath);
  if (!isSameFile(stored, entry.fingerprint)) {
    throw new AppError('file_changed', `${entry.storedPath} is not the file that was put there. It was not deleted.`);
  }
  const standing = await fingerprintIfFile(entry.replacementPath);
  const isAnother = standing && !(standing.dev === stored.dev && standing.ino === stored.ino);
  if (!isAnother || standing.sizeBytes !== entry.replacementSizeBytes) {
    throw conflict(
      `${entry.replacementPath} is not the file that replaced this original. The original was kept: restore it, or move it to where you want it.`,
    );
  }
  await naming(entry.storedPath, () => unlink(entry.storedPath));
  await syncFolderIfThere(dirname(entry.storedPath));
  await removeEmptyFolder(dirname(entry.storedPath), root);
}

/** The quarantine folder that really holds the path, no link on the way. */
async function rootHolding(path: string, roots: readonly string[]): Promise<string> {
  const root = roots.find((folder) => path === resolve(path) && path !== folder && isInside(path, folder));
  if (root === undefined || resolve(root) === '/') throw forbidden(path);
  const [realRoot, realFolder] = await naming(path, () => Promise.all([realpath(root), realpath(dirname(path))]));
  if (realFolder !== join(realRoot, relative(root, dirname(path)))) throw forbidden(path);
  if ((await naming(path, () => lstat(path))).kind === 'link') throw forbidden(path);
  return resolve(root);
}

const forbidden = (path: string): AppError =>
  new AppError('path_forbidden', `${path} does not lie in a quarantine folder of MediaFlow. It was not deleted.`);

async function removeEmptyFolder(folder: string, root: string): Promise<void> {
  if (folder === root || !isInside(folder, root)) return;
  // Refused when something else lies in it, which is right.
  await rmdir(folder).catch(() => undefined);
  await syncFolderIfThere(dirname(folder));
}

/**
 * The plan that puts a kept original back. Where the replacement was deleted meanwhile, the original simply returns.
 * Throws `conflict`, `file_missing` (the kept original is gone), `file_changed` (one of the two is not what the entry says).
 */
export async function restorePlan(entry: QuarantineEntry): Promise<SwapPlan> {
  if (entry.state !== 'kept') throw conflict(`This original is ${entry.state} and cannot be restored.`);
  const stored = await fingerprint(entry.storedPath);
  if (!isSameFile(stored, entry.fingerprint)) {
    throw new AppError('file_changed', `${entry.storedPath} is not the file that was put there. Nothing was moved.`);
  }
  const isStanding = await isOccupied(entry.replacementPath);
  const replacement = isStanding ? await fingerprint(entry.replacementPath) : null;
  if (replacement && replacement.sizeBytes !== entry.replacementSizeBytes) {
    throw new AppError(
      'file_changed',
      `${entry.replacementPath} is not the file that replaced this original. Nothing was moved. Move it away to restore the original.`,
    );
  }
  return {
    kind: 'restore',
    id: entry.id,
    sourcePath: entry.replacementPath,
    targetPath: entry.originalPath,
    outputPath: entry.storedPath,
    storedPath: null,
    sourceFingerprint: replacement,
    sourceSha256: replacement ? entry.replacementSha256 : null,
    outputSha256: entry.sha256,
    outputSizeBytes: entry.sizeBytes,
  };
}
