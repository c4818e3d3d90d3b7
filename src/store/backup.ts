import type { BigIntStats } from 'node:fs';
import { copyFile, open, readdir, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { makeFolder, syncFolder } from '../lib/durable.js';
import { filesBelow } from './data-files.js';

/** So many backups for the same reason are kept. */
const KEPT = 5;
/** Files that change while they are copied are copied again, so many times at most. */
const MAX_ROUNDS = 20;
const BETWEEN_ROUNDS_MS = 200;
const PARTIAL = '.partial-';

/**
 * Copies all data files (not logs, not the key) into `backups/<time>-<reason>/` and keeps the last five of that reason
 * (numbers in it aside). Goes round until nothing has changed since it was copied, so that a row on its way from one
 * file to another is not missed. Durable; a crash leaves no half backup. Returns the folder. Throws what the disk says.
 */
export async function backUp(dir: string, reason: string, now: Date, signal?: AbortSignal): Promise<string> {
  const root = join(dir, 'backups');
  const name = `${now.toISOString().replaceAll(':', '-').slice(0, 19)}-${reason}`;
  const target = join(root, name);
  const partial = join(root, `${PARTIAL}${name}`);
  await rm(partial, { recursive: true, force: true });
  await makeFolder(partial);
  try {
    await copyUntilStill(dir, partial, signal);
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
    if (await statOf(path)) return path;
  }
  return null;
}

async function copyUntilStill(dir: string, target: string, signal?: AbortSignal): Promise<void> {
  /** Data file -> which content of it was copied. */
  const copied = new Map<string, string>();
  for (let round = 0; round < MAX_ROUNDS; round++) {
    if (round > 1) await sleep(BETWEEN_ROUNDS_MS, undefined, signal ? { signal } : {});
    if (!(await copyChanged(dir, target, copied, signal))) return;
  }
}

/** Whether anything had changed. */
async function copyChanged(
  dir: string,
  target: string,
  copied: Map<string, string>,
  signal?: AbortSignal,
): Promise<boolean> {
  let changed = false;
  const gone = new Set(copied.keys());
  for (const file of (await filesBelow(dir)).filter((name) => /\.jsonl?$/.test(name))) {
    signal?.throwIfAborted();
    gone.delete(file);
    const from = await statOf(join(dir, file));
    if (!from) continue;
    const content = `${from.ino}:${from.size}:${from.mtimeNs}`;
    if (copied.get(file) === content) continue;
    await copyDurably(join(dir, file), join(target, file));
    copied.set(file, content);
    changed = true;
  }
  for (const file of gone) {
    await rm(join(target, file), { force: true });
    copied.delete(file);
    changed = true;
  }
  return changed;
}

async function copyDurably(from: string, to: string): Promise<void> {
  try {
    await copyFile(from, to);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    await makeFolder(dirname(to));
    await copyFile(from, to);
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

async function statOf(path: string): Promise<BigIntStats | null> {
  try {
    return await stat(path, { bigint: true });
  } catch {
    return null;
  }
}
