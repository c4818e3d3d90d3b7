import {
  FACETS,
  facetsOf,
  MEASURES,
  measureOf,
  measuresOfFiles,
  shownVersion,
  textOf,
  type Facet,
  type ItemState,
  type Measure,
} from '../../domain/library/filter.js';
import type { LibraryItem } from '../../domain/library/library.js';
import { SetColumn } from '../../lib/set-column.js';
import type { Slot } from '../../lib/slot-order.js';
import type { Version } from './version-match.js';

/** What is known about a file, or about all files of an item together, outside of it. */
export interface FileStanding {
  states: readonly ItemState[];
  /** Rules with an open recommendation for it. */
  ruleIds: readonly string[];
  /** The largest saving recommended, bytes; null without a recommendation. */
  savesBytes: number | null;
}

/** What is known about an item outside of it. */
export interface Standing extends FileStanding {
  /** What the owner calls the item's tags. */
  tagNames: readonly string[];
  /** Of each file by its id, for items with several. */
  files?: ReadonlyMap<string, FileStanding>;
}

type OwnFacet = Exclude<Facet, 'state' | 'ruleId'>;
type OwnMeasure = Exclude<Measure, 'savesBytes'>;

const OWN_FACETS = FACETS.filter((name): name is OwnFacet => name !== 'state' && name !== 'ruleId');
const OWN_MEASURES = MEASURES.filter((name): name is OwnMeasure => name !== 'savesBytes');

/** The library as columns of small numbers: one slot a title, taken again when its title is gone. */
export class LibraryColumns {
  readonly slots = new Map<string, Slot>();
  /** 1 where a title stands, up to the number of ids. */
  taken: Uint8Array;
  /** Bytes of all titles together. */
  sizeBytes = 0;
  /** Null where nothing stands. */
  readonly ids: (string | null)[] = [];
  readonly texts: string[] = [];
  readonly shows: (string | null)[] = [];
  readonly seasons: (number | null)[] = [];
  /** Of the items with several files; all others are compared by their columns alone. */
  readonly versions = new Map<Slot, readonly Version[]>();
  readonly facets: Readonly<Record<Facet, SetColumn>>;
  readonly measures: Record<Measure, Float64Array>;
  readonly #free: Slot[] = [];

  /** `capacity`: about how many titles will be written, so that no column has to grow on the way. */
  constructor(capacity: number) {
    this.taken = new Uint8Array(capacity);
    this.facets = Object.fromEntries(FACETS.map((name) => [name, new SetColumn(capacity)])) as Record<Facet, SetColumn>;
    this.measures = Object.fromEntries(MEASURES.map((name) => [name, new Float64Array(capacity)])) as Record<
      Measure,
      Float64Array
    >;
  }

  /** All that is known of a title. */
  write(id: string, item: LibraryItem, standing: Standing): Slot {
    const slot = this.slots.get(id) ?? this.#free.pop() ?? this.ids.length;
    this.slots.set(id, slot);
    this.ids[slot] = id;
    this.#take(slot);
    this.texts[slot] = textOf(item, standing.tagNames);
    this.shows[slot] = item.show;
    this.seasons[slot] = item.season;
    const facets = facetsOf(item);
    for (const name of OWN_FACETS) this.facets[name].put(slot, facets[name]);
    const shown = shownVersion(item.files);
    for (const name of OWN_MEASURES) this.#measure(slot, name, measureOf(name, item, shown));
    this.sizeBytes += this.measures.sizeBytes[slot] ?? 0;
    this.#stand(slot, item, standing);
    return slot;
  }

  /** Only what is known of a title outside of it. Null for one that is not written. */
  writeStanding(id: string, item: LibraryItem, standing: Standing): Slot | null {
    const slot = this.slots.get(id);
    if (slot === undefined) return null;
    this.#stand(slot, item, standing);
    return slot;
  }

  /** Null for one that is not written. Its slot is taken again only after `release`. */
  erase(id: string): Slot | null {
    const slot = this.slots.get(id);
    if (slot === undefined) return null;
    this.slots.delete(id);
    this.versions.delete(slot);
    this.sizeBytes -= this.measures.sizeBytes[slot] ?? 0;
    this.taken[slot] = 0;
    this.ids[slot] = null;
    this.texts[slot] = '';
    for (const name of FACETS) this.facets[name].clear(slot);
    return slot;
  }

  release(slots: readonly Slot[]): void {
    this.#free.push(...slots);
  }

  /** What stood here before does not count any more. */
  #take(slot: Slot): void {
    if (slot >= this.taken.length) this.taken = copied(this.taken, new Uint8Array(roomFor(slot, this.taken)));
    if (this.taken[slot] === 1) this.sizeBytes -= this.measures.sizeBytes[slot] ?? 0;
    this.taken[slot] = 1;
  }

  #stand(slot: Slot, item: LibraryItem, standing: Standing): void {
    const { states, ruleIds, savesBytes } = standing;
    this.facets.state.put(slot, [item.state, ...states]);
    this.facets.ruleId.put(slot, ruleIds);
    this.#measure(slot, 'savesBytes', savesBytes ?? NaN);
    if (item.files.length > 1) this.versions.set(slot, this.#versionsOf(item, standing));
    else this.versions.delete(slot);
  }

  #measure(slot: Slot, name: Measure, value: number): void {
    const values = this.measures[name];
    if (slot >= values.length) this.measures[name] = copied(values, new Float64Array(roomFor(slot, values)));
    this.measures[name][slot] = value;
  }

  #versionsOf(item: LibraryItem, standing: Standing): Version[] {
    return item.files.map((file) => {
      const alone = { ...item, files: [file] };
      const { states, ruleIds, savesBytes } = standing.files?.get(file.id) ?? standing;
      const facets = { ...facetsOf(alone), state: [item.state, ...states], ruleId: ruleIds };
      return {
        fileId: file.id,
        text: textOf(alone, standing.tagNames),
        numbers: FACETS.map((name) => this.facets[name].numberFor(facets[name])),
        ...measuresOfFiles([file]),
        savesBytes: savesBytes ?? NaN,
      };
    });
  }
}

/** How long a column has to be that this slot is to stand in as well, and some more. */
const roomFor = (slot: Slot, { length }: { length: number }): number => Math.max(slot + 1, Math.ceil(length * 1.5));

function copied<T extends { set(values: T): void }>(values: T, larger: T): T {
  larger.set(values);
  return larger;
}
