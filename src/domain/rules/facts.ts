import { worthKbps } from '../recommendations/codec-worth.js';
import { CountedTitles, countTheSame, type Share } from './counted-titles.js';
import { isOffLimits } from './evaluate.js';
import type { LibraryItem } from '../library/library.js';
import { resolutionOf, type MediaFile, type Resolution } from '../library/media.js';
import type { Facts, FactsSnapshot, LibraryFacts } from './rule.js';
import { titleKey } from '../library/title-key.js';

/** Codecs that nothing MediaFlow makes would shrink by much. */
const EFFICIENT: ReadonlySet<string> = new Set(['hevc', 'av1', 'vp9']);

/** How many of the largest files are remembered: no rule looks further down the list. */
const LARGEST_KEPT = 1000;

/** Fewer files than this have no meaningful average. */
const AVERAGE_NEEDS = 5;

export const isEfficient = (codec: string): boolean => EFFICIENT.has(codec);

/** Whether the file's size counts in the ranking: it holds video that is not yet efficient and is no copy for small devices. */
const isRanked = (file: MediaFile): boolean => file.video !== null && !isEfficient(file.video.codec) && !file.optimized;

/** `codec/resolution` of a file that could be encoded along with its like; null for one that could not. */
export const groupOf = (file: MediaFile): string | null =>
  file.video === null || isOffLimits(file) ? null : groupName(file.video.codec, resolutionOf(file.video));

const groupNames = new Map<string, Map<string, string>>();

/** The few names there are, once each: every title remembers one. */
function groupName(codec: string, resolution: Resolution): string {
  const ofCodec = groupNames.get(codec) ?? new Map<string, string>();
  groupNames.set(codec, ofCodec);
  const name = ofCodec.get(resolution) ?? `${codec}/${resolution}`;
  ofCodec.set(resolution, name);
  return name;
}

/** Facts about a library as plain data, from every item. Cost: one pass and one sort. */
export function collectFacts(items: Iterable<LibraryItem>): Facts {
  const byId = new Map(Array.from(items, (item, number) => [`${number}`, item]));
  const live = new LiveFacts((id) => byId.get(id) ?? null);
  const ids = new Map<string, string>();
  for (const [id, item] of byId) {
    live.set(id, item);
    ids.set(item.id, id);
  }
  return { snapshot: live.snapshot(), copiesOf: (itemId) => live.copiesOf(ids.get(itemId) ?? '') };
}

interface Sum {
  kbps: number;
  count: number;
}

interface Group {
  count: number;
  bytes: number;
}

/** Library facts that follow a library item by item: a change costs microseconds, and nothing drifts. */
export class LiveFacts {
  readonly #find: (id: string) => LibraryItem | null;
  /** Says what to take away when a title changes. */
  readonly #counted = new CountedTitles();
  readonly #bitrates = new Map<Resolution, Sum>();
  readonly #worths = new Map<Resolution, Sum>();
  readonly #groups = new Map<string, Group>();
  /**
   * Server -> title key -> the one title that has it, or all of them: hardly any film is there twice. Other servers keep
   * libraries of their own, which are not for this one to thin out.
   */
  readonly #titles = new Map<string, Map<string, string | Set<string>>>();
  /** Sizes of all ranked files, largest first, but for what waits in `#added` and `#removed`. */
  #sizes: Float64Array = new Float64Array();
  #added: number[] = [];
  #removed: number[] = [];

  /** `find` gives a title as it is now. */
  constructor(find: (id: string) => LibraryItem | null) {
    this.#find = find;
  }

  /** Counts an item as it is now; null, or an item that is missing, takes it away. */
  set(id: string, item: LibraryItem | null): void {
    const before = this.#counted.get(id);
    const now =
      item?.state === 'present' ? { serverId: item.serverId, key: titleKey(item), shares: sharesOf(item) } : null;
    if (countTheSame(before, now)) return;
    for (const share of before?.shares ?? []) this.#count(share, -1);
    if (before?.key !== now?.key || before?.serverId !== now?.serverId) {
      if (before) this.#forgetTitle(id, before.serverId, before.key);
      if (now) this.#rememberTitle(id, now.serverId, now.key);
    }
    if (now === null) this.#counted.delete(id);
    else this.#counted.set(id, now);
    for (const share of now?.shares ?? []) this.#count(share, 1);
  }

