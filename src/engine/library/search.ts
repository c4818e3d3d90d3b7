import type { Events } from '../../domain/events.js';
import { isFinished, type Job } from '../../domain/job.js';
import type { FacetCounts, ItemState, LibraryFilter, LibrarySort } from '../../domain/library-filter.js';
import { Breather } from '../../lib/breather.js';
import type { Bus } from '../../lib/bus.js';
import type { Store } from '../../store/store.js';
import { LibraryTable, type Standing } from './library-table.js';

export interface SearchAnswer {
  /** One page of ids, sorted. */
  ids: string[];
  /** Titles that match, and their size in bytes. */
  total: number;
  sizeBytes: number;
  facets: FacetCounts | null;
}

/** Rows taken into the table between two looks at the clock. */
const ROWS_PER_TURN = 50;

/** Finds titles by filter, in milliseconds whatever the size of the library. Follows every change from its start on. */
export class LibrarySearch {
  readonly #store: Store;
  readonly #bus: Bus<Events>;
  readonly #table: LibraryTable;
  /** Item id -> ids of its jobs that have not ended, and whether one was done. */
  readonly #jobs = new Map<string, { waiting: Set<string>; isDone: boolean }>();
  readonly #ruleIds = new Set<string>();
  #listening: (() => void)[] = [];
  #reading: Promise<void> = Promise.resolve();
  #isStopped = true;

  constructor(parts: { store: Store; bus: Bus<Events> }) {
    this.#store = parts.store;
    this.#bus = parts.bus;
    // A twentieth more than there are now.
    this.#table = new LibraryTable(Math.max(1024, Math.ceil(parts.store.library.size * 1.05)));
  }

  /** Begins to read the library, which only those who search wait for. */
  start(): void {
    this.#isStopped = false;
    this.#listening = [
      this.#bus.on('library.changed', ({ itemIds }) => {
        this.#take(itemIds);
      }),
      this.#bus.on('recommendation.changed', ({ ids }) => {
        for (const id of ids) this.#noteRule(this.#store.recommendations.find(id)?.ruleId);
        this.#take([...new Set(ids.map((id) => id.split('.')[0] ?? ''))].filter((id) => this.#table.has(id)));
      }),
      this.#bus.on('job.changed', (job) => {
        this.#noteJob(job);
        if (this.#table.has(job.itemId)) this.#take([job.itemId]);
      }),
    ];
    this.#reading = this.#readAll();
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    for (const off of this.#listening.splice(0)) off();
    await this.#reading;
  }

  /** Resolves when the library was read. */
  async settled(): Promise<void> {
    await this.#reading;
  }

  /** One page of what matches; `page` counts from 1. */
  async find(request: {
    filter: LibraryFilter;
    sort: LibrarySort;
    page: number;
    pageSize: number;
    facets?: boolean;
  }): Promise<SearchAnswer> {
    const { filter, sort, page, pageSize, facets = false } = request;
    await this.#reading;
    await this.#table.prepare(sort);
    const match = this.#table.match(filter, facets);
    const ids = this.#table.cut(match, sort, (page - 1) * pageSize, pageSize);
    return { ids, total: match.total, sizeBytes: match.sizeBytes, facets: match.facets };
  }

  /** Ids of everything that matches, sorted. */
  async all(filter: LibraryFilter, sort: LibrarySort = 'title'): Promise<string[]> {
    const { ids } = await this.find({ filter, sort, page: 1, pageSize: Infinity });
    return ids;
  }

  async #readAll(): Promise<void> {
    for (const { ruleId } of this.#store.recommendations.values()) this.#noteRule(ruleId);
    for (const job of this.#store.jobs.values()) this.#noteJob(job);
    const breather = new Breather();
    let some: string[] = [];
    for (const { id } of this.#store.library.values()) {
      if (this.#isStopped) return;
      some.push(id);
      if (some.length < ROWS_PER_TURN) continue;
      this.#take(some);
      some = [];
      if (breather.isDue) await breather.pause();
    }
    this.#take(some);
  }

  #take(itemIds: readonly string[]): void {
    this.#table.put(itemIds.map((id) => ({ id, item: this.#store.library.find(id), standing: this.#standingOf(id) })));
  }

  #standingOf(itemId: string): Standing {
    const ruleIds = new Set<string>();
    let savesBytes: number | null = null;
    const item = this.#store.library.find(itemId);
    for (const { id: fileId } of item?.files ?? []) {
      for (const ruleId of this.#ruleIds) {
        const row = this.#store.recommendations.find(`${itemId}.${fileId}.${ruleId}`);
        if (row?.state !== 'open') continue;
        ruleIds.add(ruleId);
        savesBytes = Math.max(savesBytes ?? 0, row.savesBytes);
      }
    }
    const jobs = this.#jobs.get(itemId);
    const states: ItemState[] = [];
    if (ruleIds.size > 0) states.push('suggested');
    if (jobs && jobs.waiting.size > 0) states.push('waiting');
    if (jobs?.isDone) states.push('done');
    const tagNames = (item?.tags ?? []).map((tag) => this.#store.tags.find(tag)?.name ?? tag);
    return { states, ruleIds: [...ruleIds], savesBytes, tagNames };
  }

  #noteRule(ruleId: string | undefined): void {
    if (ruleId !== undefined) this.#ruleIds.add(ruleId);
  }

  #noteJob({ id, itemId, state }: Job): void {
    const jobs = this.#jobs.get(itemId) ?? { waiting: new Set(), isDone: false };
    if (isFinished(state)) jobs.waiting.delete(id);
    else jobs.waiting.add(id);
    if (state === 'done') jobs.isDone = true;
    this.#jobs.set(itemId, jobs);
  }
}
