import { access, constants, stat } from 'node:fs/promises';
import { delimiter, dirname, join, resolve } from 'node:path';
import { AppError } from '../domain/errors.js';

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

async function isExecutable(path: string): Promise<boolean> {
  try {
    await access(path, constants.X_OK);
    return (await stat(path)).isFile();
  } catch {
    return false;
  }
}
