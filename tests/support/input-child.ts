import { createApp } from '../../src/app.js';
import { readConfig } from '../../src/config.js';
import { createLog } from '../../src/lib/log.js';
import { HeldLoop } from './held-loop.js';

/** MediaFlow in a process of its own that tells how long its event loop was held, and what it keeps in memory. */
const config = readConfig(process.env);
const logged: string[] = [];
const log = createLog('error', { write: (line: string) => void logged.splice(100, Infinity, line) });
const app = createApp(config, { log });
await app.start();
await app.settled();
const loop = new HeldLoop();
process.on('message', (isWithMemory: boolean) => {
  const { maxMs } = loop;
  if (isWithMemory) for (const collect of [globalThis.gc, globalThis.gc]) collect?.();
  const { heapUsed, rss } = process.memoryUsage();
  process.send?.({ maxMs, heapBytes: heapUsed, rssBytes: rss, logged: logged.splice(0) });
  // What was asked for here is not to be measured.
  loop.reset();
});
process.on('disconnect', () => process.exit(0));
process.send?.({ url: app.url });
