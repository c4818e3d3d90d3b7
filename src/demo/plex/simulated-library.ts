import { nowSec, type SimulatedFile, type SimulatedItem, type SimulatedSection, type SimulatedShow } from './model.js';

type NewItem = Pick<SimulatedItem, 'sectionId' | 'type' | 'title'> & Partial<SimulatedItem>;

/** What the simulated server knows: items in the order they were added, so a list sorted by id needs no sorting. */
export class SimulatedLibrary {
  readonly sections: readonly SimulatedSection[];
  readonly shows = new Map<string, SimulatedShow>();
  readonly #items = new Map<string, SimulatedItem>();
  readonly #perSection = new Map<string, Set<SimulatedItem>>();
  readonly #showsByName = new Map<string, SimulatedShow>();
  #lastId = 100;

  constructor(sections: readonly SimulatedSection[]) {
    this.sections = sections;
  }

  /** Ids are never used twice: an item that comes back is a stranger. */
  nextId(): number {
    return ++this.#lastId;
  }

  items(): SimulatedItem[] {
    return [...this.#items.values()];
  }

  /** In the order they were added. */
  itemsOf(sectionId: string): SimulatedItem[] {
    return [...(this.#perSection.get(sectionId) ?? [])];
  }

  find(ratingKey: string): SimulatedItem | null {
    return this.#items.get(ratingKey) ?? null;
  }

  findByPath(serverPath: string): SimulatedItem | null {
    return this.items().find(({ files }) => files.some((file) => file.serverPath === serverPath)) ?? null;
  }

  add(fields: NewItem): SimulatedItem {
    const id = this.nextId();
    const at = nowSec();
    const item: SimulatedItem = {
      ratingKey: String(id),
      guid: `plex://${fields.type}/${id.toString(16).padStart(24, '0')}`,
      year: null,
      show: null,
      season: null,
      episode: null,
      addedAt: at,
      updatedAt: at,
      viewCount: 0,
      viewOffset: 0,
      lastViewedAt: null,
      userRating: null,
      labels: [],
      collections: [],
      files: [],
      ...fields,
    };
    this.#items.set(item.ratingKey, item);
    const siblings = this.#perSection.get(item.sectionId) ?? new Set();
    this.#perSection.set(item.sectionId, siblings.add(item));
    return item;
  }

  remove(item: SimulatedItem): void {
    this.#items.delete(item.ratingKey);
    this.#perSection.get(item.sectionId)?.delete(item);
  }

  newFile(fields: Omit<SimulatedFile, 'mediaId' | 'partId'>): SimulatedFile {
    return { mediaId: this.nextId(), partId: this.nextId(), ...fields };
  }

  /** The show of this name, and the rating key of its season; both are made when they are new. */
  showOf(sectionId: string, title: string, season: number): { show: SimulatedShow; seasonKey: string } {
    const name = `${sectionId}/${title}`;
    let show = this.#showsByName.get(name);
    if (show === undefined) {
      show = { ratingKey: String(this.nextId()), sectionId, title, addedAt: nowSec(), seasons: new Map() };
      this.shows.set(show.ratingKey, show);
      this.#showsByName.set(name, show);
    }
    const seasonKey = show.seasons.get(season) ?? String(this.nextId());
    show.seasons.set(season, seasonKey);
    return { show, seasonKey };
  }

  /** Episodes below a show or season, or null when there is no such show or season. */
  leavesOf(ratingKey: string): SimulatedItem[] | null {
    for (const show of this.shows.values()) {
      const episodes = (): SimulatedItem[] => this.itemsOf(show.sectionId).filter((item) => item.show === show);
      if (show.ratingKey === ratingKey) return episodes();
      for (const [season, key] of show.seasons)
        if (key === ratingKey) return episodes().filter((item) => item.season === season);
    }
    return null;
  }

  /** Shows and seasons without episodes go with their last one. */
  dropEmptyShows(): void {
    for (const show of this.shows.values()) {
      const left = new Set(this.leavesOf(show.ratingKey)?.map(({ season }) => season));
      for (const season of show.seasons.keys()) if (!left.has(season)) show.seasons.delete(season);
      if (show.seasons.size > 0) continue;
      this.shows.delete(show.ratingKey);
      this.#showsByName.delete(`${show.sectionId}/${show.title}`);
    }
  }
}
