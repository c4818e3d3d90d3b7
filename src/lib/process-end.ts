import type { Log } from './log.js';

export interface Ending {
  /** Lets go of everything. What it holds open may be cut off after `limitMs`. */
  stop: () => Promise<void>;
  log: Log;
  limitMs: number;
}

/**
 * Ends the program in order, whatever asks for it: a signal, the closed terminal, the end of the process that started it and
 * holds a channel to it, or an error nobody caught (exit code 1).
 */
export function endInOrder({ stop, log, limitMs }: Ending): { isEnding: () => boolean; end: (code: number) => void } {
  let exitCode = 0;
  let isEnding = false;
  const end = (code: number): void => {
    exitCode = Math.max(exitCode, code);
    if (isEnding) return;
    isEnding = true;
    setTimeout(() => process.exit(1), limitMs).unref();
    stop().then(
      () => process.exit(exitCode),
      (error: unknown) => {
        log.fatal({ err: error }, 'Stopping failed');
        process.exit(1);
      },
    );
  };
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) {
    process.on(signal, () => {
      if (!isEnding) log.info({ signal }, 'Stopping');
      end(0);
    });
  }
  if (process.connected) {
    process.once('disconnect', () => {
      log.info('Stopping: the process that started this one has ended');
      end(0);
    });
  }
  process.on('uncaughtException', (error) => {
    log.fatal({ err: error }, 'An unexpected error ends the program; what was being written is finished first');
    end(1);
  });
  process.on('unhandledRejection', (error) => {
    log.error({ err: error }, 'Something failed that nobody waited for');
  });
  // A terminal or a pipe that is gone takes the words with it, not the program.
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined);
  return { isEnding: () => isEnding, end };
}
