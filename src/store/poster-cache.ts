import { createHash, randomBytes } from 'node:crypto';
import { mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { AppError } from '../domain/errors.js';
import { pictureTypeOf, type Poster } from '../domain/library/poster.js';
import type { Log } from '../lib/log.js';
import { steadyClock } from '../lib/steady-clock.js';

/** Some 10,000 small posters. */
const MAX_BYTES = 200_000_000;
/** What has no poster is not asked about again on every look at a page. */
const REMEMBER_NONE_MS = 600_000;
const MAX_REFUSALS = 5000;
const HASH_BYTES = 32;
const KEPT = /^[0-9a-f]{64}$/;
const TEMPORARY = /^\.[0-9a-f]{12}\.tmp$/;

/** A poster and the mark of its content. */
export interface KeptPoster extends Poster {
  /** The same for the same bytes; fit for an ETag. */
  version: string;
}

/**
 * Posters on the disk, the ones unused for longest removed first. Every file begins with the SHA-256 of what follows,
 * so a file that a crash cut off is nothing worse than a missing one. A disk that refuses costs only time.
 */
export class PosterCache {
  readonly #dir: string;
  readonly #maxBytes: number;
  readonly #log: Log;
  readonly #steadyMs: () => number;
  readonly #closing = new AbortController();
  readonly #loading = new Map<string, Promise<KeptPoster>>();
  readonly #refusals = new Map<string, { error: AppError; untilMs: number }>();
  /** File name -> bytes, the one unused for longest first. */
  readonly #sizes = new Map<string, number>();
  #totalBytes = 0;
  #opened: Promise<void> | null = null;

  constructor(options: { dir: string; log: Log; maxBytes?: number; steadyMs?: () => number }) {
    this.#dir = options.dir;
    this.#maxBytes = options.maxBytes ?? MAX_BYTES;
    this.#log = options.log;
    this.#steadyMs = options.steadyMs ?? steadyClock;
  }

  /**
   * The poster of a key, from the disk or else by `load`, which runs once for all who ask meanwhile. Throws what `load`
   * throws; that there is none is remembered for ten minutes.
   */
  async get(key: string, load: (signal: AbortSignal) => Promise<Poster>): Promise<KeptPoster> {
    const name = createHash('sha256').update(key).digest('hex');
    const running = this.#loading.get(name);
    if (running) return running;
    const task = this.#find(name, load).finally(() => this.#loading.delete(name));
    this.#loading.set(name, task);
    return task;
  }

  /** Gives up what is being loaded; resolves when nothing is written any more. */
  async close(): Promise<void> {
    this.#closing.abort(new AppError('cancelled', 'MediaFlow stops'));
    await Promise.allSettled(this.#loading.values());
  }

  async #find(name: string, load: (signal: AbortSignal) => Promise<Poster>): Promise<KeptPoster> {
    this.#opened ??= this.#open();
    await this.#opened;
    const kept = await this.#read(name);
    if (kept) return kept;
    const refusal = this.#refusals.get(name);
    if (refusal && refusal.untilMs > this.#steadyMs()) throw refusal.error;
    const { type, bytes } = await this.#load(name, load);
    const hash = createHash('sha256').update(bytes).digest();
    await this.#write(name, Buffer.concat([hash, bytes]));
    return { type, bytes, version: versionOf(hash) };
  }

  async #load(name: string, load: (signal: AbortSignal) => Promise<Poster>): Promise<Poster> {
    try {
      this.#closing.signal.throwIfAborted();
      const poster = await load(this.#closing.signal);
      this.#refusals.delete(name);
      return poster;
    } catch (error) {
      if (error instanceof AppError && (error.code === 'plex_not_found' || error.code === 'plex_bad_answer')) {
        if (this.#refusals.size >= MAX_REFUSALS) this.#refusals.clear();
        this.#refusals.set(name, { error, untilMs: this.#steadyMs() + REMEMBER_NONE_MS });
      }
      throw error;
    }
  }

  async #read(name: string): Promise<KeptPoster | null> {
    const size = this.#sizes.get(name);
    if (size === undefined) return null;
    const file = await readFile(join(this.#dir, name)).catch(() => Buffer.alloc(0));
    const [hash, bytes] = [file.subarray(0, HASH_BYTES), file.subarray(HASH_BYTES)];
    const type = pictureTypeOf(bytes);
    if (type === null || !createHash('sha256').update(bytes).digest().equals(hash)) {
      await this.#remove(name);
      return null;
    }
    this.#sizes.delete(name);
    this.#sizes.set(name, size);
    return { type, bytes, version: versionOf(hash) };
  }

  /** Not synced to the disk: a lost poster is read again. */
  async #write(name: string, content: Buffer): Promise<void> {
    if (content.length > this.#maxBytes) return;
    const temporary = join(this.#dir, `.${randomBytes(6).toString('hex')}.tmp`);
    try {
      await mkdir(this.#dir, { recursive: true, mode: 0o700 });
      await writeFile(temporary, content, { mode: 0o600 });
      await rename(temporary, join(this.#dir, name));
      this.#sizes.set(name, content.length);
      this.#totalBytes += content.length;
      for (const oldest of this.#sizes.keys()) {
        if (this.#totalBytes <= this.#maxBytes) break;
        await this.#remove(oldest);
      }
    } catch (error) {
      this.#log.warn({ err: error }, 'A poster could not be kept; it is read from Plex each time');
      await rm(temporary, { force: true }).catch(() => undefined);
    }
  }

  async #remove(name: string): Promise<void> {
    this.#totalBytes -= this.#sizes.get(name) ?? 0;
    this.#sizes.delete(name);
    await rm(join(this.#dir, name), { force: true }).catch(() => undefined);
  }

  /** At the first use, so that the start does not wait for it. */
  async #open(): Promise<void> {
    const names = await readdir(this.#dir).catch(() => []);
    const found: { name: string; bytes: number; at: number }[] = [];
    for (const name of names) {
      if (TEMPORARY.test(name)) await rm(join(this.#dir, name), { force: true }).catch(() => undefined);
      const about = KEPT.test(name) ? await stat(join(this.#dir, name)).catch(() => null) : null;
      if (about?.isFile()) found.push({ name, bytes: about.size, at: about.mtimeMs });
    }
    for (const { name, bytes } of found.sort((a, b) => a.at - b.at)) {
      this.#sizes.set(name, bytes);
      this.#totalBytes += bytes;
    }
  }
}

const versionOf = (hash: Buffer): string => hash.toString('hex').slice(0, 32);
