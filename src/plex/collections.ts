import { setTimeout as sleep } from 'node:timers/promises';
import { AppError, invalid } from '../domain/errors.js';
import type { Section } from '../domain/library/library.js';
import type { NamedTitle, ServerCollection, ServerCollections } from '../domain/plex/media-server.js';
import { itemsOf } from './answer.js';
import type { PlexClient } from './client.js';
import { toBool, toCount, toStr, type Raw } from './coerce.js';
import { badAnswer } from './failure.js';
import { PAGE_SIZE, pagesOf } from './listing.js';

/** Longer lists make addresses that servers refuse. */
const TITLES_AT_ONCE = 100;
const NAMES_AT_ONCE = 50;
/** What an answer that is read for its names alone need not hold. */
const NAMES_ONLY = {
  skipRefresh: 1,
  excludeElements:
    'Chapter,Collection,Country,Director,Field,Genre,Guid,Image,Label,Marker,Media,Rating,Role,Similar,UltraBlurColors,Writer',
  excludeFields: 'summary,tagline',
};
/** A server that is busy may not show something for a moment. */
const SECOND_LOOK_MS = 500;

const FILMS = 1;
const SERIES = 2;

/** The collections of a Plex Media Server. Every id is checked before it stands in an address. */
export class PlexCollections implements ServerCollections {
  readonly #client: PlexClient;
  readonly #sectionKey: (sectionId: string) => string;

  /** `sectionKey`: the server's own key of a library, for the id MediaFlow has for it. */
  constructor(client: PlexClient, sectionKey: (sectionId: string) => string) {
    this.#client = client;
    this.#sectionKey = sectionKey;
  }

