import { readdir, rename } from 'node:fs/promises';
import { join } from 'node:path';
import type { z } from 'zod';
import { notFound, toAppError } from '../domain/errors.js';
import { Shard } from './shard.js';

/** Which file a row lies in. */
export type Layout<T> =
  /** Everything in one file. */
  | { kind: 'single'; file: string }
  /** The row says which: `<dir>/<prefix><name>.json`. For history by month. */
  | { kind: 'named'; dir: string; prefix: string; nameOf: (row: T) => string }
  /** Files of up to 512 rows, filled one after the other: `<dir>/<group>/<n>.json`. */
  | { kind: 'filled'; dir: string; groupOf: (row: T) => string };

/** A file that could not be read. The rest of the collection is open. */
export interface DamagedShard {
  file: string;
  setAsideAs: string;
  message: string;
}

export interface CollectionOptions<T> {
  dir: string;
  /** Singular, for messages. */
  noun: string;
  schema: z.ZodType<T>;
  layout: Layout<T>;
}

/** Measured with 100,000 rows: small enough that one change is a few milliseconds, large enough that opening stays quick. */
const ROWS_PER_SHARD = 512;

const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** Rows in memory, kept on disk in JSON files through lowdb. Every row is checked by its schema on the way in and out. */
export class Collection<T extends { id: string }> {
  readonly #options: CollectionOptions<T>;
  readonly #rows = new Map<string, T>();
  readonly #shards = new Map<string, Shard<T>>();
  readonly #shardOfRow = new Map<string, Shard<T>>();
  /** Group -> the file that is being filled. */
  readonly #filling = new Map<string, Shard<T>>();
  readonly #moves = new Set<Promise<void>>();
  readonly #damaged: DamagedShard[] = [];
  #stamp = 0;

  private constructor(options: CollectionOptions<T>) {
    this.#options = options;
  }

  /** Opens all files. A damaged one is renamed to `*.damaged-<time>` and reported; rows that fail their schema likewise. */
  static async open<T extends { id: string }>(options: CollectionOptions<T>): Promise<Collection<T>> {
    const collection = new Collection(options);
    await collection.#load();
    return collection;
  }

  get size(): number {
    return this.#rows.size;
  }

  get damaged(): readonly DamagedShard[] {
    return this.#damaged;
  }

  has(id: string): boolean {
    return this.#rows.has(id);
  }

  find(id: string): T | null {
    return this.#rows.get(id) ?? null;
  }

