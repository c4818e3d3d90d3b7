import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runChild } from './child.js';
import { figure, percentile, type Figure } from './figure.js';
import { Program } from './program.js';

const COUNT = 20_000;
const CLIENTS = 200;
const SECONDS = 30;
/** Browsers of one owner at several machines; each session has its own token in every form. */
const SESSIONS = 10;
const KEY = 'key of the benchmarks for scripts';

/** Two hundred browsers on the built program with 20,000 titles and what the rules recommend for them. */
export async function benchLoad(): Promise<Figure[]> {
  await Program.build();
  const dir = await mkdtemp(join(tmpdir(), 'bench-load-'));
  try {
    await runChild('library-child.ts', ['write', dir, String(COUNT)]);
    await writeFile(join(dir, 'settings.json'), JSON.stringify({ setup: { finishedAt: new Date().toISOString() } }));
    const program = await Program.start(dir, { MEDIAFLOW_API_KEY: KEY });
    try {
      await analyze(program);
      return figuresOf(await load(program));
    } finally {
      await program.stop();
    }
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

interface Loaded {
  pages: number[];
  pings: number[];
  files: number[];
  wrong: [string, number][];
  processorMs: number;
}

async function analyze(program: Program): Promise<void> {
  const answer = await fetch(`${program.url}/api/recommendations/analyze`, {
    method: 'POST',
    headers: { 'X-Api-Key': KEY, 'Content-Type': 'application/json' },
    body: '{}',
  });
  if (!answer.ok) throw new Error(`the analysis answered ${answer.status}`);
}

async function load(program: Program): Promise<Loaded> {
  const cookies: string[] = [];
  for (let session = 0; session < SESSIONS; session++) cookies.push(await program.signIn());
  const page = await (await fetch(`${program.url}/sign-in`)).text();
  const file = /<script src="([^"]+)"/.exec(page)?.[1] ?? '';
  const start = await program.processorMs();
  const loaded = await runChild<Omit<Loaded, 'processorMs'>>('load-child.ts', [
    ...[program.url, JSON.stringify(cookies), file],
    ...[String(CLIENTS), String(SECONDS)],
  ]);
  if (loaded.wrong.length > 0) throw new Error(`not every page answered: ${JSON.stringify(loaded.wrong)}`);
  return { ...loaded, processorMs: (await program.processorMs()) - start };
}

function figuresOf({ pages, pings, files, processorMs }: Loaded): Figure[] {
  const perSec = (pages.length / SECONDS).toFixed(0);
  const each = (processorMs / pages.length).toFixed(1);
  const pageMs = percentile(pages, 0.99);
  const pingMs = Math.max(...pings);
  const yardstick = 'a file from the same server meanwhile';
  return [
    figure({
      id: 'load-page-p99',
      what: `a page for one of ${CLIENTS} browsers with ${COUNT} titles (99 of 100; ${perSec} pages a second, ${each} ms of processor time each; half of them in ${percentile(pages, 0.5).toFixed(0)} ms)`,
      value: pageMs,
      unit: 'ms',
      yardstick: `${yardstick} (99 of 100)`,
      yardstickValue: percentile(files, 0.99),
      goal: '<= 1500 ms',
      holds: pageMs <= 1500,
    }),
    figure({
      id: 'load-ping',
      what: 'the slowest of all health checks meanwhile',
      value: pingMs,
      unit: 'ms',
      yardstick: `${yardstick} (the slowest)`,
      yardstickValue: Math.max(...files),
      goal: '<= 250 ms',
      holds: pingMs <= 250,
    }),
  ];
}
