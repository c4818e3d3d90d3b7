import { access, constants, stat } from 'node:fs/promises';
import { setPriority } from 'node:os';
import { delimiter, dirname, join, resolve } from 'node:path';
import { AppError } from '../domain/errors.js';

/** What takes long here gives way to the server of the media, and to our own pages. */
export const NICENESS = 10;

/** Where programs lie on every system we know of. */
const USUAL_FOLDERS = '/usr/local/bin:/usr/bin:/bin:/opt/homebrew/bin';

/**
 * The absolute path of a program that may be run. `searchPath` is a `PATH`, for names without a slash.
 * Throws `worker_unavailable`.
 */
export async function findProgram(program: string, searchPath = USUAL_FOLDERS): Promise<string> {
  const places = program.includes('/')
    ? [resolve(program)]
    : searchPath.split(delimiter).map((folder) => join(folder, program));
  for (const path of places) {
    if (await isExecutable(path)) return path;
  }
  throw new AppError(
    'worker_unavailable',
    `${program} was not found or may not be run. Install ffmpeg, or set MEDIAFLOW_FFMPEG to its absolute path.`,
  );
}

/** What a child process gets to see: enough to run, and none of our secrets. */
export const bareEnvironment = (program: string): Record<string, string> => ({
  PATH: `${dirname(program)}:${USUAL_FOLDERS}`,
  LC_ALL: 'C.UTF-8',
  // SVT-AV1 talks on stderr whatever the log level is.
  SVT_LOG: '1',
});

/**
 * Has a process make room for whatever else the machine does; `niceness` is 0 to 19. Not being allowed to say so is no reason to
 * fail.
 */
export function giveWay(pid: number | undefined, niceness = NICENESS): void {
  if (pid === undefined || niceness === 0) return;
  try {
    setPriority(pid, niceness);
  } catch {
    // It has ended already, or the system does not know priorities.
  }
}

async function isExecutable(path: string): Promise<boolean> {
  try {
    await access(path, constants.X_OK);
    return (await stat(path)).isFile();
  } catch {
    return false;
  }
}
