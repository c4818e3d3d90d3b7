import { AppError } from '../../domain/errors.js';
import type { LibraryFilter } from '../../domain/library/filter.js';
import type { LibraryItem } from '../../domain/library/library.js';
import type { NamedTitle, ServerCollections } from '../../domain/plex/media-server.js';
import { EventLoopYield } from '../../lib/event-loop-yield.js';
import type { Store } from '../../store/store.js';

/** A film, or a series of which some episode matches. */
export interface Match {
  title: string;
  /** It matches, but the last full look did not find it in Plex. */
  isAbsent: boolean;
}

/** What matches in one library: films by themselves, episodes by the series they seem to belong to. */
export interface SectionMatches {
  serverId: string;
  sectionId: string;
  films: Map<string, Match>;
  series: Map<string, LibraryItem[]>;
}

/** What matches, by library id. Every title counts, the missing too: one that is away for a while is no reason to take it out. */
export async function matchesOf(
  { store, search }: { store: Store; search: { all(filter: LibraryFilter): Promise<string[]> } },
  filter: LibraryFilter,
): Promise<Map<string, SectionMatches>> {
  const found = new Map<string, SectionMatches>();
  const loopYield = new EventLoopYield();
  for (const id of await search.all(filter)) {
    if (loopYield.isDue) await loopYield.pause();
    const item = store.library.find(id);
    if (item === null) continue;
    const { serverId, sectionId, ratingKey, type, year } = item;
    const fresh: SectionMatches = { serverId, sectionId, films: new Map(), series: new Map() };
    const section = found.get(sectionId) ?? fresh;
    found.set(sectionId, section);
    if (type === 'movie') {
      const title = year === null ? item.title : `${item.title} (${year})`;
      section.films.set(ratingKey, { title, isAbsent: item.state === 'missing' });
    } else {
      const name = seriesOf(item);
      const episodes = section.series.get(name);
      if (episodes) episodes.push(item);
      else section.series.set(name, [item]);
    }
  }
  return found;
}

/** Episodes of a series share its poster, two series of the same name do not. One with a picture of its own stands alone. */
function seriesOf({ thumb, ratingKey }: LibraryItem): string {
  return thumb === null || thumb.includes(`/metadata/${ratingKey}/`) ? ratingKey : thumb;
}

/** What may be in the collection of this library, by rating key: its films, or its series, for which the server is asked. */
export async function titlesOf(
  { films, series }: SectionMatches,
  collections: ServerCollections,
  signal: AbortSignal,
): Promise<Map<string, Match>> {
  if (series.size === 0) return films;
  const found = new Map<string, Match>();
  let groups = [...series.values()].map((episodes) => presentFirst(episodes));
  // One episode tells the series. Where that one is gone from Plex, any other may.
  for (const pick of [(all: LibraryItem[]) => all.slice(0, 1), (all: LibraryItem[]) => all.slice(1)]) {
    const episodes = groups.flatMap(pick);
    const names = episodes.length > 0 ? await collections.titles(episodes.map(({ ratingKey }) => ratingKey), signal) : []; // prettier-ignore
    const known = new Map(names.map((name) => [name.ratingKey, name]));
    groups = groups.filter((group) => !pick(group).some((episode) => note(found, known.get(episode.ratingKey), group)));
  }
  return found;
}

const presentFirst = (episodes: readonly LibraryItem[]): LibraryItem[] =>
  [...episodes].sort((a, b) => Number(a.state === 'missing') - Number(b.state === 'missing'));

function note(found: Map<string, Match>, name: NamedTitle | undefined, group: readonly LibraryItem[]): boolean {
  if (name === undefined) return false;
  const { showKey, showTitle } = name;
  if (showKey === null)
    throw new AppError('plex_bad_answer', 'Plex does not say which series an episode belongs to. Nothing was changed.');
  const isAbsent = group.every(({ state }) => state === 'missing') && (found.get(showKey)?.isAbsent ?? true);
  found.set(showKey, { title: showTitle ?? '', isAbsent });
  return true;
}
