import { readdir } from 'node:fs/promises';
import { join } from 'node:path';

/** Which file a row lies in. */
export type Layout<T> =
  /** Everything in one file. */
  | { kind: 'single'; file: string }
  /** The row says which: `<dir>/<prefix><name>.json`. For history by month. */
  | { kind: 'named'; dir: string; prefix: string; nameOf: (row: T) => string }
  /** Files of up to `ROWS_PER_SHARD` rows, filled one after the other: `<dir>/<group>/<n>.json`. */
  | { kind: 'filled'; dir: string; groupOf: (row: T) => string };

/**
 * Measured with 100,000 rows of 1 kB: one change writes one such file (130 kB, 3 ms), and 800 files open
 * as quickly as 200. Files of 512 rows made every change three times as dear.
 */
export const ROWS_PER_SHARD = 128;

/** The files of a collection that are there, relative to the data folder; a single file whether or not it is. */
export async function filesOf<T>(layout: Layout<T>, dir: string): Promise<string[]> {
  if (layout.kind === 'single') return [layout.file];
  const names = await listJson(join(dir, layout.dir));
  if (layout.kind === 'named')
    return names.filter((name) => name.startsWith(layout.prefix)).map((name) => join(layout.dir, name));
  const files = names.filter(isNumbered).map((name) => join(layout.dir, name));
  for (const folder of await foldersIn(join(dir, layout.dir))) {
    const inside = await listJson(join(dir, layout.dir, folder));
    files.push(...inside.filter(isNumbered).map((name) => join(layout.dir, folder, name)));
  }
  return files;
}

const isNumbered = (name: string): boolean => /^\d+\.json$/.test(name);

async function foldersIn(dir: string): Promise<string[]> {
  const entries = await orNothing(readdir(dir, { withFileTypes: true }));
  return entries.filter((entry) => entry.isDirectory()).map(({ name }) => name);
}

async function listJson(dir: string): Promise<string[]> {
  const names = await orNothing(readdir(dir));
  return names.filter((name) => name.endsWith('.json') && !name.includes('.damaged-'));
}

async function orNothing<T>(listing: Promise<T[]>): Promise<T[]> {
  try {
    return await listing;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}
