import type { LibraryItem } from './library.js';

type Titled = Pick<LibraryItem, 'guid' | 'type' | 'title' | 'year' | 'show' | 'season' | 'episode' | 'edition'>;

/**
 * Says which film or episode a title is: equal for two titles that are the same in the same edition. Null where that
 * cannot be told. Mostly it is the guid itself, so that a key takes no memory of its own.
 */
export function titleKey(item: Titled): string | null {
  const work = workOf(item);
  const edition = fold(item.edition ?? '');
  return work === null || edition === '' ? work : `${work}\n${edition}`;
}

function workOf({ guid, type, title, year, show, season, episode }: Titled): string | null {
  // Such as `plex://movie/5d77...` or `com.plexapp.agents.imdb://tt0111161?lang=en`; `local://123` numbers, and names nothing.
  const [known = ''] = guid.split('?');
  if (/^[\w.]+:\/\/.+/.test(known) && !/^(local|none|com\.plexapp\.agents\.none):/.test(known)) return known;
  if (type === 'episode') {
    const isNumbered = show !== null && show !== '' && season !== null && episode !== null;
    return isNumbered ? `${fold(show)} ${season}x${episode}` : null;
  }
  return title === '' || year === null ? null : `${fold(title)} (${year})`;
}

/** Upper and lower case, accents and marks make no other film. */
const fold = (text: string): string =>
  text
    .normalize('NFKD')
    .toLowerCase()
    .replace(/[^\p{L}\p{N}]+/gu, '');
