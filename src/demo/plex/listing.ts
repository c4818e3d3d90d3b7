import { posix } from 'node:path';
import type { SimulatedItem } from './model.js';

export interface Page<T> {
  items: T[];
  /** Null when the answer is not paged: then Plex does not count either. */
  paging: { offset: number; totalSize: number } | null;
}

/** Cuts a page out of a list. Plex wants start and size; a size alone it ignores. */
export function cutPage<T>(
  items: T[],
  query: URLSearchParams,
  headers: Record<string, string | string[] | undefined>,
): Page<T> {
  const read = (name: string): number | null => {
    const value = query.get(name) ?? headers[name.toLowerCase()];
    return typeof value === 'string' && /^\d+$/.test(value) ? Number(value) : null;
  };
  const start = read('X-Plex-Container-Start');
  const size = read('X-Plex-Container-Size');
  if (start === null || size === null) return { items, paging: null };
  return { items: items.slice(start, start + size), paging: { offset: start, totalSize: items.length } };
}

/** Applies the filters Plex knows; the ones it does not know it ignores without a word. */
export function filterItems(items: SimulatedItem[], query: URLSearchParams): SimulatedItem[] {
  let kept = items;
  for (const [key, value] of query) {
    const match = /^(?:episode\.)?(addedAt|updatedAt)(>>|<<)$/.exec(key);
    if (match !== null) {
      const field = match[1] as 'addedAt' | 'updatedAt';
      const bound = Number(value);
      const isAfter = match[2] === '>>';
      kept = kept.filter((item) => (isAfter ? item[field] >= bound : item[field] <= bound));
    } else if (key === 'file') {
      kept = kept.filter(({ files }) => files.some(({ serverPath }) => posix.basename(serverPath) === value));
    } else if (key === 'id') {
      const ids = new Set(value.split(','));
      kept = kept.filter(({ ratingKey }) => ids.has(ratingKey));
    }
  }
  return kept;
}

/** Sorts a list that is in the order of ids; by title when nothing else is asked for. */
export function sortItems(items: SimulatedItem[], sort: string): SimulatedItem[] {
  const [, field, descending] = /^(?:episode\.)?(\w+)(:desc)?/.exec(sort) ?? [];
  if (field === 'id') return descending === undefined ? items : items.toReversed();
  const sign = descending === undefined ? 1 : -1;
  if (field === 'addedAt' || field === 'updatedAt') return items.toSorted((a, b) => sign * (a[field] - b[field]));
  return items.toSorted((a, b) => sign * (a.title < b.title ? -1 : a.title > b.title ? 1 : 0));
}
