import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { PlacePreview } from '../../domain/collections/collection.js';
import { notFound } from '../../domain/errors.js';
import { action, type Context } from '../action.js';
import { checkName, choicesOf, FilterChoice, look, Plan, planOf, Refusal } from './builder.js';
import { CollectionRow, nextAnalysis, rowOf } from './rows.js';

/** So long an answer waits for Plex; the work goes on when it takes longer. */
const PATIENCE_MS = 6000;

const ById = z.object({ id: z.string() });

/** Every collection, by name. */
export const listCollections = action(
  {
    summary: 'List the collections that are kept in Plex',
    input: z.object({}),
    output: z.object({
      page: z.int(),
      pageSize: z.int(),
      total: z.int(),
      items: z.array(CollectionRow),
      /** When the library is looked at next, and the collections after it. */
      nextAt: z.string().nullable(),
    }),
  },
  (ctx) => {
    const items = [...ctx.store.collections.values()]
      .sort((a, b) => a.name.localeCompare(b.name))
      .map((row) => rowOf(ctx, row));
    return { page: 1, pageSize: items.length, total: items.length, items, nextAt: nextAnalysis(ctx) };
  },
);

const Outcome = CollectionRow.extend({
  /** What came of it, in a sentence. */
  outcome: z.string(),
});

/** Waits for Plex a while, then answers how things stand. */
async function afterwards(ctx: Context, id: string, work: Promise<unknown>): Promise<z.infer<typeof Outcome>> {
  const timer = new AbortController();
  try {
    await Promise.race([work, sleep(PATIENCE_MS, undefined, { signal: timer.signal, ref: false })]);
  } finally {
    timer.abort();
  }
  const row = rowOf(ctx, ctx.store.collections.get(id));
  return { ...row, outcome: outcomeOf(row) };
}

function outcomeOf({ isSyncing, error, places }: CollectionRow): string {
  if (isSyncing) return 'The changes are being sent to Plex.';
  const wrong = error ?? places.find(({ lastSync }) => lastSync?.error)?.lastSync?.error;
  if (wrong) return `It failed: ${wrong}`;
  const sum = (of: 'added' | 'removed'): number => places.reduce((all, { lastSync }) => all + (lastSync?.[of] ?? 0), 0);
  const waits = places.find(({ state }) => state === 'taken' || state === 'deleted')?.lastSync?.note;
  return `${sum('added')} put in, ${sum('removed')} taken out.${waits ? ` ${waits}` : ''}`;
}

/** Stores a collection and makes it in Plex. Throws `invalid`, or `conflict` for a name that is taken. */
export const createCollection = action(
  {
    summary: 'Make a collection from a filter, in Plex too',
    input: Plan.extend({ keepInStep: z.boolean().default(true) }),
    output: Outcome,
  },
  async (ctx, { name, keepInStep, ...given }) => {
    const { store, newId, now, collections } = ctx;
    const plan = planOf(ctx, given);
    checkName(ctx, name, null);
    const id = newId('collection');
    await store.collections.put({
      id,
      name,
      ...plan,
      keepInStep,
      places: [],
      createdAt: now().toISOString(),
      error: null,
    });
    return afterwards(ctx, id, collections.sync(id));
  },
);

/** One collection; with `look` what bringing it in step would do. Throws `not_found`. */
export const showCollection = action(
  {
    summary: 'Show one collection',
    input: ById.extend({ look: z.string().optional() }),
    output: CollectionRow.extend({
      title: z.string(),
      filters: z.array(FilterChoice),
      nextAt: z.string().nullable(),
      preview: z.array(PlacePreview).nullable(),
      error: z.string().nullable(),
      refusal: Refusal.nullable(),
    }),
  },
  async (ctx, { id, look: isAsked }) => {
    const stored = ctx.store.collections.get(id);
    const { name, filterId, query } = stored;
    const seen = isAsked === undefined ? null : await look(ctx, name, { filterId: filterId ?? '', query }, id);
    return {
      ...rowOf(ctx, stored),
      title: name,
      filters: choicesOf(ctx, filterId),
      nextAt: nextAnalysis(ctx),
      preview: seen?.preview ?? null,
      refusal: seen?.error ?? null,
    };
  },
);

