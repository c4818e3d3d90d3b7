import { z } from 'zod';

/** A title that somebody took out of the collection in Plex. It stays out until the owner says otherwise. */
export const TakenOut = z.object({ ratingKey: z.string(), title: z.string() });
export type TakenOut = z.infer<typeof TakenOut>;

/**
 * `new`: not made in Plex yet. `there`: made, and found at the last look. `taken`: somebody else has a collection of this
 * name. `deleted`: somebody deleted it in Plex. `off`: the owner wants none in this library.
 */
export const PlaceState = z.enum(['new', 'there', 'taken', 'deleted', 'off']);
export type PlaceState = z.infer<typeof PlaceState>;

/** What bringing a collection in step came to. */
export const PlaceSync = z.object({
  /** ISO time. */
  at: z.string(),
  added: z.int().nonnegative(),
  removed: z.int().nonnegative(),
  /** Why something was left as it is; null when the collection is in step. */
  note: z.string().nullable(),
  /** What went wrong; null when nothing did. */
  error: z.string().nullable(),
});
export type PlaceSync = z.infer<typeof PlaceSync>;

/** The collection in one library: Plex keeps each within the library it was made in. Ids of titles are rating keys. */
export const CollectionPlace = z.object({
  serverId: z.string(),
  sectionId: z.string(),
  state: PlaceState,
  /** The collection's own rating key, which is not the id of its tag. Kept while it is `deleted`, in case it comes back. */
  ratingKey: z.string().nullable(),
  /** What it is called in Plex, which may be another name by now. Empty until it is made. */
  title: z.string(),
  /** It was in Plex before, and the owner said to use it. */
  adopted: z.boolean(),
  /** How many titles it held at the last look. */
  held: z.int().nonnegative(),
  /** What MediaFlow put in, as far as it was there at the last look. Nothing else is ever taken out. */
  ours: z.array(z.string()),
  /** What was being put in and taken out when Plex was last told; the next look shows what of it came about. */
  adding: z.array(z.string()),
  removing: z.array(z.string()),
  takenOut: z.array(TakenOut),
  lastSync: PlaceSync.nullable(),
});
export type CollectionPlace = z.infer<typeof CollectionPlace>;

export const CollectionName = z
  .string()
  .trim()
  .min(1, 'Give the collection a name')
  .max(80, 'A name has at most 80 letters');

/** Titles that match a filter, kept together in Plex under a name. */
export const LibraryCollection = z.object({
  id: z.string(),
  /** What it is called when it is made. A new name changes nothing in Plex. */
  name: z.string(),
  /** The saved filter it follows, or null when the filter is its own. */
  filterId: z.string().nullable(),
  /** Its own filter, as in the address of the library. Empty with a saved one. */
  query: z.string(),
  /** Whether it follows the library by itself, after each sync. */
  keepInStep: z.boolean(),
  places: z.array(CollectionPlace),
  createdAt: z.string(),
  /** Why the filter cannot be used; null when it can. */
  error: z.string().nullable(),
});
export type LibraryCollection = z.infer<typeof LibraryCollection>;

/** What a collection follows, whether it is stored or only thought of. */
export type CollectionPlan = Pick<LibraryCollection, 'name' | 'filterId' | 'query' | 'places'>;

/** What bringing a collection in step would do in one library. */
export const PlacePreview = z.object({
  sectionId: z.string(),
  /** What the library is called. */
  section: z.string(),
  type: z.enum(['movie', 'show']),
  state: PlaceState,
  /** Films or series that match. */
  matches: z.int(),
  /** What it holds in Plex now, and how many of that people put in. */
  held: z.int(),
  byHand: z.int(),
  added: z.int(),
  removed: z.int(),
  /** Titles that match, but were taken out in Plex. */
  keptOut: z.int(),
  /** The first few titles of each. */
  samples: z.object({ added: z.array(z.string()), removed: z.array(z.string()) }),
  /** Why something would be left as it is. */
  note: z.string().nullable(),
  /** Why Plex could not be asked. */
  error: z.string().nullable(),
});
export type PlacePreview = z.infer<typeof PlacePreview>;

/** A library in which the collection is not made yet. */
export const newPlace = (serverId: string, sectionId: string): CollectionPlace => ({
  serverId,
  sectionId,
  state: 'new',
  ratingKey: null,
  title: '',
  adopted: false,
  held: 0,
  ours: [],
  adding: [],
  removing: [],
  takenOut: [],
  lastSync: null,
});

/** What a collection would become. */
export interface CollectionChange {
  /** In it, and put in by us. */
  ours: string[];
  /** Ours, but gone without our doing: somebody took it out in Plex, or Plex no longer has the title. */
  missed: string[];
  /** Taken out by somebody earlier, and still out. */
  takenOut: TakenOut[];
  add: string[];
  remove: string[];
  /** Why nothing is taken out; null when that is as it should be. */
  hold: 'nothing-matches' | 'would-be-empty' | null;
}

/**
 * What is to be done so that a collection holds what matches. What people put in stays, what people took out stays out,
 * and it is never left empty: Plex forgets an empty collection. `absent` are titles that match, but are not in Plex now.
 */
export function differenceOf(
  place: Pick<CollectionPlace, 'ours' | 'adding' | 'removing' | 'takenOut'>,
  wanted: ReadonlySet<string>,
  held: ReadonlySet<string>,
  absent: ReadonlySet<string> = new Set(),
): CollectionChange {
  const removing = new Set(place.removing);
  const ours = [...new Set([...place.ours, ...place.adding])].filter((key) => held.has(key));
  const missed = place.ours.filter((key) => !held.has(key) && !removing.has(key));
  const takenOut = place.takenOut.filter(({ ratingKey }) => !held.has(ratingKey));
  const out = new Set([...missed, ...takenOut.map(({ ratingKey }) => ratingKey)]);
  const add = [...wanted].filter((key) => !held.has(key) && !out.has(key) && !absent.has(key));
  const remove = ours.filter((key) => !wanted.has(key));
  const isLeftEmpty = remove.length > 0 && remove.length === held.size && add.length === 0;
  const hold =
    wanted.size === 0 && ours.length > 0 ? 'nothing-matches' : isLeftEmpty ? ('would-be-empty' as const) : null;
  return { ours, missed, takenOut, add, remove: hold === null ? remove : [], hold };
}

/** Whether it stands still until the owner decides something. */
export const needsOwner = ({ error, places }: Pick<LibraryCollection, 'error' | 'places'>): boolean =>
  error !== null ||
  places.some(({ state, lastSync }) => state === 'taken' || state === 'deleted' || (lastSync?.error ?? null) !== null);
