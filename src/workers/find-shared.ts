import { nameOf, type SampleFile, type SeenTwice } from '../domain/workers/shared-folders.js';
import { AppError } from '../domain/errors.js';
import type { SharedSearch } from '../domain/jobs/executor.js';
import type { ReconnectingSsh } from '../ssh/reconnecting.js';
import { FIND } from '../ssh/search-scripts.js';
import { sampleOf, sampleThere } from './sample.js';

/** How long and how deep the machine is searched. */
const SEARCH_SEC = 60;
const DEPTH = 9;
/** Films of one name and size that are looked into. */
const MOST_CANDIDATES = 8;

/** Looks for files of this machine on a worker: by name and size first, and then by what is in them. */
export async function findShared(
  line: ReconnectingSsh,
  samples: readonly SampleFile[],
  signal: AbortSignal,
): Promise<SharedSearch> {
  if (samples.length === 0) return { seen: [], lookAlikes: 0, isComplete: true };
  const args = [String(SEARCH_SEC), String(DEPTH), ...conditions(samples)];
  const ran = await line.persist(
    (connection) => connection.run(FIND, args, { signal, timeoutMs: 2 * SEARCH_SEC * 1000 }),
    signal,
  );
  if (!ran.ok) {
    const why = ran.stderr.trim().slice(0, 300) || 'it does not say why';
    throw new AppError('worker_unavailable', `${line.address.host} cannot be searched: ${why}.`);
  }
  const said = ran.stdout.split('\0').slice(0, -1);
  const found = [...new Set(said.filter((path) => path.startsWith('/')))];
  const seen: SeenTwice[] = [];
  let lookAlikes = 0;
  for (const { path } of samples) {
    const candidates = found.filter((there) => nameOf(there) === nameOf(path));
    // The more of the path is the same, the likelier it is the same file.
    candidates.sort((a, b) => sameEnd(b, path) - sameEnd(a, path));
    const here = candidates.length > 0 ? await sampleOf(path) : '';
    for (const there of candidates.slice(0, MOST_CANDIDATES)) {
      if ((await sampleThere(line, there, signal)) === here) seen.push({ here: path, there });
      else lookAlikes++;
    }
  }
  return { seen, lookAlikes, isComplete: !said.includes('late') };
}

/** For `find`: any of the files, by its name and size. */
const conditions = (samples: readonly SampleFile[]): string[] => [
  '(',
  ...samples.flatMap(({ path, sizeBytes }, at) => [
    ...(at > 0 ? ['-o'] : []),
    ...['-name', literally(nameOf(path)), '-size', `${sizeBytes}c`],
  ]),
  ')',
];

/** A name as a pattern that nothing but it matches. */
const literally = (name: string): string => name.replace(/[\\*?[\]]/g, '\\$&');

function sameEnd(a: string, b: string): number {
  let length = 0;
  while (length < a.length && a.at(-1 - length) === b.at(-1 - length)) length++;
  return length;
}
