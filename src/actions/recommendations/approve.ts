import { z } from 'zod';
import { conflict, invalid } from '../../domain/errors.js';
import { Job } from '../../domain/jobs/job.js';
import { LeftOut } from '../../domain/recommendations/left-out.js';
import { QuarantineEntry } from '../../domain/replace/quarantine.js';
import { COVERED_NOTE, Recommendation } from '../../domain/recommendations/recommendation.js';
import { asksForJobs } from '../../domain/recommendations/merge.js';
import { presetOfJob } from '../../domain/presets/merge.js';
import type { Context } from '../action.js';
import { alsoPresetIds } from '../presets/choice.js';

/** What came of a "yes". */
export const Approved = z.object({
  recommendation: Recommendation,
  /** The job of a single file. */
  job: Job.nullable(),
  /** Every job that was made; many for a group. */
  items: z.array(Job),
  /** Why files of a group were not queued, the most frequent reason first. */
  refused: z.array(z.object({ message: z.string(), count: z.int() })),
  /** There was a job for the file already: it covers this recommendation, and `job` is that one. */
  isCovered: z.boolean(),
  /** Where a surplus copy is kept now. */
  kept: QuarantineEntry.nullable(),
});
export type Approved = z.infer<typeof Approved>;

/** Whether a "yes" does something: queues jobs, or sets a surplus copy aside. */
export const canBeApproved = (row: Recommendation): boolean => asksForJobs(row) || row.keep !== null;

/** Why a recommendation that is merged into another one is not decided about. */
export const MERGED = 'Another recommendation for the same file includes this one. Decide about that one.';

/**
 * Does what a recommendation asks for: queues its job, queues every file of its group (of `planned`, where that is given), or
 * sets a surplus copy aside.
 * Throws `conflict` when it was decided before, `invalid` when it only informs, and what queueing and moving throw.
 */
export async function approve(
  ctx: Context,
  id: string,
  presetId?: string,
  planned?: readonly { wish: { itemId: string; fileId?: string } }[],
): Promise<Approved> {
  const found = ctx.store.recommendations.get(id);
  if (found.state === 'merged') throw conflict(MERGED);
  if (found.state !== 'open' && found.state !== 'snoozed')
    throw conflict(`This recommendation was already ${found.state}`);
  if (!canBeApproved(found))
    throw invalid('This recommendation only informs: there is nothing to queue. Dismiss it when you have seen it.');
  const nothing = { job: null, items: [], refused: [], isCovered: false, kept: null };
  if (found.keep !== null) {
    const kept = await ctx.copies.setAside(found);
    return { ...nothing, kept, recommendation: ctx.store.recommendations.get(id) };
  }
  const preset = presetId ?? found.presetId;
  if (found.group !== null) {
    if (preset !== null) ctx.presets.get(preset);
    const chosen = planned && new Set(planned.map(({ wish }) => `${wish.itemId}.${wish.fileId ?? ''}`));
    const members = ctx.analyzer
      .membersOf(found.group, found.ruleId)
      .filter(({ item, file }) => !chosen || chosen.has(`${item.id}.${file.id}`));
    const queued = await ctx.groups.queue(found, preset, members);
    return { ...nothing, ...queued, recommendation: ctx.store.recommendations.get(id) };
  }
  const { job, isOfOther } = await queueOne(ctx, found, preset ?? '');
  if (isOfOther) return { ...nothing, recommendation: await cover(ctx, found, job), job, isCovered: true };
  const values = { state: 'approved' as const, jobId: job.id, snoozedUntil: null, changedAt: ctx.now().toISOString() };
  const recommendation = await ctx.store.recommendations.patch(id, values);
  ctx.bus.emit('recommendation.changed', { ids: [id] });
  return { ...nothing, recommendation, job, items: [job] };
}

/** The job is made first and in this turn: a second click finds it. Returns the job that the file has already, if it has one. */
async function queueOne(
  ctx: Context,
  found: Recommendation,
  presetId: string,
): Promise<{ job: Job; isOfOther: boolean }> {
  const { itemId, fileId, ruleId, id, priority: score } = found;
  const also = alsoPresetIds(ctx, found, presetId);
  try {
    const wish = {
      itemId,
      fileId,
      presetId,
      alsoPresetIds: also,
      ruleId,
      score,
      recommendationId: id,
      expectedSavesBytes: expectedOf(ctx, found, { presetId, alsoPresetIds: also }),
    };
    return { job: await ctx.enqueue.job(wish), isOfOther: false };
  } catch (error) {
    const path = ctx.store.library.find(itemId)?.files.find((file) => file.id === fileId)?.localPath;
    const known = error instanceof LeftOut && error.reason === 'has-job' && path ? ctx.enqueue.openJobAt(path) : null;
    if (!known) throw error;
    return { job: known, isOfOther: known.recommendationId !== id };
  }
}

/** Closes a recommendation whose file has a job that something else asked for. */
async function cover(ctx: Context, { id }: Recommendation, job: Job): Promise<Recommendation> {
  const changedAt = ctx.now().toISOString();
  const values = { state: 'closed' as const, jobId: job.id, note: COVERED_NOTE, changedAt };
  const recommendation = await ctx.store.recommendations.patch(id, values);
  ctx.bus.emit('recommendation.changed', { ids: [id] });
  return recommendation;
}

/** What is promised for the preset that is proposed; for another one what that is expected to save. */
function expectedOf(
  { store, presets, estimates }: Context,
  found: Recommendation,
  recipe: { presetId: string; alsoPresetIds: readonly string[] },
): number {
  const file = store.library.find(found.itemId)?.files.find(({ id }) => id === found.fileId);
  const isAsProposed = recipe.presetId === found.presetId && recipe.alsoPresetIds.length === 0;
  if (isAsProposed || !file || !presets.list().some(({ id }) => id === recipe.presetId)) return found.savesBytes;
  return estimates.saving(file, presetOfJob(recipe, presets)).savesBytes;
}
