import { AppError } from '../domain/errors.js';
import { formatBytes } from '../lib/units.js';

/** The system's name of a failure (`ENOENT`), or an empty text. */
export function errnoOf(error: unknown): string {
  const code = (error as { code?: unknown } | null)?.code;
  return typeof code === 'string' ? code : '';
}

/** Whether the path, or a folder on the way to it, does not exist. */
export const isMissing = (error: unknown): boolean => ['ENOENT', 'ENOTDIR'].includes(errnoOf(error));

/** A failure of the file system in words for the owner. An `AppError` passes unchanged. */
function fileError(error: unknown, path: string): Error {
  if (error instanceof AppError) return error;
  const because = (code: ConstructorParameters<typeof AppError>[0], message: string): AppError =>
    new AppError(code, message, { cause: error });
  switch (errnoOf(error)) {
    case 'ENOENT':
    case 'ENOTDIR':
      return because('file_missing', `${path} is not there. Is its disk mounted?`);
    case 'EEXIST':
      return because('file_exists', `${path} exists already. Move it away or choose another name.`);
    case 'ELOOP':
      return because('file_linked', `${path} is a symbolic link. MediaFlow does not change links.`);
    case 'ENOSPC':
    case 'EDQUOT':
      return because('no_space', `The disk of ${path} is full. Free some space, then try again.`);
    case 'EACCES':
    case 'EPERM':
      return because('file_denied', `MediaFlow may not change ${path}. Check its owner and permissions.`);
    case 'EROFS':
      return because('file_denied', `The disk of ${path} is mounted read-only. Mount it writable.`);
    case 'EBUSY':
    case 'ETXTBSY':
      return because('file_in_use', `${path} is held open by another program. It will be tried again.`);
    case 'ENAMETOOLONG':
      return because('invalid', `The name of ${path} is too long for its disk.`);
    case 'EIO':
    case 'ESTALE':
    case 'ENODEV':
    case 'ENXIO':
    case 'ETIMEDOUT':
    case 'EHOSTDOWN':
      return because('unavailable', `The disk of ${path} does not answer. Check the disk or the network share.`);
    default:
      return error instanceof Error ? error : new Error(String(error));
  }
}

/** Throws what `fileError` makes of a failure. */
export async function naming<T>(path: string, task: () => Promise<T>): Promise<T> {
  try {
    return await task();
  } catch (error) {
    throw fileError(error, path);
  }
}

export const noSpace = (folder: string, neededBytes: number, freeBytes: number): AppError =>
  new AppError(
    'no_space',
    `${folder} has ${formatBytes(Math.max(0, freeBytes))} free and ${formatBytes(neededBytes)} are needed. Free some space, then try again.`,
  );
