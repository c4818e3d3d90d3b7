import type { Events } from '../../domain/events.js';
import {
  bestOf,
  mostUrgent,
  statusOfFile,
  type FileRecord,
  type ItemStatus,
} from '../../domain/library/item-status.js';
import { isFinished, type Job } from '../../domain/jobs/job.js';
import { LibraryFilter, type FacetCounts, type LibrarySort } from '../../domain/library/filter.js';
import type { LibraryItem } from '../../domain/library/library.js';
import type { MediaFile } from '../../domain/library/media.js';
import { mergedIn } from '../../domain/recommendations/merge.js';
import type { Recommendation } from '../../domain/recommendations/recommendation.js';
import { EventLoopYield } from '../../lib/event-loop-yield.js';
import type { Bus } from '../../lib/bus.js';
import { itemIdOf } from '../../store/row-keys.js';
import type { Store } from '../../store/store.js';
import type { FileStanding, Standing } from './columns.js';
import { LibraryTable, type Match } from './table.js';

export interface SearchAnswer {
  /** One page of ids, sorted. */
  ids: string[];
  /** Titles that match, and their size in bytes. */
  total: number;
  sizeBytes: number;
  facets: FacetCounts | null;
  /** Of the titles on the page some of whose files do not match, the ids of those that do. */
  matched: ReadonlyMap<string, readonly string[]>;
}

/** What stands about an item, or some of its files, beside it. */
export interface ItemSituation {
  /** The last word, as `statusOfFile` has it. */
  status: ItemStatus;
  /** The job that has not ended. */
  job: Job | null;
  /** The open recommendation that comes first. */
  recommendation: Recommendation | null;
}

const FILTER_NAMES = Object.keys(LibraryFilter.shape) as (keyof LibraryFilter)[];
/** So many answers are kept until something changes; each takes a byte a title. */
const MATCHES_KEPT = 8;
/** Rows taken into the table between two looks at the clock. */
const ROWS_PER_TURN = 50;

/** What stands about an item, and each file of it, of which nobody said anything. */
const NOTHING_SAID: Standing = { states: ['nothing'], ruleIds: [], savesBytes: null, tagNames: [] };

