import { wordsOf } from '../../domain/library/filter.js';
import type { Events } from '../../domain/events.js';
import type { Bus } from '../../lib/bus.js';
import type { Store } from '../../store/store.js';
import { ReviewIndex, riskBit, searchTextOf, type Entry } from './review-index.js';
import {
  REVIEW_FACETS,
  type ReviewFacet,
  type ReviewFilter,
  type ReviewGrouping,
  type ReviewSort,
  type ReviewState,
} from '../../domain/recommendations/review-query.js';
import { Risk } from '../../domain/recommendations/risk.js';

/** Savings in bytes; every file counts once, with its largest saving. */
interface Savings {
  savesBytes: number;
  lowBytes: number;
  highBytes: number;
}

/** Recommendations that belong together. */
export interface FoundGroup extends Savings {
  key: string;
  /** How to see this group alone: names and values for the filter. */
  narrow: Record<string, string>;
  entries: Entry[];
}

export interface Found extends Savings {
  /** What matches, in order. */
  entries: Entry[];
  groups: FoundGroup[];
  /** Rows in each state, whatever else the filter says. */
  counts: Record<ReviewState, number>;
  /** Rows of the asked state for each value of each facet, whatever else the filter says. */
  facets: Record<ReviewFacet, Map<string, number>>;
}

export interface ReviewRequest {
  filter: ReviewFilter;
  sort: ReviewSort;
  group: ReviewGrouping;
}

/** So many answers are kept until something changes: the pages of a list are asked for one after the other. */
const ANSWERS_KEPT = 8;

/** Finds recommendations in one pass, and at once while nothing changed since the same was asked. */
export class ReviewSearch {
  readonly #index: ReviewIndex;
  readonly #answers = new Map<string, Found>();
  /** Of the index, when the answers were found. */
  #version = -1;

  constructor(parts: { store: Store; bus: Bus<Events> }) {
    this.#index = new ReviewIndex(parts);
  }

  /** Reads nothing before it is asked for the first time. */
  start(): void {
    this.#answers.clear();
  }

  async stop(): Promise<void> {
    await this.#index.stop();
  }

