import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { besideIdle, nextWord, runChild, startChild } from './child.js';
import { figure, median, type Figure } from './figure.js';

const COUNT = 100_000;
const TOKEN = 'bench-token';

interface Once {
  ms: number;
  blockedMs: number;
}

/** A full sync of 100,000 items into an empty store, and another one that finds nothing new. */
export async function benchSync(): Promise<Figure[]> {
  const dir = await mkdtemp(join(tmpdir(), 'bench-sync-'));
  const plex = startChild('plex-child.ts', [String(COUNT), TOKEN]);
  try {
    const { url } = await nextWord<{ url: string }>(plex);
    const fetchAll = async (): Promise<number> => {
      const { ms, items } = await runChild<{ ms: number; items: number }>('sync-child.ts', ['fetch', url, TOKEN]);
      if (items !== COUNT) throw new Error(`the simulated Plex listed ${items} items`);
      return ms;
    };
    const before = [await fetchAll(), await fetchAll()];
    const { result, idleBlockedMs } = await besideIdle(() =>
      runChild<{ first: Once; again: Once; rows: number; memoryMb: number; peakMb: number }>('sync-child.ts', [
        'sync',
        url,
        TOKEN,
        join(dir, 'data'),
      ]),
    );
    if (result.rows !== COUNT) throw new Error(`the sync stored ${result.rows} items`);
    const fetchMs = median([...before, await fetchAll()]);
    return [
      ...timeFigures('sync-first', `full sync of ${COUNT} items into an empty store`, result.first, fetchMs, 2),
      blockFigure('sync-first-blocked', result.first, idleBlockedMs),
      ...timeFigures('sync-again', 'full sync that finds nothing new', result.again, fetchMs, 2),
      blockFigure('sync-again-blocked', result.again, idleBlockedMs),
      memoryFigure('sync-memory', 'memory of the process afterwards', result.memoryMb),
      memoryFigure('sync-memory-peak', 'the most memory it ever held', result.peakMb),
    ];
  } finally {
    plex.disconnect();
    await rm(dir, { recursive: true, force: true });
  }
}

const timeFigures = (id: string, what: string, { ms }: Once, fetchMs: number, goal: number): Figure[] => [
  figure({
    id,
    what,
    value: ms,
    unit: 'ms',
    yardstick: 'fetch and JSON.parse the same pages, one after the other',
    yardstickValue: fetchMs,
    goal: `<= ${goal} x`,
    holds: ms / fetchMs <= goal,
  }),
];

const memoryFigure = (id: string, what: string, value: number): Figure =>
  figure({
    id,
    what,
    value,
    unit: 'MB',
    yardstick: 'the goal',
    yardstickValue: 350,
    goal: '<= 350 MB',
    holds: value <= 350,
  });

const blockFigure = (id: string, { blockedMs }: Once, idleBlockedMs: number): Figure =>
  figure({
    id,
    what: 'longest block of the event loop meanwhile',
    value: blockedMs,
    unit: 'ms',
    yardstick: 'the same in an idle process',
    yardstickValue: idleBlockedMs,
    goal: '<= 50 ms',
    holds: blockedMs <= 50,
  });
