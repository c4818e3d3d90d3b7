import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Low } from 'lowdb';
import type { Gate } from '../lib/gate.js';
import { RestingRows } from './resting-rows.js';
import { ShardFile, type ShardData } from './shard-file.js';

/** So many writes, one right after the other, are no coincidence: somebody fills the file bit by bit. */
const IN_A_ROW = 4;
/** Then more is gathered for each of them. Milliseconds. */
const GATHERING_MS = 100;
/** Whoever read so many rows of a file that rests needs more of them, and unpacking all at once costs less. */
const FEW = 4;

/** The rows of a file as something smaller. */
interface Asleep {
  readonly ids: readonly string[];
  /** In the order of `ids`. */
  unpack(): unknown[];
  /** One row alone, where that is possible. */
  find?(id: string): unknown;
}

const EMPTY: ShardData = { stamp: 0, rows: [], packed: null, versions: {}, gone: [], isSealed: true, damage: null };

/**
 * The rows of one file. Changes of one turn of the event loop share one trip to the disk, and while one
 * is under way the next gathers. When a write fails, memory goes back to what the disk holds.
 */
export class Shard<T extends { id: string }> {
  /** Version of a row's copy in this file, while other files hold other copies of it. Counts like `stamp`. */
  readonly versions = new Map<string, number>();
  readonly file: string;
  readonly folder: string;
  /** Of what the disk holds. */
  stamp = 0;
  readonly #rows = new Map<string, T | null>();
  #packed: Asleep | null = null;
  /** How many rows were read one by one since the file went to rest. */
  #readAlone = 0;
  /** When its rows were last woken or one of them was changed. */
  #usedMs = 0;
  /** What the rows were packed, as long as none of them changed: they go back to rest for nothing. */
  #spare: Asleep | null = null;
  readonly #low: Low<ShardData>;
  readonly #gate: Gate;
  readonly #nextStamp: () => number;
  readonly #restore: (id: string, row: T | null | undefined) => void;
  readonly #awake: (row: T) => T;
  /** Row id -> what the disk holds, for every change not yet written. */
  #unsaved = new Map<string, Saved<T>>();
  #scheduled: Promise<void> | null = null;
  #writing: Promise<void> = Promise.resolve();
  #isWriting = false;
  #writesInARow = 0;
  /** Ends the wait for more rows. */
  #hurry: (() => void) | null = null;

  /**
   * `restore` hears of every row that went back to what the disk holds (undefined: nothing), `awake` of every row made
   * of its text, which it may change, and returns.
   */
  constructor(parts: {
    path: string;
    file: string;
    mark: string;
    gate: Gate;
    nextStamp: () => number;
    restore: (id: string, row: T | null | undefined) => void;
    awake: (row: T) => T;
  }) {
    this.file = parts.file;
    this.folder = dirname(parts.file);
    this.#low = new Low<ShardData>(new ShardFile(parts.path, parts.mark), EMPTY);
    this.#gate = parts.gate;
    this.#nextStamp = parts.nextStamp;
    this.#restore = parts.restore;
    this.#awake = parts.awake;
  }

  /** Null is a tombstone: the row is gone, but other files may still hold an older copy. */
  get rows(): Map<string, T | null> {
    this.wake();
    return this.#rows;
  }

  /** Rows and tombstones. */
  get size(): number {
    return this.#packed?.ids.length ?? this.#rows.size;
  }

  /** The file's rows stay text until one of them is needed. */
  sleep(packed: Asleep): void {
    this.#packed = packed;
  }

