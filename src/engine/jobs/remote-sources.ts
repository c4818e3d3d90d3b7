import { mkdir, mkdtemp, open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { remoteOf } from '../../domain/settings/disk.js';
import { AppError } from '../../domain/errors.js';
import type { Fingerprint } from '../../domain/jobs/job.js';
import { plainExtension } from '../../domain/settings/paths.js';
import type { Probe } from '../../domain/jobs/probe.js';
import { probe } from '../../ffmpeg/probe.js';
import { remoteDiskOf } from '../../files/disks.js';
import { fingerprint, isSameFile } from '../../files/fingerprint.js';
import { naming } from '../../files/file-error.js';
import { sha256File } from '../../files/hash.js';

/** Where every container we know keeps what it says of its streams: at its beginning or at its end. Bytes. */
const HEAD_BYTES = 8 << 20;
const TAIL_BYTES = 16 << 20;
/** What goes wrong on the way is tried once more. */
const TRIES = 2;
const MOST_KNOWN = 500;

export interface FetchOptions {
  signal: AbortSignal;
  onBytes?: (doneBytes: number) => void;
}

/** Whether a file lies on another machine. */
export const isRemote = (path: string): boolean => remoteOf(path) !== null;

/**
 * Films that lie on another machine. To plan, their beginning and end are enough; to encode and to compare, they are fetched
 * whole.
 */
export class RemoteSources {
  readonly #dir: string;
  readonly #ffprobe: string;
  readonly #known = new Map<string, { seen: Fingerprint; found: Probe }>();

  /** `dir`: where files may lie for as long as they are looked at. */
  constructor({ dir, ffprobe }: { dir: string; ffprobe: string }) {
    this.#dir = dir;
    this.#ffprobe = ffprobe;
  }

  /** What a file is, from its beginning and end. Throws `storage_unreachable` and what `probe` throws. */
  async look(path: string, seen: Fingerprint, signal: AbortSignal): Promise<Probe> {
    const known = this.#known.get(path);
    if (known && isSameFile(known.seen, seen)) return known.found;
    const found = await this.#withFolder(async (folder) => {
      const sample = join(folder, nameFor(path));
      await fetchEnds(path, seen.sizeBytes, sample, signal);
      return { ...(await probe(sample, { ffprobe: this.#ffprobe, signal })), path };
    });
    if (this.#known.size >= MOST_KNOWN) this.#known.clear();
    this.#known.set(path, { seen, found });
    return found;
  }

  /** Hands a file over as a path of this machine; one from elsewhere is fetched for as long as `use` takes. */
  async here<T>(path: string, signal: AbortSignal, use: (path: string) => Promise<T>): Promise<T> {
    if (!isRemote(path)) return use(path);
    return this.#withFolder(async (folder) => use(await fetchSource(path, folder, { signal })));
  }

  async #withFolder<T>(task: (folder: string) => Promise<T>): Promise<T> {
    await mkdir(this.#dir, { recursive: true, mode: 0o700 });
    const folder = await mkdtemp(join(this.#dir, 'look-'));
    try {
      return await task(folder);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  }
}

/**
 * Fetches a file from the machine where it lies into a folder of this one. Resolves with its path, once the copy has the hash
 * that the file has there. Throws `storage_unreachable`, `file_changed`, `file_missing`, `no_space`, `transfer_failed`.
 */
export async function fetchSource(path: string, folder: string, { signal, onBytes }: FetchOptions): Promise<string> {
  const far = remoteDiskOf(path);
  if (far === null) throw new AppError('internal', `${path} is on this machine already`);
  const to = join(folder, nameFor(path));
  const before = await fingerprint(path);
  for (let tried = 1; ; tried++) {
    const sha256 = await naming(path, () => far.disk.fetch(far.path, to, { signal, onBytes }));
    if (!isSameFile(before, await fingerprint(path)))
      throw new AppError('file_changed', `${path} changed while it was fetched. It was left as it is.`);
    if ((await sha256File(to, signal)) === sha256) return to;
    if (tried >= TRIES)
      throw new AppError(
        'transfer_failed',
        `${path} was damaged while it was downloaded, twice. Check the disk, the memory and the network on both sides.`,
      );
  }
}

/** A file of the same size with a hole in its middle. */
async function fetchEnds(path: string, sizeBytes: number, to: string, signal: AbortSignal): Promise<void> {
  const far = remoteDiskOf(path);
  if (far === null) return;
  const tailAt = Math.max(HEAD_BYTES, sizeBytes - TAIL_BYTES);
  const parts = [
    { at: 0, length: Math.min(sizeBytes, HEAD_BYTES) },
    { at: tailAt, length: Math.max(0, sizeBytes - tailAt) },
  ];
  const file = await open(to, 'wx', 0o600);
  try {
    await file.truncate(sizeBytes);
    for (const { at, length } of parts) {
      if (length === 0) continue;
      const bytes = await naming(path, () => far.disk.fetchPart(far.path, { at, length }, signal));
      await file.write(bytes, 0, bytes.length, at);
    }
  } finally {
    await file.close();
  }
}

const nameFor = (path: string): string => `source${plainExtension(path)}`;
