import { copyFile, open, readdir, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { makeFolder, syncFolder } from '../lib/durable.js';
import { filesBelow } from './data-files.js';

/** So many backups for the same reason are kept. */
const KEPT = 5;
const PARTIAL = '.partial-';

/**
 * Copies all data files (not logs, not the key) into `backups/<time>-<reason>/` and keeps the last five of that reason
 * (numbers in it aside). Durable; a crash leaves no half backup. While rows may move between files their collections
 * must keep old copies. Returns the folder. Throws what the disk says, or the reason of the signal.
 */
export async function backUp(dir: string, reason: string, now: Date, signal?: AbortSignal): Promise<string> {
  const root = join(dir, 'backups');
  const name = `${now.toISOString().replaceAll(':', '-').slice(0, 19)}-${reason}`;
  const target = join(root, name);
  const partial = join(root, `${PARTIAL}${name}`);
  await rm(partial, { recursive: true, force: true });
  await makeFolder(partial);
  try {
    await copyAll(dir, partial, signal);
    for (const folder of await foldersBelow(partial)) await syncFolder(folder);
    await rm(target, { recursive: true, force: true });
    await rename(partial, target);
  } catch (error) {
    await rm(partial, { recursive: true, force: true });
    throw error;
  }
  await syncFolder(root);
  await prune(root, reason);
  return target;
}

/** The newest backup that holds this data file, or null. */
export async function lastBackupOf(dir: string, file: string): Promise<string | null> {
  const root = join(dir, 'backups');
  for (const backup of (await backupsIn(root)).reverse()) {
    const path = join(root, backup, file);
    if (await exists(path)) return path;
  }
  return null;
}

async function copyAll(dir: string, target: string, signal?: AbortSignal): Promise<void> {
  for (const file of await filesBelow(dir)) {
    signal?.throwIfAborted();
    if (/\.jsonl?$/.test(file)) await copyDurably(join(dir, file), join(target, file));
  }
}

/** A file that is gone by now is left out, and so is a folder that has the name of a file: whoever opens it says what is wrong. */
async function copyDurably(from: string, to: string): Promise<void> {
  await makeFolder(dirname(to));
  try {
    await copyFile(from, to);
  } catch (error) {
    if (['ENOENT', 'EISDIR'].includes((error as NodeJS.ErrnoException).code ?? '')) return;
    throw error;
  }
  const file = await open(to, 'r+');
  try {
    await file.sync();
  } finally {
    await file.close();
  }
}

async function prune(root: string, reason: string): Promise<void> {
  const kind = kindOf(reason);
  const same = (await backupsIn(root)).filter((name) => kindOf(name.slice('2026-11-23T10-00-00-'.length)) === kind);
  const left = (await readdir(root)).filter((name) => name.startsWith(PARTIAL));
  for (const old of [...same.slice(0, -KEPT), ...left]) await rm(join(root, old), { recursive: true, force: true });
}

const kindOf = (reason: string): string => reason.replaceAll(/\d+/g, '');

/** Whole backups, oldest first. */
async function backupsIn(root: string): Promise<string[]> {
  const names = await readdir(root).catch(() => []);
  return names.filter((name) => !name.startsWith('.')).sort();
}

async function foldersBelow(dir: string): Promise<string[]> {
  const entries = await readdir(dir, { recursive: true, withFileTypes: true });
  return [dir, ...entries.filter((entry) => entry.isDirectory()).map((entry) => join(entry.parentPath, entry.name))];
}

const exists = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    () => false,
  );
