import { z } from 'zod';
import type { LibraryItem } from '../library/library.js';

/** What the media server said about an item, before or after a swap. */
export const ServerSnapshot = z.object({
  ratingKey: z.string(),
  addedAt: z.string(),
  plays: z.int(),
  viewOffsetMs: z.int(),
  lastPlayedAt: z.string().nullable(),
  userRating: z.number().nullable(),
  labels: z.array(z.string()),
  collections: z.array(z.string()),
  sizeBytes: z.int().nullable(),
  videoCodec: z.string().nullable(),
});
export type ServerSnapshot = z.infer<typeof ServerSnapshot>;

/** The item and one of its files as the media server describes them now. `file` null: the server does not list it. */
export function snapshotOf(item: LibraryItem, file: LibraryItem['files'][number] | null): ServerSnapshot {
  return {
    ratingKey: item.ratingKey,
    addedAt: item.addedAt,
    plays: item.plays,
    viewOffsetMs: item.viewOffsetMs,
    lastPlayedAt: item.lastPlayedAt,
    userRating: item.userRating,
    labels: item.labels,
    collections: item.collections,
    sizeBytes: file?.sizeBytes ?? null,
    videoCodec: file?.video?.codec ?? null,
  };
}

/** What a swap changed that it should not have, in words for the owner; empty is what we want. */
export function differencesOf(before: ServerSnapshot, after: ServerSnapshot): string[] {
  const found: string[] = [];
  const compare = (what: string, was: string | number | null, is: string | number | null): void => {
    if (was !== is) found.push(`${what}: ${was ?? 'none'} before, ${is ?? 'none'} now`);
  };
  if (before.ratingKey !== after.ratingKey) found.push('Plex made a new entry for the file');
  // Somebody may have watched it meanwhile: only a loss is a difference.
  if (after.plays < before.plays) compare('plays', before.plays, after.plays);
  if (before.viewOffsetMs > 0 && after.viewOffsetMs === 0 && after.plays <= before.plays) {
    compare('resume position', before.viewOffsetMs, after.viewOffsetMs);
  }
  compare('added', before.addedAt, after.addedAt);
  compare('rating', before.userRating, after.userRating);
  compare('labels', [...before.labels].sort().join(', '), [...after.labels].sort().join(', '));
  compare('collections', [...before.collections].sort().join(', '), [...after.collections].sort().join(', '));
  return found;
}
