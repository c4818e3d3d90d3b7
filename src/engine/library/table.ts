import {
  FACETS,
  wordsOf,
  type FacetCounts,
  type LibraryFilter,
  type LibrarySort,
  type Measure,
} from '../../domain/library/filter.js';
import type { LibraryItem } from '../../domain/library/library.js';
import { EventLoopYield } from '../../lib/event-loop-yield.js';
import { SlotOrder, type Slot } from '../../lib/slot-order.js';
import { LibraryColumns, type Standing } from './columns.js';
import { boundsOf, isOpen, itemPredicateOf, predicateOf, type Bound } from './predicate.js';
import { countWords, matchVersions, measuresOfMatched, type FileQuestion, type Version } from './version-match.js';

/** What a filter lets through. */
export interface Match {
  /** 1 for each slot that matches. */
  hits: Uint8Array;
  total: number;
  /** Of the files that match. */
  sizeBytes: number;
  /** Null when not asked for. */
  facets: FacetCounts | null;
  /** Of the items some of whose files do not match, those that do. */
  some: ReadonlyMap<Slot, readonly Version[]>;
}

/** Marks a slot whose files are compared one by one. */
const SEVERAL = 2;
const NOTHING = new Uint16Array();
/** A few milliseconds' worth. */
const SORTED_AT_ONCE = 2000;

/**
 * The library as columns of small numbers beside the rows themselves: a filter with all its counts is one pass over
 * arrays, a page is a walk along an order that is kept. 100,000 titles take about 30 MB.
 */
export class LibraryTable {
  readonly #columns: LibraryColumns;
  /** Made when first asked for, kept up to date from then on. */
  readonly #orders = new Map<Measure | 'title', SlotOrder>();
  #version = 0;
  readonly #sorting = new Map<Measure | 'title', Promise<void>>();

  /** `capacity`: about how many titles will be put, so that no column has to grow on the way. */
  constructor(capacity = 1024) {
    this.#columns = new LibraryColumns(capacity);
  }

  /** Another number than before: something changed since. */
  get version(): number {
    return this.#version;
  }

  has(id: string): boolean {
    return this.#columns.slots.has(id);
  }

