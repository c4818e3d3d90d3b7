import { z } from 'zod';
import { conflict } from '../../domain/errors.js';
import { Recommendation } from '../../domain/recommendations/recommendation.js';
import { action, type Context } from '../action.js';
import { approve, Approved, MERGED } from './approve.js';
import { listOf, pageOf, Paging } from '../paging.js';
import { ReviewFilter, ReviewSort, ReviewState } from '../../domain/recommendations/review-query.js';
import { RecommendationRow, toRows } from './review-rows.js';

const DAY_MS = 86_400_000;

/** What the rules propose, most worthwhile first. Savings count every file once. */
export const listRecommendations = action(
  {
    summary: 'List recommendations, highest priority first',
    input: Paging.extend({ ...ReviewFilter.shape, sort: ReviewSort.default('priority') }),
    output: listOf(RecommendationRow).extend({
      savesBytes: z.number(),
      lowBytes: z.number(),
      highBytes: z.number(),
      counts: z.record(ReviewState, z.int()),
    }),
  },
  async (ctx, { page, pageSize, sort, ...filter }) => {
    const found = await ctx.review.find({ filter, sort, group: 'none' });
    const cut = pageOf(found.entries, { page, pageSize }, { ...filter, sort });
    const { savesBytes, lowBytes, highBytes, counts } = found;
    const rows = cut.items.map(({ row }) => row);
    return { ...cut, items: await toRows(ctx, rows), savesBytes, lowBytes, highBytes, counts };
  },
);

async function change(ctx: Context, id: string, values: Partial<Recommendation>): Promise<Recommendation> {
  const row = await ctx.store.recommendations.patch(id, { ...values, changedAt: ctx.now().toISOString() });
  ctx.bus.emit('recommendation.changed', { ids: [id] });
  return row;
}

/** Queues what a recommendation asks for. Throws `conflict` when it was decided before, and what queueing throws. */
export const approveRecommendation = action(
  {
    summary: 'Approve a recommendation and queue its job',
    input: z.object({ id: z.string(), presetId: z.string().min(1).optional() }),
    output: Approved,
  },
  (ctx, { id, presetId }) => approve(ctx, id, presetId),
);

/** Says no to a recommendation; it returns only when the file itself changes. Throws `conflict` once it was approved. */
export const dismissRecommendation = action(
  {
    summary: 'Dismiss a recommendation',
    input: z.object({ id: z.string(), reason: z.string().trim().max(400).default('') }),
    output: z.object({ recommendation: Recommendation }),
  },
  async (ctx, { id, reason }) => {
    const { state } = ctx.store.recommendations.get(id);
    if (state === 'merged') throw conflict(MERGED);
    if (state === 'approved' || state === 'closed') throw conflict(`This recommendation was already ${state}`);
    const recommendation = await change(ctx, id, { state: 'dismissed', note: reason || null, snoozedUntil: null });
    return { recommendation };
  },
);

/** Puts a recommendation aside for some days. Throws `conflict` unless it is open or snoozed. */
export const snoozeRecommendation = action(
  {
    summary: 'Snooze a recommendation for some days',
    input: z.object({ id: z.string(), days: z.coerce.number().int().min(1).max(365).default(30) }),
    output: z.object({ recommendation: Recommendation }),
  },
  async (ctx, { id, days }) => {
    const { state } = ctx.store.recommendations.get(id);
    if (state === 'merged') throw conflict(MERGED);
    if (state !== 'open' && state !== 'snoozed') throw conflict(`This recommendation was already ${state}`);
    const snoozedUntil = new Date(ctx.now().getTime() + days * DAY_MS).toISOString();
    return { recommendation: await change(ctx, id, { state: 'snoozed', snoozedUntil }) };
  },
);

/** Takes a dismissal or a snooze back. Throws `conflict` for what is neither. */
export const reopenRecommendation = action(
  {
    summary: 'Reopen a dismissed or snoozed recommendation',
    input: z.object({ id: z.string() }),
    output: z.object({ recommendation: Recommendation }),
  },
  async (ctx, { id }) => {
    const { state } = ctx.store.recommendations.get(id);
    if (state === 'merged') throw conflict(MERGED);
    if (state !== 'dismissed' && state !== 'snoozed')
      throw conflict(`Only what was dismissed or snoozed can be reopened; this one is ${state}.`);
    return { recommendation: await change(ctx, id, { state: 'open', note: null, snoozedUntil: null }) };
  },
);
