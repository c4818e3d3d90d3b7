import type { Slot } from './slot-order.js';

/** So many words stand in few orders. */
const FEW = 3;

/**
 * One column of a table whose rows hold a set of words, nearly always one or two out of a few dozen. Equal sets are
 * kept once and a row holds the number of its set, so that filtering and counting is arithmetic on small numbers.
 */
export class SetColumn {
  /** Set number of each slot; 0 is the empty set. */
  numbers: Uint16Array;
  /** How many rows have each set; not kept for the empty one. */
  #rows: Uint32Array = new Uint32Array(64);
  readonly #sets: (readonly string[])[] = [[]];
  /** By the words of a set in each order in which they were put, so that a row need not sort them anew. */
  readonly #numberOf = new Map<string, number>([['', 0]]);

  /** `capacity`: for about how many rows. */
  constructor(capacity = 1024) {
    this.numbers = new Uint16Array(capacity);
  }

  /** How many different sets there are. */
  get size(): number {
    return this.#sets.length;
  }

  /** Throws when there are more than 65,536 different sets, which no column of this kind has. */
  put(slot: Slot, words: readonly string[]): void {
    if (slot >= this.numbers.length) {
      const grown = new Uint16Array(Math.max(slot + 1, this.numbers.length * 2));
      grown.set(this.numbers);
      this.numbers = grown;
    }
    const number = this.numberFor(words);
    const before = this.numbers[slot] ?? 0;
    if (number === before) return;
    this.#count(before, -1);
    this.#count(number, 1);
    this.numbers[slot] = number;
  }

  /** The row is gone. */
  clear(slot: Slot): void {
    this.#count(this.numbers[slot] ?? 0, -1);
    this.numbers[slot] = 0;
  }

  /** For each set, how many rows have it, up to the last change; 0 for the empty set. The caller may change the answer. */
  counted(): Uint32Array {
    return this.#rows.slice(0, this.size);
  }

  /** For each set, 1 when it holds at least one of the words. */
  matching(words: readonly string[]): Uint8Array {
    return Uint8Array.from(this.#sets, (set) => (set.some((word) => words.includes(word)) ? 1 : 0));
  }

  /** The words of a set. */
  wordsOf(number: number): readonly string[] {
    return this.#sets[number] ?? [];
  }

  /** Rows per word, from rows per set and what was counted by word already; most frequent first. */
  spread(counts: Uint32Array, more: ReadonlyMap<string, number> = new Map()): { value: string; count: number }[] {
    const spread = new Map<string, number>(more);
    for (const [number, set] of this.#sets.entries()) {
      const count = counts[number] ?? 0;
      if (count > 0) for (const word of set) spread.set(word, (spread.get(word) ?? 0) + count);
    }
    return [...spread]
      .map(([value, count]) => ({ value, count }))
      .sort((a, b) => b.count - a.count || (a.value < b.value ? -1 : 1));
  }

  #count(number: number, change: 1 | -1): void {
    if (number === 0) return;
    if (number >= this.#rows.length) {
      const grown = new Uint32Array(number * 2);
      grown.set(this.#rows);
      this.#rows = grown;
    }
    this.#rows[number] = (this.#rows[number] ?? 0) + change;
  }

  /** The number of a set of words. Throws like `put`. */
  numberFor(words: readonly string[]): number {
    const asPut = keyOf(words);
    const known = this.#numberOf.get(asPut);
    if (known !== undefined) return known;
    const set = [...new Set(words)].sort();
    const key = keyOf(set);
    const number = this.#numberOf.get(key) ?? this.#add(key, set);
    if (words.length <= FEW) this.#numberOf.set(asPut, number);
    return number;
  }

  #add(key: string, set: readonly string[]): number {
    const number = this.#sets.length;
    if (number > 0xffff) throw new Error('A column holds too many different sets of words');
    this.#sets.push(set);
    this.#numberOf.set(key, number);
    return number;
  }
}

const keyOf = (words: readonly string[]): string => {
  const [first = '', second] = words;
  if (second === undefined) return first;
  return words.length === 2 ? `${first}\n${second}` : words.join('\n');
};
