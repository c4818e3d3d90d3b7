import {
  FACETS,
  facetsOf,
  MEASURES,
  measuresOf,
  textOf,
  wordsOf,
  type Facet,
  type FacetCounts,
  type ItemState,
  type LibraryFilter,
  type LibrarySort,
  type Measure,
} from '../../domain/library-filter.js';
import type { LibraryItem } from '../../domain/library.js';
import { Breather } from '../../lib/breather.js';
import { SetColumn } from '../../lib/set-column.js';
import { SlotOrder, type Slot } from '../../lib/slot-order.js';

/** What is known about a title outside of it. */
export interface Standing {
  states: readonly ItemState[];
  /** Rules with an open recommendation for it. */
  ruleIds: readonly string[];
  /** The largest saving recommended, bytes; null without a recommendation. */
  savesBytes: number | null;
  /** What the owner calls the title's tags. */
  tagNames: readonly string[];
}

/** What a filter lets through. */
export interface Match {
  /** 1 for each slot that matches. */
  hits: Uint8Array;
  total: number;
  sizeBytes: number;
  /** Null when not asked for. */
  facets: FacetCounts | null;
}

interface Bound {
  values: Float64Array;
  min: number;
  max: number;
}

/** Day without a time: the whole day is meant. Milliseconds. */
const DAY_MS = 86_400_000;
/** A few milliseconds' worth. */
const SORTED_AT_ONCE = 2000;

/**
 * The library as columns of small numbers beside the rows themselves: a filter with all its counts is one pass over
 * arrays, a page is a walk along an order that is kept. 100,000 titles take about 30 MB.
 */
export class LibraryTable {
  readonly #slots = new Map<string, Slot>();
  readonly #ids: (string | null)[] = [];
  readonly #texts: string[] = [];
  readonly #shows: (string | null)[] = [];
  readonly #seasons: (number | null)[] = [];
  readonly #free: Slot[] = [];
  readonly #facets: Record<Facet, SetColumn>;
  readonly #measures: Record<Measure, Float64Array>;
  /** Made when first asked for, kept up to date from then on. */
  readonly #orders = new Map<Measure | 'title', SlotOrder>();
  readonly #sorting = new Map<Measure | 'title', Promise<void>>();

  /** `capacity`: about how many titles will be put, so that no column has to grow on the way. */
  constructor(capacity = 1024) {
    this.#facets = Object.fromEntries(FACETS.map((name) => [name, new SetColumn(capacity)])) as Record<
      Facet,
      SetColumn
    >;
    this.#measures = Object.fromEntries(MEASURES.map((name) => [name, new Float64Array(capacity)])) as Record<
      Measure,
      Float64Array
    >;
  }

  has(id: string): boolean {
    return this.#slots.has(id);
  }