  /** Puts titles as they are now; null takes one away. Cost: its columns, and its place in each order in use. */
  put(changes: readonly { id: string; item: LibraryItem | null; standing: Standing }[]): void {
    this.#version++;
    const present: Slot[] = [];
    const gone: Slot[] = [];
    for (const { id, item, standing } of changes) {
      if (item) present.push(this.#columns.write(id, item, standing));
      else {
        const slot = this.#columns.erase(id);
        if (slot !== null) gone.push(slot);
      }
    }
    for (const order of this.#orders.values()) order.update(present, gone);
    // Only now: a slot in use again within the same call would be put and taken out of the orders at once.
    this.#columns.release(gone);
  }

  /** Like `put` for titles that are here and unchanged themselves, when what is known about them beside has changed. */
  putStandings(changes: readonly { id: string; item: LibraryItem; standing: Standing }[]): void {
    this.#version++;
    const changed: Slot[] = [];
    for (const { id, item, standing } of changes) {
      const slot = this.#columns.writeStanding(id, item, standing);
      if (slot !== null) changed.push(slot);
    }
    this.#orders.get('savesBytes')?.update(changed);
  }

  match(filter: LibraryFilter, wantsFacets: boolean): Match {
    const some = new Map<Slot, readonly Version[]>();
    const hits = new Uint8Array(this.#columns.ids.length);
    const match: Match = { hits, total: 0, sizeBytes: 0, facets: null, some };
    const columns = FACETS.map((name) => this.#columns.facets[name]);
    const chosen = FACETS.flatMap((name, at) => {
      const words = filter[name];
      return words.length === 0
        ? []
        : [{ at, numbers: this.#columns.facets[name].numbers, allows: this.#columns.facets[name].matching(words) }];
    });
    for (const slot of this.#columns.versions.keys()) hits[slot] = SEVERAL;
    const counts = isOpen(filter) ? this.#passAll(match) : this.#pass(filter, chosen, match, wantsFacets);
    const words = columns.map(() => new Map<string, number>());
    this.#matchSeveral(filter, { chosen, counts: wantsFacets ? words : null }, match, some);
    if (wantsFacets) {
      match.facets = Object.fromEntries(
        FACETS.map((name, at) => [name, this.#columns.facets[name].spread(counts[at] ?? new Uint32Array(), words[at])]),
      ) as FacetCounts;
    }
    return match;
  }

  /** Lets the items with a single file through that a filter means. Returns, when wanted, how many have each set of each column. */
  #pass(
    filter: LibraryFilter,
    chosen: readonly { at: number; numbers: Uint16Array; allows: Uint8Array }[],
    match: Match,
    wantsCounts: boolean,
  ): Uint32Array[] {
    const { hits } = match;
    const columns = FACETS.map((name) => this.#columns.facets[name]);
    const counts = wantsCounts ? columns.map((column) => new Uint32Array(column.size)) : [];
    const mayMatch = predicateOf(this.#columns, filter);
    const { sizeBytes } = this.#columns.measures;
    for (let slot = 0; slot < hits.length; slot++) {
      if (hits[slot] === SEVERAL) continue;
      let refusedBy = -1;
      let refusals = 0;
      for (const choice of chosen) {
        if (choice.allows[choice.numbers[slot] ?? 0] === 1) continue;
        refusedBy = choice.at;
        if (++refusals > 1) break;
      }
      if (refusals > 1 || (refusals === 1 && !wantsCounts) || !mayMatch(slot)) continue;
      if (refusals === 1) {
        // It would match if the choice in this one facet were another.
        increment(counts[refusedBy], columns[refusedBy]?.numbers, slot);
        continue;
      }
      hits[slot] = 1;
      match.total++;
      match.sizeBytes += sizeBytes[slot] ?? 0;
    }
    for (const [at, own] of counts.entries()) countHits(own, columns[at]?.numbers ?? NOTHING, hits);
    return counts;
  }

  /** The same for a filter that means everything, which is what the library shows first: its counts are kept anyway. */
  #passAll(match: Match): Uint32Array[] {
    const { hits } = match;
    const { slots, measures, versions, facets, sizeBytes } = this.#columns;
    hits.set(this.#columns.taken.subarray(0, hits.length));
    match.total = slots.size - versions.size;
    match.sizeBytes = sizeBytes;
    // Those with several files are looked at one by one.
    for (const slot of versions.keys()) match.sizeBytes -= measures.sizeBytes[slot] ?? 0;
    return FACETS.map((name) => {
      const counts = facets[name].counted();
      const { numbers } = facets[name];
      for (const slot of versions.keys()) decrement(counts, numbers, slot);
      return counts;
    });
  }

  /** The items with several files: what is asked of a file must hold of one and the same. */
  #matchSeveral(
    filter: LibraryFilter,
    { chosen, counts }: { chosen: FileQuestion['chosen']; counts: Map<string, number>[] | null },
    match: Match,
    some: Map<Slot, readonly Version[]>,
  ): void {
    const mayMatch = itemPredicateOf(this.#columns, filter);
    const isOfFile = (bound: Bound): bound is Bound & { name: 'sizeBytes' | 'bitrateKbps' } =>
      bound.name === 'sizeBytes' || bound.name === 'bitrateKbps';
    const question = { chosen, words: wordsOf(filter.q), bounds: boundsOf(this.#columns, filter).filter(isOfFile) };
    for (const [slot, versions] of this.#columns.versions) {
      match.hits[slot] = 0;
      if (!mayMatch(slot)) continue;
      const { matched, sets } = matchVersions(versions, question, FACETS.length);
      if (counts) {
        for (const [at, name] of FACETS.entries())
          countWords(this.#columns.facets[name], sets[at] ?? new Set(), counts[at] ?? new Map<string, number>());
      }
      if (matched.length === 0) continue;
      match.hits[slot] = 1;
      match.total++;
      for (const { sizeBytes } of matched) match.sizeBytes += sizeBytes;
      if (matched.length < versions.length) some.set(slot, matched);
    }
  }

  /** The ids of the files that match, of an item some of whose files do not; null when all do. */
  filesOf({ some }: Match, id: string): string[] | null {
    const slot = this.#columns.slots.get(id);
    const matched = slot === undefined ? undefined : some.get(slot);
    return matched?.map(({ fileId }) => fileId) ?? null;
  }

  /** Resolves when `cut` can sort by this. The first time it sorts everything, letting other work in between. */
  async prepare(sort: LibrarySort): Promise<void> {
    const name = columnOf(sort);
    const order = this.#orders.get(name) ?? new SlotOrder(this.#comparator(name));
    if (!this.#orders.has(name)) {
      // From here on every change reaches it as well.
      this.#orders.set(name, order);
      this.#sorting.set(name, this.#sort(order));
    }
    await this.#sorting.get(name);
  }

  async #sort(order: SlotOrder): Promise<void> {
    const loopYield = new EventLoopYield();
    let some: Slot[] = [];
    for (const slot of this.#columns.slots.values()) {
      some.push(slot);
      if (some.length < SORTED_AT_ONCE) continue;
      order.update(some);
      some = [];
      if (loopYield.isDue) await loopYield.pause();
    }
    order.update(some);
  }

  /** Ids of what matched, sorted, from `start` on, at most `count`. `prepare` must have been awaited. */
  cut({ hits, some }: Match, sort: LibrarySort, start: number, count: number): string[] {
    const isDown = sort.startsWith('-');
    const name = columnOf(sort);
    const slots = this.#orders.get(name)?.slots ?? new Uint32Array();
    const { moved, ranks } = this.#moved(some, name, isDown);
    const ids: string[] = [];
    let skipped = 0;
    let next = 0;
    const take = (slot: Slot): void => {
      if (skipped++ >= start && ids.length < count) ids.push(this.#columns.ids[slot] ?? '');
    };
    for (let n = 0; n < slots.length && ids.length < count; n++) {
      const slot = slots[isDown ? slots.length - 1 - n : n] ?? 0;
      if (hits[slot] !== 1 || (moved.length > 0 && some.has(slot))) continue;
      for (; next < moved.length && ranks(moved[next] ?? 0, slot) < 0; next++) take(moved[next] ?? 0);
      take(slot);
    }
    for (; next < moved.length; next++) take(moved[next] ?? 0);
    return ids;
  }

  /** The items whose place is another because only some of their files match, in the order that is asked for. */
  #moved(
    some: Match['some'],
    name: Measure | 'title',
    isDown: boolean,
  ): { moved: Slot[]; ranks: (a: Slot, b: Slot) => number } {
    const isOfFile = name === 'sizeBytes' || name === 'bitrateKbps' || name === 'durationMs' || name === 'savesBytes';
    if (!isOfFile) return { moved: [], ranks: () => 0 };
    const values = new Map([...some].map(([slot, matched]) => [slot, measuresOfMatched(matched)[name]]));
    const compare = this.#comparator(name, values);
    const ranks = (a: Slot, b: Slot): number => (compare(a, b) || a - b) * (isDown ? -1 : 1);
    return { moved: [...some.keys()].sort(ranks), ranks };
  }

  /** What is unknown comes before everything else, so that with the largest first it comes last. Equal ones by title. */
  #comparator(name: Measure | 'title', instead?: ReadonlyMap<Slot, number>): (a: Slot, b: Slot) => number {
    const texts = this.#columns.texts;
    const byTitle = (a: Slot, b: Slot): number => {
      const [one = '', other = ''] = [texts[a], texts[b]];
      return one < other ? -1 : one > other ? 1 : 0;
    };
    if (name === 'title') return byTitle;
    return (a, b) => {
      const values = this.#columns.measures[name];
      const one = instead?.get(a) ?? values[a] ?? NaN;
      const other = instead?.get(b) ?? values[b] ?? NaN;
      if (one !== other && !(Number.isNaN(one) && Number.isNaN(other))) {
        if (Number.isNaN(one)) return -1;
        return Number.isNaN(other) ? 1 : one - other;
      }
      return byTitle(a, b);
    };
  }
}

const columnOf = (sort: LibrarySort): Measure | 'title' => sort.replace('-', '') as Measure | 'title';

/** A column at a time: several times as quick as all columns of a slot. */
function countHits(counts: Uint32Array, numbers: Uint16Array, hits: Uint8Array): void {
  for (let slot = 0; slot < hits.length; slot++) {
    if (hits[slot] === 1) increment(counts, numbers, slot);
  }
}

function decrement(counts: Uint32Array, numbers: Uint16Array, slot: Slot): void {
  const number = numbers[slot] ?? 0;
  // The empty set is not counted.
  if (number > 0) counts[number] = (counts[number] ?? 0) - 1;
}

function increment(counts: Uint32Array | undefined, numbers: Uint16Array | undefined, slot: Slot): void {
  if (!counts || !numbers) return;
  const number = numbers[slot] ?? 0;
  counts[number] = (counts[number] ?? 0) + 1;
}
