import { createHash, randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { remoteOf } from '../domain/settings/disk.js';
import { AppError } from '../domain/errors.js';
import type { PathProof } from '../domain/settings/path-proof.js';
import { diskFreeBytes, link, mkdir, readdir, rename, rmdir, sha256, stat, unlink, writeNew } from './disks.js';
import { errnoOf } from './file-error.js';

/** Whoever asks looks at a page meanwhile. Milliseconds. */
const PATIENCE_MS = 15_000;
const CONTENT = 'proof';

/**
 * Finds out what a folder allows by doing it, in a hidden folder that is gone afterwards. Never throws: what does not
 * work is in the answer, with what to do about it.
 */
export async function verifyPath(folder: string): Promise<PathProof> {
  const proof: PathProof = {
    folder,
    exists: false,
    readable: false,
    writable: false,
    canRename: false,
    canHardLink: false,
    caseSensitive: true,
    freeBytes: null,
    message: null,
  };
  try {
    if ((await soon(stat(folder), folder)).kind !== 'folder')
      return { ...proof, message: `${folder} is a file. Name the folder that holds your media.` };
    proof.exists = true;
    proof.freeBytes = await freeOf(folder);
    await readdir(folder);
    proof.readable = true;
    await tryWriting(folder, proof);
  } catch (error) {
    return { ...proof, message: advice(error, folder, proof) };
  }
  if (!proof.canRename)
    return { ...proof, message: `Files in ${folder} cannot be renamed, so nothing can be replaced there.` };
  return proof;
}

async function freeOf(folder: string): Promise<number | null> {
  try {
    return await diskFreeBytes(folder);
  } catch {
    // Some FUSE disks do not tell.
    return null;
  }
}

async function tryWriting(folder: string, proof: PathProof): Promise<void> {
  const own = join(folder, `.mediaflow-check-${randomBytes(6).toString('hex')}`);
  const [first, second, linked] = [join(own, 'proof'), join(own, 'renamed'), join(own, 'linked')];
  await mkdir(own);
  try {
    await writeNew(first, CONTENT);
    proof.writable = (await sha256(first)) === createHash('sha256').update(CONTENT).digest('hex');
    proof.canRename = await succeeds(() => rename(first, second));
    proof.canHardLink = await succeeds(() => link(proof.canRename ? second : first, linked));
    proof.caseSensitive = !(await succeeds(() => stat(join(own, proof.canRename ? 'RENAMED' : 'PROOF'))));
  } finally {
    for (const path of [first, second, linked]) await unlink(path).catch(() => undefined);
    await rmdir(own).catch(() => undefined);
  }
}

/** A machine that is switched off is waited for a moment only. */
async function soon<T>(work: Promise<T>, folder: string): Promise<T> {
  if (remoteOf(folder) === null) return work;
  const stop = new AbortController();
  const tooLate = sleep(PATIENCE_MS, undefined, { signal: stop.signal, ref: false }).then(() => {
    throw new AppError('storage_unreachable', `The worker that holds ${folder} does not answer. Is it switched on?`);
  });
  tooLate.catch(() => undefined);
  try {
    return await Promise.race([work, tooLate]);
  } finally {
    stop.abort();
  }
}

async function succeeds(task: () => Promise<unknown>): Promise<boolean> {
  try {
    await task();
    return true;
  } catch {
    return false;
  }
}

function advice(error: unknown, folder: string, proof: PathProof): string {
  if (error instanceof AppError) return error.message;
  const who = process.getuid ? ` MediaFlow runs as user ${process.getuid()}, group ${process.getgid?.() ?? ''}.` : '';
  switch (errnoOf(error)) {
    case 'ENOENT':
    case 'ENOTDIR':
      return `${folder} is not there. Is the disk mounted, and is the folder passed into the container?`;
    case 'EACCES':
    case 'EPERM':
      return `MediaFlow may not ${proof.readable ? 'write' : 'read'} in ${folder}.${who} Give it access to the folder.`;
    case 'EROFS':
      return `${folder} is mounted read-only. Mount it writable (without ":ro" in the container).`;
    case 'ENOSPC':
    case 'EDQUOT':
      return `The disk of ${folder} is full. Free some space.`;
    case 'ELOOP':
      return `${folder} is a symbolic link that leads back to itself. Enter the real folder.`;
    default:
      return `${folder} does not answer as a disk should: ${error instanceof Error ? error.message : String(error)}. Check the disk or the network share.`;
  }
}