  snapshot(): FactsSnapshot {
    this.#settleSizes();
    return {
      bitrates: sumsOf(this.#bitrates),
      worths: sumsOf(this.#worths),
      largestBytes: Array.from(this.#sizes.subarray(0, LARGEST_KEPT)),
      groups: Object.fromEntries([...this.#groups].map(([key, { count, bytes }]) => [key, [count, bytes]])),
    };
  }

  /** See `LibraryFacts.copiesOf`. */
  copiesOf(id: string): LibraryItem[] {
    const title = this.#counted.titleOf(id);
    const ids = title && this.#titles.get(title.serverId)?.get(title.key ?? '');
    if (!(ids instanceof Set)) return [];
    return [...ids]
      .filter((other) => other !== id)
      .map(this.#find)
      .filter((item) => item !== null);
  }

  /** One title of every group that holds a file of it: where a rule looks that speaks for whole groups. */
  examples(): { group: string; itemId: string }[] {
    const found = new Map<string, string>();
    for (const { group, id } of this.#counted.inGroups()) {
      if (!found.has(group)) found.set(group, id);
      if (found.size === this.#groups.size) break;
    }
    return [...this.#groups.keys()].flatMap((group) => {
      const itemId = found.get(group);
      return itemId === undefined ? [] : [{ group, itemId }];
    });
  }

  /** The titles with a file of this codec and resolution. */
  itemIdsOf(group: string): string[] {
    const ids = new Set<string>();
    for (const { group: one, id } of this.#counted.inGroups()) if (one === group) ids.add(id);
    return [...ids];
  }

  #rememberTitle(id: string, serverId: string, key: string | null): void {
    if (key === null) return;
    const titles = this.#titles.get(serverId) ?? new Map<string, string | Set<string>>();
    this.#titles.set(serverId, titles);
    const known = titles.get(key);
    if (known instanceof Set) known.add(id);
    else titles.set(key, known === undefined ? id : new Set([known, id]));
  }

  #forgetTitle(id: string, serverId: string, key: string | null): void {
    const titles = this.#titles.get(serverId);
    if (key === null || !titles) return;
    const known = titles.get(key);
    if (known instanceof Set && known.size > 1) known.delete(id);
    else titles.delete(key);
  }

  #count(share: Share, sign: 1 | -1): void {
    if (share.group !== null) this.#countInGroup(share.group, share.sizeBytes, sign);
    if (share.ranked) (sign === 1 ? this.#added : this.#removed).push(share.sizeBytes);
    addTo(this.#bitrates, share.resolution, share.kbps, sign);
    addTo(this.#worths, share.resolution, share.worth, sign);
  }

  #countInGroup(key: string, sizeBytes: number, sign: 1 | -1): void {
    const group = this.#groups.get(key) ?? { count: 0, bytes: 0 };
    group.count += sign;
    group.bytes += sign * sizeBytes;
    if (group.count === 0) this.#groups.delete(key);
    else this.#groups.set(key, group);
  }

  #settleSizes(): void {
    if (this.#added.length + this.#removed.length === 0) return;
    // What was added and removed again, or counted anew with the same size, stands in both.
    const [added, removed] = withoutCommon(this.#added.sort(descending), this.#removed.sort(descending));
    if (added.length + removed.length > 0) this.#sizes = mergedSizes(this.#sizes, added, removed);
    this.#added = [];
    this.#removed = [];
  }
}

const descending = (a: number, b: number): number => b - a;

/** Two descending lists without what stands in both. */
function withoutCommon(one: readonly number[], other: readonly number[]): [number[], number[]] {
  const left: [number[], number[]] = [[], []];
  let [at, beside] = [0, 0];
  while (at < one.length || beside < other.length) {
    const [a = -1, b = -1] = [one[at], other[beside]];
    if (a > b) left[0].push(a);
    if (b > a) left[1].push(b);
    if (a >= b) at++;
    if (b >= a) beside++;
  }
  return left;
}

/** Two descending lists as one, without what is removed from them. Cost: one pass. */
function mergedSizes(kept: Float64Array, added: readonly number[], removed: readonly number[]): Float64Array {
  const merged = new Float64Array(kept.length + added.length);
  let [at, fromKept, fromAdded, fromRemoved] = [0, 0, 0, 0];
  while (fromKept < kept.length || fromAdded < added.length) {
    const [one = -1, other = -1] = [kept[fromKept], added[fromAdded]];
    const size = Math.max(one, other);
    if (one >= other) fromKept++;
    else fromAdded++;
    if (size === removed[fromRemoved]) fromRemoved++;
    else merged[at++] = size;
  }
  return merged.slice(0, at);
}

function addTo(sums: Map<Resolution, Sum>, resolution: Resolution, added: number, sign: 1 | -1): void {
  if (added === 0) return;
  const { kbps, count } = sums.get(resolution) ?? { kbps: 0, count: 0 };
  const changed = { kbps: kbps + sign * added, count: count + sign };
  if (changed.count === 0) sums.delete(resolution);
  else sums.set(resolution, changed);
}

const sumsOf = (sums: ReadonlyMap<Resolution, Sum>): Record<string, [number, number]> =>
  Object.fromEntries([...sums].map(([key, { kbps, count }]) => [key, [kbps, count]]));

type VideoFile = MediaFile & { video: NonNullable<MediaFile['video']> };

const hasVideo = (file: MediaFile): file is VideoFile => file.video !== null;

const sharesOf = ({ files }: LibraryItem): Share[] => files.filter(hasVideo).map(shareOf);

function shareOf(file: VideoFile): Share {
  const { video, sizeBytes } = file;
  // Whole numbers add up without rounding, so that what is taken away leaves no trace.
  const kbps = Math.round(video.bitrateKbps ?? 0);
  const worth = Math.round(worthKbps(video) ?? 0);
  return { group: groupOf(file), resolution: resolutionOf(video), kbps, worth, sizeBytes, ranked: isRanked(file) };
}

/** The facts as rules see them. */
export function factsOf(
  snapshot: FactsSnapshot,
  copiesOf: (itemId: string) => readonly LibraryItem[] = () => [],
): LibraryFacts {
  return {
    averageBitrateKbps(resolution) {
      return averageOf(snapshot.bitrates[resolution]);
    },
    averageWorthKbps(resolution) {
      return averageOf(snapshot.worths[resolution]);
    },
    sizeRank(file) {
      return 1 + countLarger(snapshot.largestBytes, file.sizeBytes);
    },
    similar(file) {
      return snapshot.groups[groupOf(file) ?? '']?.[0] ?? 0;
    },
    copiesOf(item) {
      return copiesOf(item.id);
    },
  };
}

const averageOf = ([sum, count]: [number, number] = [0, 0]): number | null =>
  count < AVERAGE_NEEDS ? null : sum / count;

/** How many entries of a descending list are larger than the value. */
function countLarger(sizes: readonly number[], value: number): number {
  let [low, high] = [0, sizes.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((sizes[middle] ?? 0) > value) low = middle + 1;
    else high = middle;
  }
  return low;
}
