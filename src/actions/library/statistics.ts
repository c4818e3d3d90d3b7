import { z } from 'zod';
import {
  DIMENSIONS,
  lastDayOf,
  LibraryStatistics,
  monthsUntil,
  Share,
  type Dimension,
} from '../../domain/library/statistics.js';
import type { Store } from '../../store/store.js';
import { action } from '../action.js';

const MONTHS = 12;
/** So many bars each; the rest is named as a number. */
const BARS = 8;
/** Long lists beside long ones. */
const CHARTS = ['codec', 'audioCodec', 'resolution', 'hdr', 'container', 'sectionId'] as const satisfies Dimension[];
const MODERN = ['hevc', 'av1', 'vp9'];

/** The library in numbers: titles and bytes by kind, and what came when. */
export const showStatistics = action(
  { summary: 'Show what the library consists of', input: z.object({}), output: LibraryStatistics },
  ({ statistics }) => statistics.library(),
);

const Bar = Share.extend({
  /** Of a section; elsewhere null, for the value names itself. */
  title: z.string().nullable(),
  /** Of the bytes of the whole library. */
  percent: z.number(),
  /** Of the longest bar; 0 to 100. */
  lengthPercent: z.number(),
  /** The filter that finds them, as an address's query. */
  query: z.string(),
});

const Column = z.object({
  month: z.string(),
  /** `Mar` and `March 2026`. */
  short: z.string(),
  name: z.string(),
  items: z.int(),
  sizeBytes: z.number(),
  heightPercent: z.number(),
  query: z.string(),
});

const ratio = (part: number, whole: number): number => (whole > 0 ? (part / whole) * 100 : 0);

function barsOf(store: Store, all: LibraryStatistics, dimension: Dimension): z.infer<typeof Bar>[] {
  const shares = all.by[dimension];
  return shares.slice(0, BARS).map((share) => ({
    ...share,
    title: dimension === 'sectionId' ? (store.sections.find(share.value)?.title ?? share.value) : null,
    percent: ratio(share.sizeBytes, all.sizeBytes),
    lengthPercent: ratio(share.sizeBytes, shares[0]?.sizeBytes ?? 0),
    query: `?${new URLSearchParams({ [dimension]: share.value }).toString()}`,
  }));
}

const monthName = (month: string, style: 'short' | 'long'): string =>
  new Date(`${month}-01T00:00:00Z`).toLocaleDateString('en', {
    timeZone: 'UTC',
    month: style,
    ...(style === 'long' ? { year: 'numeric' } : {}),
  });

function columnsOf(all: LibraryStatistics, now: Date): z.infer<typeof Column>[] {
  const known = new Map(all.growth.map((entry) => [entry.month, entry]));
  const months = monthsUntil(now.toISOString().slice(0, 7), MONTHS);
  const most = Math.max(...months.map((month) => known.get(month)?.sizeBytes ?? 0));
  return months.map((month) => {
    const { items = 0, sizeBytes = 0 } = known.get(month) ?? {};
    return {
      month,
      short: monthName(month, 'short'),
      name: monthName(month, 'long'),
      items,
      sizeBytes,
      heightPercent: ratio(sizeBytes, most),
      query: `?${new URLSearchParams({ addedAfter: `${month}-01`, addedBefore: lastDayOf(month) }).toString()}`,
    };
  });
}

/** The same drawn: bars that lead to the titles they stand for. */
export const showAnalytics = action(
  {
    summary: 'Show the library in charts',
    input: z.object({}),
    output: z.object({
      items: z.int(),
      files: z.int(),
      sizeBytes: z.number(),
      unread: z.int(),
      /** Bytes in HEVC, AV1 or VP9, of all that is known. */
      modernPercent: z.number().nullable(),
      charts: z.array(z.object({ dimension: z.enum(DIMENSIONS), bars: z.array(Bar), others: z.int() })),
      months: z.array(Column),
      cameItems: z.int(),
      cameBytes: z.number(),
    }),
  },
  async ({ statistics, store, now }) => {
    const all = await statistics.library();
    const known = all.by.codec.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
    const modern = all.by.codec
      .filter(({ value }) => MODERN.includes(value))
      .reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
    const months = columnsOf(all, now());
    return {
      items: all.items,
      files: all.files,
      sizeBytes: all.sizeBytes,
      unread: all.unread,
      modernPercent: known > 0 ? Math.round(ratio(modern, known)) : null,
      charts: CHARTS.map((dimension) => ({
        dimension,
        bars: barsOf(store, all, dimension),
        others: Math.max(0, all.by[dimension].length - BARS),
      })),
      months,
      cameItems: months.reduce((sum, { items }) => sum + items, 0),
      cameBytes: months.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
    };
  },
);
