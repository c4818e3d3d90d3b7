import { z } from 'zod';
import { conflict, invalid } from '../domain/errors.js';
import { Job } from '../domain/job.js';
import { QuarantineEntry } from '../domain/quarantine.js';
import { Recommendation } from '../domain/recommendation.js';
import type { Context } from './action.js';

/** What came of a "yes". */
export const Approved = z.object({
  recommendation: Recommendation,
  /** The job of a single file. */
  job: Job.nullable(),
  /** Every job that was made; many for a group. */
  items: z.array(Job),
  /** Why files of a group were not queued, the most frequent reason first. */
  refused: z.array(z.object({ message: z.string(), count: z.int() })),
  /** Where a surplus copy is kept now. */
  kept: QuarantineEntry.nullable(),
});
export type Approved = z.infer<typeof Approved>;

/** Whether a "yes" does something: queues jobs, or sets a surplus copy aside. */
export const canBeApproved = ({ kind, presetId, keep }: Recommendation): boolean =>
  ((kind === 'transcode' || kind === 'remux') && presetId !== null) || keep !== null;

/**
 * Does what a recommendation asks for: queues its job, queues every file of its group, or sets a surplus copy aside.
 * Throws `conflict` when it was decided before, `invalid` when it only informs, and what queueing and moving throw.
 */
export async function approve(ctx: Context, id: string, presetId?: string): Promise<Approved> {
  const found = ctx.store.recommendations.get(id);
  if (found.state !== 'open' && found.state !== 'snoozed')
    throw conflict(`This recommendation was already ${found.state}`);
  if (!canBeApproved(found))
    throw invalid('This recommendation only informs: there is nothing to queue. Dismiss it when you have seen it.');
  const nothing = { job: null, items: [], refused: [], kept: null };
  if (found.keep !== null) {
    const kept = await ctx.copies.setAside(found);
    return { ...nothing, kept, recommendation: ctx.store.recommendations.get(id) };
  }
  const preset = presetId ?? found.presetId;
  if (found.group !== null) {
    if (preset !== null) ctx.presets.get(preset);
    const members = ctx.analyzer.membersOf(found.group, found.ruleId);
    const queued = await ctx.groups.queue(found, preset, members);
    return { ...nothing, ...queued, recommendation: ctx.store.recommendations.get(id) };
  }
  const job = await queueOne(ctx, found, preset ?? '');
  const values = { state: 'approved' as const, jobId: job.id, snoozedUntil: null, changedAt: ctx.now().toISOString() };
  const recommendation = await ctx.store.recommendations.patch(id, values);
  ctx.bus.emit('recommendation.changed', { ids: [id] });
  return { ...nothing, recommendation, job, items: [job] };
}

/** The job is made first and in this turn: a second click finds it and is refused. */
const queueOne = (ctx: Context, found: Recommendation, presetId: string): Promise<Job> =>
  ctx.enqueue.job({
    itemId: found.itemId,
    fileId: found.fileId,
    presetId,
    ruleId: found.ruleId,
    recommendationId: found.id,
    priority: found.priority,
    expectedSavesBytes: found.savesBytes,
  });
