import { createHash } from 'node:crypto';
import type { BigIntStats } from 'node:fs';
import * as fs from 'node:fs/promises';
import type { Disk, FileStats } from '../domain/settings/disk.js';
import { syncFolder } from '../lib/durable.js';
import { sha256Of } from '../lib/sha256.js';
import { naming } from './file-error.js';

const PIECE_BYTES = 1 << 20;

/** The disks of this machine. */
export const localDisk: Disk = {
  lstat: async (path) => statsOf(await fs.lstat(path, { bigint: true })),
  stat: async (path) => statsOf(await fs.stat(path, { bigint: true })),
  readdir: (folder) => fs.readdir(folder),
  realpath: (folder) => fs.realpath(folder),
  access: (folder) => fs.access(folder, fs.constants.R_OK | fs.constants.W_OK | fs.constants.X_OK),
  freeBytes: async (folder) => {
    const { bavail, bsize } = await fs.statfs(folder);
    return bavail * bsize;
  },
  sha256: (path, signal) => sha256Of(path, signal),
  link: (from, to) => fs.link(from, to),
  rename: (from, to) => fs.rename(from, to),
  unlink: (path) => fs.unlink(path),
  mkdir: (folder) => fs.mkdir(folder, { mode: 0o700 }),
  mkdirs: (folder) => fs.mkdir(folder, { recursive: true, mode: 0o700 }),
  rmdir: (folder) => fs.rmdir(folder),
  chmod: (path, mode) => fs.chmod(path, mode),
  chown: (path, uid, gid) => fs.chown(path, uid, gid),
  utimes: (path, atimeSec, mtimeSec) => fs.utimes(path, atimeSec, mtimeSec),
  writeNew: (path, text) => fs.writeFile(path, text, { flag: 'wx', flush: true }),
  sync: syncPath,
  copy: copyByHand,
};

function statsOf(stats: BigIntStats): FileStats {
  return {
    kind: stats.isFile() ? 'file' : stats.isDirectory() ? 'folder' : stats.isSymbolicLink() ? 'link' : 'other',
    dev: String(stats.dev),
    ino: String(stats.ino),
    sizeBytes: Number(stats.size),
    mtimeNs: stats.mtimeNs,
    atimeNs: stats.atimeNs,
    nlink: Number(stats.nlink),
    uid: Number(stats.uid),
    gid: Number(stats.gid),
    mode: Number(stats.mode) & 0o7777,
  };
}

async function syncPath(path: string): Promise<void> {
  const file = await fs.open(path, 'r');
  try {
    if ((await file.stat()).isDirectory()) await syncFolder(path);
    else await file.sync();
  } finally {
    await file.close();
  }
}

/** The system's own copy calls fail on many shares, and cannot be stopped. */
async function copyByHand(from: string, to: string, signal?: AbortSignal): Promise<string> {
  const hash = createHash('sha256');
  const source = await naming(from, () => fs.open(from, 'r'));
  try {
    const target = await naming(to, () => fs.open(to, 'wx', 0o600));
    try {
      const piece = Buffer.allocUnsafe(PIECE_BYTES);
      for (;;) {
        signal?.throwIfAborted();
        const { bytesRead } = await naming(from, () => source.read(piece, 0, PIECE_BYTES, null));
        if (bytesRead === 0) break;
        hash.update(piece.subarray(0, bytesRead));
        // writeFile on a handle goes on from its position and repeats short writes.
        await naming(to, () => target.writeFile(piece.subarray(0, bytesRead)));
      }
    } finally {
      await target.close();
    }
  } finally {
    await source.close();
  }
  return hash.digest('hex');
}
