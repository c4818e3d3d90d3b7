import { join } from 'node:path';
import { AppError } from '../domain/errors.js';
import { chmod, lstat, mkdir, readdir, rmdir, unlink, writeNew } from './disks.js';
import { errnoOf, isMissing, naming } from './file-error.js';

const HIDDEN = '.mediaflow';
const IGNORE = '.plexignore';

const hiddenDirOf = (root: string): string => join(root, HIDDEN);

/** Where encodes of this media root grow: on the same disk, so that the swap is a rename. */
export const workDirOf = (root: string): string => join(root, HIDDEN, 'work');

/** Where replaced originals of this media root are kept. */
export const quarantineDirOf = (root: string): string => join(root, HIDDEN, 'quarantine');

/**
 * Makes the hidden folders of a media root, closed to others, with a `.plexignore`, so that Plex never lists what lies in them.
 * The root itself is never made: where it is missing its disk is not mounted. Throws `file_missing`, `file_denied`, `path_forbidden`.
 */
export async function prepareHidden(root: string): Promise<void> {
  const hidden = hiddenDirOf(root);
  await naming(root, async () => {
    await makeFolder(hidden);
    await makeFolder(workDirOf(root));
    await makeFolder(quarantineDirOf(root));
  });
  await naming(hidden, () => writeOnce(join(hidden, IGNORE), '*\n'));
}

/**
 * Takes the hidden folders of a media root away when nothing lies in them but our own `.plexignore`; true when they are gone. Whatever
 * else lies there stays, and so do they. Call it only while no job works in this root. Throws what the disk says.
 */
export async function clearHidden(root: string): Promise<boolean> {
  const hidden = hiddenDirOf(root);
  try {
    // What a link leads to is not ours.
    if ((await lstat(hidden)).kind !== 'folder') return false;
    for (const folder of [workDirOf(root), quarantineDirOf(root)]) {
      for (const name of await readdir(folder).catch(noNames)) await rmdirIfEmpty(join(folder, name));
      await rmdirIfEmpty(folder);
    }
    const left = await readdir(hidden);
    if (left.some((name) => name !== IGNORE)) return false;
    if (left.length > 0) await unlink(join(hidden, IGNORE));
    await rmdirIfEmpty(hidden);
    return true;
  } catch (error) {
    if (isMissing(error)) return true;
    throw error;
  }
}

const noNames = (): string[] => [];

/** Refused for files, links and folders in which something lies, which is right. */
const rmdirIfEmpty = (folder: string): Promise<void> => rmdir(folder).catch(() => undefined);

async function makeFolder(path: string): Promise<void> {
  try {
    await mkdir(path);
  } catch (error) {
    if (errnoOf(error) !== 'EEXIST') throw error;
    // What is moved into a linked folder would leave the disk it belongs to.
    if ((await lstat(path)).kind !== 'folder') {
      throw new AppError('path_forbidden', `${path} must be a folder of its own, not a link or a file. Move it away.`);
    }
    return;
  }
  // The umask may have taken more than wanted, a share may know no modes: neither is a reason to stop.
  await chmod(path, 0o700).catch(() => undefined);
}

async function writeOnce(path: string, text: string): Promise<void> {
  try {
    await writeNew(path, text);
  } catch (error) {
    if (errnoOf(error) !== 'EEXIST') throw error;
  }
}
