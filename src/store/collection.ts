import type { z } from 'zod';
import { toAppError } from '../domain/errors.js';
import { EventLoopYield } from '../lib/event-loop-yield.js';
import { Gate } from '../lib/gate.js';
import { Copies } from './copies.js';
import type { Damage } from './damage.js';
import { exactFitOf, type ExactFit } from './exact-fit.js';
import { filesOf, ROWS_PER_SHARD, type Layout } from './layout.js';
import { readShards } from './read-shards.js';
import { Resting } from './resting.js';
import { Rows } from './rows.js';
import type { Shard } from './shard.js';
import { markOf } from './shard-file.js';
import { Shards } from './shards.js';

export interface CollectionOptions<T> {
  dir: string;
  /** Singular, for messages. */
  noun: string;
  schema: z.ZodType<T>;
  layout: Layout<T>;
  /** Lets a row, new or just read, share what other rows hold as well. It may change that row, and returns it. */
  thrift?: (row: T) => T;
  /** Whoever puts a row gives it away: one that is just as the schema would make it is kept itself, not a copy of it. */
  takesOver?: boolean;
  /** Rows that nobody needs for a while are packed. Whoever asks for one again gets an equal one, not the same. */
  rests?: boolean;
}

/** Lists up to this length are put within one turn of the event loop. */
const ROWS_PER_TURN = 64;
/** Files that are written at the same time. */
const WIDTH = 4;

/** Rows in memory, kept on disk in JSON files through lowdb. Every row is checked by its schema on the way in and out. */
export class Collection<T extends { id: string }> extends Rows<T> {
  readonly #options: CollectionOptions<T>;
  /** Null when rows are not taken over. */
  readonly #fits: ExactFit | null;
  readonly #copies: Copies<T>;
  readonly #shards: Shards<T>;
  readonly #removing = new Map<string, Promise<void>>();
  #kept: Promise<void> = Promise.resolve();
  readonly #tidying = new Set<Promise<void>>();
  readonly #damaged: Damage[] = [];
  readonly #resting: Resting<T> | null;
  #stamp = 0;

