import {
  differenceOf,
  type CollectionChange,
  type CollectionPlace,
  type PlaceState,
} from '../../domain/collections/collection.js';
import { AppError } from '../../domain/errors.js';
import type { Section } from '../../domain/library/library.js';
import type { ServerCollection, ServerCollections } from '../../domain/plex/media-server.js';
import { isSameName } from '../../domain/library/tag.js';
import { titlesOf, type Match, type SectionMatches } from './matches.js';

/** What a look at one library showed, before anything is done. */
export type Sight =
  /** Nothing is to be done, for this reason. */
  | { kind: 'leave'; state: PlaceState; note: string; wanted: Map<string, Match> }
  /** It is to be made, this title first. */
  | { kind: 'make'; wanted: Map<string, Match>; first: string }
  | {
      kind: 'change';
      found: ServerCollection;
      wanted: Map<string, Match>;
      held: ReadonlySet<string>;
      change: CollectionChange;
    };

const NOTHING = 'Nothing in this library matches the filter now.';

/** Why a change takes nothing out; null when it may. */
export const whyHeld = ({ hold }: CollectionChange): string | null =>
  hold === null
    ? null
    : hold === 'nothing-matches'
      ? `${NOTHING} The collection stays as it is: a filter that finds nothing empties nothing.`
      : 'What matches was taken out in Plex, so the collection would become empty, and Plex would forget it. Nothing was taken out.';

/** Why a library is left alone; null when it can be trusted. */
function whyLeft(section: Section | null): string | null {
  if (section === null) return 'MediaFlow does not know this library any more. The collection stays as it is.';
  if (section.frozen !== null) return `The library is frozen: ${section.frozen} The collection stays as it is.`;
  if (!section.enabled) return 'This library is switched off. The collection stays as it is.';
  return section.syncedAt === null ? 'The library was not read yet. It is made after the first sync.' : null;
}

/** Looks at a library and its collection; changes nothing. Throws a `plex_*` code when the server cannot be believed. */
export async function lookAt(
  about: { name: string; place: CollectionPlace; section: Section | null; matches: SectionMatches | undefined },
  collections: () => ServerCollections,
  signal: AbortSignal,
): Promise<Sight> {
  const { name, place, section, matches } = about;
  const left = whyLeft(section);
  if (left !== null)
    return { kind: 'leave', state: place.state, note: left, wanted: matches?.films ?? new Map<string, Match>() };
  const server = collections();
  const wanted = matches === undefined ? new Map<string, Match>() : await titlesOf(matches, server, signal);
  if (place.ratingKey === null) return lookBeforeMaking(name, place, wanted, server, signal);
  const listed = await server.list(place.sectionId, signal);
  const found =
    listed.find(({ ratingKey }) => ratingKey === place.ratingKey) ?? (await server.find(place.ratingKey, signal));
  if (found === null) return { kind: 'leave', state: 'deleted', note: 'Somebody deleted it in Plex.', wanted };
  if (found.isSmart)
    return { kind: 'leave', state: 'there', note: 'It is a smart collection now, which Plex fills by itself.', wanted };
  const held = new Set(await server.children(found.ratingKey, signal));
  if (held.size === 0)
    throw new AppError(
      'plex_bad_answer',
      'Plex lists nothing in the collection, but it forgets empty ones. Nothing was changed.',
    );
  const absent = new Set([...wanted].filter(([, { isAbsent }]) => isAbsent).map(([key]) => key));
  return { kind: 'change', found, wanted, held, change: differenceOf(place, new Set(wanted.keys()), held, absent) };
}

/** A name that is in use is never used again: the two would become one. */
async function lookBeforeMaking(
  name: string,
  place: CollectionPlace,
  wanted: Map<string, Match>,
  server: ServerCollections,
  signal: AbortSignal,
): Promise<Sight> {
  const [first] = [...wanted].find(([, { isAbsent }]) => !isAbsent) ?? [];
  const others = await server.list(place.sectionId, signal);
  if (others.some(({ title }) => isSameName(title, name)))
    return { kind: 'leave', state: 'taken', note: `There is a collection called ${name} already.`, wanted };
  if (first === undefined) return { kind: 'leave', state: 'new', note: NOTHING, wanted };
  return { kind: 'make', wanted, first };
}
