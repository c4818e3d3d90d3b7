import { runChild } from './child.js';
import { figure, percentile, type Figure } from './figure.js';

const COUNT = 100_000;

interface Times {
  ours: number[];
  theirs: number[];
  oursBare: number[];
  theirsBare: number[];
  exported: { rowsPerSec: number; grownMb: number; textMb: number };
  bareRowsPerSec: number;
}

/** Filters, orders, pages and counts over 100,000 titles, beside SQLite asked the same. */
export async function benchBrowse(): Promise<Figure[]> {
  const listed = listFigures(await runChild<Times>('browse-child.ts', [String(COUNT)]));
  const page = await runChild<{ plain: number; gzip: number; br: number }>('page-child.ts', [String(COUNT)]);
  return [sizeFigure('gzip', page.gzip, page.plain), sizeFigure('br', page.br, page.plain), ...listed];
}

function listFigures({ ours, theirs, oursBare, theirsBare, exported, bareRowsPerSec }: Times): Figure[] {
  return [
    besideSqlite('browse-page', 'any filter, order and page with the counts of every choice', ours, theirs),
    besideSqlite('browse-page-bare', 'the same without the counts', oursBare, theirsBare),
    figure({
      id: 'browse-export',
      what: `export of ${COUNT} titles as CSV`,
      value: exported.rowsPerSec,
      unit: 'rows/s',
      yardstick: 'JSON.stringify of the same rows',
      yardstickValue: bareRowsPerSec,
      goal: '>= 20000 rows/s',
      holds: exported.rowsPerSec >= 20_000,
    }),
    figure({
      id: 'browse-export-memory',
      what: 'memory held meanwhile',
      value: exported.grownMb,
      unit: 'MB',
      yardstick: 'the exported text in one piece',
      yardstickValue: exported.textMb,
      goal: '<= 30 MB',
      holds: exported.grownMb <= 30,
    }),
  ];
}

function besideSqlite(id: string, what: string, ours: readonly number[], theirs: readonly number[]): Figure {
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
}

const sizeFigure = (encoding: 'gzip' | 'br', bytes: number, plainBytes: number): Figure =>
  figure({
    id: `browse-html-${encoding}`,
    what: `first page of the library of ${COUNT} titles, packed as ${encoding}`,
    value: bytes / 1000,
    unit: 'kB',
    yardstick: 'the same page as it is',
    yardstickValue: plainBytes / 1000,
    goal: '<= 60 kB',
    holds: bytes <= 60_000,
  });