  /** Throws `not_found`. */
  get(id: string): T {
    const row = this.#rows.get(id);
    if (!row) throw notFound(this.#options.noun, id);
    return row;
  }

  values(): IterableIterator<T> {
    return this.#rows.values();
  }

  where(match: (row: T) => boolean): T[] {
    const found: T[] = [];
    for (const row of this.#rows.values()) if (match(row)) found.push(row);
    return found;
  }

  /**
   * Inserts or replaces. Readable at once; the promise resolves when it is on disk. When the disk refuses,
   * memory goes back to what the disk holds and the error says why (`no_space`).
   */
  async put(row: T): Promise<T> {
    const valid = this.#options.schema.parse(row);
    await this.#settle(this.#place(valid));
    return valid;
  }

  /** Like `put` for many rows, letting other work in between. */
  async putMany(rows: readonly T[]): Promise<void> {
    const saves = new Set<Promise<void>>();
    for (let start = 0; start < rows.length; start += ROWS_PER_SHARD / 4) {
      for (const row of rows.slice(start, start + ROWS_PER_SHARD / 4))
        saves.add(this.#place(this.#options.schema.parse(row)));
      await nextTurn();
    }
    await this.#settle(...saves);
  }

  /** Throws `not_found`. */
  async patch(id: string, change: Partial<T>): Promise<T> {
    return this.put({ ...this.get(id), ...change });
  }

  async remove(id: string): Promise<void> {
    await this.removeMany([id]);
  }

  async removeMany(ids: readonly string[]): Promise<void> {
    const saves = new Set<Promise<void>>();
    for (const id of ids) {
      const shard = this.#shardOfRow.get(id);
      if (!shard) continue;
      this.#rows.delete(id);
      this.#shardOfRow.delete(id);
      shard.set(id, null);
      saves.add(shard.save());
    }
    await this.#settle(...saves);
  }

  /** Resolves when nothing is on its way to the disk any more. */
  async flush(): Promise<void> {
    await Promise.all([...this.#moves]);
    await this.#settle(...[...this.#shards.values()].filter((shard) => shard.isDirty).map((shard) => shard.save()));
  }

  #place(row: T): Promise<void> {
    const before = this.#shardOfRow.get(row.id);
    const shard = this.#shardFor(row, before);
    this.#rows.set(row.id, row);
    this.#shardOfRow.set(row.id, shard);
    shard.set(row.id, row);
    if (!before || before === shard) return shard.save();
    return this.#move(row.id, before, shard);
  }

  /** The old file keeps its copy until the new one is on disk: a crash in between leaves one row too many, never one too few. */
  #move(id: string, from: Shard<T>, to: Shard<T>): Promise<void> {
    from.leaving.add(id);
    const move = to.save().then(async () => {
      // The row may have come back meanwhile.
      if (this.#shardOfRow.get(id) === from) return;
      from.set(id, null);
      await from.save();
    });
    const settled = move.catch(() => undefined).finally(() => this.#moves.delete(settled));
    this.#moves.add(settled);
    return move;
  }

  #shardFor(row: T, current: Shard<T> | undefined): Shard<T> {
    const { layout } = this.#options;
    if (layout.kind === 'single') return this.#shard(layout.file);
    if (layout.kind === 'named') return this.#shard(join(layout.dir, `${layout.prefix}${layout.nameOf(row)}.json`));
    const folder = join(layout.dir, layout.groupOf(row));
    if (current && join(current.file, '..') === folder) return current;
    const filling = this.#filling.get(folder);
    if (filling && filling.rows.size < ROWS_PER_SHARD) return filling;
    const fresh = this.#firstWithRoom(folder);
    this.#filling.set(folder, fresh);
    return fresh;
  }

  #firstWithRoom(folder: string): Shard<T> {
    for (let number = 0; ; number++) {
      const shard = this.#shard(join(folder, `${number}.json`));
      if (shard.rows.size < ROWS_PER_SHARD) return shard;
    }
  }

  #shard(file: string): Shard<T> {
    const known = this.#shards.get(file);
    if (known) return known;
    const shard = new Shard<T>({
      path: join(this.#options.dir, file),
      file,
      nextStamp: () => ++this.#stamp,
      restore: (id, row) => {
        if (row) {
          this.#rows.set(id, row);
          this.#shardOfRow.set(id, shard);
        } else if (this.#shardOfRow.get(id) === shard) {
          this.#forget(id);
        }
      },
    });
    this.#shards.set(file, shard);
    return shard;
  }

  /** After a refused move the row may still stand in the file it was leaving. */
  #forget(id: string): void {
    this.#rows.delete(id);
    this.#shardOfRow.delete(id);
    for (const shard of this.#shards.values()) {
      const row = shard.rows.get(id);
      if (!row) continue;
      shard.leaving.delete(id);
      this.#rows.set(id, row);
      this.#shardOfRow.set(id, shard);
    }
  }

  async #settle(...saves: Promise<void>[]): Promise<void> {
    try {
      await Promise.all(saves);
    } catch (error) {
      await Promise.allSettled(saves);
      throw toAppError(error);
    }
  }

  async #load(): Promise<void> {
    const stamps = new Map<string, { stamp: number; isLeaving: boolean }>();
    for (const file of await this.#files()) {
      const shard = this.#shard(file);
      try {
        const data = await shard.read();
        this.#stamp = Math.max(this.#stamp, data.stamp);
        const leaving = new Set(data.leaving);
        for (const raw of data.rows) {
          const row = this.#options.schema.parse(raw);
          shard.rows.set(row.id, row);
        }
        for (const row of shard.rows.values())
          this.#adopt(row, shard, { stamp: data.stamp, isLeaving: leaving.has(row.id) }, stamps);
      } catch (error) {
        await this.#setAside(shard, error);
      }
      await nextTurn();
    }
  }

  #adopt(
    row: T,
    shard: Shard<T>,
    copy: { stamp: number; isLeaving: boolean },
    stamps: Map<string, { stamp: number; isLeaving: boolean }>,
  ): void {
    const other = stamps.get(row.id);
    const isBetter =
      !other ||
      (other.isLeaving && !copy.isLeaving) ||
      (other.isLeaving === copy.isLeaving && copy.stamp > other.stamp);
    if (!isBetter) {
      shard.rows.delete(row.id);
      return;
    }
    if (other) this.#shardOfRow.get(row.id)?.rows.delete(row.id);
    stamps.set(row.id, copy);
    this.#rows.set(row.id, row);
    this.#shardOfRow.set(row.id, shard);
  }

  async #setAside(shard: Shard<T>, error: unknown): Promise<void> {
    for (const id of shard.rows.keys()) if (this.#shardOfRow.get(id) === shard) this.#forget(id);
    shard.rows.clear();
    const path = join(this.#options.dir, shard.file);
    const setAsideAs = `${shard.file}.damaged-${Date.now()}`;
    await rename(path, join(this.#options.dir, setAsideAs));
    this.#damaged.push({
      file: shard.file,
      setAsideAs,
      message: error instanceof Error ? error.message : String(error),
    });
  }

  async #files(): Promise<string[]> {
    const { layout, dir } = this.#options;
    if (layout.kind === 'single') return [layout.file];
    const names = await listJson(join(dir, layout.dir));
    if (layout.kind === 'named')
      return names.filter((name) => name.startsWith(layout.prefix)).map((name) => join(layout.dir, name));
    const folders = await readdir(join(dir, layout.dir), { withFileTypes: true }).catch(() => []);
    const files = names.filter((name) => /^\d+\.json$/.test(name)).map((name) => join(layout.dir, name));
    for (const folder of folders) {
      if (!folder.isDirectory()) continue;
      const inside = await listJson(join(dir, layout.dir, folder.name));
      files.push(...inside.map((name) => join(layout.dir, folder.name, name)));
    }
    return files;
  }
}

async function listJson(dir: string): Promise<string[]> {
  try {
    return (await readdir(dir)).filter((name) => name.endsWith('.json'));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}