/** Finds titles by filter, in milliseconds whatever the size of the library. Follows every change from its start on. */
export class LibrarySearch {
  readonly #store: Store;
  readonly #bus: Bus<Events>;
  readonly #table: LibraryTable;
  #matches: { version: number; known: Map<string, Match> } = { version: -1, known: new Map() };
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
        this.#takeStandings(new Set(ids.map((id) => id.split('.')[0] ?? '')));
      }),
      this.#bus.on('job.changed', (job) => {
        this.#takeStandings(new Set([job.itemId]));
      }),
      this.#bus.on('quarantine.changed', ({ ids }) => {
        this.#takeStandings(new Set(ids.map((id) => this.#store.quarantine.find(id)?.itemId ?? '')));
      }),
    ];
    const letRest = this.#store.library.keepAwake();
    this.#reading = this.#readAll().finally(letRest);
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
    const match = this.#match(filter, facets);
    const ids = this.#table.cut(match, sort, page === 1 ? 0 : (page - 1) * pageSize, pageSize);
    const matched = new Map<string, readonly string[]>();
    for (const id of match.some.size > 0 ? ids : []) {
      const fileIds = this.#table.filesOf(match, id);
      if (fileIds) matched.set(id, fileIds);
    }
    return { ids, total: match.total, sizeBytes: match.sizeBytes, facets: match.facets, matched };
  }

  /** Where an item stands, or only these files of it. */
  situation(item: LibraryItem, fileIds: readonly string[] = item.files.map(({ id }) => id)): ItemSituation {
    const files = item.files.filter(({ id }) => fileIds.includes(id));
    const records = (files.length > 0 ? files : [null]).map((file) => ({ file, record: this.#recordOf(item, file) }));
    const jobs = records.flatMap(({ record }) => record.jobs.filter(({ state }) => !isFinished(state)));
    return {
      status: mostUrgent(records.map(({ file, record }) => statusOfFile(file, record))),
      job: jobs.at(-1) ?? null,
      recommendation: bestOf(records.flatMap(({ record }) => record.recommendations)),
    };
  }

  /** Ids of everything that matches, sorted. */
  async all(filter: LibraryFilter, sort: LibrarySort = 'title'): Promise<string[]> {
    const { ids } = await this.find({ filter, sort, page: 1, pageSize: Infinity });
    return ids;
  }

  /** The pages of a list are asked for one after the other, and many browsers show the same. */
  #match(filter: LibraryFilter, facets: boolean): Match {
    const { version } = this.#table;
    if (this.#matches.version !== version) this.#matches = { version, known: new Map() };
    const { known } = this.#matches;
    const key = JSON.stringify([facets, ...FILTER_NAMES.map((name) => filter[name])]);
    const match = known.get(key) ?? this.#table.match(filter, facets);
    known.delete(key);
    known.set(key, match);
    for (const oldest of known.keys()) if (known.size > MATCHES_KEPT) known.delete(oldest);
    return match;
  }

  async #readAll(): Promise<void> {
    const loopYield = new EventLoopYield();
    let some: string[] = [];
    for (const id of this.#store.library.ids()) {
      if (this.#isStopped) return;
      some.push(id);
      if (some.length < ROWS_PER_TURN) continue;
      this.#take(some);
      some = [];
      if (loopYield.isDue) await loopYield.pause();
    }
    this.#take(some);
  }

  #take(itemIds: readonly string[]): void {
    this.#table.put(
      itemIds.map((id) => {
        const item = this.#store.library.find(id);
        return { id, item, standing: this.#standingOf(item) };
      }),
    );
  }

  #takeStandings(itemIds: Iterable<string>): void {
    const changes = [];
    for (const id of itemIds) {
      const item = this.#table.has(id) ? this.#store.library.find(id) : null;
      if (item) changes.push({ id, item, standing: this.#standingOf(item) });
    }
    if (changes.length > 0) this.#table.putStandings(changes);
  }

  #standingOf(item: LibraryItem | null): Standing {
    if (item?.tags.length === 0 && this.#isUnmentioned(item.id)) return NOTHING_SAID;
    const tagNames = (item?.tags ?? []).map((tag) => this.#store.tags.find(tag)?.name ?? tag);
    const [first = null, ...others] = item?.files ?? [];
    if (!item || others.length === 0) return { ...this.#fileStanding(item, first), tagNames };
    const files = new Map(item.files.map((file) => [file.id, this.#fileStanding(item, file)]));
    const all = [...files.values()];
    const saves = all.flatMap(({ savesBytes }) => savesBytes ?? []);
    return {
      states: [...new Set(all.flatMap(({ states }) => states))],
      ruleIds: [...new Set(all.flatMap(({ ruleIds }) => ruleIds))],
      savesBytes: saves.length === 0 ? null : Math.max(...saves),
      tagNames,
      files,
    };
  }

  /** Whether nothing is known beside the item itself, as of nearly every one: that must cost next to nothing. */
  #isUnmentioned(id: string): boolean {
    const { jobs, recommendations, excluded } = this.#store;
    const isNamed = jobs.by(itemIdOf).count(id) > 0 || recommendations.by(itemIdOf).count(id) > 0;
    return !isNamed && !excluded.has(id);
  }

  #fileStanding(item: LibraryItem | null, file: MediaFile | null): FileStanding {
    if (!item) return { states: [], ruleIds: [], savesBytes: null };
    const record = this.#recordOf(item, file);
    const open = record.recommendations.filter(({ state }) => state === 'open');
    return {
      states: [statusOfFile(file, record).state],
      ruleIds: [...open, ...open.flatMap((row) => mergedIn(row, record.recommendations))].map(({ ruleId }) => ruleId),
      savesBytes: open.length === 0 ? null : Math.max(...open.map(({ savesBytes }) => savesBytes)),
    };
  }

  /** Everything that decides about the last word on a file; without a file, on an item that has none. */
  #recordOf(item: LibraryItem, file: MediaFile | null): FileRecord {
    const { jobs, recommendations, excluded, quarantine } = this.#store;
    const isOnly = item.files.length < 2;
    const ofItem = jobs.by(itemIdOf).of(item.id);
    return {
      excluded: excluded.find(item.id),
      jobs: isOnly || !file ? ofItem : ofItem.filter((job) => isAbout(job, file)),
      recommendations: recommendations
        .by(itemIdOf)
        .of(item.id)
        .filter(({ fileId }) => fileId === file?.id),
      isRestored: ({ quarantineId }) => quarantineId !== null && quarantine.find(quarantineId)?.state === 'restored',
    };
  }
}

/** A result may stand under another name, and have another id at the media server, than what it was made of. */
const isAbout = ({ fileId, sourcePath, targetPath }: Job, { id, localPath }: MediaFile): boolean =>
  fileId === id || (localPath !== null && (localPath === targetPath || localPath === sourcePath));
