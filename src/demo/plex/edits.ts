import type { SimulatedCollection, SimulatedCollections } from './collections.js';
import { detailsOf } from './details.js';
import { nowSec, type SimulatedDetails, type SimulatedItem, type SimulatedSection } from './model.js';
import type { Call, Reply } from './replies.js';
import type { SimulatedLibrary } from './simulated-library.js';

const TEXTS = ['title', 'titleSort', 'summary', 'studio', 'contentRating'] as const;
const TAGS = ['genre', 'label', 'collection'] as const;
type TagName = (typeof TAGS)[number];

/** These an episode has from its show: an edit of them is taken on and changes nothing. */
const OF_THE_SHOW = new Set(['studio', 'genre']);

const taken: Reply = { kind: 'status', status: 200 };
const status = (code: number): Reply => ({ kind: 'status', status: code });

/**
 * Edits of many items at once, as stubborn as the real ones: without `id`, or when it is misspelt, the whole library is
 * edited; the answer is empty whatever was done.
 */
export class SimulatedEdits {
  /** Rating key of every item an edit reached, once for each edit. */
  readonly reached: string[] = [];
  /** Nobody knows for sure whether a list of tags is added, or takes the place of the old one. */
  tagsReplace = false;
  /** Asked before each edit: a status that is answered instead, or null. `late` answers it after the work is done. */
  refuse: (ids: readonly string[]) => { status: number; late?: boolean } | null = () => null;
  /** Names of fields that are taken on and then forgotten. */
  readonly deaf = new Set<string>();
  readonly #library: SimulatedLibrary;
  readonly #collections: SimulatedCollections;
  readonly #changed: (item: SimulatedItem) => void;
  /** A tag exists once in a library, in the spelling that came first. */
  readonly #spellings = new Map<string, string>();

  constructor(library: SimulatedLibrary, collections: SimulatedCollections, changed: (item: SimulatedItem) => void) {
    this.#library = library;
    this.#collections = collections;
    this.#changed = changed;
  }

  /** Answers `PUT /library/sections/<id>/all`. */
  answer({ query }: Pick<Call, 'query'>, section: SimulatedSection): Reply {
    const type = query.get('type');
    if (type === null) return status(400);
    const ids = query.get('id')?.split(',') ?? [];
    const refusal = this.refuse(ids);
    if (refusal !== null && refusal.late !== true) return status(refusal.status);
    const items = query.has('id') ? ids.map((id) => this.#library.find(id)) : this.#library.itemsOf(section.id);
    if (items.some((item) => item === null)) return status(404);
    const found = items.filter((item) => item !== null);
    if (found.some((item) => typeOf(item) !== type || item.sectionId !== section.id)) return status(400);
    for (const item of found) this.#edit(item, query);
    return refusal === null ? taken : status(refusal.status);
  }

  #edit(item: SimulatedItem, query: URLSearchParams): void {
    const details = { ...detailsOf(item) };
    item.details = details;
    const isOurs = (name: string): boolean =>
      !this.deaf.has(name) && !(item.type === 'episode' && OF_THE_SHOW.has(name));
    for (const name of TEXTS) {
      const value = query.get(`${name}.value`);
      if (value === null || !isOurs(name)) continue;
      if (name === 'title') item.title = value;
      else details[name] = value;
    }
    for (const name of TAGS) if (isOurs(name)) this.#editTags(item, details, name, query);
    for (const name of [...TEXTS, ...TAGS]) {
      const lock = query.get(`${name}.locked`);
      if (lock === null || !isOurs(name)) continue;
      details.locked = details.locked.filter((other) => other !== name);
      if (lock === '1') details.locked.push(name);
    }
    item.updatedAt = Math.max(nowSec(), item.updatedAt + 1);
    this.reached.push(item.ratingKey);
    this.#changed(item);
  }

  #editTags(item: SimulatedItem, details: SimulatedDetails, name: TagName, query: URLSearchParams): void {
    const given = [...query].flatMap(([key, value]) =>
      key.startsWith(`${name}[`) && key.endsWith('].tag.tag') ? [this.#spelt(item.sectionId, name, value)] : [],
    );
    const removed = (query.get(`${name}[].tag.tag-`) ?? '').split(',').filter(Boolean).map(decodeURIComponent);
    const before = name === 'genre' ? details.genres : name === 'label' ? item.labels : item.collections;
    const kept = given.length > 0 && this.tagsReplace ? [] : before;
    const after = [...new Set([...kept, ...given])].filter((tag) => !removed.some((other) => isSame(tag, other)));
    if (name === 'genre') details.genres = after;
    else if (name === 'label') item.labels = after;
    else this.#collect(item, before, after);
  }

  /** A tag of this kind makes the collection when there is none yet. */
  #collect(item: SimulatedItem, before: readonly string[], after: string[]): void {
    const ofName = (title: string): SimulatedCollection | undefined =>
      this.#collections.list().find((one) => one.sectionId === item.sectionId && isSame(one.title, title));
    for (const title of before) {
      const collection = after.includes(title) ? undefined : ofName(title);
      if (collection !== undefined) this.#collections.takeOut(collection, item.ratingKey);
    }
    for (const title of after) {
      if (before.includes(title)) continue;
      const collection = ofName(title);
      if (collection !== undefined) this.#collections.putIn(collection, [item.ratingKey]);
      else if (item.type === 'movie') this.#collections.make(item.sectionId, title, [item.ratingKey]);
    }
    item.collections = after;
  }

  #spelt(sectionId: string, name: TagName, tag: string): string {
    const key = `${sectionId}/${name}/${tag.toLowerCase()}`;
    const known = this.#spellings.get(key) ?? tag;
    this.#spellings.set(key, known);
    return known;
  }
}

const isSame = (a: string, b: string): boolean => a.toLowerCase() === b.toLowerCase();
const typeOf = ({ type }: SimulatedItem): string => (type === 'movie' ? '1' : '4');
