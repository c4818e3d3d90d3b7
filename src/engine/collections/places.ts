import { newPlace, type CollectionPlace } from '../../domain/collections/collection.js';
import { notFound } from '../../domain/errors.js';
import { type SectionMatches } from './matches.js';

/** The known places, and one for each library in which something matches for the first time. */
export function placesOf(
  places: readonly CollectionPlace[],
  matches: ReadonlyMap<string, SectionMatches>,
): CollectionPlace[] {
  const known = new Set(places.map(({ sectionId }) => sectionId));
  const fresh = [...matches.values()].filter(({ sectionId }) => !known.has(sectionId));
  return [...places, ...fresh.map(({ serverId, sectionId }) => newPlace(serverId, sectionId))];
}

/** Throws `not_found`. */
export function placeIn(places: readonly CollectionPlace[], sectionId: string): CollectionPlace {
  const place = places.find((one) => one.sectionId === sectionId);
  if (!place) throw notFound('library with this collection', sectionId);
  return place;
}
