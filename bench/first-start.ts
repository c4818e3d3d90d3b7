import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { nextWord, runChild, startChild } from './child.js';
import { figure, median, percentile, type Figure } from './figure.js';
import { Program } from './program.js';

const COUNT = 100_000;
const TOKEN = 'bench-token';
/** Ten times as long as it may take; whoever waits longer waits for nothing. */
const LIMIT_MS = 240_000;
/** By then what was needed for the analysis alone is given back. */
const AFTERWARDS_MS = 8000;

/** The built program meets a server with 100,000 titles for the first time: until the first analysis is stored. */
export async function benchFirstStart(): Promise<Figure[]> {
  await Program.build();
  const dir = await mkdtemp(join(tmpdir(), 'bench-first-start-'));
  const plex = startChild('plex-child.ts', [String(COUNT), TOKEN]);
  try {
    const { url } = await nextWord<{ url: string }>(plex);
    const fetchAll = async (): Promise<number> =>
      (await runChild<{ ms: number }>('sync-child.ts', ['fetch', url, TOKEN])).ms;
    const before = [await fetchAll(), await fetchAll()];
    const met = await meet(dir, url);
    return figuresOf(met, median([...before, await fetchAll()]));
  } finally {
    plex.disconnect();
    await rm(dir, { recursive: true, force: true });
  }
}

interface Met {
  ms: number;
  pages: number[];
  memoryMb: number;
}

async function meet(dir: string, plexUrl: string): Promise<Met> {
  const startedAt = Date.now();
  const program = await Program.start(dir, { MEDIAFLOW_PLEX_URL: plexUrl, MEDIAFLOW_PLEX_TOKEN: TOKEN });
  try {
    const cookie = await program.signIn();
    const { pages, endedAt } = await runChild<{ pages: number[]; endedAt: number }>('first-start-child.ts', [
      program.url,
      cookie,
      String(LIMIT_MS),
    ]);
    await new Promise((resolve) => setTimeout(resolve, AFTERWARDS_MS));
    return { ms: endedAt - startedAt, pages, memoryMb: await program.memoryMb() };
  } finally {
    await program.stop();
  }
}

function figuresOf({ ms, pages, memoryMb }: Met, fetchMs: number): Figure[] {
  const pageMs = percentile(pages, 0.95);
  return [
    figure({
      id: 'first-start',
      what: `from the start of the program until ${COUNT} titles are read and the first analysis is stored`,
      value: ms,
      unit: 'ms',
      yardstick: 'fetch and JSON.parse the same pages, one after the other',
      yardstickValue: fetchMs,
      goal: '<= 4 x',
      holds: ms / fetchMs <= 4,
    }),
    figure({
      id: 'first-start-page',
      what: 'the first page of the library meanwhile (95 of 100)',
      value: pageMs,
      unit: 'ms',
      yardstick: 'the goal',
      yardstickValue: 60,
      goal: '<= 60 ms',
      holds: pageMs <= 60,
    }),
    figure({
      id: 'first-start-memory',
      what: 'memory of the program eight seconds later',
      value: memoryMb,
      unit: 'MB',
      yardstick: 'the goal',
      yardstickValue: 350,
      goal: '<= 350 MB',
      holds: memoryMb <= 350,
    }),
  ];
}
