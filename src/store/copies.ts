import type { Shard } from './shard.js';

/** What follows a collection row by row. */
export interface Follower<T> {
  /** A row came, changed or went: null for what was not there before, or is not there any more. */
  follow(before: T | null, after: T | null): void;
}

interface Current<T extends { id: string }> {
  /** Null: a tombstone. Undefined: the file still sleeps. */
  row: T | null | undefined;
  owner: Shard<T>;
}

/**
 * Which file holds the current copy of each row, and which files still hold an older one: a row that moves to another
 * file stays in the old one until the new one is on disk. While there are several, each copy has a version in its file.
 * A row that is removed while older copies stand stays as null, a tombstone, until they are gone; were it not there, a
 * crash would bring an older copy back.
 */
export class Copies<T extends { id: string }> {
  /** One map for both: with a hundred thousand rows a second one takes a twentieth of the time to open. */
  readonly #current = new Map<string, Current<T>>();
  readonly #lingering = new Map<string, Set<Shard<T>>>();
  readonly #followers: Follower<T>[] = [];
  /** Rows that were read while the others of their file rest. */
  readonly #alone: Current<T>[] = [];
  #tombstones = 0;
  #version = 0;

  /** Another number than before: some row changed since. */
  get version(): number {
    return this.#version;
  }

  /** From now on it hears of every row that changes. */
  tell(follower: Follower<T>): void {
    this.#followers.push(follower);
  }

  /** How many rows there are, as are all of these: no tombstones. */
  get size(): number {
    return this.#current.size - this.#tombstones;
  }

  find(id: string): T | null {
    const current = this.#current.get(id);
    if (!current) return null;
    if (current.row === undefined && current.owner.readAlone(id)) this.#alone.push(current);
    return this.#rowOf(current);
  }

  has(id: string): boolean {
    const current = this.#current.get(id);
    return current !== undefined && current.row !== null;
  }

