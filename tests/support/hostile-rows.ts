import type { Store } from '../../src/store/store.js';

/** Breaks out of an attribute in either quotes, of a tag and of an expression, if anything lets it. */
export const PROBE = `"'><xss-probe on=1>{{7*7}}<!--`;

/** Texts that come from Plex, from names of files, from other machines, from tools and from the owner. */
const TEXTS = new Set([
  'title', 'show', 'edition', 'name', 'reason', 'note', 'message', 'detail', 'error', 'why', 'model', 'driver', 'os', 'cpu', 'language', 'profile', 'path',
  'localPath', 'sourcePath', 'serverPath', 'targetPath', 'outputPath', 'originalPath', 'storedPath', 'replacementPath', 'host', 'username', 'frozen', 'ffmpegVersion',
  'disabledReason', 'whyWorker', 'lastError', 'lastEvent', 'object', 'serverName', 'text', 'before', 'after', 'query',
]); // prettier-ignore
const LISTS = new Set(['labels', 'collections', 'planNotes', 'locations', 'commands']);

function poisoned(value: unknown, key: string): unknown {
  if (typeof value === 'string') return TEXTS.has(key) || LISTS.has(key) ? value + PROBE : value;
  if (Array.isArray(value)) return value.map((part) => poisoned(part, key));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, part]) => [name, poisoned(part, name)]));
}

interface Rows {
  values: () => Iterable<{ id: string }>;
  put: (row: { id: string }) => Promise<unknown>;
}

/** Puts the probe into every text of every row. What a schema does not take stays as it is; answers how many rows hold it. */
export async function poison(store: Store): Promise<number> {
  let count = 0;
  const books = Object.values(store).filter(
    (part) => typeof part === 'object' && 'put' in part && 'values' in part,
  ) as unknown as Rows[];
  for (const repository of books)
    for (const row of [...repository.values()]) {
      const hostile = poisoned(row, '') as { id: string };
      if (JSON.stringify(hostile) === JSON.stringify(row)) continue;
      await repository.put(hostile).then(
        () => count++,
        () => undefined,
      );
    }
  return count;
}
