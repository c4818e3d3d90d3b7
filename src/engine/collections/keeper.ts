import { placeIn, placesOf } from './places.js';
import {
  newPlace,
  type CollectionPlace,
  type CollectionPlan,
  type LibraryCollection,
  type PlacePreview,
} from '../../domain/collections/collection.js';
import { conflict, invalid, toAppError } from '../../domain/errors.js';
import type { Events } from '../../domain/events.js';
import { EVERYTHING, filterOf, type LibraryFilter } from '../../domain/library/filter.js';
import type { ServerCollections, Servers } from '../../domain/plex/media-server.js';
import { isSameName } from '../../domain/library/tag.js';
import type { Bus } from '../../lib/bus.js';
import type { Log } from '../../lib/log.js';
import type { Store } from '../../store/store.js';
import { matchesOf, type SectionMatches } from './matches.js';
import { previewOf } from './preview.js';
import { lookAt } from './sight.js';
import { bringInStep, failed, leftAlone, makeCollection } from './step.js';

export interface CollectionKeeperParts {
  store: Store;
  bus: Bus<Events>;
  log: Log;
  now: () => Date;
  /** Throws `plex_not_configured`. */
  server: Servers;
  search: { all(filter: LibraryFilter): Promise<string[]> };
}

/**
 * Keeps collections in Plex in step with the filters they follow: after each sync of the library, and when asked. Of
 * what it finds in Plex only what it put in itself is ever taken out.
 */
export class CollectionKeeper {
  readonly #parts: CollectionKeeperParts;
  /** By id of the collection. */
  readonly #busy = new Map<string, Promise<unknown>>();
  readonly #syncing = new Map<string, Promise<LibraryCollection>>();
  #abort = new AbortController();
  #listening: (() => void)[] = [];
  #round: Promise<void> | null = null;
  #isRoundDue = false;

  constructor(parts: CollectionKeeperParts) {
    this.#parts = parts;
  }

