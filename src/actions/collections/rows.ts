import { z } from 'zod';
import {
  LibraryCollection,
  needsOwner,
  PlaceState,
  PlaceSync,
  TakenOut,
  type CollectionPlace,
} from '../../domain/collections/collection.js';
import type { Context } from '../action.js';

/** Of what was taken out in Plex, so many are named. */
const NAMED = 12;

/** One value of a filter, in words. */
export const Chip = z.object({ name: z.string(), value: z.string() });

const PlaceRow = z.object({
  sectionId: z.string(),
  section: z.string(),
  type: z.enum(['movie', 'show']),
  state: PlaceState,
  ratingKey: z.string().nullable(),
  title: z.string(),
  isRenamed: z.boolean(),
  adopted: z.boolean(),
  held: z.int(),
  /** Of those it holds, how many people put in. */
  byHand: z.int(),
  takenOut: z.array(TakenOut),
  takenOutTotal: z.int(),
  /** Where Plex's own page shows it; null where there is none. */
  plexUrl: z.string().nullable(),
  lastSync: PlaceSync.nullable(),
});

/** A collection as pages and scripts see it. */
export const CollectionRow = LibraryCollection.omit({ places: true }).extend({
  /** The saved filter's name; null for one of its own. */
  filterName: z.string().nullable(),
  /** The filter's address in the library, without order. */
  shownQuery: z.string(),
  chips: z.array(Chip),
  isSyncing: z.boolean(),
  held: z.int(),
  /** Whether something waits for the owner. */
  needsOwner: z.boolean(),
  places: z.array(PlaceRow),
});
export type CollectionRow = z.infer<typeof CollectionRow>;

/** Plex's web page of a collection. */
const plexPage = ({ serverId, ratingKey }: CollectionPlace): string | null =>
  ratingKey === null
    ? null
    : `https://app.plex.tv/desktop/#!/server/${encodeURIComponent(serverId)}/details?key=${encodeURIComponent(`/library/collections/${ratingKey}`)}`;

function placeRow({ store }: Context, name: string, place: CollectionPlace): z.infer<typeof PlaceRow> {
  const section = store.sections.find(place.sectionId);
  const { sectionId, state, ratingKey, title, adopted, held, ours, takenOut, lastSync } = place;
  return {
    sectionId,
    section: section?.title ?? sectionId,
    type: section?.type ?? 'movie',
    state,
    ratingKey,
    title,
    isRenamed: title !== '' && title !== name,
    adopted,
    held,
    byHand: Math.max(0, held - ours.length),
    takenOut: takenOut.slice(0, NAMED),
    takenOutTotal: takenOut.length,
    plexUrl: state === 'there' ? plexPage(place) : null,
    lastSync,
  };
}

/** The filter as names and values in words; ids become what the owner calls them. */
export function chipsOf({ store, rules }: Context, query: string): z.infer<typeof Chip>[] {
  const names: Record<string, (id: string) => string | undefined> = {
    sectionId: (id) => store.sections.find(id)?.title,
    tag: (id) => store.tags.find(id)?.name,
    ruleId: (id) => rules.list().find((rule) => rule.id === id)?.title,
  };
  return [...new URLSearchParams(query)]
    .filter(([name]) => name !== 'sort')
    .flatMap(([name, text]) =>
      (name === 'q' || name === 'show' ? [text] : text.split(',')).map((value) => ({
        name,
        value: names[name]?.(value) ?? value,
      })),
    );
}

/** A filter's address without its order, which a collection has none of. */
export function withoutSort(query: string): string {
  const params = new URLSearchParams(query);
  params.delete('sort');
  return params.toString();
}

/** A stored collection in the words of the owner. */
export function rowOf(ctx: Context, collection: LibraryCollection): CollectionRow {
  const { places, ...plain } = collection;
  const saved = collection.filterId === null ? null : ctx.store.filters.find(collection.filterId);
  const query = withoutSort(saved?.query ?? collection.query);
  const rows = places.map((place) => placeRow(ctx, collection.name, place));
  return {
    ...plain,
    filterName: saved?.name ?? null,
    shownQuery: query,
    chips: chipsOf(ctx, query),
    isSyncing: ctx.collections.isSyncing(collection.id),
    held: rows.reduce((sum, { held, state }) => sum + (state === 'there' ? held : 0), 0),
    needsOwner: needsOwner(collection),
    places: rows,
  };
}

/** When the library is looked at next, and the collections after it; ISO time, null for never. */
export const nextAnalysis = ({ nextRuns }: Context): string | null =>
  nextRuns()
    .find(({ name }) => name === 'sync')
    ?.at?.toISOString() ?? null;
