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
  const snapshot: FactsSnapshot = { bitrates: {}, largestBytes: [], groups: {} };
  for (const { files } of items) {
    for (const file of files) {
      if (!file.video) continue;
      const group = groupOf(file.video);
      snapshot.groups[group] = (snapshot.groups[group] ?? 0) + 1;
      addBitrate(snapshot, file, 1);
      if (isRanked(file)) snapshot.largestBytes.push(file.sizeBytes);
    }
  }
  snapshot.largestBytes.sort((a, b) => b - a);
  snapshot.largestBytes.length = Math.min(snapshot.largestBytes.length, LARGEST_KEPT);
  return snapshot;
}

function addBitrate(snapshot: FactsSnapshot, { video }: MediaFile, sign: 1 | -1): void {
  if (!video?.bitrateKbps) return;
  const resolution = resolutionOf(video);
  const [sum, count] = snapshot.bitrates[resolution] ?? [0, 0];
  snapshot.bitrates[resolution] = [sum + sign * video.bitrateKbps, count + sign];
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
