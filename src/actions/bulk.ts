import { z } from 'zod';
import { AppError, conflict, invalid } from '../domain/errors.js';
import { Job } from '../domain/job.js';
import { filterOf } from '../domain/library-filter.js';
import { action, type Context } from './action.js';

const Ids = z
  .union([z.string().min(1), z.array(z.string().min(1)).max(200_000)])
  .default([])
  .transform((ids) => [...new Set([ids].flat())]);

/**
 * Which titles something is done to: those ticked, or everything that matches a filter. With a filter goes the number
 * that was shown, so that nothing happens to more titles than the owner saw.
 */
export const Selection = z.object({
  itemIds: Ids,
  /** Query string of the filter; with it `itemIds` is not looked at. */
  all: z.string().max(4000).optional(),
  expected: z.coerce.number().int().nonnegative().optional(),
});
export type Selection = z.infer<typeof Selection>;

/** The ids of a selection. Throws `invalid` when it is empty, and `conflict` when the filter now matches another number. */
export async function selectedIds({ search }: Pick<Context, 'search'>, selection: Selection): Promise<string[]> {
  const { itemIds, all, expected } = selection;
  if (all === undefined || all === '') {
    if (itemIds.length === 0) throw invalid('Select at least one title.', { itemIds: 'is empty' });
    return itemIds;
  }
  const ids = await search.all(filterOf(all));
  if (expected === undefined) throw invalid('Say how many titles you expect.', { expected: 'is missing' });
  if (ids.length !== expected) {
    throw conflict(
      `The filter matches ${ids.length} titles now, not ${expected}. Nothing was done; look again and repeat it.`,
    );
  }
  if (ids.length === 0) throw invalid('Nothing matches this filter.', { all: 'matches nothing' });
  return ids;
}

/** Queues one job for each selected title and goes on past those that cannot be queued. Throws `not_found` for the preset. */
export const queueSelection = action(
  {
    summary: 'Queue jobs for many titles, or for everything that matches a filter',
    input: Selection.extend({ presetId: z.string() }),
    output: z.object({
      items: z.array(Job),
      /** Why some were not queued, the most frequent reason first. */
      refused: z.array(z.object({ message: z.string(), count: z.int(), itemIds: z.array(z.string()) })),
    }),
  },
  async (ctx, { presetId, ...selection }) => {
    ctx.presets.get(presetId);
    const items: Job[] = [];
    const refused = new Map<string, string[]>();
    for (const itemId of await selectedIds(ctx, selection)) {
      try {
        items.push(await ctx.enqueue.job({ itemId, presetId }));
      } catch (error) {
        // A full disk or a stop is no property of this title.
        if (!(error instanceof AppError) || error.isRetriable) throw error;
        refused.set(error.message, [...(refused.get(error.message) ?? []), itemId]);
      }
    }
    const reasons = [...refused].map(([message, itemIds]) => ({ message, count: itemIds.length, itemIds }));
    return { items, refused: reasons.sort((a, b) => b.count - a.count) };
  },
);