  /** Makes rows of the text they slept in. */
  wake(): void {
    this.#usedMs = performance.now();
    if (!this.#packed) return;
    const { ids } = this.#packed;
    const rows = this.#packed.unpack() as T[];
    // Text as it was read takes as much as the rows.
    this.#spare = this.#packed.find ? this.#packed : null;
    this.#packed = null;
    for (const [at, row] of rows.entries()) {
      const id = ids[at] ?? row.id;
      // The same text, not another copy of it.
      row.id = id;
      this.#rows.set(id, this.#awake(row));
    }
  }

  get isAsleep(): boolean {
    return this.#packed !== null;
  }

  /** One row while the others sleep on; undefined when there is none alone: then the file has to wake. */
  readAlone(id: string): T | undefined {
    if (!this.#packed?.find || ++this.#readAlone > FEW) return undefined;
    const row = this.#packed.find(id) as T | undefined;
    return row && this.#awake(row);
  }

  /**
   * Packs the rows when nothing is on its way to the disk, no row stands elsewhere as well, and nobody woke or changed any for so
   * long. Answers whether they sleep now, with the ids of those that were packed by this call.
   */
  rest(calmMs: number): { isAsleep: boolean; packed: readonly string[] } {
    if (this.#packed) return { isAsleep: true, packed: [] };
    const isBusy = this.#scheduled !== null || this.#isWriting || this.#unsaved.size > 0 || this.versions.size > 0;
    if (isBusy || performance.now() - this.#usedMs < calmMs) return { isAsleep: false, packed: [] };
    const rows = [...this.#rows.values()].filter((row) => row !== null);
    if (rows.length < this.#rows.size) return { isAsleep: false, packed: [] };
    this.#packed = this.#spare ?? RestingRows.of(rows);
    this.#spare = null;
    this.#rows.clear();
    this.#readAlone = 0;
    return { isAsleep: true, packed: this.#packed.ids };
  }

  /** Reads the file as it is; throws when it is no JSON. */
  async read(): Promise<ShardData> {
    await this.#low.read();
    const data = this.#low.data;
    this.#low.data = EMPTY;
    return data;
  }

  /** Notes a change of one row (null leaves a tombstone, undefined nothing); call `save` in the same turn. */
  set(id: string, row: T | null | undefined, version?: number): void {
    this.wake();
    this.#spare = null;
    if (!this.#unsaved.has(id)) this.#unsaved.set(id, { row: this.rows.get(id), version: this.versions.get(id) });
    if (version === undefined) this.versions.delete(id);
    else this.versions.set(id, version);
    if (row === undefined) this.rows.delete(id);
    else this.rows.set(id, row);
  }

  /** Whether the row changed since the last write began. */
  isChanged(id: string): boolean {
    return this.#unsaved.has(id);
  }

  /** Of two copies of a row in two files the one with the higher version is right. */
  versionOf(id: string): number {
    return this.versions.get(id) ?? this.stamp;
  }

  /**
   * Resolves when everything noted so far is on disk. That begins once the write under way is done, and `mayWaitMs` later when nobody
   * is in more of a hurry: for whoever fills the file bit by bit.
   */
  save(mayWaitMs = 0): Promise<void> {
    if (!this.#scheduled) {
      this.#scheduled = this.#afterCurrentWrite(mayWaitMs);
      // Who put the row hears of a refusal, even when they look only later.
      this.#scheduled.catch(() => undefined);
    }
    if (mayWaitMs === 0) this.#hurry?.();
    return this.#scheduled;
  }

  /** Resolves when no write is under way or planned, whatever became of them. */
  async settled(): Promise<void> {
    while (this.#scheduled) {
      this.#hurry?.();
      await this.#scheduled.catch(() => undefined);
    }
    await this.#writing.catch(() => undefined);
  }

  async #afterCurrentWrite(mayWaitMs: number): Promise<void> {
    this.#writesInARow = this.#isWriting ? this.#writesInARow + 1 : 0;
    const waited = mayWaitMs > 0 ? this.#wait(mayWaitMs) : null;
    await this.#writing.catch(() => undefined);
    await (waited ?? (this.#writesInARow < IN_A_ROW ? new Promise(setImmediate) : sleep(GATHERING_MS)));
    await this.#gate.run(async () => {
      this.#scheduled = null;
      this.#isWriting = true;
      this.#writing = this.#write();
      await this.#writing.finally(() => (this.#isWriting = false));
    });
  }

  /** Resolves after so long, or a turn after somebody is in a hurry. */
  #wait(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const over = (): void => {
        clearTimeout(timer);
        this.#hurry = null;
        setImmediate(resolve);
      };
      const timer = setTimeout(over, ms);
      this.#hurry = over;
    });
  }

  async #write(): Promise<void> {
    const before = this.#unsaved;
    this.#unsaved = new Map();
    const stamp = this.#nextStamp();
    const rows: T[] = [];
    const gone: string[] = [];
    for (const [id, row] of this.rows) {
      if (row) rows.push(row);
      else gone.push(id);
    }
    this.#low.data = { ...EMPTY, stamp, rows, versions: Object.fromEntries(this.versions), gone };
    try {
      await this.#low.write();
      this.stamp = stamp;
    } catch (error) {
      this.#takeBack(before);
      throw error;
    } finally {
      this.#low.data = EMPTY;
    }
  }

  #takeBack(before: Map<string, Saved<T>>): void {
    for (const [id, saved] of before) {
      if (this.#unsaved.has(id)) {
        // Changed again meanwhile: that change stays, but the disk still holds the oldest value.
        this.#unsaved.set(id, saved);
        continue;
      }
      if (saved.row === undefined) this.rows.delete(id);
      else this.rows.set(id, saved.row);
      if (saved.version === undefined) this.versions.delete(id);
      else this.versions.set(id, saved.version);
      this.#restore(id, saved.row);
    }
  }
}

interface Saved<T> {
  row: T | null | undefined;
  version: number | undefined;
}