  /** Of all rows that are there. */
  *ids(): Generator<string, undefined> {
    for (const [id, { row }] of this.#current) if (row !== null) yield id;
  }

  /** Of the rows that lie in this folder. Not one after the other: that took 30 ms for a hundred thousand. */
  idsIn(folder: string): string[] {
    const ids: string[] = [];
    this.#current.forEach(({ row, owner }, id) => {
      if (row !== null && owner.folder === folder) ids.push(id);
    });
    return ids;
  }

  *rows(): Generator<T, undefined> {
    for (const current of this.#current.values()) {
      const row = this.#rowOf(current);
      if (row) yield row;
    }
  }

  /** These rows of the file rest now: whoever needs one reads it again. */
  rest(shard: Shard<T>, ids: readonly string[]): void {
    for (const id of ids) {
      const current = this.#current.get(id);
      if (current?.owner === shard && current.row) current.row = undefined;
    }
  }

  /** Lets go of the rows that were read alone. */
  restAlone(): void {
    for (const current of this.#alone.splice(0)) if (current.owner.isAsleep && current.row) current.row = undefined;
  }

  get hasAlone(): boolean {
    return this.#alone.length > 0;
  }

  /** The file with the current copy, or its tombstone. */
  ownerOf(id: string): Shard<T> | undefined {
    return this.#current.get(id)?.owner;
  }

  /** Files whose older copy of the row is not yet gone from the disk. */
  lingeringOf(id: string): readonly Shard<T>[] {
    return [...(this.#lingering.get(id) ?? [])];
  }

  isLingering(id: string, shard: Shard<T>): boolean {
    return this.#lingering.get(id)?.has(shard) ?? false;
  }

  *allLingering(): Generator<[string, Shard<T>]> {
    for (const [id, shards] of this.#lingering) for (const shard of shards) yield [id, shard];
  }

  /** Moves the row, or its tombstone, to this file. Returns whether older copies stand elsewhere. */
  own(id: string, row: T | null, shard: Shard<T>): boolean {
    return this.#own(id, row, shard);
  }

  #own(id: string, row: T | null | undefined, shard: Shard<T>): boolean {
    const before = this.ownerOf(id);
    if (before && before !== shard) this.linger(id, before);
    this.#setOwner(id, row, shard);
    return this.#lingering.has(id);
  }

  remove(id: string): void {
    const current = this.#current.get(id);
    const before = current && this.#before(current);
    if (before === null) this.#tombstones--;
    this.#current.delete(id);
    this.#changed(before ?? null, null);
  }

  /** The copy in this file is an older one from now on. */
  linger(id: string, shard: Shard<T>): void {
    shard.versions.set(id, shard.versionOf(id));
    const shards = this.#lingering.get(id) ?? new Set();
    this.#lingering.set(id, shards.add(shard));
  }

  /** An older copy is gone from the disk, unless it came back and may be on its way out again. */
  gone(id: string, shard: Shard<T>): void {
    if (!shard.rows.has(id) && !shard.isChanged(id)) this.#stay(id, shard);
  }

  /** A row (null: its tombstone) read while opening: the copy with the highest version is right. */
  adopt(id: string, row: T | null, shard: Shard<T>): void {
    shard.rows.set(id, row);
    this.#adopt(id, row, shard);
  }

  /** A row of a file that sleeps. */
  adoptAsleep(id: string, shard: Shard<T>): void {
    this.#adopt(id, undefined, shard);
  }

  /** This row of the file woke. Returns the one that stands: one that was read alone before is the same row. */
  awake(row: T, shard: Shard<T>): T {
    const current = this.#current.get(row.id);
    // A row that was put into another file meanwhile is newer.
    if (current?.owner !== shard) return row;
    if (current.row === undefined) current.row = row;
    return current.row ?? row;
  }

  #adopt(id: string, row: T | null | undefined, shard: Shard<T>): void {
    const owner = this.ownerOf(id);
    if (owner && owner !== shard && owner.versionOf(id) >= shard.versionOf(id)) this.linger(id, shard);
    else this.#own(id, row, shard);
  }

  /** The disk refused: the file holds this again (null: a tombstone; undefined: nothing). */
  restore(shard: Shard<T>, id: string, row: T | null | undefined): void {
    const owner = this.ownerOf(id);
    if (row === undefined) this.#stay(id, shard);
    else this.linger(id, shard);
    if (owner && owner !== shard) this.linger(id, owner);
    this.remove(id);
    let newest: Shard<T> | null = null;
    for (const other of this.#lingering.get(id) ?? [])
      if (other.rows.has(id) && (!newest || other.versionOf(id) > newest.versionOf(id))) newest = other;
    if (newest) this.#setOwner(id, newest.rows.get(id) ?? null, newest);
  }

  #setOwner(id: string, row: T | null | undefined, shard: Shard<T>): void {
    const current = this.#current.get(id);
    const before = current && this.#before(current);
    if (row === null) this.#tombstones++;
    if (before === null) this.#tombstones--;
    if (current) {
      current.row = row;
      current.owner = shard;
    } else this.#current.set(id, { row, owner: shard });
    this.#changed(before ?? null, row ?? null);
    this.#stay(id, shard);
  }

  #changed(before: T | null, after: T | null): void {
    this.#version++;
    if (before === after) return;
    for (const follower of this.#followers) follower.follow(before, after);
  }

  /** What followers have to know; undefined while it sleeps and there are none. */
  #before(current: Current<T>): T | null | undefined {
    return this.#followers.length > 0 ? this.#rowOf(current) : current.row;
  }

  #rowOf(current: Current<T>): T | null {
    if (current.row === undefined) current.owner.wake();
    return current.row ?? null;
  }

  #stay(id: string, shard: Shard<T>): void {
    const shards = this.#lingering.get(id);
    if (!shards) return;
    shards.delete(shard);
    if (shards.size > 0) return;
    this.#lingering.delete(id);
    // The only copy needs no version of its own.
    this.ownerOf(id)?.versions.delete(id);
  }
}
