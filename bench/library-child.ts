// One part of the library benchmark in a process of its own: `write`, `open` or `parse`, and the data folder.
import { open, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createLog } from '../src/lib/log.js';
import { openStore } from '../src/store/store.js';
import { answer, collectGarbage } from './child.js';
import { median, timed } from './figure.js';
import { manyItems } from './items.js';
import { watchLoop } from './watch-loop.js';

const PAGE = 200;
const CHANGES = 60;

const [part = '', dir = '', count = '0'] = process.argv.slice(2);
const openAt = () => openStore({ dir, log: createLog('silent'), now: () => new Date() });

const PARTS: Record<string, () => Promise<object>> = {
  async write() {
    const store = await openAt();
    const items = manyItems(Number(count));
    const watch = await watchLoop();
    const ms = await timed(async () => {
      for (let start = 0; start < items.length; start += PAGE)
        await store.library.putMany(items.slice(start, start + PAGE));
      await store.close();
    });
    return { ms, blockedMs: watch.stop() };
  },
  async open() {
    const watch = await watchLoop();
    const { ms, store } = await openTimed();
    const blockedMs = watch.stop();
    await collectGarbage();
    const memoryMb = process.memoryUsage.rss() / 1e6;
    const changes: number[] = [];
    const bare: number[] = [];
    for (let n = 0; n < CHANGES; n++) {
      const id = `01234567-${(n * 991) % Number(count)}`;
      changes.push(await timed(() => store.library.patch(id, { plays: n + 10 })));
      bare.push(await timed(() => writeAndSync(join(dir, 'yardstick.tmp'))));
    }
    await store.close();
    return { ms, blockedMs, memoryMb, changeMs: median(changes), bareMs: median(bare) };
  },
  async parse() {
    const rows = new Map<string, object>();
    const ms = await timed(async () => {
      for (const file of await readdir(join(dir, 'library'), { recursive: true })) {
        if (!file.endsWith('.json')) continue;
        const data = JSON.parse(await readFile(join(dir, 'library', file), 'utf8')) as { rows: { id: string }[] };
        for (const row of data.rows) rows.set(row.id, row);
      }
    });
    await collectGarbage();
    return { ms, memoryMb: process.memoryUsage.rss() / 1e6, rows: rows.size };
  },
};

async function openTimed(): Promise<{ ms: number; store: Awaited<ReturnType<typeof openAt>> }> {
  const start = performance.now();
  const store = await openAt();
  return { ms: performance.now() - start, store };
}

async function writeAndSync(path: string): Promise<void> {
  const file = await open(path, 'w');
  await file.writeFile(Buffer.alloc(4096));
  await file.sync();
  await file.close();
}

answer((await PARTS[part]?.()) ?? {});
