import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';

/** Folders inside the data folder whose files are not rows. */
const OTHERS = ['backups', 'cache', 'logs', 'work'];

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
