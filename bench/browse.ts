import { runChild } from './child.js';
import { figure, type Figure } from './figure.js';

const COUNT = 100_000;

/** So many of a hundred are quicker. */
function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
}

/** Filters, orders, pages and counts over 100,000 titles, beside SQLite asked the same. */
export async function benchBrowse(): Promise<Figure[]> {
  const times = await runChild<{
    ours: number[];
    theirs: number[];
    oursBare: number[];
    theirsBare: number[];
    exported: { rowsPerSec: number; grownMb: number; textMb: number };
    bareRowsPerSec: number;
  }>('browse-child.ts', [String(COUNT)]);
  const page = await runChild<{ plain: number; gzip: number; br: number }>('page-child.ts', [String(COUNT)]);
  const sized = (encoding: 'gzip' | 'br', bytes: number): Figure =>
    figure({
      id: `browse-html-${encoding}`,
      what: `first page of the library of ${COUNT} titles, packed as ${encoding}`,
      value: bytes / 1000,
      unit: 'kB',
      yardstick: 'the same page as it is',
      yardstickValue: page.plain / 1000,
      goal: '<= 60 kB',
      holds: bytes <= 60_000,
    });
  const compared = (id: string, what: string, ours: readonly number[], theirs: readonly number[]): Figure => {
    const value = percentile(ours, 0.95);
    const yardstickValue = percentile(theirs, 0.95);
    return figure({
      id,
      what: `${what} of ${COUNT} titles (95 of 100)`,
      value,
      unit: 'ms',
      yardstick: 'the same from an SQLite file with an index on every column (95 of 100)',
      yardstickValue,
      goal: '<= 25 ms and <= SQLite',
      holds: value <= 25 && value <= yardstickValue,
    });
  };
  return [
    sized('gzip', page.gzip),
    sized('br', page.br),
    compared('browse-page', 'any filter, order and page with the counts of every choice', times.ours, times.theirs),
    compared('browse-page-bare', 'the same without the counts', times.oursBare, times.theirsBare),
    figure({
      id: 'browse-export',
      what: `export of ${COUNT} titles as CSV`,
      value: times.exported.rowsPerSec,
      unit: 'rows/s',
      yardstick: 'JSON.stringify of the same rows',
      yardstickValue: times.bareRowsPerSec,
      goal: '>= 20000 rows/s',
      holds: times.exported.rowsPerSec >= 20_000,
    }),
    figure({
      id: 'browse-export-memory',
      what: 'memory held meanwhile',
      value: times.exported.grownMb,
      unit: 'MB',
      yardstick: 'the exported text in one piece',
      yardstickValue: times.exported.textMb,
      goal: '<= 30 MB',
      holds: times.exported.grownMb <= 30,
    }),
  ];
}
