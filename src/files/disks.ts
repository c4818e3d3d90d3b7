import { remoteOf, remotePath, type Disk, type FileStats, type RemoteDisk } from '../domain/settings/disk.js';
import { localDisk } from './local-disk.js';

/**
 * Which machines files may lie on. One table for the whole program, as the system's own table of mounts is: a path means the
 * same to whoever uses it.
 */
let remotes: (machineId: string) => RemoteDisk = unknownMachine;

function unknownMachine(machineId: string): never {
  throw Object.assign(new Error(`there is no worker ${machineId}`), { code: 'ENODEV' });
}

/** Says how the disk of a machine is found; it may throw. Returns a function that takes that back. */
export function mountRemotes(diskOf: (machineId: string) => RemoteDisk): () => void {
  remotes = diskOf;
  return () => {
    if (remotes === diskOf) remotes = unknownMachine;
  };
}

interface Place {
  /** Null: this machine. */
  machineId: string | null;
  disk: Disk;
  remote: RemoteDisk | null;
  path: string;
}

function placeOf(path: string): Place {
  const there = remoteOf(path);
  if (there === null) return { machineId: null, disk: localDisk, remote: null, path };
  const remote = remotes(there.machineId);
  return { machineId: there.machineId, disk: remote, remote, path: there.path };
}

/** Throws `EXDEV` when the paths lie on two machines: no link and no rename leads from one to the other. */
function together(from: string, to: string): { disk: Disk; from: string; to: string } {
  const [one, other] = [placeOf(from), placeOf(to)];
  if (one.machineId !== other.machineId)
    throw Object.assign(new Error('the files are on two different workers'), { code: 'EXDEV' });
  return { disk: one.disk, from: one.path, to: other.path };
}

async function at<T>(path: string, task: (disk: Disk, path: string) => Promise<T>): Promise<T> {
  const place = placeOf(path);
  return task(place.disk, place.path);
}

async function look(path: string, kind: 'lstat' | 'stat'): Promise<FileStats> {
  const place = placeOf(path);
  const stats = await place.disk[kind](place.path);
  return place.machineId === null ? stats : { ...stats, dev: `ssh:${place.machineId}:${stats.dev}` };
}

// ---- As in node:fs, for paths on any machine. Errors carry the system's name of the failure.

export const lstat = (path: string): Promise<FileStats> => look(path, 'lstat');
export const stat = (path: string): Promise<FileStats> => look(path, 'stat');
export const readdir = (folder: string): Promise<string[]> => at(folder, (disk, path) => disk.readdir(path));
export const access = (folder: string): Promise<void> => at(folder, (disk, path) => disk.access(path));
export const diskFreeBytes = (folder: string): Promise<number> => at(folder, (disk, path) => disk.freeBytes(path));
export const sha256 = (file: string, signal?: AbortSignal): Promise<string> =>
  at(file, (disk, path) => disk.sha256(path, signal));
export const unlink = (file: string): Promise<void> => at(file, (disk, path) => disk.unlink(path));
export const mkdir = (folder: string): Promise<void> => at(folder, (disk, path) => disk.mkdir(path));
export const rmdir = (folder: string): Promise<void> => at(folder, (disk, path) => disk.rmdir(path));
export const chmod = (file: string, mode: number): Promise<void> => at(file, (disk, path) => disk.chmod(path, mode));
export const chown = (file: string, uid: number, gid: number): Promise<void> =>
  at(file, (disk, path) => disk.chown(path, uid, gid));
export const utimes = (file: string, atimeSec: number, mtimeSec: number): Promise<void> =>
  at(file, (disk, path) => disk.utimes(path, atimeSec, mtimeSec));
export const writeNew = (file: string, text: string): Promise<void> =>
  at(file, (disk, path) => disk.writeNew(path, text));
export const sync = (file: string): Promise<void> => at(file, (disk, path) => disk.sync(path));

export async function realpath(folder: string): Promise<string> {
  const place = placeOf(folder);
  return asGiven(place, await place.disk.realpath(place.path));
}

/** Makes a folder with all missing ones above it. Resolves with the first that was made. */
export async function mkdirs(folder: string): Promise<string | undefined> {
  const place = placeOf(folder);
  const first = await place.disk.mkdirs(place.path);
  return first === undefined ? undefined : asGiven(place, first);
}

export async function link(from: string, to: string): Promise<void> {
  const both = together(from, to);
  await both.disk.link(both.from, both.to);
}

export async function rename(from: string, to: string): Promise<void> {
  const both = together(from, to);
  await both.disk.rename(both.from, both.to);
}

/** Copies to a path at which nothing stands, from one machine to another too. Resolves with the SHA-256 of what was read. */
export async function copy(from: string, to: string, signal?: AbortSignal): Promise<string> {
  const [source, target] = [placeOf(from), placeOf(to)];
  if (source.machineId === target.machineId) return source.disk.copy(source.path, target.path, signal);
  if (source.machineId === null && target.remote) return target.remote.send(source.path, target.path, { signal });
  if (target.machineId === null && source.remote) return source.remote.fetch(source.path, target.path, { signal });
  throw Object.assign(new Error('the files are on two other workers'), { code: 'EXDEV' });
}

/** The disk of another machine that a path lies on, and the path there; null for a path of this machine. */
export function remoteDiskOf(path: string): { disk: RemoteDisk; path: string } | null {
  const { remote, path: there } = placeOf(path);
  return remote === null ? null : { disk: remote, path: there };
}

const asGiven = ({ machineId }: Place, found: string): string =>
  machineId === null ? found : remotePath(machineId, found);
