import type { CollectionPlace, PlacePreview } from '../../domain/collections/collection.js';
import { toAppError } from '../../domain/errors.js';
import type { Section } from '../../domain/library/library.js';
import type { ServerCollections } from '../../domain/plex/media-server.js';
import type { SectionMatches } from './matches.js';
import { lookAt, whyHeld } from './sight.js';

const SAMPLES = 8;

/** Looks at one library and changes nothing. An error of Plex becomes a part of the preview. */
export async function previewOf(
  about: { name: string; place: CollectionPlace; section: Section | null; matches: SectionMatches | undefined },
  collections: () => ServerCollections,
  signal: AbortSignal,
): Promise<PlacePreview> {
  const { place, section, matches } = about;
  const plain: PlacePreview = {
    sectionId: place.sectionId,
    section: section?.title ?? place.sectionId,
    type: section?.type ?? 'movie',
    state: place.state,
    matches: matches === undefined ? 0 : matches.films.size + matches.series.size,
    held: place.held,
    byHand: 0,
    added: 0,
    removed: 0,
    keptOut: 0,
    samples: { added: [], removed: [] },
    note: null,
    error: null,
  };
  if (place.state === 'off') return { ...plain, note: 'You want none in this library.' };
  try {
    const sight = await lookAt(about, collections, signal);
    const { wanted } = sight;
    const titles = (keys: readonly string[]): string[] =>
      keys.slice(0, SAMPLES).map((key) => wanted.get(key)?.title ?? '');
    const seen = { ...plain, matches: wanted.size };
    if (sight.kind === 'leave') return { ...seen, state: sight.state, note: sight.note };
    if (sight.kind === 'make') {
      const add = [...wanted].filter(([, { isAbsent }]) => !isAbsent).map(([key]) => key);
      return { ...seen, added: add.length, samples: { added: titles(add), removed: [] } };
    }
    const { change, held } = sight;
    const going = change.remove.slice(0, SAMPLES);
    const removed = going.length > 0 ? await collections().titles(going, signal) : [];
    const out = new Set([...change.missed, ...change.takenOut.map(({ ratingKey }) => ratingKey)]);
    return {
      ...seen,
      state: 'there',
      held: held.size,
      byHand: held.size - change.ours.length,
      added: change.add.length,
      removed: change.remove.length,
      keptOut: [...wanted.keys()].filter((key) => out.has(key)).length,
      samples: { added: titles(change.add), removed: removed.map(({ title }) => title) },
      note: whyHeld(change),
    };
  } catch (error) {
    signal.throwIfAborted();
    return { ...plain, error: toAppError(error).message };
  }
}
