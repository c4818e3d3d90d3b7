import { join } from 'node:path';
import type { z } from 'zod';
import { notFound, toAppError } from '../domain/errors.js';
import { Breather } from '../lib/breather.js';
import { Gate } from '../lib/gate.js';
import { messageOf, setFileAside, setRowsAside, type BadRow, type Damage } from './damage.js';
import { filesOf, ROWS_PER_SHARD, type Layout } from './layout.js';
import { Shard } from './shard.js';
import { markOf, type ShardData } from './shard-file.js';

export interface CollectionOptions<T> {
  dir: string;
  /** Singular, for messages. */
  noun: string;
  schema: z.ZodType<T>;
  layout: Layout<T>;
}

/** Lists up to this length are put within one turn of the event loop. */
const ROWS_PER_TURN = 64;
/** Files that are read or written at the same time. */
const WIDTH = 4;

/** Rows in memory, kept on disk in JSON files through lowdb. Every row is checked by its schema on the way in and out. */
export class Collection<T extends { id: string }> {
  readonly #options: CollectionOptions<T>;
  readonly #mark: string;
  readonly #rows = new Map<string, T>();
  readonly #shards = new Map<string, Shard<T>>();
  readonly #shardOfRow = new Map<string, Shard<T>>();
  /** Row id -> files that hold an older copy of it, until it is taken out there. */
  readonly #lingering = new Map<string, Set<Shard<T>>>();
  /** Folder -> the file that is being filled. */
  readonly #filling = new Map<string, Shard<T>>();
  readonly #tidying = new Set<Promise<void>>();
  readonly #damaged: Damage[] = [];
  readonly #gate = new Gate(WIDTH);
  #stamp = 0;

  private constructor(options: CollectionOptions<T>) {
    this.#options = options;
    this.#mark = markOf(options.schema);
  }

  /**
   * Opens all files. A file or row that cannot be understood is set aside under a `damaged` name and reported, the
   * rest opens. Throws when the disk refuses to do that.
   */
  static async open<T extends { id: string }>(options: CollectionOptions<T>): Promise<Collection<T>> {
    const collection = new Collection(options);
    await collection.#load();
    return collection;
  }

  get size(): number {
    return this.#rows.size;
  }

