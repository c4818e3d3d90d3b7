import { isInside } from '../settings/paths.js';

/** A file of the library as this machine sees it. */
export interface SampleFile {
  path: string;
  sizeBytes: number;
}

/** A file of this machine, and where a worker holds the same bytes under the same name. */
export interface SeenTwice {
  here: string;
  there: string;
}

/** A folder that both machines seem to see, with how many of the files that were looked for in it say so. */
export interface SuggestedPath {
  here: string;
  there: string;
  agreed: number;
  of: number;
}

/** So many files are looked for in each folder: a few that agree are no accident any more. */
const SAMPLES_PER_ROOT = 4;

/** A few files of middle size from each root, from as many folders as there are: neither trailers nor what takes long to read. */
export function pickSamples(files: Iterable<SampleFile>, roots: readonly string[]): SampleFile[] {
  const byRoot = new Map<string, SampleFile[]>(roots.map((root) => [root, []]));
  for (const file of files) {
    const root = rootOf(file.path, roots);
    if (root !== null && file.sizeBytes > 0) byRoot.get(root)?.push(file);
  }
  return [...byRoot.values()].flatMap((found) => {
    const middle = (found.length - 1) / 2;
    const fromMiddle = found
      .sort((a, b) => a.sizeBytes - b.sizeBytes)
      .map((file, at) => ({ file, off: Math.abs(at - middle) }))
      .sort((a, b) => a.off - b.off)
      .map(({ file }) => file);
    const folders = new Set<string>();
    const apart = fromMiddle.filter(({ path }) => folders.size < folders.add(parentOf(path)).size);
    return [...new Set([...apart, ...fromMiddle])].slice(0, SAMPLES_PER_ROOT);
  });
}

/**
 * What files that were seen on both sides say about folders: as much of the two paths as differs. Never more than a root of
 * the library, for nothing is known of what lies beside it; and less than a root only when two files say so, because one
 * alone may be a copy that somebody made.
 */
export function suggestPaths(
  seen: readonly SeenTwice[],
  samples: readonly SampleFile[],
  roots: readonly string[],
): SuggestedPath[] {
  const byPair = new Map<string, { here: string; there: string; files: Set<string> }>();
  for (const pair of seen) {
    const { here, there } = folderPair(pair, rootOf(pair.here, roots) ?? parentOf(pair.here));
    const known = byPair.get(`${here}\0${there}`) ?? { here, there, files: new Set() };
    known.files.add(pair.here);
    byPair.set(`${here}\0${there}`, known);
  }
  const best = new Map<string, SuggestedPath>();
  for (const { here, there, files } of byPair.values()) {
    const agreed = files.size;
    const before = best.get(here);
    const isBetter =
      !before || agreed > before.agreed || (agreed === before.agreed && there.length < before.there.length);
    if ((agreed > 1 || roots.includes(here)) && isBetter)
      best.set(here, { here, there, agreed, of: samples.filter(({ path }) => isInside(path, here)).length });
  }
  return [...best.values()].sort((a, b) => (a.here < b.here ? -1 : 1));
}

function folderPair({ here, there }: SeenTwice, root: string): SeenTwice {
  let [left, right] = [parentOf(here), parentOf(there)];
  while (left !== root && right !== '/' && nameOf(left) === nameOf(right)) {
    [left, right] = [parentOf(left), parentOf(right)];
  }
  return { here: left, there: right };
}

/** The longest root that holds a path. */
const rootOf = (path: string, roots: readonly string[]): string | null =>
  roots.filter((root) => isInside(path, root)).sort((a, b) => b.length - a.length)[0] ?? null;

export const nameOf = (path: string): string => path.slice(path.lastIndexOf('/') + 1);
const parentOf = (path: string): string => path.slice(0, Math.max(1, path.lastIndexOf('/')));
