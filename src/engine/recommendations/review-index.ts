import { plainText, textOf } from '../../domain/library/filter.js';
import type { LibraryItem } from '../../domain/library/library.js';
import { resolutionOf, type MediaFile } from '../../domain/library/media.js';
import type { Recommendation } from '../../domain/recommendations/recommendation.js';
import { Risk, risksOf } from '../../domain/recommendations/risk.js';
import { EventLoopYield } from '../../lib/event-loop-yield.js';
import { itemIdOf, mergedInto, stateOf } from '../../store/row-keys.js';
import type { Events } from '../../domain/events.js';
import type { Bus } from '../../lib/bus.js';
import type { Store } from '../../store/store.js';
import type { ReviewSort } from '../../domain/recommendations/review-query.js';

/** A recommendation with what it is filtered and grouped by. */
export interface Entry {
  readonly row: Recommendation;
  /** Rules that speak for it: its own, and those of what is merged into it. */
  readonly ruleIds: readonly string[];
  readonly item: LibraryItem | null;
  readonly file: MediaFile | null;
  /** Number of the file it is about, -1 for a group: the savings of one file are counted once. */
  readonly fileNo: number;
  /** Codec and resolution, such as `h264-1080`; what a group's own files have in common. */
  readonly likeness: string;
  /** A bit for each `Risk`. */
  readonly risks: number;
  /** Plain text for searching, made when somebody first searches. */
  text: string | null;
  /** Another entry took its place, or its row is gone. */
  isGone: boolean;
}

const BIT = new Map(Risk.options.map((risk, at) => [risk, 1 << at]));
/** The bit of a risk in `Entry.risks`; 0 for a name that is none. */
export const riskBit = (risk: string): number => BIT.get(risk as Risk) ?? 0;

const BY: Record<ReviewSort, (a: Recommendation, b: Recommendation) => number> = {
  priority: (a, b) => b.priority - a.priority || b.savesBytes - a.savesBytes,
  saving: (a, b) => b.savesBytes - a.savesBytes || b.priority - a.priority,
  size: (a, b) => b.fileSizeBytes - a.fileSizeBytes || b.priority - a.priority,
  newest: (a, b) => (a.createdAt < b.createdAt ? 1 : a.createdAt > b.createdAt ? -1 : b.priority - a.priority),
};

/** Entries made between two looks at the clock. */
const ENTRIES_PER_TURN = 200;

/**
 * All recommendations with the titles they are about, ready to be filtered in one pass over an order that stands already.
 * Reads the store when it is first asked, then follows the news of rows and titles.
 */
export class ReviewIndex {
  readonly #ctx: { store: Store; bus: Bus<Events> };
  readonly #entries = new Map<string, Entry>();
  readonly #fileNumbers = new Map<string, number>();
  readonly #orders = new Map<ReviewSort, Entry[]>();
  readonly #changedRows = new Set<string>();
  readonly #changedItems = new Set<string>();
  #fresh: Entry[] = [];
  /** Goes up with every change. */
  #version = 0;
  #reading: Promise<void> | null = null;
  readonly #listening: (() => void)[] = [];

  constructor(ctx: { store: Store; bus: Bus<Events> }) {
    this.#ctx = ctx;
  }

  /** Follows no changes any more. */
  async stop(): Promise<void> {
    await this.#reading;
    for (const forget of this.#listening.splice(0)) forget();
  }

  /** Entries in this order, up to the last change. Those that are gone since are not among them. */
  async ordered(sort: ReviewSort): Promise<readonly Entry[]> {
    this.#reading ??= this.#readAll();
    await this.#reading;
    this.#catchUp();
    const compare = (a: Entry, b: Entry): number => BY[sort](a.row, b.row) || (a.row.id < b.row.id ? -1 : 1);
    const known = this.#orders.get(sort);
    if (known) return known;
    const order = [...this.#entries.values()].sort(compare);
    this.#orders.set(sort, order);
    return order;
  }

  /** Another number than before: something changed since. */
  get version(): number {
    return this.#version;
  }

  /** How many files there are numbers for. */
  get files(): number {
    return this.#fileNumbers.size;
  }

  async #readAll(): Promise<void> {
    const { store, bus } = this.#ctx;
    this.#listening.push(
      bus.on('recommendation.changed', ({ ids }) => {
        for (const id of ids) this.#changedRows.add(id);
      }),
      bus.on('library.changed', ({ itemIds }) => {
        for (const id of itemIds) this.#changedItems.add(id);
      }),
    );
    const loopYield = new EventLoopYield();
    let made = 0;
    for (const row of [...store.recommendations.values()]) {
      if (row.state === 'merged') continue;
      this.#entries.set(row.id, this.#entryOf(row));
      if (++made % ENTRIES_PER_TURN === 0 && loopYield.isDue) await loopYield.pause();
    }
  }

