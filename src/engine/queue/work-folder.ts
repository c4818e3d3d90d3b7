import { chmod, mkdir, readdir, realpath, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { AppError } from '../../domain/errors.js';
import { isInside, localRootOf } from '../../domain/paths.js';
import type { Settings } from '../../domain/settings.js';
import { prepareHidden, quarantineDirOf, workDirOf } from '../../files/places.js';

/** Job ids become folder names; whatever else lies in a work folder is not ours. */
const JOB_FOLDER = /^job-[a-z0-9-]+$/;

/** The media root a file lies in. Throws `path_unmapped` outside every mapping and `path_forbidden` when a link leads out of it. */
export async function rootOf(path: string, { paths }: Settings): Promise<string> {
  const root = localRootOf(path, paths.mappings);
  if (root === null) {
    throw new AppError('path_unmapped', `No path mapping covers ${path}. Add one under Settings, Paths.`);
  }
  const [realRoot, realFolder] = await Promise.all([real(root), real(dirname(path))]);
  if (!isInside(realFolder, realRoot)) {
    throw new AppError(
      'path_forbidden',
      `A link leads from ${dirname(path)} out of ${root}. Map the folder it leads to under Settings, Paths.`,
    );
  }
  return root;
}

async function real(folder: string): Promise<string> {
  try {
    return await realpath(folder);
  } catch (cause) {
    const message = `${folder} is not there. Is its disk or share mounted?`;
    throw new AppError('file_missing', message, { cause });
  }
}

export const workDirFor = (root: string, { queue }: Settings): string => queue.workDir || workDirOf(root);

export const quarantineDirFor = (root: string, { paths }: Settings): string =>
  paths.quarantineDir || quarantineDirOf(root);

/** Every folder in which originals may be kept: the only places from which anything is ever purged. */
export const quarantineDirs = (settings: Settings): string[] => [
  ...new Set(settings.paths.mappings.map(({ to }) => quarantineDirFor(to, settings))),
];

/** Makes a fresh, private folder for one job; what an earlier attempt left in it is removed. */
export async function makeWorkFolder(
  jobId: string,
  root: string,
  settings: Settings,
): Promise<{ folder: string; scratchDir: string }> {
  if (settings.queue.workDir === '') await prepareHidden(root);
  const folder = join(workDirFor(root, settings), jobId);
  await rm(folder, { recursive: true, force: true });
  const scratchDir = join(folder, 'scratch');
  await mkdir(scratchDir, { recursive: true });
  await chmod(folder, 0o700);
  return { folder, scratchDir };
}

/** Removes the work folders of all jobs but those whose results still wait. */
export async function sweepWorkFolders(settings: Settings, keep: (jobId: string) => boolean): Promise<string[]> {
  const removed: string[] = [];
  const dirs = new Set(settings.paths.mappings.map(({ to }) => workDirFor(to, settings)));
  for (const dir of dirs) {
    const names = await readdir(dir).catch(() => []);
    for (const name of names) {
      if (!JOB_FOLDER.test(name) || keep(name)) continue;
      await rm(join(dir, name), { recursive: true, force: true });
      removed.push(join(dir, name));
    }
  }
  return removed;
}