  async list(sectionId: string, signal?: AbortSignal): Promise<ServerCollection[]> {
    const path = `/library/sections/${idOf(this.#sectionKey(sectionId))}/collections`;
    const found: ServerCollection[] = [];
    for await (const { items } of pagesOf(this.#client, { path, pageSize: PAGE_SIZE, exact: true, signal }))
      found.push(...items.flatMap((raw) => toCollection(raw) ?? []));
    return found;
  }

  async find(ratingKey: string, signal?: AbortSignal): Promise<ServerCollection | null> {
    const found = await this.#look(ratingKey, signal);
    if (found !== null) return found;
    await sleep(SECOND_LOOK_MS, undefined, signal ? { signal } : {}).catch(() => signal?.throwIfAborted());
    return this.#look(ratingKey, signal);
  }

  async children(ratingKey: string, signal?: AbortSignal): Promise<string[]> {
    const path = `${pathOf(ratingKey)}/children`;
    const keys: string[] = [];
    for await (const { items } of pagesOf(this.#client, { path, pageSize: PAGE_SIZE, exact: true, signal }))
      keys.push(...items.flatMap((raw) => toStr(raw['ratingKey']) ?? []));
    return keys;
  }

  async create(
    section: Pick<Section, 'id' | 'type'>,
    title: string,
    first: string,
    signal?: AbortSignal,
  ): Promise<ServerCollection> {
    if (title.trim() === '') throw invalid('A collection needs a name.');
    const { container } = await this.#client.post({
      path: '/library/collections',
      query: {
        type: section.type === 'movie' ? FILMS : SERIES,
        title,
        smart: 0,
        sectionId: idOf(this.#sectionKey(section.id)),
        uri: await this.#uriOf([first], signal),
      },
      signal,
    });
    const made = itemsOf(container).flatMap((raw) => toCollection(raw) ?? [])[0];
    if (made === undefined) throw badAnswer('it does not say which collection it made');
    return made;
  }

  async add(ratingKey: string, titles: readonly string[], signal?: AbortSignal): Promise<void> {
    for (const chunk of chunksOf(titles)) await this.#put(ratingKey, chunk, signal);
  }

  async remove(ratingKey: string, titles: readonly string[], signal?: AbortSignal): Promise<void> {
    for (const title of chunksOf(titles).flat()) {
      // Some clients say "items", others "children"; a title that is out already is unknown under both.
      for (const word of ['items', 'children'])
        if (await this.#delete(`${pathOf(ratingKey)}/${word}/${idOf(title)}`, signal)) break;
    }
  }

  async delete(ratingKey: string, signal?: AbortSignal): Promise<void> {
    // Films and collections are numbered together: make sure that this number is a collection.
    if ((await this.#look(ratingKey, signal)) !== null) await this.#delete(pathOf(ratingKey), signal);
  }

  async titles(ratingKeys: readonly string[], signal?: AbortSignal): Promise<NamedTitle[]> {
    const keys = [...new Set(ratingKeys)].map(idOf);
    const found: NamedTitle[] = [];
    for (let at = 0; at < keys.length; at += NAMES_AT_ONCE)
      found.push(...(await this.#names(keys.slice(at, at + NAMES_AT_ONCE), signal)));
    return found;
  }

  /** Null when the server does not know it. Throws `plex_bad_answer` when something else has this number. */
  async #look(ratingKey: string, signal: AbortSignal | undefined): Promise<ServerCollection | null> {
    const request = { path: pathOf(ratingKey), signal };
    const answer = await this.#client.get(request).catch(nullIfUnknown);
    if (answer === null) return null;
    const found = itemsOf(answer.container).flatMap((raw) => toCollection(raw) ?? [])[0];
    if (found?.ratingKey !== ratingKey) throw badAnswer('it is about something other than the collection asked for');
    return found;
  }

  async #put(ratingKey: string, titles: readonly string[], signal: AbortSignal | undefined): Promise<void> {
    const path = `${pathOf(ratingKey)}/items`;
    await this.#client.send('PUT', { path, query: { uri: await this.#uriOf(titles, signal) }, signal });
  }

  /** False when the server does not know what was to be deleted. */
  async #delete(path: string, signal: AbortSignal | undefined): Promise<boolean> {
    const done = this.#client.send('DELETE', { path, signal }).then(() => true);
    return (await done.catch(nullIfUnknown)) ?? false;
  }

  async #uriOf(titles: readonly string[], signal: AbortSignal | undefined): Promise<string> {
    const keys = titles.map(idOf).join(',');
    if (keys === '') throw invalid('There is no title to put into the collection.');
    return `server://${await this.#client.serverId(signal)}/com.plexapp.plugins.library/library/metadata/${keys}`;
  }

  /** A server that answers 404 for the whole list because of one is asked for the halves. */
  async #names(keys: readonly string[], signal: AbortSignal | undefined): Promise<NamedTitle[]> {
    const request = { path: `/library/metadata/${keys.join(',')}`, query: NAMES_ONLY, signal };
    const answer = await this.#client.get(request).catch(nullIfUnknown);
    if (answer !== null) {
      const asked = new Set(keys);
      return itemsOf(answer.container)
        .map(toName)
        .filter(({ ratingKey }) => asked.has(ratingKey));
    }
    if (keys.length === 1) return [];
    const middle = Math.ceil(keys.length / 2);
    const first = await this.#names(keys.slice(0, middle), signal);
    return [...first, ...(await this.#names(keys.slice(middle), signal))];
  }
}

/** Throws `invalid` for whatever is no number: in an address it could mean something else, or everything. */
function idOf(id: string): string {
  if (!/^\d+$/.test(id)) throw invalid('That is no id of Plex.');
  return id;
}

const pathOf = (ratingKey: string): string => `/library/collections/${idOf(ratingKey)}`;

/** None twice, none empty; all ids are checked before the first chunk is sent. Throws `invalid` for an empty list. */
function chunksOf(titles: readonly string[]): string[][] {
  const keys = [...new Set(titles)].map(idOf);
  if (keys.length === 0) throw invalid('There is no title to put into the collection, or to take out of it.');
  const chunks: string[][] = [];
  for (let at = 0; at < keys.length; at += TITLES_AT_ONCE) chunks.push(keys.slice(at, at + TITLES_AT_ONCE));
  return chunks;
}

function nullIfUnknown(error: unknown): null {
  if (error instanceof AppError && error.code === 'plex_not_found') return null;
  throw error;
}

function toCollection(raw: Raw): ServerCollection | null {
  const ratingKey = toStr(raw['ratingKey']);
  if (ratingKey === null || toStr(raw['type']) !== 'collection') return null;
  const title = toStr(raw['title']) ?? '';
  return { ratingKey, title, isSmart: toBool(raw['smart']), count: toCount(raw['childCount']) };
}

const toName = (raw: Raw): NamedTitle => ({
  ratingKey: toStr(raw['ratingKey']) ?? '',
  title: toStr(raw['title']) ?? '',
  showKey: toStr(raw['type']) === 'episode' ? toStr(raw['grandparentRatingKey']) : null,
  showTitle: toStr(raw['type']) === 'episode' ? toStr(raw['grandparentTitle']) : null,
});
