// MediaFlow as a whole that takes a burst of webhooks; says how long they were answered in, and when all was worked off.
import { setTimeout as sleep } from 'node:timers/promises';
import { createApp } from '../src/app.js';
import { readConfig } from '../src/config.js';
import { keepHeapSmall } from '../src/lib/heap.js';
import { createLog } from '../src/lib/log.js';
import { answer, runChild } from './child.js';

const [dir = '', plexUrl = '', token = '', serverId = '', connections = '', keys = ''] = process.argv.slice(2);
const PATIENCE_MS = 180_000;
const SECRET = 'hook-secret-for-benchmarks';
const config = readConfig({
  PORT: '0',
  HOST: '127.0.0.1',
  MEDIAFLOW_DATA_DIR: dir,
  MEDIAFLOW_PLEX_URL: plexUrl,
  MEDIAFLOW_PLEX_TOKEN: token,
  MEDIAFLOW_WEBHOOK_SECRET: SECRET,
});
const app = createApp(config, { log: createLog('silent') });
await app.start();
keepHeapSmall();
const { store } = app.context;
await store.settings.change({ plex: { serverId } });
const url = `${app.url}/hooks/plex/${SECRET}`;
const taken = await runChild<{ each: number[]; bare: number[] }>('webhook-senders-child.ts', [
  url,
  serverId,
  connections,
  keys,
]);
const answeredMs = performance.now();
const count = keys.split(',').length;
const isOver = (): boolean => store.pending.size === 0 && store.library.size >= count;
while (!isOver() && performance.now() - answeredMs < PATIENCE_MS) await sleep(100);
const afterMs = performance.now() - answeredMs;
const lost = keys.split(',').filter((key) => !store.library.has(`${serverId.slice(0, 8)}-${key}`)).length;
const pending = store.pending.size;
await app.stop();
answer({ ...taken, afterMs, lost, pending });
