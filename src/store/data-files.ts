import { chmod, lstat, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';

/** Folders inside the data folder whose files are not rows. */
const OTHERS = ['backups', 'cache', 'logs', 'work'];
/** Those of them that say as much as the rows do. */
const TELLING = ['backups', 'logs'];

/** Every file and folder of the data folder, relative to it, except backups, caches, logs and work files. */
export async function filesBelow(dir: string): Promise<string[]> {
  const found: string[] = [];
  for (const entry of await readdir(dir, { withFileTypes: true })) {
    if (OTHERS.includes(entry.name)) continue;
    found.push(entry.name);
    if (!entry.isDirectory()) continue;
    for (const inside of await readdir(join(dir, entry.name), { recursive: true }))
      found.push(join(entry.name, inside));
  }
  return found;
}

/** Removes the temporary files of writes that a crash cut off. Only while nothing is being written. */
export async function removeLeftovers(dir: string): Promise<void> {
  const leftovers = (await filesBelow(dir)).filter((file) => /(^|\/)\.[0-9a-f]{12}\.tmp$/.test(file));
  for (const file of leftovers) await rm(join(dir, file), { force: true });
}

/**
 * Takes from everybody else the right to read data files that an older version, or somebody, left open; in a folder that lets
 * nobody else in there is nothing to do. File systems that know no permissions are left as they are.
 */
export async function closeToOthers(dir: string): Promise<void> {
  const others = 0o077;
  if (((await lstat(dir)).mode & others) === 0) return;
  const close = async (file: string): Promise<void> => {
    const path = join(dir, file);
    const found = await lstat(path);
    if (found.isFile() && (found.mode & others) !== 0) await chmod(path, 0o600);
  };
  const data = (await filesBelow(dir)).filter((file) => /\.(?:jsonl?|key)$/.test(file));
  const folders = TELLING.map((name) => join(dir, name));
  await Promise.all([
    ...data.map((file) => close(file).catch(() => undefined)),
    ...folders.map((folder) => chmod(folder, 0o700).catch(() => undefined)),
  ]);
}
