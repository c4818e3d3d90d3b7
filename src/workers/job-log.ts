import { createWriteStream } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { finished } from 'node:stream/promises';

/** What is written of a job: the commands that ran, and all that ffmpeg said. */
export interface JobLog {
  write(text: string): void;
  close(): Promise<void>;
}

/** Opens the log of a job, at whose end is written. */
export async function openJobLog(path: string): Promise<JobLog> {
  await mkdir(dirname(path), { recursive: true });
  const log = createWriteStream(path, { flags: 'a', mode: 0o640 });
  // A log that cannot be written (disk full) is no reason to lose an encode.
  log.on('error', () => undefined);
  return {
    write: (text) => void log.write(text),
    close: async () => {
      log.end();
      await finished(log).catch(() => undefined);
    },
  };
}
