import type { SetColumn } from '../../lib/set-column.js';

/** One file of an item that has several, as the table compares it. */
export interface Version {
  fileId: string;
  /** What words are looked for in; its own path and no other's. */
  text: string;
  /** The number of its set in each column of choices. */
  numbers: readonly number[];
  sizeBytes: number;
  bitrateKbps: number;
  durationMs: number;
  /** The largest saving recommended for it, bytes; NaN without. */
  savesBytes: number;
}

/** What a filter asks of a file. */
export interface FileQuestion {
  /** Which sets each choice allows, with its column. */
  chosen: readonly { at: number; allows: Uint8Array }[];
  words: readonly string[];
  bounds: readonly { name: 'sizeBytes' | 'bitrateKbps'; min: number; max: number }[];
}

/** The versions of an item that answer all of a question, and for each column the sets that would if only its choice were open. */
export function matchVersions(
  versions: readonly Version[],
  { chosen, words, bounds }: FileQuestion,
  columns: number,
): { matched: Version[]; sets: ReadonlySet<number>[] } {
  const sets = Array.from({ length: columns }, () => new Set<number>());
  const matched: Version[] = [];
  for (const version of versions) {
    if (!bounds.every(({ name, min, max }) => version[name] >= min && version[name] <= max)) continue;
    if (!words.every((word) => version.text.includes(word))) continue;
    const refusals = chosen.filter(({ at, allows }) => allows[version.numbers[at] ?? 0] !== 1);
    const [only] = refusals;
    if (refusals.length === 1 && only) sets[only.at]?.add(version.numbers[only.at] ?? 0);
    if (only) continue;
    matched.push(version);
    for (const [at, number] of version.numbers.entries()) sets[at]?.add(number);
  }
  return { matched, sets };
}

/** What is sorted by where only some of an item's versions match: their size together, the rest of the largest of them. */
export function measuresOfMatched(
  matched: readonly Version[],
): Record<'sizeBytes' | 'bitrateKbps' | 'durationMs' | 'savesBytes', number> {
  const [first] = matched;
  const largest = matched.reduce((best, one) => (one.sizeBytes > (best?.sizeBytes ?? -1) ? one : best), first);
  const saves = matched.map(({ savesBytes }) => savesBytes).filter((bytes) => !Number.isNaN(bytes));
  return {
    sizeBytes: matched.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
    bitrateKbps: largest?.bitrateKbps ?? NaN,
    durationMs: largest?.durationMs ?? NaN,
    savesBytes: saves.length === 0 ? NaN : Math.max(...saves),
  };
}

/** Counts the words of some sets once each, beside what is counted by set. */
export function countWords(column: SetColumn, sets: ReadonlySet<number>, counts: Map<string, number>): void {
  const words = new Set([...sets].flatMap((number) => [...column.wordsOf(number)]));
  for (const word of words) counts.set(word, (counts.get(word) ?? 0) + 1);
}