  start(): void {
    this.#abort = new AbortController();
    const { bus } = this.#parts;
    this.#listening = [
      bus.on('sync.completed', () => {
        this.syncSoon();
      }),
      // Filters may ask what rules found, which is known only now.
      bus.on('analysis.completed', ({ trigger }) => {
        if (trigger === 'sync') this.syncSoon();
      }),
    ];
  }

  async stop(): Promise<void> {
    this.#abort.abort();
    for (const off of this.#listening.splice(0)) off();
    await this.settled();
  }

  /** Resolves when nothing is being brought in step any more. */
  async settled(): Promise<void> {
    while (this.#round !== null || this.#busy.size > 0)
      await Promise.allSettled([this.#round, ...this.#busy.values()].filter((work) => work !== null));
  }

  isSyncing(id: string): boolean {
    return this.#syncing.has(id);
  }

  /** Brings one in step; what went wrong stands in the row. Joins a run that is under way. Throws `not_found`, `conflict`. */
  async sync(id: string): Promise<LibraryCollection> {
    const running = this.#syncing.get(id);
    if (running) return running;
    const work = this.#alone(id, (signal) => this.#bring(id, signal));
    this.#syncing.set(id, work);
    this.#parts.bus.emit('collection.changed', { ids: [id] });
    try {
      return await work;
    } finally {
      this.#syncing.delete(id);
      this.#parts.bus.emit('collection.changed', { ids: [id] });
    }
  }

  /** Brings all in step that follow the library by themselves; returns at once. */
  syncSoon(): void {
    this.#isRoundDue = true;
    this.#round ??= this.#rounds().finally(() => (this.#round = null));
  }

  async #syncAll(): Promise<void> {
    const { store, log } = this.#parts;
    for (const { id } of store.collections.where(({ keepInStep }) => keepInStep)) {
      if (this.#abort.signal.aborted) return;
      // It may have been deleted meanwhile, or the owner is at it just now.
      await this.sync(id).catch((error: unknown) => {
        log.debug({ err: error, id }, 'A collection was passed over');
      });
    }
  }

  /** What bringing it in step would do, library by library; changes nothing. Throws `invalid` for a filter that cannot be used. */
  async preview(plan: CollectionPlan): Promise<PlacePreview[]> {
    const { store, server } = this.#parts;
    const matches = await matchesOf(this.#parts, this.filterOf(plan));
    const places = placesOf(plan.places, matches);
    const previews: PlacePreview[] = [];
    for (const place of places) {
      const section = store.sections.find(place.sectionId);
      const about = { name: plan.name, place, section, matches: matches.get(place.sectionId) };
      previews.push(await previewOf(about, () => server(place.serverId).collections, this.#abort.signal));
    }
    return previews;
  }

  /** The filter a collection follows. Throws `invalid` when it is gone, cannot be read, or lets everything through. */
  filterOf({ filterId, query }: Pick<CollectionPlan, 'filterId' | 'query'>): LibraryFilter {
    const saved = filterId === null ? null : this.#parts.store.filters.find(filterId);
    if (filterId !== null && saved === null)
      throw invalid('The saved filter it follows was removed. Choose another one.', { filterId: 'was removed' });
    const filter = filterOf(saved?.query ?? query);
    if (JSON.stringify(filter) === JSON.stringify(EVERYTHING))
      throw invalid('This filter lets the whole library through. Choose one that says which titles are meant.', {
        query: 'lets everything through',
      });
    return filter;
  }

  /** Makes it anew in a library: where it was deleted in Plex, or where the owner wanted none. Throws `not_found`, `conflict`. */
  async makeAgain(id: string, sectionId: string): Promise<LibraryCollection> {
    await this.#change(id, sectionId, (place) => {
      if (place.state !== 'deleted' && place.state !== 'off') throw conflict('It is not gone there.');
      return newPlace(place.serverId, place.sectionId);
    });
    return this.sync(id);
  }

  /** Looks after it no more in this library; whatever is in Plex stays there. Throws `not_found`, `conflict`. */
  async forget(id: string, sectionId: string): Promise<LibraryCollection> {
    return this.#change(id, sectionId, (place) => ({ ...newPlace(place.serverId, place.sectionId), state: 'off' }));
  }

  /** Forgets what people took out in Plex, so that it is put in again. Throws `not_found`, `conflict`. */
  async putBack(id: string, sectionId: string): Promise<LibraryCollection> {
    await this.#change(id, sectionId, (place) => ({ ...place, takenOut: [] }));
    return this.sync(id);
  }

  /** Uses the collection of that name that somebody else made; what is in it stays. Throws `not_found`, `conflict`. */
  async adopt(id: string, sectionId: string): Promise<LibraryCollection> {
    await this.#alone(id, async (signal) => {
      const { name, places } = this.#parts.store.collections.get(id);
      const place = placeIn(places, sectionId);
      if (place.state !== 'taken') throw conflict('There is no other collection of this name to use.');
      const listed = await this.#parts.server(place.serverId).collections.list(sectionId, signal);
      const found = listed.find(({ title }) => isSameName(title, name));
      if (found === undefined) throw conflict('That collection was deleted meanwhile. Sync it to make a new one.');
      if (found.isSmart) throw conflict('Plex fills that collection by itself. Give yours another name.');
      const owner = this.#ownerOf(place.serverId, found.ratingKey);
      if (owner !== null) throw conflict(`That collection belongs to ${owner.name} already.`);
      const { ratingKey, title, count } = found;
      const fresh = newPlace(place.serverId, sectionId);
      await this.#save(id, { ...fresh, state: 'there', ratingKey, title, held: count, adopted: true });
    });
    return this.sync(id);
  }

  /**
   * Forgets the collection. With `inPlex` those it made are deleted in Plex first, those it only uses stay. Throws
   * `not_found`, `conflict`, or a `plex_*` code; then the rest is as it was.
   */
  async remove(id: string, inPlex: boolean): Promise<LibraryCollection> {
    return this.#alone(id, async (signal) => {
      const { store, bus, server } = this.#parts;
      const row = store.collections.get(id);
      for (const place of inPlex ? row.places : []) {
        if (place.ratingKey === null || place.adopted) continue;
        await server(place.serverId).collections.delete(place.ratingKey, signal);
        await this.#save(id, { ...newPlace(place.serverId, place.sectionId), state: 'off' });
      }
      await store.collections.remove(id);
      bus.emit('collection.changed', { ids: [id] });
      return row;
    });
  }

  async #rounds(): Promise<void> {
    while (this.#isRoundDue && !this.#abort.signal.aborted) {
      this.#isRoundDue = false;
      await this.#syncAll();
    }
  }

  /** Nobody else works on this collection meanwhile. Throws `conflict` when somebody does. */
  async #alone<T>(id: string, task: (signal: AbortSignal) => Promise<T>): Promise<T> {
    if (this.#busy.has(id)) throw conflict('It is being synced right now. Try again in a moment.');
    const work = task(this.#abort.signal);
    this.#busy.set(id, work);
    try {
      return await work;
    } finally {
      this.#busy.delete(id);
    }
  }

  async #bring(id: string, signal: AbortSignal): Promise<LibraryCollection> {
    const { store, log } = this.#parts;
    const row = store.collections.get(id);
    let matches: Map<string, SectionMatches>;
    try {
      matches = await matchesOf(this.#parts, this.filterOf(row));
    } catch (error) {
      log.warn({ err: error, collection: row.name }, 'A collection has a filter that cannot be used');
      return store.collections.patch(id, { error: toAppError(error).message });
    }
    const places = placesOf(row.places, matches);
    await store.collections.patch(id, { error: null, places });
    for (const place of places) {
      if (place.state === 'off') continue;
      await this.#bringPlace(row, place, matches.get(place.sectionId), signal);
    }
    return store.collections.get(id);
  }

  /** What goes wrong stays in this place: the other libraries have their turn. */
  async #bringPlace(
    { id, name }: LibraryCollection,
    place: CollectionPlace,
    matches: SectionMatches | undefined,
    signal: AbortSignal,
  ): Promise<void> {
    const { store, server, now, log } = this.#parts;
    const collections = (): ServerCollections => server(place.serverId).collections;
    const section = store.sections.find(place.sectionId);
    const save = (changed: CollectionPlace): Promise<void> => this.#save(id, changed);
    let current = place;
    try {
      let sight = await lookAt({ name, place, section, matches }, collections, signal);
      const step = { collections: collections(), now, save, signal };
      const isFresh = sight.kind === 'make';
      if (sight.kind === 'make' && section !== null) {
        current = await makeCollection(place, { section, name, first: sight.first }, step);
        sight = await lookAt({ name, place: current, section, matches }, collections, signal);
      }
      if (sight.kind === 'leave') await save(leftAlone(current, sight, now));
      else if (sight.kind === 'change') await save(await bringInStep(current, sight, { ...step, isFresh }));
    } catch (error) {
      signal.throwIfAborted();
      log.warn({ err: error, collection: name, section: section?.title }, 'A collection was not synced');
      // What was noted before Plex was told is what the next look needs.
      current = placeIn(store.collections.get(id).places, place.sectionId);
      await save(failed(current, toAppError(error).message, now));
    }
  }

  async #change(
    id: string,
    sectionId: string,
    change: (place: CollectionPlace) => CollectionPlace,
  ): Promise<LibraryCollection> {
    return this.#alone(id, async () => {
      await this.#save(id, change(placeIn(this.#parts.store.collections.get(id).places, sectionId)));
      return this.#parts.store.collections.get(id);
    });
  }

  async #save(id: string, place: CollectionPlace): Promise<void> {
    const { store, bus } = this.#parts;
    const { places } = store.collections.get(id);
    await store.collections.patch(id, {
      places: places.map((known) => (known.sectionId === place.sectionId ? place : known)),
    });
    bus.emit('collection.changed', { ids: [id] });
  }

  #ownerOf(serverId: string, ratingKey: string): LibraryCollection | null {
    const holds = (place: CollectionPlace): boolean => place.serverId === serverId && place.ratingKey === ratingKey;
    return this.#parts.store.collections.where(({ places }) => places.some(holds))[0] ?? null;
  }
}
