import { mkdtemp, open, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { createLog } from '../src/lib/log.js';
import { openStore } from '../src/store/store.js';
import { figure, median, timed, type Figure } from './figure.js';
import { manyItems } from './items.js';

const COUNT = 100_000;
const CHANGES = 40;

/** The store with 100,000 library items: opening, memory, one changed item, a whole library written. */
export async function benchLibrary(): Promise<Figure[]> {
  const dir = await mkdtemp(join(tmpdir(), 'bench-library-'));
  try {
    const written = await writeAll(dir);
    return [written, ...(await openAndChange(dir))];
  } finally {
    await rm(dir, { recursive: true });
  }
}

const openAt = (dir: string) => openStore({ dir, log: createLog('silent'), now: () => new Date() });

async function writeAll(dir: string): Promise<Figure> {
  const store = await openAt(dir);
  const items = manyItems(COUNT);
  const delay = monitorEventLoopDelay({ resolution: 5 });
  // The first samples belong to making the items above.
  await new Promise((resolve) => setTimeout(resolve, 50));
  delay.enable();
  for (let start = 0; start < items.length; start += 200) await store.library.putMany(items.slice(start, start + 200));
  await store.close();
  delay.disable();
  const blocked = delay.max / 1e6;
  return figure({
    id: 'library-write-blocked',
    what: `longest block of the event loop while ${COUNT} items are stored in pages of 200`,
    value: blocked,
    unit: 'ms',
    yardstick: 'JSON.stringify of all items at once',
    yardstickValue: await timed(() => JSON.stringify(items)),
    goal: '<= 50 ms',
    holds: blocked <= 50,
  });
}

async function openAndChange(dir: string): Promise<Figure[]> {
  globalThis.gc?.();
  const before = process.memoryUsage().rss;
  let store: Awaited<ReturnType<typeof openAt>> | undefined;
  const openMs = await timed(async () => {
    store = await openAt(dir);
  });
  if (!store) throw new Error('the store did not open');
  globalThis.gc?.();
  const memoryMb = process.memoryUsage().rss / 1e6;
  const parseMs = await timed(() => parseAll(join(dir, 'library')));
  const changes: number[] = [];
  const bare: number[] = [];
  for (let n = 0; n < CHANGES; n++) {
    const library = store.library;
    changes.push(await timed(() => library.patch(`01234567-${n * 991}`, { plays: n + 10 })));
    bare.push(await timed(() => writeAndSync(join(dir, 'yardstick.tmp'))));
  }
  await store.close();
  const changeMs = median(changes);
  return [
    figure({
      id: 'library-open',
      what: `open a store of ${COUNT} items`,
      value: openMs,
      unit: 'ms',
      yardstick: 'read and JSON.parse the same files',
      yardstickValue: parseMs,
      goal: '<= 2000 ms',
      holds: openMs <= 2000,
    }),
    figure({
      id: 'library-memory',
      what: 'memory of the process with the store open',
      value: memoryMb,
      unit: 'MB',
      yardstick: 'before opening (items of the writing pass included)',
      yardstickValue: before / 1e6,
      goal: '<= 350 MB',
      holds: memoryMb <= 350,
    }),
    figure({
      id: 'library-change',
      what: 'one changed item durable (median)',
      value: changeMs,
      unit: 'ms',
      yardstick: 'write and fsync 4 kB',
      yardstickValue: median(bare),
      goal: '<= 10 ms',
      holds: changeMs <= 10,
    }),
  ];
}

async function parseAll(dir: string): Promise<void> {
  for (const file of await readdir(dir, { recursive: true })) {
    if (file.endsWith('.json')) JSON.parse(await readFile(join(dir, file), 'utf8'));
  }
}

async function writeAndSync(path: string): Promise<void> {
  const file = await open(path, 'w');
  await file.writeFile(Buffer.alloc(4096));
  await file.sync();
  await file.close();
}
