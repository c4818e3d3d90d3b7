/** What stands at a path. Times are since the epoch. */
export interface FileStats {
  kind: 'file' | 'folder' | 'link' | 'other';
  /** Device and file number; of two different machines never the same. */
  dev: string;
  ino: string;
  sizeBytes: number;
  /** Good to a nanosecond where the disk is, to a second elsewhere. */
  mtimeNs: bigint;
  atimeNs: bigint;
  /** How many names it has. */
  nlink: number;
  uid: number;
  gid: number;
  /** Permissions, the lowest twelve bits. */
  mode: number;
}

/**
 * What MediaFlow does with files at the place where they lie, be it here or on another machine. Paths are absolute and as
 * that machine knows them. Failures are errors with the system's name in `code` (`ENOENT`, `EXDEV`, ...), or an `AppError`
 * when the machine cannot be reached; then nobody knows whether it was done.
 */
export interface Disk {
  /** A link itself, not what it leads to. */
  lstat(path: string): Promise<FileStats>;
  stat(path: string): Promise<FileStats>;
  /** The names in a folder. */
  readdir(folder: string): Promise<string[]>;
  /** Of a folder: its path without links on the way. */
  realpath(folder: string): Promise<string>;
  /** Throws `EACCES` or `EROFS` unless files in the folder can be read and made. */
  access(folder: string): Promise<void>;
  /** Bytes free on the disk of a folder. */
  freeBytes(folder: string): Promise<number>;
  /** SHA-256 of a file's content, hex. */
  sha256(path: string, signal?: AbortSignal): Promise<string>;
  /** A second name; never in place of something else (`EEXIST`). */
  link(from: string, to: string): Promise<void>;
  /** A new name, in place of a file that had it; never by copying (`EXDEV`). */
  rename(from: string, to: string): Promise<void>;
  unlink(path: string): Promise<void>;
  /** Closed to others. */
  mkdir(folder: string): Promise<void>;
  /** With all missing ones above it. Resolves with the first that was made. */
  mkdirs(folder: string): Promise<string | undefined>;
  /** Only an empty one. */
  rmdir(folder: string): Promise<void>;
  chmod(path: string, mode: number): Promise<void>;
  chown(path: string, uid: number, gid: number): Promise<void>;
  /** Seconds since the epoch. */
  utimes(path: string, atimeSec: number, mtimeSec: number): Promise<void>;
  /** A small file of its own (`EEXIST`), on the disk when this resolves. */
  writeNew(path: string, text: string): Promise<void>;
  /** Brings a file, or what changed in a folder, to the disk itself. */
  sync(path: string): Promise<void>;
  /** Copies to a path at which nothing stands. Resolves with the SHA-256 of what was read. Not yet synced or read back. */
  copy(from: string, to: string, signal?: AbortSignal): Promise<string>;
}

export interface CopyOptions {
  signal?: AbortSignal | undefined;
  onBytes?: ((doneBytes: number) => void) | undefined;
}

/** A disk of another machine. */
export interface RemoteDisk extends Disk {
  /** Fetches a file into `here`, a path of this machine. Resolves with the SHA-256 it has there. Not yet compared. */
  fetch(path: string, here: string, options?: CopyOptions): Promise<string>;
  /** Fetches `length` bytes from `at` on, or as many as there are. */
  fetchPart(path: string, part: { at: number; length: number }, signal?: AbortSignal): Promise<Buffer>;
  /** Sends a file of this machine to a path at which nothing stands. Resolves with the SHA-256 it has here. Not yet compared. */
  send(here: string, path: string, options?: CopyOptions): Promise<string>;
  /** Lets go of its connections. Safe to call twice. */
  close(): void;
}

const REMOTE = /^\/ssh:([A-Za-z0-9_-]+)(\/.*)?$/s;

/** A path on another machine, as it stands in a mapping and in a job: `/ssh:<id of the machine>/volume1/Films`. */
export const remotePath = (machineId: string, path: string): string => `/ssh:${machineId}${path === '/' ? '' : path}`;

/** Which machine a path means, and how that machine calls it. Null for a path of this machine. */
export function remoteOf(path: string): { machineId: string; path: string } | null {
  const [, machineId, rest = '/'] = REMOTE.exec(path) ?? [];
  return machineId === undefined ? null : { machineId, path: rest };
}
