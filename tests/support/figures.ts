import type { Page } from 'playwright-core';
import type { Context } from '../../src/actions/action.js';
import { formatBytes } from '../../src/lib/units.js';

/** A text with digits in it, where somebody can see it. */
export interface SeenNumber {
  text: string;
  /** The name of the figure that it says it is, and the query of the list that it counts. */
  figure: string | null;
  of: string | null;
  /** Stands in a row of a list; rows come and go with their numbers. */
  isInRow: boolean;
}

/** Everything with a digit that a page shows. How long ago something was is left out: it changes by itself. */
export const numbersOn = (page: Page): Promise<SeenNumber[]> =>
  page.evaluate(`(() => {
    const seen = [];
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    const marked = new Set();
    for (let node = walker.nextNode(); node; node = walker.nextNode()) {
      const parent = node.parentElement;
      if (parent.closest('script, style, template, noscript, dialog, #toasts, #offline, .said, [role="status"].hush, svg')) continue;
      if (!parent.checkVisibility()) continue;
      const owner = parent.closest('[data-figure]');
      if (marked.has(owner)) continue;
      const raw = owner ? owner.textContent : node.textContent;
      const text = raw
        .replace(/\\b(in )?\\d+ (s|min|h|days?)( \\d+ (s|min|h))*( ago| left)?\\b|just now|in a moment/g, '')
        .replace(/\\s+/g, ' ')
        .trim();
      if (!/\\d/.test(text)) continue;
      if (owner) marked.add(owner);
      const isInRow = parent.closest('tr, li, article, option, .strip, .choices, .pop, [data-row]') !== null;
      seen.push({ text, figure: owner?.dataset.figure ?? null, of: owner?.dataset.of ?? null, isInRow });
    }
    return seen;
  })()`);

const LIST = '/api/library/items';
/** Of several groups, each shows so many. */
const SHOWN_OF_GROUP = 5;

