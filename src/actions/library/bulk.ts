import { z } from 'zod';
import { AppError, conflict, invalid } from '../../domain/errors.js';
import { Job } from '../../domain/jobs/job.js';
import { LEFT_OUT_WORDS, LeftOut } from '../../domain/recommendations/left-out.js';
import { filterOf, sizeOf } from '../../domain/library/filter.js';
import { action, type Context } from '../action.js';
import { toRow } from './library.js';
import { presetChoices, PresetWish } from '../presets/choice.js';
import { figuresOf, PlanFigures, planItems } from '../queue/plan.js';

const Ids = z
  .union([z.string().min(1).max(200_000), z.array(z.string().min(1)).max(100_000)])
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
      `The filter matches ${ids.length} titles now, not ${expected}. Nothing was done; check the list and try again.`,
    );
  }
  if (ids.length === 0) throw invalid('Nothing matches this filter.', { all: 'matches nothing' });
  return ids;
}

const QueueSelection = Selection.extend({
  presetId: PresetWish,
  /** Query string of the filter under which titles were ticked: of each, the version that matches is meant. */
  within: z.string().max(4000).optional(),
});

/** Of the titles some of whose files do not match the filter of a selection, the ids of those that do, the largest first. */
async function versionsOf(
  { store, search }: Context,
  { all, within }: Pick<z.infer<typeof QueueSelection>, 'all' | 'within'>,
): Promise<ReadonlyMap<string, readonly string[]>> {
  const query = all === undefined || all === '' ? within : all;
  if (!query) return new Map();
  const { matched } = await search.find({ filter: filterOf(query), sort: 'title', page: 1, pageSize: Infinity });
  const rows = [...matched].flatMap(([id, fileIds]): [string, readonly string[]][] => {
    const item = store.library.find(id);
    return item ? [[id, toRow(item, fileIds).matchedFileIds]] : [];
  });
  return new Map(rows);
}

/** What a selection of titles is, and what queueing it would do. */
const SelectionFigures = PlanFigures.extend({
  /** Titles that are selected, and what their files take now. */
  count: z.int(),
  sizeBytes: z.number(),
});

async function figuresFor(ctx: Context, ids: readonly string[], wish: z.infer<typeof QueueSelection>) {
  const versions = await versionsOf(ctx, wish);
  const sizeBytes = ids.reduce((sum, id) => {
    const item = ctx.store.library.find(id);
    if (!item) return sum;
    const files = item.files.filter((file) => versions.get(id)?.includes(file.id) ?? true);
    return sum + sizeOf({ files });
  }, 0);
  return { count: ids.length, sizeBytes, ...figuresOf(ctx, await planItems(ctx, ids, wish.presetId, versions)) };
}

/** What queueing a selection would do, for looking only: it may be another number of titles than was shown, or none. */
export const sumTitles = action(
  { summary: 'Add up what queueing many titles would free', input: QueueSelection, output: SelectionFigures },
  async (ctx, wish) => {
    const { itemIds, all, presetId } = wish;
    if (presetId !== '') ctx.presets.get(presetId);
    return figuresFor(ctx, all ? await ctx.search.all(filterOf(all)) : itemIds, wish);
  },
);

/** The question before many titles are queued: the very plan that `queueSelection` carries out. Throws what that throws. */
export const askAboutTitles = action(
  {
    summary:
      'Ask before jobs are queued for many titles: how many, with what, what it frees, how long, what is left out',
    input: QueueSelection,
    output: SelectionFigures.extend({
      itemIds: z.array(z.string()),
      all: z.string(),
      within: z.string(),
      expected: z.int(),
      presetId: z.string(),
      defaultPreset: z.string(),
      choices: z.array(z.object({ id: z.string(), title: z.string() })),
    }),
  },
  async (ctx, wish) => {
    const { presetId, all = '', within = '' } = wish;
    if (presetId !== '') ctx.presets.get(presetId);
    const ids = await selectedIds(ctx, wish);
    return {
      ...(await figuresFor(ctx, ids, wish)),
      itemIds: all ? [] : ids,
      ...{ all, within },
      expected: ids.length,
      ...{ presetId, ...presetChoices(ctx) },
    };
  },
);

/** Queues one job for each selected title and goes on past those that cannot be queued. Throws `not_found` for the preset. */
export const queueSelection = action(
  {
    summary: 'Queue jobs for many titles, or for everything that matches a filter',
    input: QueueSelection,
    output: z.object({
      items: z.array(Job),
      /** Why some were not queued, the most frequent reason first. */
      refused: z.array(z.object({ message: z.string(), count: z.int(), itemIds: z.array(z.string()) })),
    }),
  },
  async (ctx, wish) => {
    const { presetId } = wish;
    if (presetId !== '') ctx.presets.get(presetId);
    const plan = await planItems(ctx, await selectedIds(ctx, wish), presetId, await versionsOf(ctx, wish));
    const items: Job[] = [];
    const refused = new Map<string, string[]>();
    const refuse = (message: string, itemId: string): void => {
      refused.set(message, [...(refused.get(message) ?? []), itemId]);
    };
    for (const { id, reason } of plan.leftOut) refuse(LEFT_OUT_WORDS[reason], id);
    for (const { wish } of plan.jobs) {
      try {
        items.push(await ctx.enqueue.job(wish));
      } catch (error) {
        // A full disk or a stop is no property of this title.
        if (!(error instanceof AppError) || error.isRetriable) throw error;
        refuse(error instanceof LeftOut ? LEFT_OUT_WORDS[error.reason] : error.message, wish.itemId);
      }
    }
    const reasons = [...refused].map(([message, itemIds]) => ({ message, count: itemIds.length, itemIds }));
    return { items, refused: reasons.sort((a, b) => b.count - a.count) };
  },
);
