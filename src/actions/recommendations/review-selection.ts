import { z } from 'zod';
import { conflict, invalid } from '../../domain/errors.js';
import type { Context } from '../action.js';
import { reviewFilterOf } from '../../domain/recommendations/review-query.js';

const Texts = z
  .union([z.string().max(200_000), z.array(z.string()).max(100_000)])
  .default([])
  .transform((values) => [...new Set([values].flat().filter((value) => value !== ''))]);

/**
 * Which recommendations something is done to: those ticked, whole groups, or everything that matches a filter. With a
 * filter goes the number that was shown, so that nothing happens to more than the owner saw.
 */
export const ReviewSelection = z.object({
  ids: Texts,
  /** Each a number, a blank and the query string of a filter that matches so many: `96 ruleId=quality-overkill`. */
  groups: Texts,
  /** Query string of a filter; with it neither `ids` nor `groups` is looked at. */
  all: z.string().max(4000).optional(),
  expected: z.coerce.number().int().nonnegative().optional(),
});
export type ReviewSelection = z.infer<typeof ReviewSelection>;

/** The ids of a selection. Throws `invalid` when it is empty, and `conflict` when a filter now matches another number. */
export async function selectedRecommendations(ctx: Context, selection: ReviewSelection): Promise<string[]> {
  const chosen = await matchingNow(ctx, selection, (found, expected) => {
    if (found !== expected)
      throw conflict(
        `${found} recommendations match now, not ${expected}. Nothing was done; check the list and try again.`,
      );
  });
  if (chosen.length === 0) throw invalid('Select at least one recommendation.', { ids: 'is empty' });
  return chosen;
}

/** The ids a selection means at this moment, for looking only: it may be another number than was shown, or none. */
export function selectedNow(ctx: Context, selection: ReviewSelection): Promise<string[]> {
  return matchingNow(ctx, selection, () => undefined);
}

async function matchingNow(
  ctx: Context,
  { ids, groups, all, expected }: ReviewSelection,
  compare: (found: number, expected: number) => void,
): Promise<string[]> {
  const matching = async (query: string, shown: number): Promise<string[]> => {
    const { entries } = await ctx.review.find({ filter: reviewFilterOf(query), sort: 'priority', group: 'none' });
    compare(entries.length, shown);
    return entries.map(({ row }) => row.id);
  };
  if (all !== undefined && all !== '') {
    if (expected === undefined) throw invalid('Say how many recommendations you expect.', { expected: 'is missing' });
    return matching(all, expected);
  }
  const chosen = new Set(ids);
  for (const group of groups) {
    const [, number, query = ''] = /^(\d+) (.*)$/.exec(group) ?? [];
    if (number === undefined) throw invalid('This group cannot be read. Open the page again and select once more.');
    for (const id of await matching(query, Number(number))) chosen.add(id);
  }
  return [...chosen];
}
