import { z } from 'zod';
import type { LibraryItem } from './library.js';
import { resolutionOf, type MediaFile } from './media.js';

/** What the library is counted by; each is also the name of a filter of the library. */
export const DIMENSIONS = ['codec', 'resolution', 'hdr', 'audioCodec', 'container', 'sectionId'] as const;
export type Dimension = (typeof DIMENSIONS)[number];

export const Share = z.object({
  value: z.string(),
  /** Titles with at least one file like this, the same ones that the filter finds. */
  items: z.int(),
  /** Of the files that are like this, and of no others. */
  sizeBytes: z.number(),
});
export type Share = z.infer<typeof Share>;

export const LibraryStatistics = z.object({
  items: z.int(),
  files: z.int(),
  sizeBytes: z.number(),
  /** Titles of which not every stream was read yet. */
  unread: z.int(),
  /** Largest first. A file with two kinds of sound counts for both. */
  by: z.record(z.enum(DIMENSIONS), z.array(Share)),
  /** What came in each month (UTC) in which something came, oldest first. */
  growth: z.array(z.object({ month: z.string(), items: z.int(), sizeBytes: z.number() })),
});
export type LibraryStatistics = z.infer<typeof LibraryStatistics>;

const valuesOf = ({ video, audio, container }: MediaFile, sectionId: string): Record<Dimension, readonly string[]> => ({
  codec: video ? [video.codec] : [],
  resolution: video ? [resolutionOf(video)] : [],
  hdr: video ? [video.hdr] : [],
  audioCodec: audio.map(({ codec }) => codec),
  container: [container],
  sectionId: [sectionId],
});

interface Sum {
  items: number;
  sizeBytes: number;
  /** The last title that was counted, so that one with two such files counts once. */
  lastItem: number;
  lastFile: number;
}

/** Counts titles one after the other. */
export class StatisticsTally {
  readonly #sums = Object.fromEntries(DIMENSIONS.map((name) => [name, new Map<string, Sum>()])) as Record<
    Dimension,
    Map<string, Sum>
  >;
  readonly #months = new Map<string, { items: number; sizeBytes: number }>();
  #items = 0;
  #files = 0;
  #sizeBytes = 0;
  #unread = 0;

  add(item: LibraryItem): void {
    this.#items++;
    let sizeBytes = 0;
    for (const file of item.files) {
      this.#files++;
      sizeBytes += file.sizeBytes;
      const values = valuesOf(file, item.sectionId);
      for (const name of DIMENSIONS) for (const value of values[name]) this.#count(name, value, file.sizeBytes);
    }
    this.#sizeBytes += sizeBytes;
    if (item.files.some(({ detailed }) => !detailed)) this.#unread++;
    const name = item.addedAt.slice(0, 7);
    const month = this.#months.get(name) ?? { items: 0, sizeBytes: 0 };
    this.#months.set(name, { items: month.items + 1, sizeBytes: month.sizeBytes + sizeBytes });
  }

  result(): LibraryStatistics {
    const by = Object.fromEntries(
      DIMENSIONS.map((name) => [
        name,
        [...this.#sums[name]]
          .map(([value, { items, sizeBytes }]) => ({ value, items, sizeBytes }))
          .sort((a, b) => b.sizeBytes - a.sizeBytes || b.items - a.items || (a.value < b.value ? -1 : 1)),
      ]),
    ) as LibraryStatistics['by'];
    const growth = [...this.#months]
      .map(([month, sum]) => ({ month, ...sum }))
      .sort((a, b) => (a.month < b.month ? -1 : 1));
    return {
      items: this.#items,
      files: this.#files,
      sizeBytes: this.#sizeBytes,
      unread: this.#unread,
      by,
      growth,
    };
  }

  #count(name: Dimension, value: string, sizeBytes: number): void {
    const sums = this.#sums[name];
    let sum = sums.get(value);
    if (!sum) sums.set(value, (sum = { items: 0, sizeBytes: 0, lastItem: 0, lastFile: 0 }));
    if (sum.lastItem !== this.#items) sum.items++;
    if (sum.lastFile !== this.#files) sum.sizeBytes += sizeBytes;
    sum.lastItem = this.#items;
    sum.lastFile = this.#files;
  }
}

/** The `count` months that end with this one, oldest first; `month` is `2026-03`. */
export function monthsUntil(month: string, count: number): string[] {
  const [year = 0, number = 1] = month.split('-').map(Number);
  return Array.from({ length: count }, (_, at) => {
    const months = year * 12 + number - 1 - (count - 1 - at);
    return `${String(Math.floor(months / 12)).padStart(4, '0')}-${String((months % 12) + 1).padStart(2, '0')}`;
  });
}

/** `2026-02` -> `2026-02-28`. */
export function lastDayOf(month: string): string {
  const [year = 0, number = 1] = month.split('-').map(Number);
  return `${month}-${String(new Date(Date.UTC(year, number, 0)).getUTCDate()).padStart(2, '0')}`;
}
