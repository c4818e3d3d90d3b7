import { monitorEventLoopDelay } from 'node:perf_hooks';
import { createApp } from '../../src/app.js';
import { readConfig } from '../../src/config.js';
import { createLog } from '../../src/lib/log.js';

/** MediaFlow in a process of its own that tells how long its event loop was held, and what it keeps in memory. */
const config = readConfig(process.env);
const logged: string[] = [];
const log = createLog('error', { write: (line: string) => void logged.splice(100, Infinity, line) });
const app = createApp(config, { log });
await app.start();
await app.settled();
const delay = monitorEventLoopDelay({ resolution: 5 });
delay.enable();
process.on('message', () => {
  const maxMs = delay.max / 1e6;
  // What was asked for is not to be measured.
  delay.disable();
  globalThis.gc?.();
  globalThis.gc?.();
  const { heapUsed, rss } = process.memoryUsage();
  process.send?.({ maxMs, heapBytes: heapUsed, rssBytes: rss, logged: logged.splice(0) });
  delay.reset();
  delay.enable();
});
process.on('disconnect', () => process.exit(0));
process.send?.({ url: app.url });
