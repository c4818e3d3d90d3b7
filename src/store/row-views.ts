import type { Copies, Follower } from './copies.js';

/** The word by which a row is found; null for a row that is not to be found. Always the same for the same row. */
export type KeyOf<T> = (row: T) => string | null;

/** Rows found by a word of theirs, up to the last change: nobody has to pass over all rows to find a few. */
export class RowIndex<T extends { id: string }> implements Follower<T> {
  readonly #keyOf: KeyOf<T>;
  /** Most words have one row, which stands alone; several stand by id, so that one that changes keeps its place. */
  readonly #rows = new Map<string, T | Map<string, T>>();

  constructor(keyOf: KeyOf<T>, rows: Iterable<T>) {
    this.#keyOf = keyOf;
    for (const row of rows) this.follow(null, row);
  }

  follow(before: T | null, after: T | null): void {
    const from = before && this.#keyOf(before);
    const to = after && this.#keyOf(after);
    if (before && from !== null && from !== to) this.#take(from, before);
    if (after && to !== null) this.#put(to, after);
  }

  /** The rows with this word, in the order in which they got it. */
  of(key: string): readonly T[] {
    const found = this.#rows.get(key);
    if (found === undefined) return [];
    return found instanceof Map ? [...found.values()] : [found];
  }

  count(key: string): number {
    const found = this.#rows.get(key);
    return found === undefined ? 0 : found instanceof Map ? found.size : 1;
  }

  #put(key: string, row: T): void {
    const found = this.#rows.get(key);
    if (found instanceof Map) found.set(row.id, row);
    else if (found === undefined || found.id === row.id) this.#rows.set(key, row);
    else
      this.#rows.set(
        key,
        new Map([
          [found.id, found],
          [row.id, row],
        ]),
      );
  }

  #take(key: string, row: T): void {
    const found = this.#rows.get(key);
    if (found instanceof Map && found.size > 1) found.delete(row.id);
    else this.#rows.delete(key);
  }
}

/** Something of rows that is added up by a word of theirs. */
export interface Summed<T> {
  keyOf: KeyOf<T>;
  valueOf: (row: T) => number;
}

/** How many rows have each word, or what they add up to, up to the last change. */
export class RowTally<T> implements Follower<T> {
  readonly #keyOf: KeyOf<T>;
  readonly #valueOf: (row: T) => number;
  readonly #sums = new Map<string, number>();

  constructor(what: KeyOf<T> | Summed<T>, rows: Iterable<T>) {
    const { keyOf, valueOf } = typeof what === 'function' ? { keyOf: what, valueOf: () => 1 } : what;
    this.#keyOf = keyOf;
    this.#valueOf = valueOf;
    for (const row of rows) this.follow(null, row);
  }

  follow(before: T | null, after: T | null): void {
    if (before) this.#add(this.#keyOf(before), -this.#valueOf(before));
    if (after) this.#add(this.#keyOf(after), this.#valueOf(after));
  }

  of(key: string): number {
    return this.#sums.get(key) ?? 0;
  }

  #add(key: string | null, change: number): void {
    if (key === null || change === 0) return;
    const sum = this.of(key) + change;
    if (sum === 0) this.#sums.delete(key);
    else this.#sums.set(key, sum);
  }
}

/** Which rows stand in an order, and how two of them compare; never 0 for two different rows. */
export interface Order<T> {
  holds: (row: T) => boolean;
  compare: (a: T, b: T) => number;
}

/** Some of the rows in an order of theirs, up to the last change: nobody has to sort them. */
class RowOrder<T> implements Follower<T> {
  readonly #order: Order<T>;
  readonly rows: T[];

  constructor(order: Order<T>, rows: Iterable<T>) {
    this.#order = order;
    this.rows = [...rows].filter((row) => order.holds(row)).sort((a, b) => order.compare(a, b));
  }

  follow(before: T | null, after: T | null): void {
    if (before && this.#order.holds(before)) {
      const at = this.#placeOf(before);
      const found = this.rows[at];
      if (found !== undefined && this.#order.compare(found, before) === 0) this.rows.splice(at, 1);
    }
    if (after && this.#order.holds(after)) this.rows.splice(this.#placeOf(after), 0, after);
  }

  /** The first place whose row is not before this one. */
  #placeOf(row: T): number {
    let [low, high] = [0, this.rows.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#order.compare(this.rows[middle] as T, row) < 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

/** What is made of the rows of a collection, and follows them. */
export class RowViews<T extends { id: string }> {
  readonly #copies: Copies<T>;
  readonly #indexes = new Map<KeyOf<T>, RowIndex<T>>();
  readonly #tallies = new Map<KeyOf<T> | Summed<T>, RowTally<T>>();
  readonly #orders = new Map<Order<T>, RowOrder<T>>();
  readonly #derived = new Map<(rows: () => Iterable<T>) => unknown, { version: number; value: unknown }>();

  constructor(copies: Copies<T>) {
    this.#copies = copies;
  }

  /** See `Collection.by`. */
  index(keyOf: KeyOf<T>): RowIndex<T> {
    let index = this.#indexes.get(keyOf);
    if (!index) {
      this.#indexes.set(keyOf, (index = new RowIndex(keyOf, this.#copies.rows())));
      this.#copies.tell(index);
    }
    return index;
  }

  /** See `Collection.tally`. */
  tally(what: KeyOf<T> | Summed<T>): RowTally<T> {
    let tally = this.#tallies.get(what);
    if (!tally) {
      this.#tallies.set(what, (tally = new RowTally(what, this.#copies.rows())));
      this.#copies.tell(tally);
    }
    return tally;
  }

  /** See `Collection.sorted`. */
  sorted(order: Order<T>): readonly T[] {
    let known = this.#orders.get(order);
    if (!known) {
      this.#orders.set(order, (known = new RowOrder(order, this.#copies.rows())));
      this.#copies.tell(known);
    }
    return known.rows;
  }

  /** See `Collection.derive`. */
  derive<Value>(make: (rows: () => Iterable<T>) => Value): Value {
    const { version } = this.#copies;
    const known = this.#derived.get(make);
    if (known?.version === version) return known.value as Value;
    const value = make(() => this.#copies.rows());
    this.#derived.set(make, { version, value });
    return value;
  }
}
