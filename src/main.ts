import { createApp } from './app.js';
import { readConfig } from './config.js';
import { toAppError } from './domain/errors.js';
import { collectGarbage, collectGarbageSoon, keepHeapSmall } from './lib/heap.js';
import { createLog } from './lib/log.js';
import { endInOrder } from './lib/process-end.js';

/** Whoever stops us waits ten seconds at most; what has not ended by then is ended, and mended at the next start. */
const STOP_LIMIT_MS = 9500;

/** Titles; for fewer it would cost more than it gives back. */
const LARGE_LIBRARY = 1000;

let isEnding = (): boolean => false;
try {
  const config = readConfig(process.env);
  const log = createLog(config.logLevel);
  const app = createApp(config, { log });
  ({ isEnding } = endInOrder({ stop: () => app.stop(), log, limitMs: STOP_LIMIT_MS }));
  await app.start();
  // Not earlier: while the library is being opened everything read stays.
  keepHeapSmall();
  // The text that the library was read from, when it is much.
  app.settled().then(
    () => {
      if (app.context.store.library.size >= LARGE_LIBRARY) collectGarbage();
    },
    () => undefined,
  );
  app.context.bus.on('analysis.completed', ({ mode }) => {
    if (mode !== 'items') collectGarbageSoon();
  });
} catch (error) {
  if (!isEnding()) {
    // The log may be what failed: the owner reads this line in the terminal or in the container's log.
    console.error(`MediaFlow cannot start: ${toAppError(error).message}`);
    process.exit(1);
  }
}
