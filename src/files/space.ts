import { dirname } from 'node:path';
import { diskFreeBytes, stat } from './disks.js';
import { isMissing, naming, noSpace } from './file-error.js';

/**
 * Bytes never promised to anybody: the database on the same disk rewrites whole files, Plex writes beside us, and an
 * encode that outgrows its estimate should meet its own limit before the disk does.
 */
const DEFAULT_MARGIN_BYTES = 256 * 1024 * 1024;

/** The nearest folder on the way up that exists. */
async function existingAncestor(folder: string): Promise<{ folder: string; dev: string }> {
  for (let at = folder; ; at = dirname(at)) {
    try {
      return { folder: at, dev: (await stat(at)).dev };
    } catch (error) {
      if (!isMissing(error) || at === dirname(at)) return naming(at, () => Promise.reject(error as Error));
    }
  }
}

/** Bytes free for us on the disk of a folder, or of its nearest existing ancestor. */
export async function freeBytes(folder: string): Promise<number> {
  const { folder: at } = await existingAncestor(folder);
  return naming(at, () => diskFreeBytes(at));
}

/** Remembers what running work will still write, so that two jobs are not promised the same bytes. */
export class SpaceLedger {
  readonly #marginBytes: number;
  readonly #reservedByDevice = new Map<string, number>();

  constructor(options: { marginBytes?: number } = {}) {
    this.#marginBytes = options.marginBytes ?? DEFAULT_MARGIN_BYTES;
  }

  /**
   * Sets bytes aside until the returned function is called (safe to call twice). Throws `no_space` with the figures.
   * What a job has already written counts twice, as used and as reserved: the ledger errs towards waiting.
   */
  async reserve(folder: string, bytes: number): Promise<() => void> {
    const { dev } = await existingAncestor(folder);
    const free = await freeBytes(folder);
    const reserved = this.#reservedByDevice.get(dev) ?? 0;
    if (free - reserved - this.#marginBytes < bytes) {
      throw noSpace(folder, bytes, free - reserved - this.#marginBytes);
    }
    this.#reservedByDevice.set(dev, reserved + bytes);
    let isHeld = true;
    return () => {
      if (!isHeld) return;
      isHeld = false;
      this.#reservedByDevice.set(dev, (this.#reservedByDevice.get(dev) ?? 0) - bytes);
    };
  }
}
