import { notFound } from '../domain/errors.js';
import { EventLoopYield } from '../lib/event-loop-yield.js';
import type { Copies, Follower } from './copies.js';
import { RowViews, type KeyOf, type Order, type RowIndex, type RowTally, type Summed } from './row-views.js';

export interface RowsOptions<T extends { id: string }> {
  /** Singular, for messages. */
  noun: string;
  copies: Copies<T>;
  /** The folder of a group of the layout. */
  folderOf: (group: string) => string;
}

/** Rows in memory, as they are read: one by one, all of them, or by views that are kept up to date. */
export abstract class Rows<T extends { id: string }> {
  readonly #noun: string;
  readonly #copies: Copies<T>;
  readonly #folderOf: (group: string) => string;
  readonly #views: RowViews<T>;

  protected constructor({ noun, copies, folderOf }: RowsOptions<T>) {
    this.#noun = noun;
    this.#copies = copies;
    this.#folderOf = folderOf;
    this.#views = new RowViews(copies);
  }

  /** No row is packed until the returned function is called: for whoever needs all of them, one after the other. */
  abstract keepAwake(): () => void;

  get size(): number {
    return this.#copies.size;
  }

  /** Another number than before: some row changed since. */
  get version(): number {
    return this.#copies.version;
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
    if (!row) throw notFound(this.#noun, id);
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
}