  private constructor(options: CollectionOptions<T>) {
    const copies = new Copies<T>();
    const shards: Shards<T> = new Shards<T>({
      ...{ dir: options.dir, layout: options.layout, mark: markOf(options.schema), gate: new Gate(WIDTH) },
      nextStamp: () => ++this.#stamp,
      restore: (shard, id, row) => {
        copies.restore(shard, id, row);
      },
      awake: (row, shard) => {
        this.#resting?.note();
        return copies.awake(options.thrift?.(row) ?? row, shard);
      },
    });
    super({ noun: options.noun, copies, folderOf: (group) => shards.folderOf(group) });
    this.#options = options;
    this.#copies = copies;
    this.#shards = shards;
    this.#fits = options.takesOver ? exactFitOf(options.schema) : null;
    this.#resting = options.rests ? new Resting({ shards: shards.all, copies }) : null;
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

  get damaged(): readonly Damage[] {
    return this.#damaged;
  }

  /**
   * Inserts or replaces. Readable at once; the promise resolves when it is on disk. When the disk refuses,
   * memory goes back to what the disk holds and the error says why (`no_space`).
   */
  async put(row: T): Promise<T> {
    const valid = this.#check(row);
    await settle([this.#place(valid)]);
    return valid;
  }

  /**
   * Like `put` for many rows; nothing is put when one of them breaks its schema. A long list lets other work in
   * between, so its rows become readable one after the other. Whoever goes on putting rows right away lets the disk wait:
   * a file is then written when it is full, or `mayWaitMs` later, instead of for each list.
   */
  async putMany(rows: readonly T[], { mayWaitMs = 0 } = {}): Promise<void> {
    const loopYield = new EventLoopYield();
    const valid: T[] = [];
    for (const row of rows) {
      valid.push(this.#check(row));
      if (valid.length % ROWS_PER_TURN === 0 && loopYield.isDue) await loopYield.pause();
    }
    const saves = new Set<Promise<void>>();
    for (const [index, row] of valid.entries()) {
      if (index > 0 && index % ROWS_PER_TURN === 0 && loopYield.isDue) await loopYield.pause();
      saves.add(this.#place(row, mayWaitMs));
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
    await settle(new Set(ids.map((id) => this.#remove(id))));
  }

  /**
   * From now on every row stands in some file at every moment, so that files can be copied one after the other: a row
   * that moves also stays where it was until the returned function is called.
   */
  keepOldCopies(): () => void {
    let release = (): void => undefined;
    const before = this.#kept;
    const kept = new Promise<void>((resolve) => (release = resolve));
    this.#kept = Promise.all([before, kept]).then(() => undefined);
    return release;
  }

  /** Packs all rows that can rest, however lately they were used. Happens by itself to those that nobody uses. */
  async rest(): Promise<void> {
    await this.#resting?.rest(0);
  }

  override keepAwake(): () => void {
    return this.#resting?.hold() ?? (() => undefined);
  }

  /** Resolves when nothing is on its way to the disk any more. */
  async flush(): Promise<void> {
    await Promise.all([...this.#shards.all.values()].map((shard) => shard.settled()));
    await Promise.all([...this.#tidying]);
  }

  #check(row: T): T {
    const { schema, thrift } = this.#options;
    const valid = this.#fits?.(row) ? row : schema.parse(row);
    return thrift ? thrift(valid) : valid;
  }

  #place(row: T, mayWaitMs = 0): Promise<void> {
    const { id } = row;
    const before = this.#copies.ownerOf(id);
    const shard = this.#shards.for(row, before);
    // What the disk holds is known before another row stands in its place.
    shard.wake();
    this.#resting?.note();
    const isContested = this.#copies.own(id, row, shard);
    shard.set(id, row, isContested ? ++this.#stamp : undefined);
    const saved = shard.save(shard.size < ROWS_PER_SHARD ? mayWaitMs : 0);
    // The old file keeps its copy until the new one is on disk: a crash in between leaves one row too many, never one too few.
    if (before && before !== shard) this.#tidy(id, [before], saved);
    return saved;
  }

  #remove(id: string): Promise<void> {
    const shard = this.#copies.ownerOf(id);
    // Gone already, but perhaps not yet on the disk.
    if (!shard || !this.has(id)) return this.#removing.get(id) ?? Promise.resolve();
    const old = this.#copies.lingeringOf(id);
    if (old.length > 0) {
      this.#copies.own(id, null, shard);
      shard.set(id, null, ++this.#stamp);
    } else {
      this.#copies.remove(id);
      this.#copies.linger(id, shard);
      shard.set(id, undefined);
      this.#shards.noteFreePlace(shard);
    }
    const saved = shard.save();
    this.#removing.set(id, saved);
    const forget = (): void => {
      if (this.#removing.get(id) === saved) this.#removing.delete(id);
    };
    saved.then(forget, forget);
    if (old.length > 0) this.#tidy(id, old, saved);
    else
      saved
        .then(() => {
          this.#copies.gone(id, shard);
        })
        .catch(() => undefined);
    return saved;
  }

  /** Takes old copies out of their files, then a tombstone. When the disk refuses they go on lingering, which does no harm. */
  #tidy(id: string, shards: readonly Shard<T>[], when: Promise<void> = Promise.resolve()): void {
    const old = shards.map((shard) => ({ shard, row: shard.rows.get(id) }));
    const task = when
      .then(() => this.#kept)
      .then(() => Promise.all(old.map(({ shard, row }) => this.#takeOut(id, shard, row))))
      .then(() => this.#takeTombstone(id))
      .catch(() => undefined)
      .finally(() => this.#tidying.delete(task));
    this.#tidying.add(task);
  }

  async #takeOut(id: string, shard: Shard<T>, row: T | null | undefined): Promise<void> {
    // The row may have come back meanwhile, and even have left again.
    if (!this.#copies.isLingering(id, shard) || shard.rows.get(id) !== row) return;
    shard.set(id, undefined);
    this.#shards.noteFreePlace(shard);
    await shard.save();
    this.#copies.gone(id, shard);
  }

  async #takeTombstone(id: string): Promise<void> {
    // One that is on its way may still be refused, and then the row stands; once it is written, whoever removed the row takes it out.
    if (this.#removing.has(id)) return;
    const shard = this.#copies.ownerOf(id);
    if (shard?.rows.get(id) !== null || this.#copies.lingeringOf(id).length > 0) return;
    this.#copies.remove(id);
    this.#copies.linger(id, shard);
    shard.set(id, undefined);
    await shard.save();
    this.#copies.gone(id, shard);
  }

  async #load(): Promise<void> {
    const { layout, dir, schema, thrift } = this.#options;
    const shards = (await filesOf(layout, dir)).map((file) => this.#shards.open(file));
    const found = await readShards({ shards, copies: this.#copies, dir, schema, thrift });
    this.#stamp = found.stamp;
    this.#damaged.push(...found.damaged);
    await settle(found.mended.map((shard) => shard.save()));
    for (const id of found.untidy) this.#tidy(id, this.#copies.lingeringOf(id));
  }
}

/** Waits for all of them, then throws the first refusal. */
async function settle(saves: Iterable<Promise<void>>): Promise<void> {
  for (const result of await Promise.allSettled(saves))
    if (result.status === 'rejected') throw toAppError(result.reason);
}
