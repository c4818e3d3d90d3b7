/** Rows are known by their slot: a small whole number that stays the same while the row stands. */
export type Slot = number;

/**
 * Slots in the order of what stands in them. A change costs one pass and a sort of what changed, whether that is one
 * row or a page of them; where nothing compares less, the smaller slot comes first.
 */
export class SlotOrder {
  readonly #compare: (a: Slot, b: Slot) => number;
  #slots = new Uint32Array(0);

  constructor(compare: (a: Slot, b: Slot) => number) {
    this.#compare = compare;
  }

  /** All slots in their order. Valid until the next change. */
  get slots(): Uint32Array {
    return this.#slots;
  }

  /** Puts `present` where they belong now and takes `gone` out. What is in neither must compare as before. */
  update(present: readonly Slot[], gone: readonly Slot[] = []): void {
    const highest = Math.max(highestOf(present), highestOf(gone), highestOf(this.#slots));
    const isMoved = new Uint8Array(highest + 1);
    for (const slot of present) isMoved[slot] = 1;
    for (const slot of gone) isMoved[slot] = 1;
    const stay = this.#slots.filter((slot) => isMoved[slot] === 0);
    const move = Uint32Array.from(present).sort((a, b) => this.#ranks(a, b));
    this.#slots = this.#merge(stay, move);
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

function highestOf(slots: readonly Slot[] | Uint32Array): number {
  let highest = -1;
  for (const slot of slots) if (slot > highest) highest = slot;
  return highest;
}