  #catchUp(): void {
    const { recommendations } = this.#ctx.store;
    if (this.#changedItems.size > 0) {
      for (const { row } of this.#entries.values())
        if (this.#changedItems.has(row.itemId)) this.#changedRows.add(row.id);
      this.#changedItems.clear();
    }
    // Whoever changed rows and told nobody, such as an import, is noticed by their number.
    if (recommendations.size - recommendations.tally(stateOf).of('merged') !== this.#entries.size) this.#compare();
    if (this.#changedRows.size === 0) return;
    this.#version++;
    this.#addLeaders();
    for (const id of this.#changedRows) this.#renew(id);
    this.#changedRows.clear();
    for (const [sort, order] of this.#orders) this.#orders.set(sort, this.#mended(sort, order));
    this.#fresh = [];
  }

  /** What stayed is in order already: the few new ones are merged into it in one pass. */
  #mended(sort: ReviewSort, order: readonly Entry[]): Entry[] {
    const compare = (a: Entry, b: Entry): number => BY[sort](a.row, b.row) || (a.row.id < b.row.id ? -1 : 1);
    const fresh = this.#fresh.filter(({ isGone }) => !isGone).sort(compare);
    const merged: Entry[] = [];
    let at = 0;
    for (const entry of order) {
      if (entry.isGone) continue;
      for (let next = fresh[at]; next && compare(next, entry) < 0; next = fresh[++at]) merged.push(next);
      merged.push(entry);
    }
    return [...merged, ...fresh.slice(at)];
  }

  #compare(): void {
    const { recommendations } = this.#ctx.store;
    for (const row of recommendations.values())
      if (row.state !== 'merged' && !this.#entries.has(row.id)) this.#changedRows.add(row.id);
    for (const [id, { row }] of this.#entries)
      if (!recommendations.has(id) || recommendations.find(id)?.state !== row.state) this.#changedRows.add(id);
  }

  /** What stands for a row that changed shows its rule, and what stood for it until now no longer does. */
  #addLeaders(): void {
    const { recommendations } = this.#ctx.store;
    for (const id of [...this.#changedRows]) {
      const row = recommendations.find(id);
      const ofItem = row?.group === null ? recommendations.by(itemIdOf).of(row.itemId) : [];
      if (ofItem.length < 2) continue;
      for (const other of ofItem) if (other.fileId === row?.fileId) this.#changedRows.add(other.id);
    }
  }

  #renew(id: string): void {
    const known = this.#entries.get(id);
    if (known) known.isGone = true;
    const row = this.#ctx.store.recommendations.find(id);
    if (row === null || row.state === 'merged') {
      this.#entries.delete(id);
      return;
    }
    const entry = this.#entryOf(row);
    this.#entries.set(id, entry);
    this.#fresh.push(entry);
  }

  #entryOf(row: Recommendation): Entry {
    const item = row.itemId === '' ? null : this.#ctx.store.library.find(row.itemId);
    const file = item?.files.find(({ id }) => id === row.fileId) ?? null;
    const video = file?.video;
    return {
      row,
      ruleIds: this.#rulesOf(row),
      item,
      file,
      fileNo: row.group === null ? this.#numberOf(`${row.itemId}.${row.fileId}`) : -1,
      likeness: row.group
        ? `${row.group.codec}-${row.group.resolution}`
        : video
          ? `${video.codec}-${resolutionOf(video)}`
          : '',
      risks: file ? risksOf(file).reduce((bits, risk) => bits | riskBit(risk), 0) : 0,
      text: null,
      isGone: false,
    };
  }

  #rulesOf(row: Recommendation): readonly string[] {
    return [row.ruleId, ...mergedInto(this.#ctx.store, row).map(({ ruleId }) => ruleId)];
  }

  #numberOf(key: string): number {
    const known = this.#fileNumbers.get(key);
    if (known !== undefined) return known;
    this.#fileNumbers.set(key, this.#fileNumbers.size);
    return this.#fileNumbers.size - 1;
  }
}

/** What search words are looked for in. */
export const searchTextOf = (entry: Entry): string =>
  (entry.text ??= entry.item ? textOf(entry.item) : plainText(`${entry.row.reason} ${entry.likeness}`));
