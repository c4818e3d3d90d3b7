/** What programs say at the end of their complaint, and the system's name of it. The words are the same wherever POSIX is. */
const NAMES: readonly (readonly [words: string, code: string])[] = [
  ['No such file or directory', 'ENOENT'],
  ['Not a directory', 'ENOTDIR'],
  ['File exists', 'EEXIST'],
  ['Is a directory', 'EISDIR'],
  ['Directory not empty', 'ENOTEMPTY'],
  ['Permission denied', 'EACCES'],
  ['Operation not permitted', 'EPERM'],
  ['Operation not supported', 'ENOTSUP'],
  ['Read-only file system', 'EROFS'],
  ['No space left on device', 'ENOSPC'],
  ['Disk quota exceeded', 'EDQUOT'],
  ['Disc quota exceeded', 'EDQUOT'],
  ['Invalid cross-device link', 'EXDEV'],
  ['Cross-device link', 'EXDEV'],
  ['Too many levels of symbolic links', 'ELOOP'],
  ['Too many links', 'EMLINK'],
  ['File name too long', 'ENAMETOOLONG'],
  ['Device or resource busy', 'EBUSY'],
  ['Resource busy', 'EBUSY'],
  ['Text file busy', 'ETXTBSY'],
  ['Input/output error', 'EIO'],
  ['Stale file handle', 'ESTALE'],
  ['Function not implemented', 'ENOSYS'],
  ['Invalid argument', 'EINVAL'],
];

/** An error as `node:fs` throws it, from what a program on another machine said. A file's own name may say anything: only the end counts. */
export function systemError(said: string): Error {
  const words = said.trim();
  const code = NAMES.find(([end]) => words.endsWith(end))?.[1];
  return Object.assign(new Error(words.slice(-500) || 'no reason was given'), code === undefined ? {} : { code });
}