/** What the API says of the figures of a page, found in lists of rows and not in the sums that pages are drawn from. */
export async function truthFor(
  { store }: Pick<Context, 'store'>,
  page: Page,
): Promise<(seen: SeenNumber) => Promise<number | null>> {
  const ask = <T>(path: string): Promise<T> =>
    page.evaluate(`fetch(${JSON.stringify(path)}, { headers: { Accept: 'application/json' } }).then((r) => r.json())`);
  const { pathname, search } = new URL(page.url());
  const kept = await every<{ sizeBytes: number }>(ask, '/api/transcode/quarantine?state=kept');
  const jobs = await every<Job>(ask, '/api/transcode/jobs?');
  const all = await ask<Totals>(`${LIST}?pageSize=1`);
  const open = await ask<Totals>('/api/recommendations?state=open&pageSize=1');
  const receipts = await ask<{ saved: { history: number[]; lastMonthBytes: number }; day: Record<string, number> }>(
    '/api/dashboard',
  );
  const inState = (...states: string[]): Job[] => jobs.filter(({ state }) => states.includes(state));
  // Receipts have no list of their own there.
  const stands = store.receipts.where(({ quarantineId }) => store.quarantine.find(quarantineId)?.state !== 'restored');
  const sum = <T>(rows: readonly T[], of: (row: T) => number): number =>
    rows.reduce((total, row) => total + of(row), 0);
  const beforeBytes = sum(stands, ({ before }) => before.sizeBytes);
  const freed = beforeBytes - sum(stands, ({ after }) => after.sizeBytes);
  const figures: Record<string, number> = {
    'library.titles': all.total,
    'library.sizeBytes': all.sizeBytes ?? 0,
    'queue.running': inState('running', 'replacing').length,
    'queue.pending': inState('queued').length,
    'queue.blocked': inState('blocked').length,
    'queue.waiting': inState('queued', 'blocked').length,
    'queue.ready': inState('verified').length,
    'queue.readyBytes': sum(inState('verified'), (job) => job.sizeBeforeBytes - (job.sizeAfterBytes ?? 0)),
    'queue.freesBytes': sum(inState('queued'), ({ expectedSavesBytes }) => expectedSavesBytes ?? 0),
    'queue.endedShown': Math.min(30, inState('done', 'cancelled', 'skipped').length),
    'queue.failed': inState('failed').length,
    'queue.causes': new Set(inState('failed').map(({ error }) => error?.message)).size,
    'quarantine.kept': kept.length,
    'quarantine.keptBytes': sum(kept, ({ sizeBytes }) => sizeBytes),
    'recommendations.savesBytes': open.savesBytes ?? 0,
    'saved.files': stands.length,
    'saved.bytes': freed,
    'saved.percent': Math.round((100 * freed) / beforeBytes),
    'saved.before': freed - receipts.saved.lastMonthBytes,
    'saved.lastMonthBytes': receipts.saved.lastMonthBytes,
    'day.encoded': inState('verified', 'replacing', 'done').filter(isOfToday).length,
    'day.encodedBytes': sum(inState('verified', 'replacing', 'done').filter(isOfToday), (job) => job.sizeBeforeBytes),
  };
  return async ({ figure, of }) => {
    if (figure === null) return null;
    if (figure in figures) return figures[figure] ?? null;
    const [noun = '', what = ''] = figure.split('.');
    if (noun === 'recommendations') return (await ask<Totals>(`/api/recommendations?state=${what}&pageSize=1`)).total;
    if (noun === 'quarantine') return (await ask<Totals>(`/api/transcode/quarantine?state=${what}`)).total;
    if (figure === 'library.files')
      return sum(await every<{ files: unknown[] }>(ask, `${LIST}?`), ({ files }) => files.length);
    if (figure === 'group.approvable') {
      const rows = await every<{ canBeQueued: boolean }>(ask, `/api/recommendations?${of ?? ''}`);
      return rows.filter(({ canBeQueued }) => canBeQueued).length;
    }
    if (figure === 'group.more')
      return (await ask<Totals>(`/api/recommendations?${of ?? ''}&pageSize=1`)).total - SHOWN_OF_GROUP;
    if (noun === 'list') {
      const asked = of ?? search.slice(1);
      const path = pathname.startsWith('/library')
        ? LIST
        : `/api${pathname === '/quarantine' ? '/transcode' : ''}${pathname}`;
      const found = await ask<Totals>(`${path}?${asked}${asked === '' ? '' : '&'}pageSize=1`);
      return what === 'total' ? found.total : ((found as unknown as Record<string, number>)[what] ?? null);
    }
    if (noun === 'tag') {
      const found = await ask<{ items: number; sizeBytes: number }>(`/api${pathname}`);
      return what === 'titles' ? found.items : found.sizeBytes;
    }
    if (figure === 'excluded.total') return (await ask<Totals>('/api/excluded?pageSize=1')).total;
    if (noun === 'jobs') return (await ask<Totals>(`/api/transcode/jobs?state=${what}&pageSize=1`)).total;
    if (noun === 'rule') {
      const ruleId = pathname.split('/').at(-1) ?? '';
      const rows = await every<{ canBeQueued: boolean; keep: object | null; savesBytes: number }>(
        ask,
        `/api/recommendations?state=open&ruleId=${ruleId}`,
      );
      if (what === 'savesBytes') return sum(rows, ({ savesBytes }) => savesBytes);
      return what === 'findings'
        ? rows.length
        : rows.filter(({ canBeQueued, keep }) => canBeQueued && keep === null).length;
    }
    if (figure === 'tags.total') return (await ask<Totals>('/api/tags')).total;
    if (figure === 'problems') return (await ask<{ problems: unknown[] }>('/api/health')).problems.length;
    if (noun === 'day') return receipts.day[what] ?? null;
    if (noun === 'workers') return workersFigure(await ask<{ items: Worker[] }>('/api/servers'), what);
    return null;
  };
}

/** A figure as pages write it; what follows the number is its unit. */
export function saysTruth({ text, figure }: SeenNumber, truth: number): boolean {
  const written = /bytes$|\.before$/i.test(figure ?? '') ? formatBytes(truth) : truth.toLocaleString('en-US');
  return text === written || text.startsWith(`${written} `);
}

interface Totals {
  total: number;
  sizeBytes?: number;
  savesBytes?: number;
}
interface Job {
  state: string;
  startedAt: string | null;
  sizeBeforeBytes: number;
  sizeAfterBytes: number | null;
  expectedSavesBytes: number | null;
  error: { message: string } | null;
}
interface Worker {
  state: string;
  running: number;
  slots: number;
}

const DAY_MS = 86_400_000;
const isOfToday = ({ startedAt, sizeAfterBytes }: Job): boolean =>
  sizeAfterBytes !== null && startedAt !== null && Date.now() - Date.parse(startedAt) < DAY_MS;

function workersFigure({ items }: { items: Worker[] }, what: string): number | null {
  if (what === 'total') return items.length;
  const ready = items.filter(({ state }) => state === 'online');
  if (what === 'ready') return ready.length;
  if (what === 'slots') return ready.reduce((sum, { slots }) => sum + slots, 0);
  return what === 'busy' ? items.reduce((sum, { running }) => sum + running, 0) : null;
}

/** All rows of a list, page by page. */
async function every<T>(ask: <U>(path: string) => Promise<U>, path: string): Promise<T[]> {
  const rows: T[] = [];
  for (let page = 1; ; page++) {
    const { items, total } = await ask<{ items: T[]; total: number }>(`${path}&page=${page}&pageSize=200`);
    rows.push(...items);
    if (items.length === 0 || rows.length >= total) return rows;
  }
}
