import { Low } from 'lowdb';
import type { Gate } from '../lib/gate.js';
import { ShardFile, type ShardData } from './shard-file.js';

const EMPTY: ShardData = { stamp: 0, rows: [], leaving: [], isSealed: true, damage: null };

/**
 * The rows of one file. Changes of one turn of the event loop share one trip to the disk, and while one
 * is under way the next gathers. When a write fails, memory goes back to what the disk holds.
 */
export class Shard<T extends { id: string }> {
  readonly rows = new Map<string, T>();
  readonly leaving = new Set<string>();
  readonly file: string;
  /** Of the last content read or written. */
  stamp = 0;
  readonly #low: Low<ShardData>;
  readonly #gate: Gate;
  readonly #nextStamp: () => number;
  readonly #restore: (id: string, row: T | null) => void;
  /** Row id -> what the disk holds, for every change not yet written. */
  #unsaved = new Map<string, T | null>();
  #scheduled: Promise<void> | null = null;
  #writing: Promise<void> = Promise.resolve();

  /** `restore` hears of every row that went back to what the disk holds (null: it holds none). */
  constructor(parts: {
    path: string;
    file: string;
    mark: string;
    gate: Gate;
    nextStamp: () => number;
    restore: (id: string, row: T | null) => void;
  }) {
    this.file = parts.file;
    this.#low = new Low<ShardData>(new ShardFile(parts.path, parts.mark), EMPTY);
    this.#gate = parts.gate;
    this.#nextStamp = parts.nextStamp;
    this.#restore = parts.restore;
  }

  /** Reads the file as it is; throws when it is no JSON. */
  async read(): Promise<ShardData> {
    await this.#low.read();
    const data = this.#low.data;
    this.#low.data = EMPTY;
    return data;
  }

  /** Notes a change of one row (null removes it); call `save` in the same turn. */
  set(id: string, row: T | null): void {
    if (!this.#unsaved.has(id)) this.#unsaved.set(id, this.rows.get(id) ?? null);
    this.leaving.delete(id);
    if (row) this.rows.set(id, row);
    else this.rows.delete(id);
  }

  /** Resolves when everything noted so far is on disk, or waits until the write under way is done. */
  save(): Promise<void> {
    if (!this.#scheduled) {
      this.#scheduled = this.#afterCurrentWrite();
      // Who put the row hears of a refusal, even when they look only later.
      this.#scheduled.catch(() => undefined);
    }
    return this.#scheduled;
  }

  /** Resolves when no write is under way or planned, whatever became of them. */
  async settled(): Promise<void> {
    while (this.#scheduled) await this.#scheduled.catch(() => undefined);
    await this.#writing.catch(() => undefined);
  }

  async #afterCurrentWrite(): Promise<void> {
    await this.#writing.catch(() => undefined);
    await new Promise(setImmediate);
    await this.#gate.run(async () => {
      this.#scheduled = null;
      this.#writing = this.#write();
      await this.#writing;
    });
  }

  async #write(): Promise<void> {
    const before = this.#unsaved;
    this.#unsaved = new Map();
    this.stamp = this.#nextStamp();
    this.#low.data = { ...EMPTY, stamp: this.stamp, rows: [...this.rows.values()], leaving: [...this.leaving] };
    try {
      await this.#low.write();
    } catch (error) {
      this.#takeBack(before);
      throw error;
    } finally {
      this.#low.data = EMPTY;
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
