import type { Resolution } from '../library/media.js';

/** What one file adds to the facts, and what is taken away again when it goes. */
export interface Share {
  group: string | null;
  resolution: Resolution;
  /** 0 when it is unknown. */
  kbps: number;
  /** The same as H.264 would need it; 0 when bit rate or codec are unknown. */
  worth: number;
  sizeBytes: number;
  ranked: boolean;
}

/** A title as it was counted. */
export interface CountedTitle {
  serverId: string;
  /** See `titleKey`. */
  key: string | null;
  shares: readonly Share[];
}

/** What there is little of, as numbers. */
class Words<T> {
  readonly #numbers = new Map<T, number>();
  readonly #words: T[] = [];

  numberOf(word: T): number {
    let number = this.#numbers.get(word);
    if (number === undefined) {
      number = this.#words.push(word) - 1;
      this.#numbers.set(word, number);
    }
    return number;
  }

  wordOf(number: number): T | undefined {
    return this.#words[number];
  }

  /** By their numbers. */
  [Symbol.iterator](): IterableIterator<T> {
    return this.#words.values();
  }
}

/** Whether counting one instead of the other would change nothing. */
export const countTheSame = (one: CountedTitle | null, other: CountedTitle | null): boolean =>
  one === null || other === null
    ? one === other
    : one.serverId === other.serverId &&
      one.key === other.key &&
      one.shares.length === other.shares.length &&
      one.shares.every((share, at) => isSameShare(share, other.shares[at]));

const isSameShare = (one: Share, other: Share | undefined): boolean =>
  one.group === other?.group &&
  one.resolution === other.resolution &&
  one.kbps === other.kbps &&
  one.worth === other.worth &&
  one.sizeBytes === other.sizeBytes &&
  one.ranked === other.ranked;

type Kind = Pick<Share, 'group' | 'resolution' | 'ranked'>;

const NONE = -1;

/**
 * Titles as they were counted, in columns of numbers: a third of what an object for each takes, and the row it was read from
 * need not stay. A title has a place for each file, one after the other by `next`, and one without a size when it has no file.
 */
export class CountedTitles {
  readonly #places = new Map<string, number>();
  readonly #servers = new Words<string>();
  readonly #kinds = new Words<string>();
  readonly #kindOf = new Map<string, Kind>();
  readonly #keys: (string | null)[] = [];
  /** Whose place it is; null for a free one. */
  readonly #ids: (string | null)[] = [];
  readonly #free: number[] = [];
  #server = new Uint16Array(1024);
  #kind = new Uint16Array(1024);
  #kbps = new Float64Array(1024);
  #worth = new Float64Array(1024);
  #size = new Float64Array(1024);
  #next = new Int32Array(1024);

  /** Null for a title that is not counted. */
  get(id: string): CountedTitle | null {
    const first = this.#places.get(id);
    if (first === undefined) return null;
    const shares: Share[] = [];
    for (let at = first; at !== NONE; at = this.#next[at] ?? NONE) {
      const share = this.#shareAt(at);
      if (share) shares.push(share);
    }
    return { ...this.#titleAt(first), shares };
  }

  /** Server and key alone, without making its shares; null like `get`. */
  titleOf(id: string): Pick<CountedTitle, 'serverId' | 'key'> | null {
    const first = this.#places.get(id);
    return first === undefined ? null : this.#titleAt(first);
  }

  set(id: string, { serverId, key, shares }: CountedTitle): void {
    this.delete(id);
    const [share = null, ...others] = shares;
    const first = this.#take(id, share);
    this.#places.set(id, first);
    this.#server[first] = this.#servers.numberOf(serverId);
    this.#keys[first] = key;
    let last = first;
    for (const other of others) {
      const at = this.#take(id, other);
      this.#next[last] = at;
      last = at;
    }
  }

  delete(id: string): void {
    for (let at = this.#places.get(id) ?? NONE; at !== NONE; at = this.#next[at] ?? NONE) {
      this.#keys[at] = null;
      this.#ids[at] = null;
      this.#free.push(at);
    }
    this.#places.delete(id);
  }

  /** Group and title of every file that has one: one pass, in no particular order. */
  *inGroups(): Generator<{ group: string; id: string }, undefined> {
    const groups = Array.from(this.#kinds, (word) => this.#kindOf.get(word)?.group ?? null);
    for (let at = 0; at < this.#ids.length; at++) {
      const id = this.#ids[at] ?? null;
      const group = groups[this.#kind[at] ?? 0] ?? null;
      if (id !== null && group !== null && !Number.isNaN(this.#size[at])) yield { group, id };
    }
  }

  #take(id: string, share: Share | null): number {
    const at = this.#free.pop() ?? this.#keys.push(null) - 1;
    this.#ids[at] = id;
    if (at >= this.#next.length) this.#grow();
    this.#next[at] = NONE;
    this.#kind[at] = share ? this.#numberOf(share) : 0;
    this.#kbps[at] = share?.kbps ?? 0;
    this.#worth[at] = share?.worth ?? 0;
    this.#size[at] = share?.sizeBytes ?? NaN;
    return at;
  }

  #titleAt(first: number): Pick<CountedTitle, 'serverId' | 'key'> {
    return { serverId: this.#servers.wordOf(this.#server[first] ?? 0) ?? '', key: this.#keys[first] ?? null };
  }

  #shareAt(at: number): Share | null {
    const sizeBytes = this.#size[at] ?? NaN;
    const kind = this.#kindOf.get(this.#kinds.wordOf(this.#kind[at] ?? 0) ?? '');
    if (Number.isNaN(sizeBytes) || !kind) return null;
    return { ...kind, kbps: this.#kbps[at] ?? 0, worth: this.#worth[at] ?? 0, sizeBytes };
  }

  #numberOf({ group, resolution, ranked }: Kind): number {
    const word = `${group ?? ''} ${resolution} ${ranked}`;
    if (!this.#kindOf.has(word)) this.#kindOf.set(word, { group, resolution, ranked });
    return this.#kinds.numberOf(word);
  }

  #grow(): void {
    const length = Math.ceil(this.#next.length * 1.5);
    const grown = <T extends { set(values: T): void }>(larger: T, values: T): T => {
      larger.set(values);
      return larger;
    };
    this.#server = grown(new Uint16Array(length), this.#server);
    this.#kind = grown(new Uint16Array(length), this.#kind);
    this.#kbps = grown(new Float64Array(length), this.#kbps);
    this.#worth = grown(new Float64Array(length), this.#worth);
    this.#size = grown(new Float64Array(length), this.#size);
    this.#next = grown(new Int32Array(length), this.#next);
  }
}
