import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { AppError } from '../domain/errors.js';
import { writeDurably } from '../lib/durable.js';
import { backUp } from './backup.js';

/** One step of the data folder from `number - 1` to `number`. Must be safe to run twice: a crash in the middle runs it again. */
export interface Migration {
  number: number;
  what: string;
  run: (dir: string) => Promise<void>;
}

/** Every step there has been, in order. The first release has none. */
export const MIGRATIONS: readonly Migration[] = [];

const Version = z.object({ version: z.int().nonnegative() });

/**
 * Brings the data folder up to date, after a backup. Throws `damaged` when the folder was written by a newer
 * MediaFlow: an older one would drop what it does not know.
 */
export async function migrate(dir: string, now: Date, migrations: readonly Migration[] = MIGRATIONS): Promise<void> {
  const path = join(dir, 'version.json');
  const latest = migrations.at(-1)?.number ?? 0;
  const current = await readVersion(path, dir, latest);
  if (current > latest) {
    throw new AppError(
      'damaged',
      `The data folder was written by a newer MediaFlow (data version ${current}, this one knows ${latest}). Start the newer version, or restore an older backup.`,
    );
  }
  const due = migrations.filter(({ number }) => number > current);
  if (due.length > 0) await backUp(dir, `before-version-${latest}`, now);
  for (const { number, run } of due) {
    await run(dir);
    await writeDurably(path, JSON.stringify({ version: number }));
  }
  if (due.length === 0) await writeDurably(path, JSON.stringify({ version: latest }));
}

async function readVersion(path: string, dir: string, latest: number): Promise<number> {
  const text = await readFile(path, 'utf8').catch(() => null);
  if (text !== null) return Version.parse(JSON.parse(text)).version;
  // Without the note: an empty folder is new, anything else is from before the first step.
  const files = await readdir(dir).catch(() => []);
  return files.some((file) => file.endsWith('.json')) ? 0 : latest;
}
