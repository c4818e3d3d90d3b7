import type { LibraryItem } from './library.js';
import { resolutionOf, type MediaFile } from './media.js';
import type { FactsSnapshot, LibraryFacts } from './rule.js';

/** Codecs that nothing MediaFlow makes would shrink by much. */
const EFFICIENT: ReadonlySet<string> = new Set(['hevc', 'av1', 'vp9']);

/** How many of the largest files are remembered: no rule looks further down the list. */
const LARGEST_KEPT = 1000;

/** Fewer files than this have no meaningful average. */
const AVERAGE_NEEDS = 5;

export const isEfficient = (codec: string): boolean => EFFICIENT.has(codec);

/** Whether the file's size counts in the ranking: it holds video that is not yet efficient and is no copy for small devices. */
const isRanked = (file: MediaFile): boolean => file.video !== null && !isEfficient(file.video.codec) && !file.optimized;

const groupOf = ({ codec, width, height }: NonNullable<MediaFile['video']>): string =>
  `${codec}/${resolutionOf({ width, height })}`;

/** Facts about a library as plain data, from every item. Cost: one pass and one sort. */
export function collectFacts(items: Iterable<LibraryItem>): FactsSnapshot {
  const facts = new LiveFacts();
  let number = 0;
  for (const item of items) facts.set(String(number++), item);
  return facts.snapshot();
}

/** Library facts that follow a library item by item: a change costs microseconds, and nothing drifts. */
export class LiveFacts {
  /** What was counted for each item, so that exactly that can be taken away again. */
  readonly #counted = new Map<string, readonly MediaFile[]>();
  readonly #bitrates = new Map<string, { kbps: number; count: number }>();
  readonly #groups = new Map<string, number>();
  /** Sizes of all ranked files, largest first, but for what waits in `#added` and `#removed`. */
  #sizes: number[] = [];
  #added: number[] = [];
  #removed: number[] = [];

  /** Counts an item as it is now; null, or an item that is missing, takes it away. */
  set(id: string, item: LibraryItem | null): void {
    for (const file of this.#counted.get(id) ?? []) this.#count(file, -1);
    if (item?.state !== 'present') {
      this.#counted.delete(id);
      return;
    }
    this.#counted.set(id, item.files);
    for (const file of item.files) this.#count(file, 1);
  }

  snapshot(): FactsSnapshot {
    this.#settleSizes();
    return {
      bitrates: Object.fromEntries([...this.#bitrates].map(([key, { kbps, count }]) => [key, [kbps, count]])),
      largestBytes: this.#sizes.slice(0, LARGEST_KEPT),
      groups: Object.fromEntries(this.#groups),
    };
  }

  #count(file: MediaFile, sign: 1 | -1): void {
    const { video } = file;
    if (!video) return;
    addTo(this.#groups, groupOf(video), sign);
    if (isRanked(file)) (sign === 1 ? this.#added : this.#removed).push(file.sizeBytes);
    if (!video.bitrateKbps) return;
    const resolution = resolutionOf(video);
    const { kbps, count } = this.#bitrates.get(resolution) ?? { kbps: 0, count: 0 };
    // Whole numbers add up without rounding, so that what is taken away leaves no trace.
    const changed = { kbps: kbps + sign * Math.round(video.bitrateKbps), count: count + sign };
    if (changed.count === 0) this.#bitrates.delete(resolution);
    else this.#bitrates.set(resolution, changed);
  }

  /** A few changes are put in their place; many at once are sorted in. */
  #settleSizes(): void {
    if (this.#added.length + this.#removed.length <= 50) {
      for (const size of this.#added) this.#sizes.splice(countLarger(this.#sizes, size), 0, size);
      for (const size of this.#removed) this.#sizes.splice(countLarger(this.#sizes, size), 1);
    } else {
      const gone = new Map<number, number>();
      for (const size of this.#removed) addTo(gone, size, 1);
      const kept = [...this.#sizes, ...this.#added].filter((size) => {
        const count = gone.get(size) ?? 0;
        if (count > 0) gone.set(size, count - 1);
        return count === 0;
      });
      this.#sizes = kept.sort((a, b) => b - a);
    }
    this.#added = [];
    this.#removed = [];
  }
}

function addTo<K>(counts: Map<K, number>, key: K, amount: number): void {
  const count = (counts.get(key) ?? 0) + amount;
  if (count === 0) counts.delete(key);
  else counts.set(key, count);
}

/** The facts as rules see them. */
export function factsOf(snapshot: FactsSnapshot): LibraryFacts {
  return {
    averageBitrateKbps(resolution) {
      const [sum, count] = snapshot.bitrates[resolution] ?? [0, 0];
      return count < AVERAGE_NEEDS ? null : sum / count;
    },
    sizeRank(file) {
      return 1 + countLarger(snapshot.largestBytes, file.sizeBytes);
    },
    similar(file) {
      return file.video ? (snapshot.groups[groupOf(file.video)] ?? 0) : 0;
    },
  };
}

/** How many entries of a descending list are larger than the value. */
function countLarger(descending: readonly number[], value: number): number {
  let [low, high] = [0, descending.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((descending[middle] ?? 0) > value) low = middle + 1;
    else high = middle;
  }
  return low;
}
