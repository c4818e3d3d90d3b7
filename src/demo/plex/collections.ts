import { itemAnswer, showAnswer } from './answers.js';
import { cutPage } from './listing.js';
import { nowSec, type SimulatedItem, type SimulatedShow } from './model.js';
import type { Call, Reply } from './replies.js';
import type { SimulatedLibrary } from './simulated-library.js';

/** A collection. Its own number and the number of its tag are two different things. */
export interface SimulatedCollection {
  ratingKey: string;
  tagId: number;
  sectionId: string;
  title: string;
  smart: boolean;
  /** Rating keys of films, or of shows. */
  children: string[];
}

/** Longer lists of ids are refused. */
const MOST_IDS = 250;

const notFound: Reply = { kind: 'status', status: 404 };
const refused: Reply = { kind: 'status', status: 400 };
const taken: Reply = { kind: 'status', status: 200 };

type Child = { film: SimulatedItem } | { show: SimulatedShow };

/**
 * The collections of the simulated server. Each belongs to one library; titles carry its name as a tag; one that becomes
 * empty is gone, and so is a title's place in it when the title goes. The methods beside `answer` are what people do.
 */
export class SimulatedCollections {
  readonly #library: SimulatedLibrary;
  readonly #machineIdentifier: () => string;
  readonly #all = new Map<string, SimulatedCollection>();
  #lastTagId = 9000;
  /** Asked before each request: a status that is answered instead, or null. */
  refuse: (call: Call) => number | null = () => null;

  constructor(library: SimulatedLibrary, machineIdentifier: () => string) {
    this.#library = library;
    this.#machineIdentifier = machineIdentifier;
  }

