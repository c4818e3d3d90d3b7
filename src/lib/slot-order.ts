/** Rows are known by their slot: a small whole number that stays the same while the row stands. */
export type Slot = number;

/** So many changes are sorted in a few milliseconds; more are not left for the one who looks next. */
const MOST_WAITING = 2000;

/**
 * Slots in the order of what stands in them. Changes wait until somebody looks: then they cost one pass and a sort of what
 * changed, however often it did. Where nothing compares less, the smaller slot comes first.
 */
export class SlotOrder {
  readonly #compare: (a: Slot, b: Slot) => number;
  #slots = new Uint32Array(0);
  /** What changed since, and whether it is still there. */
  readonly #waiting = new Map<Slot, boolean>();

  constructor(compare: (a: Slot, b: Slot) => number) {
    this.#compare = compare;
  }

  /** All slots in their order. Valid until the next change. */
  get slots(): Uint32Array {
    if (this.#waiting.size > 0) this.#settle();
    return this.#slots;
  }

  /** Puts `present` where they belong now and takes `gone` out. What is in neither must compare as before. */
  update(present: readonly Slot[], gone: readonly Slot[] = []): void {
    for (const slot of present) this.#waiting.set(slot, true);
    for (const slot of gone) this.#waiting.set(slot, false);
    if (this.#waiting.size >= MOST_WAITING) this.#settle();
  }

  #settle(): void {
    const stay = this.#without(this.#waiting);
    const move = Uint32Array.from([...this.#waiting.keys()].filter((slot) => this.#waiting.get(slot)));
    this.#waiting.clear();
    this.#slots = this.#merge(
      stay,
      move.sort((a, b) => this.#ranks(a, b)),
    );
  }

  #without(moved: ReadonlyMap<Slot, boolean>): Uint32Array {
    const slots = this.#slots;
    let highest = 0;
    for (const slot of slots) if (slot > highest) highest = slot;
    const isMoved = new Uint8Array(highest + 1);
    for (const slot of moved.keys()) isMoved[slot] = 1;
    const stay = new Uint32Array(slots.length);
    let count = 0;
    // A loop, for a function called for each of 100,000 slots takes ten times as long.
    for (const slot of slots) if (isMoved[slot] === 0) stay[count++] = slot;
    return stay.subarray(0, count);
  }

  #ranks(a: Slot, b: Slot): number {
    return this.#compare(a, b) || a - b;
  }

  #merge(a: Uint32Array, b: Uint32Array): Uint32Array<ArrayBuffer> {
    const merged = new Uint32Array(a.length + b.length);
    let [at, from] = [0, 0];
    for (const slot of b) {
      // Few are merged into many: what stays between two of them is found by halving and copied in one piece.
      const to = this.#firstAfter(a, from, slot);
      merged.set(a.subarray(from, to), at);
      at += to - from;
      from = to;
      merged[at++] = slot;
    }
    merged.set(a.subarray(from), at);
    return merged;
  }

  #firstAfter(sorted: Uint32Array, from: number, slot: Slot): number {
    let [low, high] = [from, sorted.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#ranks(sorted[middle] ?? 0, slot) < 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
