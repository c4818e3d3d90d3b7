import { createApp } from './app.js';
import { readConfig } from './config.js';
import { toAppError } from './domain/errors.js';
import { collectGarbage, keepHeapSmall } from './lib/heap.js';
import { createLog } from './lib/log.js';

/** Whoever stops us waits ten seconds at most; what has not ended by then is ended, and mended at the next start. */
const PATIENCE_MS = 9500;

try {
  const config = readConfig(process.env);
  const log = createLog(config.logLevel);
  const app = createApp(config, { log });
  let isStopping = false;
  const stop = (signal: string): void => {
    if (isStopping) return;
    isStopping = true;
    log.info({ signal }, 'Stopping');
    setTimeout(() => process.exit(1), PATIENCE_MS).unref();
    app.stop().then(
      () => process.exit(0),
      (error: unknown) => {
        log.fatal({ err: error }, 'Stopping failed');
        process.exit(1);
      },
    );
  };
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, stop);
  process.on('unhandledRejection', (error) => {
    log.error({ err: error }, 'Something failed that nobody waited for');
  });
  await app.start();
  // Not earlier: while the library is being opened everything read stays.
  keepHeapSmall();
  // The text that the library was read from.
  app.settled().then(collectGarbage, () => undefined);
} catch (error) {
  // The log may be what failed: the owner reads this line in the terminal or in the container's log.
  console.error(`MediaFlow cannot start: ${toAppError(error).message}`);
  process.exit(1);
}
