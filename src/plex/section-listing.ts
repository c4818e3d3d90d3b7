import { invalid } from '../domain/errors.js';
import type { Section } from '../domain/library/library.js';
import type { PlexClient } from './client.js';
import { toNum, toStr } from './coerce.js';
import { PAGE_SIZE, pagesOf } from './listing.js';
import { pathOf } from './request-path.js';

type Asked = Pick<Section, 'id' | 'type'>;
type Pages = ReturnType<typeof pagesOf>;

/** Server and client clocks differ, and an item may be written a while after its time was taken. */
const SINCE_OVERLAP_SEC = 300;

/** What a listing need not hold: it is most of the bytes, and nobody reads it here. */
const SLIM = {
  excludeElements: 'Country,Director,Genre,Image,Rating,Role,Similar,UltraBlurColors,Writer',
  excludeFields: 'summary,tagline',
};

const typeNumber = ({ type }: Asked): number => (type === 'movie' ? 1 : 4);

/** The films or episodes of one library of Plex, page by page. */
export class SectionListing {
  readonly #client: PlexClient;
  readonly #keyOf: (sectionId: string) => string;

  /** `keyOf`: the key by which the server knows a library. */
  constructor(client: PlexClient, keyOf: (sectionId: string) => string) {
    this.#client = client;
    this.#keyOf = keyOf;
  }

  /** See `pagesOf`. */
  list(
    section: Asked,
    query: Readonly<Record<string, string | number>>,
    exact: boolean,
    signal: AbortSignal | undefined,
  ): Pages {
    const path = pathOf('library', 'sections', this.#keyOf(section.id), 'all');
    const all = { type: typeNumber(section), ...SLIM, ...query };
    return pagesOf(this.#client, { path, query: all, pageSize: PAGE_SIZE, exact, signal });
  }

  /**
   * What changed or was added since then: two listings, newest first, each item once. Servers ignore filters they do not
   * know, so every item's own times are compared as well; once a sorted list has come to older ones, the rest need not be
   * read. Throws `invalid` for a time that is none.
   */
  async *changed(section: Asked, since: string, signal: AbortSignal | undefined): Pages {
    const sinceSec = secondsOf(since);
    const scope = section.type === 'movie' ? '' : 'episode.';
    const seen = new Set<string>();
    for (const field of ['updatedAt', 'addedAt']) {
      const query = { [`${scope}${field}>>`]: sinceSec, sort: `${scope}${field}:desc` };
      let last = Infinity;
      let isSorted = true;
      for await (const page of this.list(section, query, false, signal)) {
        for (const raw of page.items) {
          const time = toNum(raw[field]) ?? 0;
          isSorted &&= time <= last;
          last = time;
        }
        const items = page.items.filter((raw) => {
          const key = toStr(raw['ratingKey']) ?? '';
          const isNew = Math.max(toNum(raw['updatedAt']) ?? 0, toNum(raw['addedAt']) ?? 0) >= sinceSec;
          return isNew && !seen.has(key) && seen.add(key);
        });
        yield { ...page, items };
        if (isSorted && last < sinceSec) break;
      }
    }
  }
}

function secondsOf(since: string): number {
  const ms = Date.parse(since);
  if (Number.isNaN(ms)) throw invalid('The time to look back to is no time.');
  return Math.max(0, Math.floor(ms / 1000) - SINCE_OVERLAP_SEC);
}