/**
 * Another name, filter, or way to be kept. What is in Plex keeps its name; another filter counts from the next time it is
 * brought in step. Throws `not_found`, `invalid`, `conflict`.
 */
export const changeCollection = action(
  {
    summary: 'Change a collection',
    input: Plan.partial().extend({
      id: z.string(),
      // Without its default: what is not said stays.
      filterId: z.string().optional(),
      query: z.string().max(4000).optional(),
      keepInStep: z.boolean().optional(),
    }),
    output: CollectionRow,
  },
  async (ctx, { id, name, filterId, query, keepInStep }) => {
    const known = ctx.store.collections.get(id);
    if (name !== undefined) checkName(ctx, name, id);
    const isOther = filterId !== undefined || query !== undefined;
    // The form sends no filter for "the one it has".
    const asked = { filterId: filterId ?? '', query: query ?? known.query };
    const plan = isOther ? planOf(ctx, asked) : { filterId: known.filterId, query: known.query };
    const changed = await ctx.store.collections.patch(id, {
      ...plan,
      name: name ?? known.name,
      keepInStep: keepInStep ?? known.keepInStep,
    });
    ctx.bus.emit('collection.changed', { ids: [id] });
    return rowOf(ctx, changed);
  },
);

/** Brings one in step now. Throws `not_found`. */
export const syncCollection = action(
  { summary: 'Sync a collection with its filter now', input: ById, output: Outcome },
  async (ctx, { id }) => afterwards(ctx, ctx.store.collections.get(id).id, ctx.collections.sync(id)),
);

/** Brings all in step that follow by themselves; the work goes on after the answer. */
export const syncCollections = action(
  {
    summary: 'Sync all collections with their filters now',
    input: z.object({}),
    output: z.object({ items: z.array(CollectionRow) }),
  },
  (ctx) => {
    ctx.collections.syncSoon();
    return { items: [...ctx.store.collections.values()].map((row) => rowOf(ctx, row)) };
  },
);

/**
 * What the owner decides about one library. `again`: make it anew. `forget`: look after it no more; what is in Plex stays.
 * `adopt`: use the one of the same name that is there. `put-back`: put in again what was taken out in Plex. Throws
 * `not_found`, `conflict`, `plex_*`.
 */
export const decidePlace = action(
  {
    summary: 'Decide about a collection in one library',
    input: z.object({
      id: z.string(),
      sectionId: z.string(),
      decision: z.enum(['again', 'forget', 'adopt', 'put-back']),
    }),
    output: Outcome,
  },
  async (ctx, { id, sectionId, decision }) => {
    const { collections } = ctx;
    const work = {
      again: () => collections.makeAgain(id, sectionId),
      forget: () => collections.forget(id, sectionId),
      adopt: () => collections.adopt(id, sectionId),
      'put-back': () => collections.putBack(id, sectionId),
    }[decision]();
    const row = await afterwards(ctx, id, work);
    return decision === 'forget' ? { ...row, outcome: 'MediaFlow does not change it there from now on.' } : row;
  },
);

/** Forgets a collection, and deletes in Plex what it made when told so. Throws `not_found`, `conflict`, `plex_*`. */
export const deleteCollection = action(
  {
    summary: 'Delete a collection, in Plex too when told so',
    input: ById.extend({ inPlex: z.union([z.boolean(), z.enum(['true', 'false'])]).default(false) }),
    output: z.object({ name: z.string(), inPlex: z.boolean() }),
  },
  async ({ store, collections }, { id, inPlex }) => {
    if (!store.collections.has(id)) throw notFound('collection', id);
    const isToGo = inPlex === true || inPlex === 'true';
    const { name } = await collections.remove(id, isToGo);
    return { name, inPlex: isToGo };
  },
);
