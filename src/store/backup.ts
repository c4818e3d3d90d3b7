import { copyFile, mkdir, readdir, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';

const KEPT = 5;

/** Copies all data files (not logs, not the key) into `backups/<time>-<reason>/` and keeps the last five. Returns the folder. */
export async function backUp(dir: string, reason: string, now: Date): Promise<string> {
  const root = join(dir, 'backups');
  const target = join(root, `${now.toISOString().replaceAll(':', '-').slice(0, 19)}-${reason}`);
  await mkdir(target, { recursive: true });
  for (const file of await dataFiles(dir)) {
    await mkdir(dirname(join(target, file)), { recursive: true });
    await copyFile(join(dir, file), join(target, file));
  }
  const all = (await readdir(root)).sort();
  for (const old of all.slice(0, -KEPT)) await rm(join(root, old), { recursive: true });
  return target;
}

/** The newest backup that holds this data file, or null. */
export async function lastBackupOf(dir: string, file: string): Promise<string | null> {
  const root = join(dir, 'backups');
  const all = (await readdir(root).catch(() => [])).sort().reverse();
  for (const backup of all) {
    const path = join(root, backup, file);
    if (
      await stat(path).then(
        () => true,
        () => false,
      )
    )
      return path;
  }
  return null;
}

/** Every JSON file below the data folder, relative to it. */
async function dataFiles(dir: string): Promise<string[]> {
  const files = await readdir(dir, { recursive: true });
  return files.filter((file) => /\.jsonl?$/.test(file) && !/^(backups|logs|work)\//.test(file));
}
