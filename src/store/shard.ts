import { readFile } from 'node:fs/promises';
import { Low, type Adapter } from 'lowdb';
import { writeDurably } from '../lib/durable.js';

/** What one file of a collection holds. */
export interface ShardData {
  /** Counts up over the whole collection: of two copies of a row, the one in the younger file is right. */
  stamp: number;
  rows: unknown[];
  /** Rows that are on their way to another file and kept here only until they have arrived. */
  leaving: string[];
}

/** lowdb adapter whose writes survive a power cut; lowdb's own text file is never synced to the disk. */
export class DurableJson<T> implements Adapter<T> {
  readonly #path: string;

  constructor(path: string) {
    this.#path = path;
  }

  async read(): Promise<T | null> {
    try {
      return JSON.parse(await readFile(this.#path, 'utf8')) as T;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
      throw error;
    }
  }

  async write(data: T): Promise<void> {
    await writeDurably(this.#path, JSON.stringify(data));
  }
}

/**
 * The rows of one file. Changes of one turn of the event loop share one trip to the disk, and while one
 * is under way the next gathers. When a write fails, memory goes back to what the disk holds.
 */
export class Shard<T extends { id: string }> {
  readonly rows = new Map<string, T>();
  readonly leaving = new Set<string>();
  readonly file: string;
  readonly #low: Low<ShardData>;
  readonly #nextStamp: () => number;
  readonly #restore: (id: string, row: T | null) => void;
  /** Row id -> what the disk holds, for every change not yet written. */
  #unsaved = new Map<string, T | null>();
  #scheduled: Promise<void> | null = null;
  #writing: Promise<void> = Promise.resolve();

  constructor(parts: {
    path: string;
    file: string;
    nextStamp: () => number;
    restore: (id: string, row: T | null) => void;
  }) {
    this.file = parts.file;
    this.#low = new Low<ShardData>(new DurableJson(parts.path), { stamp: 0, rows: [], leaving: [] });
    this.#nextStamp = parts.nextStamp;
    this.#restore = parts.restore;
  }

  get isDirty(): boolean {
    return this.#unsaved.size > 0 || this.#scheduled !== null;
  }

  /** Reads the file as it is; throws when it is no JSON. */
  async read(): Promise<ShardData> {
    await this.#low.read();
    const data = this.#low.data;
    this.#low.data = { stamp: 0, rows: [], leaving: [] };
    return data;
  }

  /** Notes a change of one row (null removes it); call `save` in the same turn. */
  set(id: string, row: T | null): void {
    if (!this.#unsaved.has(id)) this.#unsaved.set(id, this.rows.get(id) ?? null);
    this.leaving.delete(id);
    if (row) this.rows.set(id, row);
    else this.rows.delete(id);
  }

  /** Resolves when everything noted so far is on disk. */
  save(): Promise<void> {
    this.#scheduled ??= this.#afterCurrentWrite();
    return this.#scheduled;
  }

  async #afterCurrentWrite(): Promise<void> {
    await this.#writing.catch(() => undefined);
    await new Promise(setImmediate);
    this.#scheduled = null;
    this.#writing = this.#write();
    await this.#writing;
  }

  async #write(): Promise<void> {
    const before = this.#unsaved;
    this.#unsaved = new Map();
    try {
      this.#low.data = { stamp: this.#nextStamp(), rows: [...this.rows.values()], leaving: [...this.leaving] };
      await this.#low.write();
    } catch (error) {
      this.#takeBack(before);
      throw error;
    } finally {
      this.#low.data = { stamp: 0, rows: [], leaving: [] };
    }
  }

  #takeBack(before: Map<string, T | null>): void {
    for (const [id, row] of before) {
      if (this.#unsaved.has(id)) {
        // Changed again meanwhile: that change stays, but the disk still holds the oldest value.
        this.#unsaved.set(id, row);
        continue;
      }
      if (row) this.rows.set(id, row);
      else this.rows.delete(id);
      this.#restore(id, row);
    }
  }
}
