import { randomBytes } from 'node:crypto';
import { mkdir, open, rename, unlink, type FileHandle } from 'node:fs/promises';
import { dirname, join } from 'node:path';

/** What is kept says what somebody watches, and more: nobody else on the machine reads it. */
const OWNER_ONLY = 0o600;
const OWNER_FOLDER = 0o700;
/** Some network file systems know no fsync for a folder. */
const NO_FOLDER_SYNC = ['EINVAL', 'ENOTSUP', 'EPERM', 'EISDIR', 'EBADF'];

/**
 * Writes a file so that a power cut leaves either the old or the new content: temporary file in the
 * same folder, fsync, rename, fsync of the folder. `mode` is the permission of a new file. Missing folders are made,
 * durably as well.
 *
 * Throws the error of the file system (`ENOSPC`, `EACCES`, ...); the old content then still stands.
 */
export async function writeDurably(path: string, data: string | Uint8Array, mode = OWNER_ONLY): Promise<void> {
  const dir = dirname(path);
  const placed = place(path, dir, data, mode);
  const beside = underWay.get(dir) ?? new Set();
  underWay.set(dir, beside.add(placed));
  try {
    await placed;
  } finally {
    beside.delete(placed);
    if (beside.size === 0) underWay.delete(dir);
  }
  // What is being written beside it by now shares one sync of the folder: a third fewer of all syncs.
  await Promise.allSettled(beside);
  await syncFolder(dir);
}

/** Folder -> files that are being written in it. */
const underWay = new Map<string, Set<Promise<void>>>();

async function place(path: string, dir: string, data: string | Uint8Array, mode: number): Promise<void> {
  const temp = join(dir, `.${randomBytes(6).toString('hex')}.tmp`);
  const file = await openNew(temp, dir, mode);
  try {
    try {
      await file.writeFile(data);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temp, path);
  } catch (error) {
    await unlink(temp).catch(() => undefined);
    throw error;
  }
}

/** Makes a folder and the missing ones above it, so that they outlive a power cut. */
export async function makeFolder(dir: string): Promise<void> {
  const first = await mkdir(dir, { recursive: true, mode: OWNER_FOLDER });
  if (first === undefined) return;
  for (let made = dir; ; made = dirname(made)) {
    await syncFolder(dirname(made));
    if (made === first || made === dirname(made)) return;
  }
}

/**
 * Makes renames and deletions inside a folder survive a power cut. Some network file systems refuse; that is tolerated.
 * It begins a moment later; calls that come until then, or while the folder is being synced, share one.
 */
export function syncFolder(dir: string): Promise<void> {
  const waiting = nextSync.get(dir);
  if (waiting) return waiting;
  const running = lastSync.get(dir) ?? new Promise(setImmediate);
  const next = running.then(
    () => startNext(dir),
    () => startNext(dir),
  );
  nextSync.set(dir, next);
  return next;
}

/** Folder -> the sync that is under way, and the one that follows it. */
const lastSync = new Map<string, Promise<void>>();
const nextSync = new Map<string, Promise<void>>();

function startNext(dir: string): Promise<void> {
  nextSync.delete(dir);
  return startSync(dir);
}

function startSync(dir: string): Promise<void> {
  const sync = syncOnce(dir).finally(() => {
    if (lastSync.get(dir) === sync) lastSync.delete(dir);
  });
  lastSync.set(dir, sync);
  return sync;
}

async function syncOnce(dir: string): Promise<void> {
  const handle = await open(dir, 'r');
  try {
    await handle.sync();
  } catch (error) {
    if (!NO_FOLDER_SYNC.includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
  } finally {
    await handle.close();
  }
}

/** The folder is nearly always there, so it is only made when opening says otherwise. */
async function openNew(path: string, dir: string, mode: number): Promise<FileHandle> {
  try {
    return await open(path, 'wx', mode);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
  await makeFolder(dir);
  return open(path, 'wx', mode);
}