  /** Puts titles as they are now; null takes one away. Cost: its columns, and one pass for each order in use. */
  put(changes: readonly { id: string; item: LibraryItem | null; standing: Standing }[]): void {
    const present: Slot[] = [];
    const gone: Slot[] = [];
    for (const { id, item, standing } of changes) {
      if (item) present.push(this.#write(id, item, standing));
      else {
        const slot = this.#slots.get(id);
        if (slot !== undefined) gone.push(this.#erase(id, slot));
      }
    }
    for (const order of this.#orders.values()) order.update(present, gone);
    // Only now: a slot in use again before the orders let it go would stand in them twice.
    this.#free.push(...gone);
  }

  match(filter: LibraryFilter, wantsFacets: boolean): Match {
    const hits = new Uint8Array(this.#ids.length);
    const match: Match = { hits, total: 0, sizeBytes: 0, facets: null };
    const columns = FACETS.map((name) => this.#facets[name]);
    const numbers = columns.map((column) => column.numbers);
    const counts = wantsFacets ? columns.map((column) => new Uint32Array(column.size)) : null;
    const chosen = FACETS.flatMap((name, at) => {
      const words = filter[name];
      return words.length === 0
        ? []
        : [{ at, numbers: this.#facets[name].numbers, allows: this.#facets[name].matching(words) }];
    });
    const mayMatch = this.#predicate(filter);
    const { sizeBytes } = this.#measures;
    for (let slot = 0; slot < hits.length; slot++) {
      let refusedBy = -1;
      let refusals = 0;
      for (const choice of chosen) {
        if (choice.allows[choice.numbers[slot] ?? 0] === 1) continue;
        refusedBy = choice.at;
        if (++refusals > 1) break;
      }
      if (refusals > 1 || (refusals === 1 && !counts) || !mayMatch(slot)) continue;
      if (refusals === 1) {
        // It would match if the choice in this one facet were another.
        increment(counts?.[refusedBy], numbers[refusedBy], slot);
        continue;
      }
      hits[slot] = 1;
      match.total++;
      match.sizeBytes += sizeBytes[slot] ?? 0;
      if (counts) for (let at = 0; at < counts.length; at++) increment(counts[at], numbers[at], slot);
    }
    if (counts) {
      match.facets = Object.fromEntries(
        FACETS.map((name, at) => [name, this.#facets[name].spread(counts[at] ?? new Uint32Array())]),
      ) as FacetCounts;
    }
    return match;
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
    const breather = new Breather();
    let some: Slot[] = [];
    for (const slot of this.#slots.values()) {
      some.push(slot);
      if (some.length < SORTED_AT_ONCE) continue;
      order.update(some);
      some = [];
      if (breather.isDue) await breather.pause();
    }
    order.update(some);
  }

  /** Ids of what matched, sorted, from `start` on, at most `count`. `prepare` must have been awaited. */
  cut({ hits }: Match, sort: LibrarySort, start: number, count: number): string[] {
    const isDown = sort.startsWith('-');
    const slots = this.#orders.get(columnOf(sort))?.slots ?? new Uint32Array();
    const ids: string[] = [];
    let skipped = 0;
    for (let n = 0; n < slots.length && ids.length < count; n++) {
      const slot = slots[isDown ? slots.length - 1 - n : n] ?? 0;
      if (hits[slot] !== 1) continue;
      if (skipped++ < start) continue;
      ids.push(this.#ids[slot] ?? '');
    }
    return ids;
  }

  /** What is unknown comes before everything else, so that with the largest first it comes last. Equal ones by title. */
  #comparator(name: Measure | 'title'): (a: Slot, b: Slot) => number {
    const texts = this.#texts;
    const byTitle = (a: Slot, b: Slot): number => {
      const [one = '', other = ''] = [texts[a], texts[b]];
      return one < other ? -1 : one > other ? 1 : 0;
    };
    if (name === 'title') return byTitle;
    return (a, b) => {
      const values = this.#measures[name];
      const [one, other] = [values[a] ?? NaN, values[b] ?? NaN];
      if (one !== other && !(Number.isNaN(one) && Number.isNaN(other))) {
        if (Number.isNaN(one)) return -1;
        return Number.isNaN(other) ? 1 : one - other;
      }
      return byTitle(a, b);
    };
  }

  /** All of a filter but its choices. */
  #predicate(filter: LibraryFilter): (slot: Slot) => boolean {
    const [ids, texts, shows, seasons] = [this.#ids, this.#texts, this.#shows, this.#seasons];
    const words = wordsOf(filter.q);
    const bounds = this.#bounds(filter);
    const { show, season } = filter;
    return (slot) => {
      if (ids[slot] === null) return false;
      for (const { values, min, max } of bounds) {
        const value = values[slot] ?? NaN;
        if (!(value >= min && value <= max)) return false;
      }
      if (show !== '' && shows[slot] !== show) return false;
      if (season !== undefined && seasons[slot] !== season) return false;
      const text = texts[slot] ?? '';
      for (const word of words) if (!text.includes(word)) return false;
      return true;
    };
  }

  #bounds(filter: LibraryFilter): Bound[] {
    const between = (name: Measure, min: number | undefined, max: number | undefined): Bound[] =>
      min === undefined && max === undefined
        ? []
        : [{ values: this.#measures[name], min: min ?? -Infinity, max: max ?? Infinity }];
    const { addedAfter, addedBefore } = filter;
    const until = addedBefore === undefined ? undefined : Date.parse(addedBefore) + lengthOf(addedBefore);
    return [
      ...between('bitrateKbps', filter.minBitrateKbps, filter.maxBitrateKbps),
      ...between('sizeBytes', filter.minSizeBytes, filter.maxSizeBytes),
      ...between('addedAt', addedAfter === undefined ? undefined : Date.parse(addedAfter), until),
      ...between('plays', undefined, filter.maxPlays),
    ];
  }

  #write(id: string, item: LibraryItem, standing: Standing): Slot {
    const slot = this.#slots.get(id) ?? this.#free.pop() ?? this.#ids.length;
    this.#slots.set(id, slot);
    this.#ids[slot] = id;
    this.#texts[slot] = textOf(item, standing.tagNames);
    this.#shows[slot] = item.show;
    this.#seasons[slot] = item.season;
    const { states, ruleIds, savesBytes } = standing;
    const facets = { ...facetsOf(item), state: [item.state, ...states], ruleId: ruleIds };
    for (const name of FACETS) this.#facets[name].put(slot, facets[name]);
    const measures = { ...measuresOf(item), savesBytes: savesBytes ?? NaN };
    for (const name of MEASURES) {
      if (slot >= this.#measures[name].length) this.#measures[name] = grown(this.#measures[name], slot);
      this.#measures[name][slot] = measures[name];
    }
    return slot;
  }

  #erase(id: string, slot: Slot): Slot {
    this.#slots.delete(id);
    this.#ids[slot] = null;
    this.#texts[slot] = '';
    return slot;
  }
}

const columnOf = (sort: LibrarySort): Measure | 'title' => sort.replace('-', '') as Measure | 'title';

function increment(counts: Uint32Array | undefined, numbers: Uint16Array | undefined, slot: Slot): void {
  if (!counts || !numbers) return;
  const number = numbers[slot] ?? 0;
  counts[number] = (counts[number] ?? 0) + 1;
}

function grown(values: Float64Array, slot: Slot): Float64Array {
  const larger = new Float64Array(Math.max(slot + 1, Math.ceil(values.length * 1.5)));
  larger.set(values);
  return larger;
}

const lengthOf = (date: string): number => (/^\d{4}-\d{2}-\d{2}$/.test(date) ? DAY_MS - 1 : 0);