  get damaged(): readonly Damage[] {
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
    await settle([this.#place(valid)]);
    return valid;
  }

  /**
   * Like `put` for many rows; nothing is put when one of them breaks its schema. A long list lets other work in
   * between, so its rows become readable one after the other.
   */
  async putMany(rows: readonly T[]): Promise<void> {
    const breather = new Breather();
    const valid: T[] = [];
    for (const row of rows) {
      valid.push(this.#options.schema.parse(row));
      if (valid.length % ROWS_PER_TURN === 0 && breather.isDue) await breather.pause();
    }
    const saves = new Set<Promise<void>>();
    for (const [index, row] of valid.entries()) {
      if (index > 0 && index % ROWS_PER_TURN === 0 && breather.isDue) await breather.pause();
      saves.add(this.#place(row));
    }
    await settle(saves);
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
      const owner = this.#shardOfRow.get(id);
      if (!owner) continue;
      this.#rows.delete(id);
      this.#shardOfRow.delete(id);
      for (const shard of [owner, ...(this.#lingering.get(id) ?? [])]) {
        shard.set(id, null);
        saves.add(shard.save());
      }
      this.#lingering.delete(id);
    }
    await settle(saves);
  }

  /** Resolves when nothing is on its way to the disk any more. */
  async flush(): Promise<void> {
    await Promise.all([...this.#shards.values()].map((shard) => shard.settled()));
    await Promise.all([...this.#tidying]);
  }

  #place(row: T): Promise<void> {
    const before = this.#shardOfRow.get(row.id);
    const shard = this.#shardFor(row, before);
    this.#rows.set(row.id, row);
    this.#shardOfRow.set(row.id, shard);
    this.#lingering.get(row.id)?.delete(shard);
    shard.set(row.id, row);
    const saved = shard.save();
    // The old file keeps its copy until the new one is on disk: a crash in between leaves one row too many, never one too few.
    if (before && before !== shard) {
      this.#linger(row.id, before);
      this.#tidy(saved, row.id, before);
    }
    return saved;
  }

  #linger(id: string, shard: Shard<T>): void {
    shard.leaving.add(id);
    const shards = this.#lingering.get(id);
    if (shards) shards.add(shard);
    else this.#lingering.set(id, new Set([shard]));
  }

  /** Takes an old copy out of its file. When the disk refuses, the copy goes on lingering, which does no harm. */
  #tidy(when: Promise<void>, id: string, shard: Shard<T>): void {
    const task = when
      .then(async () => {
        // The row may have come back or be gone meanwhile.
        if (!this.#lingering.get(id)?.delete(shard)) return;
        if (this.#lingering.get(id)?.size === 0) this.#lingering.delete(id);
        shard.set(id, null);
        await shard.save();
      })
      .catch(() => undefined)
      .finally(() => this.#tidying.delete(task));
    this.#tidying.add(task);
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
      mark: this.#mark,
      gate: this.#gate,
      nextStamp: () => ++this.#stamp,
      restore: (id, row) => {
        this.#restore(shard, id, row);
      },
    });
    this.#shards.set(file, shard);
    return shard;
  }

  /** The disk refused: `shard` holds this row again, or (null) does not hold it. */
  #restore(shard: Shard<T>, id: string, row: T | null): void {
    const owner = this.#shardOfRow.get(id);
    if (row === null) {
      if (owner === shard) this.#disown(id);
    } else if (!owner || owner === shard) {
      this.#own(id, row, shard);
    } else if (shard.leaving.has(id) || !owner.leaving.has(id)) {
      this.#linger(id, shard);
    } else {
      this.#own(id, row, shard);
      this.#linger(id, owner);
    }
  }

  #own(id: string, row: T, shard: Shard<T>): void {
    this.#rows.set(id, row);
    this.#shardOfRow.set(id, shard);
    this.#lingering.get(id)?.delete(shard);
  }

  /** The newest lingering copy takes its place, if there is one. */
  #disown(id: string): void {
    this.#rows.delete(id);
    this.#shardOfRow.delete(id);
    const shard = [...(this.#lingering.get(id) ?? [])].at(-1);
    const row = shard?.rows.get(id);
    if (!shard || !row) return;
    shard.leaving.delete(id);
    this.#own(id, row, shard);
  }

  async #load(): Promise<void> {
    const { layout, dir } = this.#options;
    const shards = (await filesOf(layout, dir)).map((file) => this.#shard(file));
    const breather = new Breather();
    const reads: Promise<ShardData | Error>[] = [];
    const startRead = (shard: Shard<T> | undefined): void => {
      if (shard) reads.push(shard.read().catch((error: unknown) => error as Error));
    };
    for (const shard of shards.slice(0, WIDTH)) startRead(shard);
    for (const [index, shard] of shards.entries()) {
      const data = await reads.shift();
      startRead(shards[index + WIDTH]);
      if (data instanceof Error) await this.#setAside(shard, data);
      else if (data) await this.#adopt(shard, data);
      if (breather.isDue) await breather.pause();
    }
    this.#afterLoad(shards);
  }

  #afterLoad(shards: readonly Shard<T>[]): void {
    for (const shard of shards)
      for (const id of shard.leaving) if (this.#shardOfRow.get(id) === shard) shard.leaving.delete(id);
    for (const [id, lingering] of this.#lingering)
      for (const shard of lingering) this.#tidy(Promise.resolve(), id, shard);
  }

  async #adopt(shard: Shard<T>, data: ShardData): Promise<void> {
    this.#stamp = Math.max(this.#stamp, data.stamp);
    shard.stamp = data.stamp;
    for (const id of data.leaving) shard.leaving.add(id);
    const bad: BadRow[] = [];
    for (const raw of data.rows) {
      const row = data.isSealed ? (raw as T) : this.#check(raw, bad);
      if (row) this.#adoptRow(row, shard);
    }
    if (data.damage === null && bad.length === 0) return;
    const { dir } = this.#options;
    const kept = shard.rows.size;
    if (bad.length > 0) this.#damaged.push(await setRowsAside(dir, shard.file, bad, kept));
    if (data.damage !== null)
      this.#damaged.push(await setFileAside(dir, shard.file, data.damage, { kept, copy: true }));
    await shard.save();
  }

  #check(raw: unknown, bad: BadRow[]): T | null {
    const checked = this.#options.schema.safeParse(raw);
    if (checked.success) return checked.data;
    bad.push({ row: raw, message: messageOf(checked.error) });
    return null;
  }

  /** Of two copies the one that is not leaving is right, then the one in the younger file. */
  #adoptRow(row: T, shard: Shard<T>): void {
    const { id } = row;
    shard.rows.set(id, row);
    const owner = this.#shardOfRow.get(id);
    if (!owner || owner === shard) {
      this.#own(id, row, shard);
      return;
    }
    const [isLeaving, ownerIsLeaving] = [shard.leaving.has(id), owner.leaving.has(id)];
    const isBetter = isLeaving === ownerIsLeaving ? shard.stamp > owner.stamp : ownerIsLeaving;
    this.#linger(id, isBetter ? owner : shard);
    if (isBetter) this.#own(id, row, shard);
  }

  async #setAside(shard: Shard<T>, error: Error): Promise<void> {
    // A file that may not be read is no damaged file: moving it away would hide the real trouble.
    if ('code' in error) throw toAppError(error);
    this.#damaged.push(await setFileAside(this.#options.dir, shard.file, error));
  }
}

/** Waits for all of them, then throws the first refusal. */
async function settle(saves: Iterable<Promise<void>>): Promise<void> {
  for (const result of await Promise.allSettled(saves))
    if (result.status === 'rejected') throw toAppError(result.reason);
}
