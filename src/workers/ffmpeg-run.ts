import { giveWay } from '../ffmpeg/program.js';
import { commandOf } from './fluent.js';

export interface RunOptions {
  /** Absolute path. */
  ffmpeg: string;
  /** Everything after the program's name: one input, the output last. */
  args: readonly string[];
  /** 0 to 19; higher is more polite. */
  niceness: number;
  /** How long it may take to end by itself when stopped, before it is killed. Milliseconds. */
  graceMs: number;
  signal: AbortSignal;
  /** Called with every line of stderr. */
  onLine: (line: string) => void;
}

/**
 * Runs ffmpeg once. Resolves when it has ended well; rejects with its error, or with the signal's reason. Either way the
 * process is gone by then.
 */
export async function runFfmpeg(options: RunOptions): Promise<void> {
  const { signal } = options;
  signal.throwIfAborted();
  const command = commandOf(options.ffmpeg, options.args);
  let killTimer: NodeJS.Timeout | undefined;
  const stop = (): void => {
    command.kill('SIGTERM');
    killTimer = setTimeout(() => command.kill('SIGKILL'), options.graceMs);
  };
  signal.addEventListener('abort', stop, { once: true });
  try {
    await new Promise<void>((resolve, reject) => {
      command
        .on('start', () => {
          giveWay(pidOf(command), options.niceness);
          // A kill before the process exists is lost.
          if (signal.aborted) stop();
        })
        .on('stderr', options.onLine)
        .on('end', () => {
          resolve();
        })
        .on('error', reject)
        .run();
    });
  } catch (error) {
    signal.throwIfAborted();
    throw error;
  } finally {
    clearTimeout(killTimer);
    signal.removeEventListener('abort', stop);
  }
  // It may have ended well in the moment it was stopped; then it was cut short as well.
  signal.throwIfAborted();
}

const pidOf = (command: object): number | undefined => (command as { ffmpegProc?: { pid?: number } }).ffmpegProc?.pid;
