import { readdir, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { stat as statAnywhere } from './disks.js';
import { withoutEnd } from '../lib/without-end.js';

/** A file that is known to lie somewhere below a folder. */
export interface SampleFile {
  /** Relative to the folder, with `/`. */
  path: string;
  sizeBytes: number;
}

/** Where no media lie, and where looking would take long or wake devices. */
const NOT_THERE = new Set(
  ['proc', 'sys', 'dev', 'run', 'etc', 'usr', 'bin', 'sbin', 'lib', 'lib64', 'boot', 'var', 'lost+found'].map(
    (name) => `/${name}`,
  ),
);
const MOST_FOLDERS = 20_000;
const DEEPEST = 6;
/** A disk that sleeps needs some seconds to answer at all. */
const LONGEST_MS = 8000;

/**
 * The folder of this machine that holds these files with these sizes: the one that holds most of them, the highest first.
 * Looks below `roots` until all are found, or for eight seconds. Null when none is found anywhere.
 */
async function findFolder(
  samples: readonly SampleFile[],
  roots: readonly string[] = ['/'],
): Promise<{ folder: string; matched: number } | null> {
  if (samples.length === 0) return null;
  const endsAt = performance.now() + LONGEST_MS;
  let best: { folder: string; matched: number } | null = null;
  let level = [...roots];
  let looked = 0;
  for (let depth = 0; depth <= DEEPEST && level.length > 0; depth++) {
    const next: string[] = [];
    for (const folder of level) {
      if (++looked > MOST_FOLDERS || performance.now() > endsAt) return best;
      const matched = await countMatches(folder, samples);
      if (matched > (best?.matched ?? 0)) best = { folder, matched };
      if (matched === samples.length) return best;
      next.push(...(await foldersIn(folder)));
    }
    level = next;
  }
  return best;
}

/**
 * Where files that a server lists below its folder `from` lie on this machine: the highest pair of folders that says so.
 * Null when they are found nowhere.
 */
export async function findLocalFolder(
  from: string,
  files: readonly SampleFile[],
  roots?: readonly string[],
): Promise<{ from: string; to: string } | null> {
  const samples = files.map(({ path, sizeBytes }) => ({ path: tailBelow(path, from), sizeBytes }));
  const found = await findFolder(samples, roots);
  return found && commonParents(from, found.folder);
}

/** A server on Windows writes its paths with backslashes. */
const tailBelow = (path: string, folder: string): string =>
  path.slice(withoutEnd(folder, '\\/').length + 1).replaceAll('\\', '/');

/** How many of the files lie below the folder with their sizes. */
export async function countMatches(folder: string, samples: readonly SampleFile[]): Promise<number> {
  const found = await Promise.all(samples.map(({ path, sizeBytes }) => hasSize(join(folder, path), sizeBytes)));
  return found.filter(Boolean).length;
}

/**
 * The highest pair of folders that still mean the same: with `/share/Media/Films` and `/data/media/Films` that is
 * `/share/Media` and `/data/media`. Stays on one disk, so that what is kept beside the media stays there too.
 */
async function commonParents(from: string, to: string): Promise<{ from: string; to: string }> {
  let pair = { from, to };
  while (basename(pair.from) === basename(pair.to)) {
    const above = { from: dirname(pair.from), to: dirname(pair.to) };
    if (above.from === '/' || above.to === '/' || above.from === '.' || above.from === above.to) break;
    if ((await deviceOf(above.to)) !== (await deviceOf(pair.to))) break;
    pair = above;
  }
  return pair;
}

async function hasSize(path: string, sizeBytes: number): Promise<boolean> {
  try {
    return (await statAnywhere(path)).sizeBytes === sizeBytes;
  } catch {
    return false;
  }
}

async function deviceOf(path: string): Promise<number | null> {
  try {
    return (await stat(path)).dev;
  } catch {
    return null;
  }
}

/** Hidden folders and links are not followed: media are not in the former, and the latter may go in circles. */
async function foldersIn(folder: string): Promise<string[]> {
  try {
    const entries = await readdir(folder, { withFileTypes: true });
    return entries
      .filter((entry) => entry.isDirectory() && !entry.name.startsWith('.'))
      .map(({ name }) => join(folder, name))
      .filter((path) => !NOT_THERE.has(path));
  } catch {
    return [];
  }
}
