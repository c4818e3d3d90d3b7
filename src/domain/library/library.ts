import { z } from 'zod';
import { MediaFile } from './media.js';

/** A library of the media server. */
export const Section = z.object({
  /** See `sectionId`. */
  id: z.string(),
  serverId: z.string(),
  title: z.string(),
  type: z.enum(['movie', 'show']),
  /** Folders as the media server sees them. */
  locations: z.array(z.string()),
  /** Whether MediaFlow looks at it. */
  enabled: z.boolean(),
  /** The server no longer lists it, or its folder is gone: nothing in it is touched until it is back. */
  frozen: z.string().nullable(),
  itemCount: z.int().nonnegative(),
  /** ISO time of the last sync that succeeded. */
  syncedAt: z.string().nullable(),
});
export type Section = z.infer<typeof Section>;

/** A film or an episode. */
export const LibraryItem = z.object({
  /** `<first 8 of the server id>-<rating key>` */
  id: z.string(),
  serverId: z.string(),
  sectionId: z.string(),
  ratingKey: z.string(),
  guid: z.string(),
  type: z.enum(['movie', 'episode']),
  title: z.string(),
  year: z.int().nullable(),
  show: z.string().nullable(),
  season: z.int().nullable(),
  episode: z.int().nullable(),
  edition: z.string().nullable(),
  /** Path of the poster on the media server. */
  thumb: z.string().nullable(),
  addedAt: z.string(),
  /** When the media server last changed it; ISO time. */
  updatedAt: z.string().nullable(),
  plays: z.int().nonnegative(),
  viewOffsetMs: z.int().nonnegative(),
  lastPlayedAt: z.string().nullable(),
  userRating: z.number().nullable(),
  labels: z.array(z.string()),
  collections: z.array(z.string()),
  tags: z.array(z.string()),
  files: z.array(MediaFile),
  /** `missing`: a full sync did not find it. Kept until a second full sync misses it as well. */
  state: z.enum(['present', 'missing']),
});
export type LibraryItem = z.infer<typeof LibraryItem>;

export const itemId = (serverId: string, ratingKey: string): string => `${serverId.slice(0, 8)}-${ratingKey}`;

/**
 * The id of a library of the media server. Servers number their libraries alike, so those of any but the first carry the
 * server's id in front: `<first 8 of the server id>-<the server's own key>`.
 */
export const sectionId = (server: { id: string; isFirst: boolean }, key: string): string =>
  server.isFirst ? key : `${server.id.slice(0, 8)}-${key}`;

/** What people call it: `Alien (1979)`, `The Wire · S01E03 The Buys`. */
export function displayTitle(item: Pick<LibraryItem, 'title' | 'year' | 'show' | 'season' | 'episode'>): string {
  if (item.show === null) return item.year === null ? item.title : `${item.title} (${item.year})`;
  const pad = (n: number | null): string => String(n ?? 0).padStart(2, '0');
  return `${item.show} · S${pad(item.season)}E${pad(item.episode)} ${item.title}`;
}
