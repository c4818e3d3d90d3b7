import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { runChild, SMALL_HEAP, SMALL_STORES } from './child.js';
import { figure, median, type Figure } from './figure.js';

const COUNT = 100_000;
const ROUNDS = 3;
/** By then everything that is read in the background was read. */
const SETTLED_MS = 8000;
const root = resolve(import.meta.dirname, '..');

/** The built program with 100,000 items, as `npm start` runs it: until it is ready, and the memory it then takes. */
export async function benchStart(): Promise<Figure[]> {
  // @ts-expect-error -- plain JavaScript that builds when it is loaded
  await import('../scripts/build.js');
  const dir = await mkdtemp(join(tmpdir(), 'bench-start-'));
  try {
    await runChild('library-child.ts', ['write', dir, String(COUNT)]);
    const started: { ms: number; memoryMb: number }[] = [];
    const parsed: { ms: number; memoryMb: number }[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      started.push(await start(dir));
      parsed.push(await runChild('library-child.ts', ['parse', dir]));
    }
    const [startMs, memoryMb] = [median(started.map(({ ms }) => ms)), median(started.map((one) => one.memoryMb))];
    return [
      figure({
        id: 'start',
        what: `start of the program with ${COUNT} items until it is ready`,
        value: startMs,
        unit: 'ms',
        yardstick: 'read and JSON.parse the same files',
        yardstickValue: median(parsed.map(({ ms }) => ms)),
        goal: '<= 2000 ms',
        holds: startMs <= 2000,
      }),
      figure({
        id: 'start-memory',
        what: 'memory of the program eight seconds later',
        value: memoryMb,
        unit: 'MB',
        yardstick: 'the parsed rows in a Map',
        yardstickValue: median(parsed.map((one) => one.memoryMb)),
        goal: '<= 350 MB',
        holds: memoryMb <= 350,
      }),
    ];
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

async function start(dir: string): Promise<{ ms: number; memoryMb: number }> {
  const began = performance.now();
  const child = spawn(process.execPath, [...SMALL_HEAP, join(root, 'dist/src/main.js')], {
    cwd: root,
    env: {
      ...SMALL_STORES,
      ...{ PATH: process.env['PATH'], NODE_ENV: 'production', HOST: '127.0.0.1', PORT: '0', MEDIAFLOW_DATA_DIR: dir },
    },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await ready(child);
  const ms = performance.now() - began;
  await new Promise((done) => setTimeout(done, SETTLED_MS));
  const memoryMb = await memoryOf(child);
  child.kill('SIGTERM');
  await once(child, 'exit');
  return { ms, memoryMb };
}

async function ready(child: ChildProcess): Promise<void> {
  if (!child.stdout) throw new Error('nothing to read from');
  for await (const line of createInterface({ input: child.stdout })) {
    if (!line.includes('MediaFlow is ready')) continue;
    // What it says later must not fill the pipe.
    child.stdout.resume();
    return;
  }
  throw new Error('the program ended before it was ready');
}

async function memoryOf({ pid }: ChildProcess): Promise<number> {
  const status = await readFile(`/proc/${String(pid)}/status`, 'utf8');
  return (Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1]) * 1024) / 1e6;
}
