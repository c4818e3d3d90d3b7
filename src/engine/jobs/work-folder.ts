import { chmod, mkdir, readdir, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { remoteOf } from '../../domain/settings/disk.js';
import { AppError } from '../../domain/errors.js';
import { isInside, localRootOf } from '../../domain/settings/paths.js';
import type { Settings } from '../../domain/settings/settings.js';
import { realpath } from '../../files/disks.js';
import { prepareHidden, quarantineDirOf, workDirOf } from '../../files/places.js';

/** Job ids become folder names; whatever else lies in a work folder is not ours. */
const JOB_FOLDER = /^job-[a-z0-9-]+$/;
/** What was being looked at when the program ended. */
const LOOK_FOLDER = /^look-\w+$/;

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
    // A machine that does not answer says nothing about the folder.
    if (cause instanceof AppError) throw cause;
    const message = `${folder} is not there. Is its disk or share mounted?`;
    throw new AppError('file_missing', message, { cause });
  }
}

/** `fetchDir`: where this machine works on what lies on another. */
export const workDirFor = (root: string, { queue }: Settings, fetchDir: string): string =>
  queue.workDir || (remoteOf(root) === null ? workDirOf(root) : fetchDir);

/** What lies on another machine stays on its disk: it would take long to move, and its room is there. */
export const quarantineDirFor = (root: string, { paths }: Settings): string =>
  remoteOf(root) === null && paths.quarantineDir ? paths.quarantineDir : quarantineDirOf(root);

/** Whether originals of this root are kept in its own hidden folder. */
export const keepsBeside = (root: string, settings: Settings): boolean =>
  quarantineDirFor(root, settings) === quarantineDirOf(root);

/** Every folder in which originals may be kept: the only places from which anything is ever purged. */
export const quarantineDirs = (settings: Settings): string[] => [
  ...new Set(settings.paths.mappings.map(({ to }) => quarantineDirFor(to, settings))),
];

/** Makes a fresh, private folder for one job; what an earlier attempt left in it is removed. */
export async function makeWorkFolder(
  jobId: string,
  root: string,
  settings: Settings,
  fetchDir: string,
): Promise<{ folder: string; scratchDir: string }> {
  const workDir = workDirFor(root, settings, fetchDir);
  if (workDir === workDirOf(root)) await prepareHidden(root);
  const folder = join(workDir, jobId);
  await rm(folder, { recursive: true, force: true });
  const scratchDir = join(folder, 'scratch');
  await mkdir(scratchDir, { recursive: true });
  await chmod(folder, 0o700);
  return { folder, scratchDir };
}

/** Removes the work folders of all jobs but those whose results still wait. */
export async function sweepWorkFolders(
  settings: Settings,
  fetchDir: string,
  keep: (jobId: string) => boolean,
): Promise<string[]> {
  const removed: string[] = [];
  const dirs = new Set([fetchDir, ...settings.paths.mappings.map(({ to }) => workDirFor(to, settings, fetchDir))]);
  for (const dir of dirs) {
    const names = await readdir(dir).catch(() => []);
    for (const name of names) {
      const isLeft = JOB_FOLDER.test(name) ? !keep(name) : dir === fetchDir && LOOK_FOLDER.test(name);
      if (!isLeft) continue;
      await rm(join(dir, name), { recursive: true, force: true });
      removed.push(join(dir, name));
    }
  }
  return removed;
}
