import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { AppError } from '../domain/errors.js';
import { writeDurably } from '../lib/durable.js';
import { backUp } from './backup.js';
import { rankJobs } from './job-ranks.js';

/** One step of the data folder from `number - 1` to `number`. Must be safe to run twice: a crash in the middle runs it again. */
export interface Migration {
  number: number;
  what: string;
  run: (dir: string) => Promise<void>;
}

/** Every step there has been, in order. */
const MIGRATIONS: readonly Migration[] = [
  { number: 1, what: 'jobs have a rank apart from their score, and lie in files of 128', run: rankJobs },
];

const Version = z.object({ version: z.int().nonnegative() });

/**
 * Brings the data folder up to date, after a backup. Throws `damaged` when the folder was written by a newer
 * MediaFlow: an older one would drop what it does not know.
 */
export async function migrate(dir: string, now: Date, migrations: readonly Migration[] = MIGRATIONS): Promise<void> {
  const path = join(dir, 'version.json');
  const latest = migrations.at(-1)?.number ?? 0;
  const current = await readVersion(path);
  const version = current ?? (await versionWithoutNote(dir, latest));
  if (version > latest) {
    throw new AppError(
      'damaged',
      `The data folder was written by a newer MediaFlow (data version ${version}, this one knows ${latest}). Start the newer version, or restore an older backup.`,
    );
  }
  const due = migrations.filter(({ number }) => number > version);
  if (due.length > 0) await backUp(dir, `before-version-${latest}`, now);
  for (const { number, run } of due) {
    await run(dir);
    await writeDurably(path, JSON.stringify({ version: number }));
  }
  if (current === null) await writeDurably(path, JSON.stringify({ version: latest }));
}

async function readVersion(path: string): Promise<number | null> {
  try {
    return Version.parse(JSON.parse(await readFile(path, 'utf8'))).version;
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return null;
    const message = `The file ${path} cannot be read. It should hold {"version":0} with the number of the data version; copy it from the newest backup.`;
    throw new AppError('damaged', message, { cause });
  }
}

/** An empty folder is new, anything else is from before the first step. */
async function versionWithoutNote(dir: string, latest: number): Promise<number> {
  const files = await readdir(dir).catch(() => []);
  return files.some((file) => file.endsWith('.json')) ? 0 : latest;
}