  /** Live objects. */
  list(): SimulatedCollection[] {
    this.#tidy();
    return [...this.#all.values()];
  }

  /** Throws when there is none, or more than one. */
  titled(title: string): SimulatedCollection {
    const [found, ...more] = this.list().filter((one) => one.title === title);
    if (found === undefined || more.length > 0) throw new Error(`Not exactly one collection is called ${title}`);
    return found;
  }

  make(sectionId: string, title: string, children: readonly string[], smart = false): SimulatedCollection {
    const ratingKey = String(this.#library.nextId());
    const made = { ratingKey, tagId: ++this.#lastTagId, sectionId, title, smart, children: [] };
    this.#all.set(ratingKey, made);
    this.putIn(made, children);
    return made;
  }

  rename(collection: SimulatedCollection, title: string): void {
    for (const key of collection.children) this.#tag(key, collection.title, title);
    collection.title = title;
  }

  delete(collection: SimulatedCollection): void {
    for (const key of collection.children) this.#tag(key, collection.title, null);
    this.#all.delete(collection.ratingKey);
  }

  putIn(collection: SimulatedCollection, keys: readonly string[]): void {
    for (const key of keys) {
      if (collection.children.includes(key)) continue;
      collection.children.push(key);
      this.#tag(key, null, collection.title);
    }
  }

  takeOut(collection: SimulatedCollection, key: string): void {
    collection.children = collection.children.filter((child) => child !== key);
    this.#tag(key, collection.title, null);
    this.#tidy();
  }

  /** What is below `/library/collections`, and `/library/sections/<id>/collections`. */
  answer(call: Call, parts: readonly string[]): Reply {
    this.#tidy();
    const status = this.refuse(call);
    if (status !== null) return { kind: 'status', status };
    if (parts[1] === 'sections') return this.#ofSection(call, parts[2] ?? '');
    const [, , ratingKey, what, child] = parts;
    if (ratingKey === undefined) return call.method === 'POST' ? this.#create(call.query) : notFound;
    const collection = this.#all.get(ratingKey);
    if (collection === undefined) return notFound;
    if (what === undefined) return this.#one(call, collection);
    if (what !== 'items' && what !== 'children') return notFound;
    if (child !== undefined) return this.#takeOut(call, collection, child);
    if (call.method === 'PUT') return this.#put(call.query, collection);
    return call.method === 'GET' ? this.#children(call, collection) : notFound;
  }

  #ofSection(call: Call, sectionId: string): Reply {
    const found = this.list().filter((one) => one.sectionId === sectionId);
    return listed(found, call, (one) => this.#json(one));
  }

  #one(call: Call, collection: SimulatedCollection): Reply {
    if (call.method === 'GET') return { kind: 'container', container: { size: 1, Metadata: [this.#json(collection)] } };
    if (call.method !== 'DELETE') return notFound;
    this.delete(collection);
    return taken;
  }

  #create(query: URLSearchParams): Reply {
    const section = this.#library.sections.find(({ id }) => id === query.get('sectionId'));
    const title = query.get('title') ?? '';
    const keys = this.#keysOf(query);
    const type = section?.type === 'movie' ? '1' : '2';
    if (section === undefined || title === '' || query.get('type') !== type || keys === null) return refused;
    const children = keys.filter((key) => this.#sectionOf(key) === section.id);
    if (children.length === 0) return refused;
    // It is all one tag: a second collection of the same name would be the first one.
    const same = this.list().find((one) => one.sectionId === section.id && one.title === title);
    if (same !== undefined) this.putIn(same, children);
    const made = same ?? this.make(section.id, title, children);
    return { kind: 'container', container: { size: 1, Metadata: [this.#json(made)] } };
  }

  #put(query: URLSearchParams, collection: SimulatedCollection): Reply {
    const keys = this.#keysOf(query);
    if (keys === null || collection.smart) return refused;
    // What it does not know, or has in another library, it leaves out without a word.
    this.putIn(collection, keys.filter((key) => this.#sectionOf(key) === collection.sectionId)); // prettier-ignore
    return { kind: 'container', container: { size: 1, Metadata: [this.#json(collection)] } };
  }

  #takeOut(call: Call, collection: SimulatedCollection, key: string): Reply {
    if (call.method !== 'DELETE' || !collection.children.includes(key)) return notFound;
    if (collection.smart) return refused;
    this.takeOut(collection, key);
    return taken;
  }

  #children(call: Call, collection: SimulatedCollection): Reply {
    const children = collection.children.flatMap((key) => this.#child(key) ?? []);
    return listed(children, call, (child) =>
      'film' in child
        ? itemAnswer(child.film, false)
        : showAnswer(child.show, null, this.#library.leavesOf(child.show.ratingKey)?.length ?? 0),
    );
  }

  /** The ids of `uri=server://<this server>/.../library/metadata/1,2`; null for anything else. */
  #keysOf(query: URLSearchParams): string[] | null {
    const start = `server://${this.#machineIdentifier()}/com.plexapp.plugins.library/library/metadata/`;
    const uri = query.get('uri') ?? '';
    if (!uri.startsWith(start)) return null;
    const keys = uri.slice(start.length).split(',').filter(Boolean);
    return keys.length === 0 || keys.length > MOST_IDS ? null : keys;
  }

  #child(key: string): Child | null {
    const film = this.#library.find(key);
    if (film?.type === 'movie') return { film };
    const show = this.#library.shows.get(key);
    return show === undefined ? null : { show };
  }

  #sectionOf(key: string): string | null {
    const child = this.#child(key);
    return child === null ? null : 'film' in child ? child.film.sectionId : child.show.sectionId;
  }

  /** A film or show has the collection's name among its tags, and changed with it. */
  #tag(key: string, before: string | null, after: string | null): void {
    const child = this.#child(key);
    if (child === null) return;
    const owner = 'film' in child ? child.film : child.show;
    const left = (owner.collections ?? []).filter((title) => title !== before && title !== after);
    owner.collections = after === null ? left : [...left, after];
    if ('film' in child) child.film.updatedAt = Math.max(nowSec(), child.film.updatedAt);
  }

  #tidy(): void {
    for (const collection of this.#all.values()) {
      collection.children = collection.children.filter((key) => this.#child(key) !== null);
      if (collection.children.length === 0) this.#all.delete(collection.ratingKey);
    }
  }

  #json({ ratingKey, tagId, sectionId, title, smart, children }: SimulatedCollection): Record<string, unknown> {
    const section = this.#library.sections.find(({ id }) => id === sectionId);
    return {
      ratingKey,
      key: `/library/collections/${ratingKey}/children`,
      guid: `collection://${ratingKey}`,
      type: 'collection',
      subtype: section?.type ?? 'movie',
      title,
      summary: '',
      index: tagId,
      ratingCount: tagId,
      smart: smart ? '1' : undefined,
      librarySectionID: Number(sectionId),
      addedAt: nowSec(),
      updatedAt: nowSec(),
      childCount: String(children.length),
    };
  }
}

function listed<T>(all: readonly T[], call: Call, toJson: (one: T) => Record<string, unknown>): Reply {
  const page = cutPage([...all], call.query, call.headers);
  const Metadata = page.items.map(toJson);
  const size = Metadata.length;
  return { kind: 'container', container: { size, ...page.paging, ...(size === 0 ? {} : { Metadata }) } };
}
