import { wordsOf, type LibraryFilter, type Measure } from '../../domain/library/filter.js';
import type { Slot } from '../../lib/slot-order.js';
import type { LibraryColumns } from './columns.js';

/** What a measure has to lie between, both included. */
export interface Bound {
  name: Measure;
  values: Float64Array;
  min: number;
  max: number;
}

/** Day without a time: the whole day is meant. Milliseconds. */
const DAY_MS = 86_400_000;

/** Whether it means every title. */
export const isOpen = (filter: LibraryFilter): boolean =>
  Object.entries(filter).every(
    ([, value]) => value === undefined || value === '' || (Array.isArray(value) && value.length === 0),
  );

/** All of a filter but its choices, for an item with a single file. */
export function predicateOf(columns: LibraryColumns, filter: LibraryFilter): (slot: Slot) => boolean {
  const { texts } = columns;
  const words = wordsOf(filter.q);
  const mayMatch = itemPredicateOf(columns, filter, boundsOf(columns, filter));
  return (slot) => {
    if (!mayMatch(slot)) return false;
    const text = texts[slot] ?? '';
    for (const word of words) if (!text.includes(word)) return false;
    return true;
  };
}

/** What a filter asks of the item itself, whatever its files; with bounds other than those, theirs too. */
export function itemPredicateOf(
  columns: LibraryColumns,
  filter: LibraryFilter,
  bounds = boundsOf(columns, filter).filter(isOfItem),
): (slot: Slot) => boolean {
  const { ids, shows, seasons } = columns;
  const { show, season } = filter;
  return (slot) => {
    if (ids[slot] === null) return false;
    for (const { values, min, max } of bounds) {
      const value = values[slot] ?? NaN;
      if (!(value >= min && value <= max)) return false;
    }
    if (show !== '' && shows[slot] !== show) return false;
    return season === undefined || seasons[slot] === season;
  };
}

/** The bounds that a filter sets. */
export function boundsOf({ measures }: LibraryColumns, filter: LibraryFilter): Bound[] {
  const between = (name: Measure, min: number | undefined, max: number | undefined): Bound[] =>
    min === undefined && max === undefined
      ? []
      : [{ name, values: measures[name], min: min ?? -Infinity, max: max ?? Infinity }];
  const { addedAfter, addedBefore } = filter;
  const until = addedBefore === undefined ? undefined : Date.parse(addedBefore) + lengthOf(addedBefore);
  return [
    ...between('bitrateKbps', filter.minBitrateKbps, filter.maxBitrateKbps),
    ...between('sizeBytes', filter.minSizeBytes, filter.maxSizeBytes),
    ...between('addedAt', addedAfter === undefined ? undefined : Date.parse(addedAfter), until),
    ...between('plays', undefined, filter.maxPlays),
  ];
}

const isOfItem = ({ name }: Bound): boolean => name !== 'sizeBytes' && name !== 'bitrateKbps';

const lengthOf = (date: string): number => (/^\d{4}-\d{2}-\d{2}$/.test(date) ? DAY_MS - 1 : 0);
