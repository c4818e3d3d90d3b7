import { basename, join } from 'node:path';
import type { z } from 'zod';
import { notFound, toAppError } from '../domain/errors.js';
import { EventLoopYield } from '../lib/event-loop-yield.js';
import { Gate } from '../lib/gate.js';
import { Copies, type Follower } from './copies.js';
import type { Damage } from './damage.js';
import { exactFitOf, type ExactFit } from './exact-fit.js';
import { filesOf, ROWS_PER_SHARD, type Layout } from './layout.js';
import { readShards } from './read-shards.js';
import { Resting } from './resting.js';
import { RowViews, type KeyOf, type Order, type RowIndex, type RowTally, type Summed } from './row-views.js';
import { Shard } from './shard.js';
import { markOf } from './shard-file.js';

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
export class Collection<T extends { id: string }> {
  readonly #options: CollectionOptions<T>;
  readonly #mark: string;
  /** Null when rows are not taken over. */
  readonly #fits: ExactFit | null;
  readonly #copies = new Copies<T>();
  readonly #shards = new Map<string, Shard<T>>();
  /** Group of rows -> its folder. */
  readonly #folders = new Map<string, string>();
  /** Folder -> the first file that may have room. */
  readonly #roomIn = new Map<string, { number: number; shard: Shard<T> }>();
  readonly #removing = new Map<string, Promise<void>>();
  #kept: Promise<void> = Promise.resolve();
  readonly #tidying = new Set<Promise<void>>();
  readonly #damaged: Damage[] = [];
  readonly #gate = new Gate(WIDTH);
  readonly #views = new RowViews(this.#copies);
  readonly #resting: Resting<T> | null;
  #stamp = 0;

  private constructor(options: CollectionOptions<T>) {
    this.#options = options;
    this.#mark = markOf(options.schema);
    this.#fits = options.takesOver ? exactFitOf(options.schema) : null;
    this.#resting = options.rests ? new Resting({ shards: this.#shards, copies: this.#copies }) : null;
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
    return this.#copies.size;
  }

  /** Another number than before: some row changed since. */
  get version(): number {
    return this.#copies.version;
  }

  get damaged(): readonly Damage[] {
    return this.#damaged;
  }

  has(id: string): boolean {
    return this.#copies.has(id);
  }

  find(id: string): T | null {
    return this.#copies.find(id);
  }

  /** Throws `not_found`. */
  get(id: string): T {
    const row = this.#copies.find(id);
    if (!row) throw notFound(this.#options.noun, id);
    return row;
  }

  /** Of all rows, without waking any. */
  ids(): IterableIterator<string> {
    return this.#copies.ids();
  }

  /** Of the rows of a group of the layout, without waking any. */
  idsIn(group: string): string[] {
    return this.#copies.idsIn(this.#folderOf(group));
  }

  /** Of rows that rest a thousand wake in 20 ms: `each` lets other work in between. */
  values(): IterableIterator<T> {
    return this.#copies.rows();
  }

  /**
   * Shows every row to `visit`, letting other work in between, until it answers false. No row is packed meanwhile; one that comes
   * meanwhile may or may not be shown. Throws what `visit` throws.
   */
  async each(visit: (row: T) => unknown): Promise<void> {
    const loopYield = new EventLoopYield();
    const letRest = this.keepAwake();
    try {
      for (const row of this.#copies.rows()) {
        if (visit(row) === false) return;
        if (loopYield.isDue) await loopYield.pause();
      }
    } finally {
      letRest();
    }
  }

  where(match: (row: T) => boolean): T[] {
    const found: T[] = [];
    for (const row of this.#copies.rows()) if (match(row)) found.push(row);
    return found;
  }

  /** Rows by a word of theirs; made when it is first asked for with this very function, and kept up to date from then on. */
  by(keyOf: KeyOf<T>): RowIndex<T> {
    return this.#views.index(keyOf);
  }

  /** How many rows have each word, or what they add up to; made and kept like `by`. */
  tally(what: KeyOf<T> | Summed<T>): RowTally<T> {
    return this.#views.tally(what);
  }

  /** Some rows in an order, which is made when it is first asked for and kept. It changes with the rows: copy it before a wait. */
  sorted(order: Order<T>): readonly T[] {
    return this.#views.sorted(order);
  }

  /** From now on `follower` hears of every row that comes, changes or goes, also when the disk refuses and one goes back. */
  follow(follower: Follower<T>): void {
    this.#copies.tell(follower);
  }

  /** What this very function makes of the rows, and of nothing else: made anew only when a row changed since. */
  derive<Value>(make: (rows: () => Iterable<T>) => Value): Value {
    return this.#views.derive(make);
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

  /** No row is packed until the returned function is called: for whoever needs all of them, one after the other. */
  keepAwake(): () => void {
    return this.#resting?.hold() ?? (() => undefined);
  }

  /** Resolves when nothing is on its way to the disk any more. */
  async flush(): Promise<void> {
    await Promise.all([...this.#shards.values()].map((shard) => shard.settled()));
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
    const shard = this.#shardFor(row, before);
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
      this.#noteRoom(shard);
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
    this.#noteRoom(shard);
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

  #shardFor(row: T, current: Shard<T> | undefined): Shard<T> {
    const { layout } = this.#options;
    if (layout.kind === 'single') return this.#shard(layout.file);
    if (layout.kind === 'named') return this.#shard(join(layout.dir, `${layout.prefix}${layout.nameOf(row)}.json`));
    const folder = this.#folderOf(layout.groupOf(row));
    return current?.folder === folder ? current : this.#shardWithRoom(folder);
  }

  #folderOf(group: string): string {
    const { layout } = this.#options;
    const folder = this.#folders.get(group) ?? join('dir' in layout ? layout.dir : '', group);
    this.#folders.set(group, folder);
    return folder;
  }

  #shardWithRoom(folder: string): Shard<T> {
    const numbered = (number: number) => ({ number, shard: this.#shard(join(folder, `${number}.json`)) });
    let room = this.#roomIn.get(folder) ?? numbered(0);
    while (room.shard.size >= ROWS_PER_SHARD) room = numbered(room.number + 1);
    this.#roomIn.set(folder, room);
    return room.shard;
  }

  /** A row went out of this file, so new ones may be put there. */
  #noteRoom(shard: Shard<T>): void {
    const room = this.#roomIn.get(shard.folder);
    const number = Number(basename(shard.file, '.json'));
    if (room !== undefined && number < room.number) this.#roomIn.set(shard.folder, { number, shard });
  }

  #shard(file: string): Shard<T> {
    const known = this.#shards.get(file);
    if (known) return known;
    const shard: Shard<T> = new Shard<T>({
      path: join(this.#options.dir, file),
      file,
      mark: this.#mark,
      gate: this.#gate,
      nextStamp: () => ++this.#stamp,
      restore: (id, row) => {
        this.#copies.restore(shard, id, row);
      },
      awake: (read) => {
        this.#resting?.note();
        return this.#copies.awake(this.#options.thrift?.(read) ?? read, shard);
      },
    });
    this.#shards.set(file, shard);
    return shard;
  }

  async #load(): Promise<void> {
    const { layout, dir, schema, thrift } = this.#options;
    const shards = (await filesOf(layout, dir)).map((file) => this.#shard(file));
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
