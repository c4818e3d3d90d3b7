import { z } from 'zod';
import { toAppError } from '../domain/errors.js';
import { Job } from '../domain/job.js';
import type { Recommendation } from '../domain/recommendation.js';
import { action, type Context } from './action.js';
import { approve, type Approved } from './approve.js';
import { ReviewSelection, selectedNow, selectedRecommendations, worthApproving } from './review-selection.js';

const DAY_MS = 86_400_000;
/** How many are approved side by side, so that they share their trips to the disk. */
const WIDTH = 16;

/** Approves many; one that cannot be queued is named and stops none of the others. Of several about one file the best counts. */
export const approveMany = action(
  {
    summary: 'Approve several recommendations',
    input: ReviewSelection,
    output: z.object({
      items: z.array(Job),
      /** Surplus copies that are in quarantine now. */
      kept: z.int(),
      refused: z.array(z.object({ id: z.string(), message: z.string() })),
    }),
  },
  async (ctx, selection) => {
    const ids = await selectedRecommendations(ctx, selection);
    const { chosen, informs } = worthApproving(ctx, ids);
    const items: Job[] = [];
    const refused: { id: string; message: string }[] = [];
    let kept = 0;
    const take = (done: Approved): void => {
      items.push(...done.items);
      if (done.kept !== null) kept++;
    };
    for (let start = 0; start < chosen.length; start += WIDTH) {
      const some = chosen.slice(start, start + WIDTH);
      const results = await Promise.allSettled(some.map((id) => approve(ctx, id)));
      for (const [at, result] of results.entries()) {
        if (result.status === 'fulfilled') take(result.value);
        else refused.push({ id: some[at] ?? '', message: toAppError(result.reason).message });
      }
    }
    if (informs > 0 && chosen.length === 0)
      refused.push({ id: ids[0] ?? '', message: 'These only inform: there is nothing to queue.' });
    return { items, kept, refused };
  },
);

const Changed = z.object({ changed: z.int(), skipped: z.int() });

/** Changes those of a selection that stand in one of these states, all in one turn. */
async function changeMany(
  ctx: Context,
  selection: ReviewSelection,
  from: readonly Recommendation['state'][],
  values: Partial<Recommendation>,
): Promise<z.infer<typeof Changed>> {
  const ids = await selectedRecommendations(ctx, selection);
  const rows = ids.flatMap((id) => ctx.store.recommendations.find(id) ?? []);
  const fitting = rows.filter(({ state }) => from.includes(state));
  const changedAt = ctx.now().toISOString();
  await ctx.store.recommendations.putMany(fitting.map((row) => ({ ...row, ...values, changedAt })));
  if (fitting.length > 0) ctx.bus.emit('recommendation.changed', { ids: fitting.map(({ id }) => id) });
  return { changed: fitting.length, skipped: ids.length - fitting.length };
}

/** Puts many aside for some days. Those that are approved or closed are passed over. */
export const snoozeMany = action(
  {
    summary: 'Snooze several recommendations for some days',
    input: ReviewSelection.extend({ days: z.coerce.number().int().min(1).max(365).default(30) }),
    output: Changed,
  },
  (ctx, { days, ...selection }) => {
    const snoozedUntil = new Date(ctx.now().getTime() + days * DAY_MS).toISOString();
    return changeMany(ctx, selection, ['open', 'snoozed'], { state: 'snoozed', snoozedUntil });
  },
);

/** Says no to many. Those that are approved or closed are passed over. */
export const dismissMany = action(
  {
    summary: 'Dismiss several recommendations',
    input: ReviewSelection.extend({ reason: z.string().trim().max(400).default('') }),
    output: Changed,
  },
  (ctx, { reason, ...selection }) =>
    changeMany(ctx, selection, ['open', 'snoozed', 'dismissed'], {
      state: 'dismissed',
      note: reason || null,
      snoozedUntil: null,
    }),
);

/** Takes many dismissals and snoozes back. */
export const reopenMany = action(
  { summary: 'Reopen several recommendations', input: ReviewSelection, output: Changed },
  (ctx, selection) =>
    changeMany(ctx, selection, ['snoozed', 'dismissed'], { state: 'open', note: null, snoozedUntil: null }),
);

/** What approving a selection would do; changes nothing. `count` says what it is about: a filter may match another number by now. */
export const sumSelection = action(
  {
    summary: 'Add up what several recommendations would save, each file once',
    input: ReviewSelection,
    output: z.object({
      count: z.int(),
      /** Titles or groups that would be queued, surplus copies that would go to quarantine, and findings that only inform. */
      queues: z.int(),
      setsAside: z.int(),
      informs: z.int(),
      savesBytes: z.number(),
      lowBytes: z.number(),
      highBytes: z.number(),
      /** How long the encodes take on one machine; verifying comes on top. */
      seconds: z.number(),
      workerTitle: z.string(),
    }),
  },
  async (ctx, selection) => {
    const ids = await selectedNow(ctx, selection);
    const { chosen, informs } = worthApproving(ctx, ids);
    const rows = chosen.flatMap((id) => ctx.store.recommendations.find(id) ?? []);
    const setsAside = rows.filter(({ keep }) => keep !== null).length;
    const sum = await ctx.estimates.forRecommendations(chosen);
    return { count: ids.length, queues: rows.length - setsAside, setsAside, informs, ...sum };
  },
);
