import { AppError, invalid } from '../domain/errors.js';
import {
  changesOf,
  EDIT_FIELDS,
  tagsToRemove,
  type EditField,
  type FieldChange,
  type ItemMetadata,
  type MetadataEdit,
} from '../domain/library/metadata-edit.js';
import { toBool, toList, toStr, type Raw } from './coerce.js';

/** Plex falls over above some number of ids that nobody knows; this many is known to work. */
export const IDS_AT_ONCE = 100;
/** Of the query, so that the whole address is shorter than what servers and proxies let through. */
const QUERY_CHARS = 7500;

const PLEX_NAMES: Record<EditField, string> = {
  title: 'title',
  titleSort: 'titleSort',
  summary: 'summary',
  studio: 'studio',
  contentRating: 'contentRating',
  genres: 'genre',
  labels: 'label',
  collections: 'collection',
};

/** One edit as Plex is asked for it. Without `id` it would change the whole library. */
export interface EditRequest {
  path: string;
  query: Readonly<Record<string, string | number>>;
  ratingKeys: readonly string[];
}

/** Whether an id can only be that of one item. */
export const isPlainKey = (key: string): boolean => /^[1-9]\d{0,18}$/.test(key);

/**
 * The requests that give these items what the edit wants; items that have it already are in none of them. One request is
 * for items of one library and kind that need exactly the same. Throws `invalid` for an item without a plain key or
 * library, `too_large` when a single item needs more than an address can hold.
 */
export function editRequests(items: readonly ItemMetadata[], edit: MetadataEdit): EditRequest[] {
  const groups = new Map<string, { item: ItemMetadata; fields: Record<string, string | number>; keys: Set<string> }>();
  for (const item of items) {
    if (!isPlainKey(item.ratingKey) || !isPlainKey(item.sectionKey))
      throw invalid('Plex gave a title an id that cannot be asked for. It was not edited.');
    const changes = changesOf(item, edit);
    if (changes.length === 0) continue;
    const fields = Object.fromEntries(changes.flatMap(paramsOf));
    const name = JSON.stringify([item.sectionKey, item.type, fields]);
    const group = groups.get(name) ?? { item, fields, keys: new Set() };
    groups.set(name, group);
    group.keys.add(item.ratingKey);
  }
  return [...groups.values()].flatMap(({ item, fields, keys }) => chunk(item, fields, [...keys]));
}

function chunk(
  { sectionKey, type }: ItemMetadata,
  fields: Record<string, string | number>,
  keys: readonly string[],
): EditRequest[] {
  const room = QUERY_CHARS - lengthOf(fields);
  // Twenty characters for the longest id and its comma, encoded.
  const size = Math.min(IDS_AT_ONCE, Math.floor(room / 22));
  if (size < 1)
    throw new AppError('too_large', 'That is more text than Plex takes at once. Shorten it or use fewer tags.');
  const requests: EditRequest[] = [];
  for (let at = 0; at < keys.length; at += size) {
    const ratingKeys = keys.slice(at, at + size);
    const request = {
      path: `/library/sections/${sectionKey}/all`,
      query: { type: type === 'movie' ? 1 : 4, id: ratingKeys.join(','), ...fields },
      ratingKeys,
    };
    assertBounded(request);
    requests.push(request);
  }
  return requests;
}

const lengthOf = (fields: Record<string, string | number>): number =>
  Object.entries(fields).reduce(
    (sum, [name, value]) => sum + encodeURIComponent(name).length + encodeURIComponent(value).length + 2,
    0,
  );

/** A changed field in Plex's words. Whether a list of tags is added or takes the place of the old one, the result is the same. */
function paramsOf({ field, before, after, willBeLocked }: FieldChange): [string, string | number][] {
  const name = PLEX_NAMES[field];
  const lock: [string, number] = [`${name}.locked`, willBeLocked ? 1 : 0];
  if (typeof before === 'string' || typeof after === 'string')
    return before === after ? [lock] : [[`${name}.value`, String(after)], lock];
  const gone = tagsToRemove(before, after);
  if (gone.length === 0 && after.length === before.length) return [lock];
  const list = after.map((tag, at): [string, string] => [`${name}[${at}].tag.tag`, tag]);
  // Encoded within the list already, so that a comma may be part of a tag.
  const removal: [string, string][] =
    gone.length === 0 ? [] : [[`${name}[].tag.tag-`, gone.map(encodeURIComponent).join(',')]];
  return [...list, ...removal, lock];
}

/** Throws `internal` unless the request names its items, plainly and at most 100: Plex would edit the whole library. */
export function assertBounded({ path, query, ratingKeys }: EditRequest): void {
  const isBounded =
    /^\/library\/sections\/[1-9]\d*\/all$/.test(path) &&
    ratingKeys.length > 0 &&
    ratingKeys.length <= IDS_AT_ONCE &&
    new Set(ratingKeys).size === ratingKeys.length &&
    ratingKeys.every(isPlainKey) &&
    query['id'] === ratingKeys.join(',') &&
    (query['type'] === 1 || query['type'] === 4);
  if (!isBounded)
    throw new AppError('internal', 'An edit that does not name its titles was held back. Nothing was changed by it.');
}

/** What can be edited about an item, out of its detail answer; null for what is neither film nor episode. */
export function toMetadata(raw: Raw): ItemMetadata | null {
  const ratingKey = toStr(raw['ratingKey']);
  const type = raw['type'];
  if (ratingKey === null || (type !== 'movie' && type !== 'episode')) return null;
  const textOf = (name: string): string => toStr(raw[name]) ?? '';
  const tagsOf = (name: string): string[] => toList(raw[name]).flatMap(({ tag }) => toStr(tag) ?? []);
  const locks = new Set(toList(raw['Field']).flatMap(({ name, locked }) => (toBool(locked) ? String(name) : [])));
  return {
    ratingKey,
    sectionKey: textOf('librarySectionID'),
    type,
    title: textOf('title'),
    // Plex leaves it out when it is the title.
    titleSort: toStr(raw['titleSort']) ?? textOf('title'),
    summary: textOf('summary'),
    studio: textOf('studio'),
    contentRating: textOf('contentRating'),
    genres: tagsOf('Genre'),
    labels: tagsOf('Label'),
    collections: tagsOf('Collection'),
    locked: EDIT_FIELDS.filter((field) => locks.has(PLEX_NAMES[field])),
  };
}