  async find(request: ReviewRequest): Promise<Found> {
    const order = await this.#index.ordered(request.sort);
    if (this.#version !== this.#index.version) this.#answers.clear();
    this.#version = this.#index.version;
    const key = JSON.stringify(request);
    const found = this.#answers.get(key) ?? search(this.#index, order, request);
    this.#answers.delete(key);
    this.#answers.set(key, found);
    for (const oldest of this.#answers.keys()) if (this.#answers.size > ANSWERS_KEPT) this.#answers.delete(oldest);
    return found;
  }
}

function search(index: ReviewIndex, order: readonly Entry[], request: ReviewRequest): Found {
  const { filter, group } = request;
  const matches = matcherOf(filter);
  const groups = new Map<string, FoundGroup>();
  const total = new SavingsTally(index.files);
  const entries: Entry[] = [];
  for (const entry of order) {
    if (entry.row.state !== filter.state || !matches(entry)) continue;
    entries.push(entry);
    const added = total.add(entry);
    if (group === 'none') continue;
    const { key, narrow } = placeOf(entry, group);
    let own = groups.get(key);
    if (!own) groups.set(key, (own = { key, narrow, entries: [], savesBytes: 0, lowBytes: 0, highBytes: 0 }));
    own.entries.push(entry);
    // Within a rule every file stands once; elsewhere only what it adds to what was counted for it before.
    addTo(own, group === 'rule' ? savingsOf(entry) : added);
  }
  const sorted = [...groups.values()];
  if (request.sort !== 'newest')
    sorted.sort((a, b) => b.savesBytes - a.savesBytes || b.entries.length - a.entries.length);
  return { entries, groups: sorted, ...standingOf(index, order, filter.state), ...total.sum() };
}

type Standing = Pick<Found, 'counts' | 'facets'>;
const STANDINGS = new WeakMap<ReviewIndex, { version: number; states: Map<ReviewState, Standing> }>();

/** Counts that no filter changes; counted anew after a change only. */
function standingOf(index: ReviewIndex, order: readonly Entry[], state: ReviewState): Standing {
  let known = STANDINGS.get(index);
  if (known?.version !== index.version) STANDINGS.set(index, (known = { version: index.version, states: new Map() }));
  const standing = known.states.get(state) ?? countStanding(order, state);
  known.states.set(state, standing);
  return standing;
}

function countStanding(order: readonly Entry[], state: ReviewState): Standing {
  const counts = { open: 0, approved: 0, dismissed: 0, snoozed: 0, closed: 0 };
  const facets = Object.fromEntries(REVIEW_FACETS.map((name) => [name, new Map<string, number>()])) as Found['facets'];
  const bits = new Map<number, number>();
  for (const entry of order) {
    if (entry.row.state !== 'merged') counts[entry.row.state]++;
    if (entry.row.state !== state) continue;
    countFacets(facets, entry);
    if (entry.row.group === null) bits.set(entry.risks, (bits.get(entry.risks) ?? 0) + 1);
  }
  spreadRisks(facets.risk, bits);
  return { counts, facets };
}

const savingsOf = ({ row }: Entry): Savings => ({
  savesBytes: row.savesBytes,
  lowBytes: row.savesLowBytes,
  highBytes: row.savesHighBytes,
});
const NOTHING: Savings = { savesBytes: 0, lowBytes: 0, highBytes: 0 };

/** Adds savings up so that each file counts once, and a group only with what its own files do not bring already. */
class SavingsTally {
  readonly #best: (Entry | undefined)[];
  readonly #groups = new Map<string, Entry>();

  constructor(files: number) {
    this.#best = new Array<Entry | undefined>(files);
  }

  /** Returns what the entry added to the sum of files. */
  add(entry: Entry): Savings {
    if (entry.fileNo < 0) {
      const known = this.#groups.get(entry.likeness);
      if (!known || known.row.savesBytes < entry.row.savesBytes) this.#groups.set(entry.likeness, entry);
      return known ? NOTHING : savingsOf(entry);
    }
    const known = this.#best[entry.fileNo];
    if (known && known.row.savesBytes >= entry.row.savesBytes) return NOTHING;
    this.#best[entry.fileNo] = entry;
    if (!known) return savingsOf(entry);
    return {
      savesBytes: entry.row.savesBytes - known.row.savesBytes,
      lowBytes: entry.row.savesLowBytes - known.row.savesLowBytes,
      highBytes: entry.row.savesHighBytes - known.row.savesHighBytes,
    };
  }

  sum(): Savings {
    const sum = { ...NOTHING };
    const alike = new Map<string, Savings>();
    for (const entry of this.#best) {
      if (!entry) continue;
      addTo(sum, savingsOf(entry));
      if (!this.#groups.has(entry.likeness)) continue;
      const own = alike.get(entry.likeness) ?? { ...NOTHING };
      addTo(own, savingsOf(entry));
      alike.set(entry.likeness, own);
    }
    for (const [likeness, entry] of this.#groups) {
      const own = alike.get(likeness) ?? NOTHING;
      sum.savesBytes += Math.max(0, entry.row.savesBytes - own.savesBytes);
      sum.lowBytes += Math.max(0, entry.row.savesLowBytes - own.lowBytes);
      sum.highBytes += Math.max(0, entry.row.savesHighBytes - own.highBytes);
    }
    return sum;
  }
}

function addTo(sum: Savings, more: Savings): void {
  sum.savesBytes += more.savesBytes;
  sum.lowBytes += more.lowBytes;
  sum.highBytes += more.highBytes;
}

const aboutOf = ({ row, item }: Entry): 'film' | 'episode' | 'group' =>
  row.group !== null ? 'group' : item?.type === 'episode' ? 'episode' : 'film';

/** The group an entry belongs to. */
function placeOf(entry: Entry, group: Exclude<ReviewGrouping, 'none'>): Pick<FoundGroup, 'key' | 'narrow'> {
  const { row, item } = entry;
  if (group === 'rule') return { key: row.ruleId, narrow: { leadRuleId: row.ruleId } };
  const show = item?.show ?? null;
  if (show === null) {
    const about = aboutOf(entry) === 'group' ? 'group' : 'film';
    return { key: about, narrow: { about } };
  }
  if (group === 'show' || item?.season === null || item === null) return { key: `show ${show}`, narrow: { show } };
  return { key: `${item.season} ${show}`, narrow: { show, season: String(item.season) } };
}

function countFacets(facets: Found['facets'], { row, ruleIds, item }: Entry): void {
  const count = (name: ReviewFacet, value: string): void => {
    const values = facets[name];
    values.set(value, (values.get(value) ?? 0) + 1);
  };
  for (const ruleId of ruleIds) count('ruleId', ruleId);
  count('kind', row.kind);
  count('severity', row.severity);
  count('confidence', row.confidence);
  if (item) count('sectionId', item.sectionId);
}

/** There are few sets of risks and many rows: each set is taken apart once. */
function spreadRisks(values: Map<string, number>, bits: ReadonlyMap<number, number>): void {
  for (const risk of Risk.options) {
    let count = 0;
    for (const [set, rows] of bits) if (set & riskBit(risk)) count += rows;
    if (count > 0) values.set(risk, count);
  }
  const none = bits.get(0) ?? 0;
  if (none > 0) values.set('none', none);
}

/** Whether an entry of the asked state passes the rest of a filter. */
function matcherOf(filter: ReviewFilter): (entry: Entry) => boolean {
  const tests: ((entry: Entry) => boolean)[] = [];
  const choice = (values: readonly string[], valueOf: (entry: Entry) => string): void => {
    const wanted = new Set(values);
    if (wanted.size > 0) tests.push((entry) => wanted.has(valueOf(entry)));
  };
  const rules = new Set(filter.ruleId);
  if (rules.size > 0) tests.push(({ ruleIds }) => ruleIds.some((id) => rules.has(id)));
  choice(filter.leadRuleId, ({ row }) => row.ruleId);
  choice(filter.kind, ({ row }) => row.kind);
  choice(filter.severity, ({ row }) => row.severity);
  choice(filter.confidence, ({ row }) => row.confidence);
  choice(filter.sectionId, ({ item }) => item?.sectionId ?? '');
  choice(filter.about, aboutOf);
  if (filter.risk.length > 0) {
    const wanted = filter.risk.reduce((bits, risk) => bits | riskBit(risk), 0);
    const orNone = filter.risk.includes('none');
    tests.push(({ risks, row }) => (risks & wanted) !== 0 || (orNone && risks === 0 && row.group === null));
  }
  const { minSavesBytes = 0, show, season } = filter;
  if (minSavesBytes > 0) tests.push(({ row }) => row.savesBytes >= minSavesBytes);
  if (show !== '') tests.push(({ item }) => item?.show === show);
  if (season !== undefined) tests.push(({ item }) => item?.season === season);
  // The dearest last: words are looked for only in what is left.
  const words = wordsOf(filter.q);
  if (words.length > 0) tests.push((entry) => words.every((word) => searchTextOf(entry).includes(word)));
  return (entry) => tests.every((test) => test(entry));
}
