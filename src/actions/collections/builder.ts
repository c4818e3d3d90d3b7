import { z } from 'zod';
import { CollectionName, PlacePreview } from '../../domain/collections/collection.js';
import { AppError, conflict } from '../../domain/errors.js';
import { filterOf } from '../../domain/library/filter.js';
import { SavedFilter } from '../../domain/library/saved-filter.js';
import { isSameName } from '../../domain/library/tag.js';
import { fieldSentence, refusalMessage } from '../../lib/plain-refusals.js';
import { action, type Context } from '../action.js';
import { Chip, chipsOf, withoutSort } from './rows.js';
import { savedFilters, tidyQuery } from '../library/saved-filters.js';

/** A saved filter by its id, or one of its own as in the address of the library. A saved one wins. */
export const Plan = z.object({
  name: CollectionName,
  filterId: z.string().default(''),
  query: z.string().max(4000).default(''),
});
export type Plan = z.infer<typeof Plan>;

/** What a form's plan means. Throws `invalid` for a filter that is gone, unreadable, or lets everything through. */
export function planOf({ collections }: Context, { filterId, query }: Omit<Plan, 'name'>) {
  // A name it does not know would be dropped, and more would match than was meant.
  if (filterId === '') filterOf(query);
  const plan = filterId === '' ? { filterId: null, query: withoutSort(tidyQuery(query)) } : { filterId, query: '' };
  collections.filterOf(plan);
  return plan;
}

/** Throws `conflict` when another collection has this name. */
export function checkName({ store }: Context, name: string, ownId: string | null): void {
  const isTaken = store.collections.where((one) => one.id !== ownId && isSameName(one.name, name)).length > 0;
  if (isTaken) throw conflict(`There is a collection named ${name} already.`);
}

/** Why something cannot be, as a part of a page. */
export const Refusal = z.object({ message: z.string(), fields: z.record(z.string(), z.string()) });

/** A preview, or why there is none. */
export async function look(ctx: Context, name: string, given: Omit<Plan, 'name'>, id: string | null) {
  try {
    checkName(ctx, name, id);
    const places = id === null ? [] : ctx.store.collections.get(id).places;
    return { preview: await ctx.collections.preview({ name, ...planOf(ctx, given), places }), error: null };
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    return { preview: null, error: { message: error.message, fields: error.fields } };
  }
}

/** A saved filter to choose. */
export const FilterChoice = SavedFilter.pick({ id: true, name: true }).extend({ isChosen: z.boolean() });
/** The saved filters, by name. */
export const choicesOf = (ctx: Context, filterId: string | null): z.infer<typeof FilterChoice>[] =>
  savedFilters(ctx).map(({ id, name }) => ({ id, name, isChosen: id === filterId }));

/** The form for a new collection; with `look` what it would hold. Nothing is made. */
export const newCollection = action(
  {
    summary: 'Preview a new collection before it is made',
    input: Plan.extend({
      name: z.string().trim().max(80).default(''),
      look: z.string().optional(),
      keepInStep: z.enum(['true', 'false']).catch('true'),
    }),
    output: z.object({
      title: z.string(),
      name: z.string(),
      filterId: z.string(),
      query: z.string(),
      chips: z.array(Chip),
      filters: z.array(FilterChoice),
      preview: z.array(PlacePreview).nullable(),
      /** Chosen with the last step; kept while the first one is corrected. */
      keepInStep: z.boolean(),
      error: Refusal.nullable(),
    }),
  },
  async (ctx, { look: isAsked, name, filterId, query, keepInStep }) => {
    const own = withoutSort(query);
    const form = {
      title: 'New collection',
      name,
      filterId,
      query: own,
      chips: chipsOf(ctx, own),
      filters: choicesOf(ctx, filterId),
      keepInStep: keepInStep === 'true',
    };
    if (isAsked === undefined) return { ...form, preview: null, error: null };
    const named = CollectionName.safeParse(name);
    if (!named.success) {
      const fields = { name: fieldSentence(CollectionName, ['name'], named.error.issues[0]?.message ?? '') };
      return { ...form, preview: null, error: { message: refusalMessage(fields), fields } };
    }
    return { ...form, ...(await look(ctx, name, { filterId, query: own }, null)) };
  },
);

/** What a collection would hold. Throws `invalid`. */
export const previewCollection = action(
  {
    summary: 'Preview a collection: what would be put in and taken out, library by library',
    input: Plan,
    output: z.object({ items: z.array(PlacePreview) }),
  },
  async (ctx, plan) => ({
    items: await ctx.collections.preview({ name: plan.name, ...planOf(ctx, plan), places: [] }),
  }),
);

/** What bringing a collection in step would do. Throws `not_found`, `invalid`. */
export const previewStored = action(
  {
    summary: 'Preview what a sync of a collection would do',
    input: z.object({ id: z.string() }),
    output: z.object({ items: z.array(PlacePreview) }),
  },
  async ({ store, collections }, { id }) => ({ items: await collections.preview(store.collections.get(id)) }),
);
