import { access, link, mkdtemp, readdir, readFile, rename, rm, stat, statfs, writeFile } from 'node:fs/promises';
import { constants } from 'node:fs';
import { join } from 'node:path';
import type { PathProof } from '../domain/path-proof.js';
import { errnoOf } from './file-error.js';

/**
 * Finds out what a folder allows by doing it, in a hidden folder that is gone afterwards. Never throws: what does not
 * work is in the answer, with what to do about it.
 */
export async function provePath(folder: string): Promise<PathProof> {
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
    if (!(await stat(folder)).isDirectory())
      return { ...proof, message: `${folder} is a file. Name the folder that holds your media.` };
    proof.exists = true;
    proof.freeBytes = await freeOf(folder);
    await readdir(folder);
    await access(folder, constants.R_OK | constants.X_OK);
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
    const { bavail, bsize } = await statfs(folder);
    return bavail * bsize;
  } catch {
    // Some FUSE disks do not tell.
    return null;
  }
}

async function tryWriting(folder: string, proof: PathProof): Promise<void> {
  const own = await mkdtemp(join(folder, '.mediaflow-proof-'));
  try {
    const [first, second] = [join(own, 'proof'), join(own, 'renamed')];
    await writeFile(first, 'proof', { flag: 'wx', flush: true });
    proof.writable = (await readFile(first, 'utf8')) === 'proof';
    proof.canRename = await succeeds(() => rename(first, second));
    const standing = proof.canRename ? second : first;
    proof.canHardLink = await succeeds(() => link(standing, join(own, 'linked')));
    proof.caseSensitive = !(await succeeds(() => stat(join(own, proof.canRename ? 'RENAMED' : 'PROOF'))));
  } finally {
    await rm(own, { recursive: true, force: true });
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
      return `${folder} is a link that leads in a circle. Name the real folder.`;
    default:
      return `${folder} does not answer as a disk should: ${error instanceof Error ? error.message : String(error)}. Check the disk or the network share.`;
  }
}
