import { z } from 'zod';
import { RISK_NAMES } from '../../domain/recommendations/risk.js';
import { formatBytes } from '../../lib/units.js';
import type { Context } from '../action.js';
import {
  queryOf,
  REVIEW_FACETS,
  type ReviewFacet,
  type ReviewFilter,
  type ReviewGrouping,
  type ReviewSort,
} from '../../domain/recommendations/review-query.js';
import type { Found } from '../../engine/recommendations/review-search.js';

const KINDS: Record<string, string> = {
  transcode: 'Encode anew',
  remux: 'New container',
  review: 'Look at it',
  search: 'Look for a better one',
};

/** One value to filter by, with how many rows have it. */
export const Choice = z.object({ value: z.string(), label: z.string(), count: z.int(), isChosen: z.boolean() });

/** All that a page of the review was asked for, but for the place in it. */
export type Given = ReviewFilter & { sort: ReviewSort; group: ReviewGrouping };

/** Titles of the rules by id. */
export type Names = ReadonlyMap<string, string>;

function labelOf({ store }: Context, name: string, value: string, rules: Names): string {
  if (name === 'ruleId' || name === 'leadRuleId') return rules.get(value) ?? value;
  if (name === 'sectionId') return store.sections.find(value)?.title ?? value;
  if (name === 'risk')
    return value === 'none' ? 'Nothing to watch out for' : ((RISK_NAMES as Record<string, string>)[value] ?? value);
  if (name === 'kind') return KINDS[value] ?? value;
  if (name === 'about') return value === 'group' ? 'Many files at once' : value === 'film' ? 'Films' : 'Episodes';
  return value.charAt(0).toUpperCase() + value.slice(1);
}

/** The choices of every facet, the most frequent first. */
export function facetsOf(ctx: Context, found: Found, filter: ReviewFilter, rules: Names) {
  const facetOf = (name: ReviewFacet): z.infer<typeof Choice>[] => {
    const counts = found.facets[name];
    const values = new Set([...counts.keys(), ...filter[name]]);
    const choices = [...values].map((value) => ({
      value,
      label: labelOf(ctx, name, value, rules),
      count: counts.get(value) ?? 0,
      isChosen: filter[name].includes(value),
    }));
    return choices.sort((a, b) => b.count - a.count || a.label.localeCompare(b.label));
  };
  return Object.fromEntries(REVIEW_FACETS.map((name) => [name, facetOf(name)]));
}

/** Each thing that is filtered by, with the address of the page without it. */
export function chipsOf(ctx: Context, given: Given, rules: Names): { label: string; query: string }[] {
  const chips: { label: string; query: string }[] = [];
  for (const name of [...REVIEW_FACETS, 'leadRuleId', 'about'] as const) {
    for (const value of given[name]) {
      const rest = given[name].filter((other) => other !== value);
      chips.push({ label: labelOf(ctx, name, value, rules), query: queryOf({ ...given, [name]: rest }) });
    }
  }
  const { show, season, q } = given;
  if (show !== '') {
    const label = season === undefined ? show : `${show}, season ${season}`;
    chips.push({ label, query: queryOf({ ...given, show: '', season: undefined }) });
  }
  if (given.minSavesBytes) {
    const label = `Saves at least ${formatBytes(given.minSavesBytes)}`;
    chips.push({ label, query: queryOf({ ...given, minSavesBytes: undefined }) });
  }
  if (q !== '') chips.push({ label: `"${q}"`, query: queryOf({ ...given, q: '' }) });
  return chips;
}
