import { z } from 'zod';
import { EXCLUDED_REASON, ExcludedItem } from '../../domain/library/excluded-items.js';
import { isFinished } from '../../domain/jobs/job.js';
import { displayTitle } from '../../domain/library/library.js';
import { close, isAlive } from '../../engine/recommendations/upkeep.js';
import { action, type Context } from '../action.js';
import { Selection, selectedIds } from './bulk.js';
import { listOf, pageOf, Paging } from '../paging.js';

const Reason = z.string().trim().max(400).default('');

/** How it is told: the reason under its name beside the older one. */
const Told = ExcludedItem.extend({ reason: z.string().nullable() });
const told = (row: ExcludedItem): z.infer<typeof Told> => ({ ...row, reason: row.note });

/** Items excluded at the same moment. */
const Batch = z.object({ at: z.string(), count: z.int(), reason: z.string().nullable() });

/** How many batches a page offers to take back as one. */
const BATCHES_SHOWN = 5;

/** Items that are excluded from processing, the latest first, and those that were excluded together. */
export const listExcluded = action(
  {
    summary: 'List the items that are excluded from processing',
    input: Paging.extend({
      /** Only those excluded at this moment. */
      at: z.string().max(40).optional(),
    }),
    output: listOf(Told.extend({ thumb: z.string().nullable(), isInLibrary: z.boolean() })).extend({
      batches: z.array(Batch),
    }),
  },
  ({ store }, { at, ...paging }) => {
    const all = [...store.excluded.values()].sort((a, b) => b.at.localeCompare(a.at) || a.id.localeCompare(b.id));
    const rows = at === undefined ? all : all.filter((row) => row.at === at);
    const cut = pageOf(rows, paging, at === undefined ? {} : { at });
    return {
      ...cut,
      items: cut.items.map((row) => {
        const item = store.library.find(row.id);
        return { ...told(row), thumb: item?.thumb ?? null, isInLibrary: item !== null };
      }),
      batches: batchesOf(all),
    };
  },
);

function batchesOf(rows: readonly ExcludedItem[]): z.infer<typeof Batch>[] {
  const batches = new Map<string, z.infer<typeof Batch>>();
  for (const { at, note } of rows) {
    const batch = batches.get(at) ?? { at, count: 0, reason: note };
    batch.count++;
    batches.set(at, batch);
  }
  return [...batches.values()].filter(({ count }) => count > 1).slice(0, BATCHES_SHOWN);
}

/** Stores the exclusions and closes what is recommended for the items, in one turn. Ids that are not in the library are passed over. */
export async function exclude(ctx: Context, itemIds: readonly string[], reason: string): Promise<ExcludedItem[]> {
  const { store, bus, now } = ctx;
  const at = now().toISOString();
  const rows = itemIds.flatMap((id): ExcludedItem[] => {
    const item = store.library.find(id);
    // One that is excluded already keeps its own reason and time.
    if (item === null || store.excluded.has(id)) return [];
    return [{ id, title: displayTitle(item), note: reason || null, at }];
  });
  const ids = new Set(rows.map(({ id }) => id));
  const open = store.recommendations.where((row) => ids.has(row.itemId) && isAlive(row));
  const closed = open.map((row) => close(row, EXCLUDED_REASON, at));
  await Promise.all([store.excluded.putMany(rows), store.recommendations.putMany(closed)]);
  if (rows.length > 0) bus.emit('library.changed', { itemIds: [...ids] });
  if (closed.length > 0) bus.emit('recommendation.changed', { ids: closed.map((found) => found.id) });
  return rows;
}

/** Excludes an item from processing: what is recommended for it is closed, and no job can be made. Jobs that run go on. Throws `not_found`. */
export const excludeItem = action(
  {
    summary: 'Exclude an item from processing',
    input: z.object({ id: z.string(), reason: Reason, note: Reason }),
    output: Told,
  },
  async (ctx, { id, reason, note }) => {
    ctx.store.library.get(id);
    const [row = ctx.store.excluded.get(id)] = await exclude(ctx, [id], reason || note);
    return told(row);
  },
);

/** The question before many items are excluded: how many, and what that ends. Throws what `excludeMany` throws. */
export const askAboutExclusion = action(
  {
    summary: 'Ask before several items are excluded: how many, what is closed, what is left out',
    input: Selection,
    output: z.object({
      itemIds: z.array(z.string()),
      all: z.string(),
      expected: z.int(),
      /** Items that would be excluded, their open recommendations, and their jobs that have not ended. */
      ...{ items: z.int(), open: z.int(), waiting: z.int() },
      leftOut: z.array(z.object({ words: z.string(), count: z.int() })),
      leftOutCount: z.int(),
    }),
  },
  async (ctx, selection) => {
    const { store } = ctx;
    const ids = await selectedIds(ctx, selection);
    const going = new Set(ids.filter((id) => store.library.has(id) && !store.excluded.has(id)));
    const already = ids.filter((id) => store.excluded.has(id)).length;
    const gone = ids.length - going.size - already;
    return {
      ...{ itemIds: selection.all ? [] : ids, all: selection.all ?? '', expected: ids.length, items: going.size },
      open: store.recommendations.where(
        ({ itemId, state }) => going.has(itemId) && (state === 'open' || state === 'snoozed'),
      ).length,
      waiting: store.jobs.where(({ itemId, state }) => going.has(itemId) && !isFinished(state)).length,
      leftOut: [
        { words: 'excluded already', count: already },
        { words: 'no longer in the library', count: gone },
      ].filter(({ count }) => count > 0),
      leftOutCount: already + gone,
    };
  },
);

/** Excludes many items at once. Throws `invalid` for an empty selection, and `conflict` when a filter now matches another number. */
export const excludeMany = action(
  {
    summary: 'Exclude several items from processing, or everything that matches a filter',
    input: Selection.extend({ reason: Reason }),
    output: z.object({
      changed: z.int(),
      /** What takes exactly these back; null when nothing changed. */
      at: z.string().nullable(),
    }),
  },
  async (ctx, { reason, ...selection }) => {
    const rows = await exclude(ctx, await selectedIds(ctx, selection), reason);
    return { changed: rows.length, at: rows[0]?.at ?? null };
  },
);

async function include(ctx: Context, ids: readonly string[]): Promise<number> {
  const { store, bus, analyzer } = ctx;
  const known = ids.filter((id) => store.excluded.has(id));
  await Promise.all(known.map((id) => store.excluded.remove(id)));
  if (known.length === 0) return 0;
  bus.emit('library.changed', { itemIds: known });
  const present = known.filter((id) => store.library.has(id));
  if (present.length > 0) await analyzer.items(present, 'owner');
  return known.length;
}

/** Lets rules and jobs process an item again, and asks the rules about it at once. */
export const includeItem = action(
  {
    summary: 'Include an excluded item again',
    input: z.object({ id: z.string() }),
    output: z.object({ id: z.string() }),
  },
  async (ctx, { id }) => {
    await include(ctx, [id]);
    return { id };
  },
);

/** Includes several again: those named, or all that were excluded at one moment. */
export const includeMany = action(
  {
    summary: 'Include several excluded items again',
    input: z.object({ itemIds: Selection.shape.itemIds, at: z.string().max(40).optional() }),
    output: z.object({ changed: z.int() }),
  },
  async (ctx, { itemIds, at }) => {
    const together = at === undefined || at === '' ? [] : ctx.store.excluded.where((row) => row.at === at);
    return { changed: await include(ctx, [...new Set([...itemIds, ...together.map(({ id }) => id)])]) };
  },
);
