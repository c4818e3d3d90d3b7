import type { CollectionPlace, PlaceSync, TakenOut } from '../../domain/collections/collection.js';
import type { Section } from '../../domain/library/library.js';
import type { ServerCollections } from '../../domain/plex/media-server.js';
import { whyHeld, type Sight } from './sight.js';

/** What a step works with. `save` resolves when the place is on disk: Plex is told nothing before that. */
export interface StepParts {
  collections: ServerCollections;
  now: () => Date;
  save: (place: CollectionPlace) => Promise<void>;
  signal: AbortSignal;
}

type Change = Extract<Sight, { kind: 'change' }>;

const resultOf = (now: () => Date, result: Partial<PlaceSync>): PlaceSync => ({
  at: now().toISOString(),
  added: 0,
  removed: 0,
  note: null,
  error: null,
  ...result,
});

/** A place at which nothing was done, and why. */
export const leftAlone = (
  place: CollectionPlace,
  { state, note }: Pick<CollectionPlace, 'state'> & { note: string },
  now: () => Date,
): CollectionPlace => ({ ...place, state, lastSync: resultOf(now, { note }) });

/** A place at which something went wrong. */
export const failed = (place: CollectionPlace, message: string, now: () => Date): CollectionPlace => ({
  ...place,
  lastSync: resultOf(now, { error: message }),
});

/** Makes the collection with one title. What else matches is put in like at any later time. */
export async function makeCollection(
  place: CollectionPlace,
  about: { section: Pick<Section, 'id' | 'type'>; name: string; first: string },
  { collections, save, signal }: StepParts,
): Promise<CollectionPlace> {
  const made = await collections.create(about.section, about.name, about.first, signal);
  const { ratingKey, title } = made;
  const there: CollectionPlace = { ...place, state: 'there', ratingKey, title, held: 1, adding: [about.first] };
  await save(there);
  return there;
}

/** Puts in what matches and takes out what no longer does; first in, then out, so that it is never empty. */
export async function bringInStep(
  place: CollectionPlace,
  sight: Change,
  parts: StepParts & { /** It was made just now, with one title. */ isFresh: boolean },
): Promise<CollectionPlace> {
  const { collections, now, save, signal } = parts;
  const firsts = parts.isFresh ? 1 : 0;
  const { found, held, change } = sight;
  const takenOut = [...change.takenOut, ...(await namesOf(change.missed, collections, signal))];
  // What is gone from Plex would only make it refuse the rest.
  const add = (await namesOf(change.add, collections, signal)).map(({ ratingKey }) => ratingKey);
  const before: CollectionPlace = {
    ...place,
    state: 'there',
    title: found.title,
    held: held.size,
    ours: change.ours,
    adding: add,
    removing: change.remove,
    takenOut,
  };
  const note = whyHeld(change);
  if (add.length === 0 && change.remove.length === 0)
    return { ...before, lastSync: resultOf(now, { added: firsts, note }) };
  await save(before);
  if (add.length > 0) await collections.add(found.ratingKey, add, signal);
  const after = await takeOut(found.ratingKey, change.remove, parts);
  const lacking = add.filter((key) => !after.has(key));
  const stubborn = change.remove.filter((key) => after.has(key));
  const isOut = new Set(change.remove.filter((key) => !after.has(key)));
  return {
    ...before,
    held: after.size,
    ours: [...new Set([...change.ours.filter((key) => !isOut.has(key)), ...add.filter((key) => after.has(key))])],
    adding: lacking,
    removing: stubborn,
    lastSync: resultOf(now, {
      added: firsts + add.length - lacking.length,
      removed: isOut.size,
      note: note ?? whyUnfinished(lacking.length, stubborn.length),
    }),
  };
}

/** Takes them out unless that would leave nothing. Returns what it holds then. */
async function takeOut(
  ratingKey: string,
  remove: readonly string[],
  { collections, signal }: StepParts,
): Promise<ReadonlySet<string>> {
  const held = new Set(await collections.children(ratingKey, signal));
  const going = new Set(remove);
  if (remove.length === 0 || ![...held].some((key) => !going.has(key))) return held;
  await collections.remove(ratingKey, remove, signal);
  return new Set(await collections.children(ratingKey, signal));
}

const whyUnfinished = (lacking: number, stubborn: number): string | null =>
  lacking + stubborn === 0
    ? null
    : `Plex has not done all it was asked: ${lacking} to put in and ${stubborn} to take out are left for the next time.`;

/** Those that Plex still has. */
async function namesOf(
  keys: readonly string[],
  collections: ServerCollections,
  signal: AbortSignal,
): Promise<TakenOut[]> {
  const names = keys.length > 0 ? await collections.titles(keys, signal) : [];
  return names.map(({ ratingKey, title }) => ({ ratingKey, title }));
}
