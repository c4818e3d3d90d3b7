import { z } from 'zod';
import { toAppError } from '../../domain/errors.js';
import { Job } from '../../domain/jobs/job.js';
import { LEFT_OUT_WORDS } from '../../domain/recommendations/left-out.js';
import type { Recommendation } from '../../domain/recommendations/recommendation.js';
import { action, type Context } from '../action.js';
import { approve, type Approved } from './approve.js';
import { presetChoices, PresetWish } from '../presets/choice.js';
import { figuresOf, planApproval, PlanFigures, type PlannedJob } from '../queue/plan.js';
import { ReviewSelection, selectedNow, selectedRecommendations } from './review-selection.js';

const DAY_MS = 86_400_000;
/** How many are approved side by side, so that they share their trips to the disk. */
const WIDTH = 16;

const ApprovedMany = z.object({
  items: z.array(Job),
  /** Surplus copies that are in quarantine now. */
  kept: z.int(),
  /** A file or recommendation each, with the reason. */
  refused: z.array(z.object({ id: z.string(), message: z.string() })),
});

/** Approves many; one that cannot be queued is named and stops none of the others. Of several about one file the best counts. */
export const approveMany = action(
  {
    summary: 'Approve several recommendations',
    input: ReviewSelection.extend({ presetId: PresetWish }),
    output: ApprovedMany,
  },
  async (ctx, { presetId, ...selection }) => {
    const plan = await planApproval(ctx, await selectedRecommendations(ctx, selection), presetId);
    const answer: z.infer<typeof ApprovedMany> = { items: [], kept: 0, refused: [] };
    for (const { id, reason } of plan.leftOut) answer.refused.push({ id, message: LEFT_OUT_WORDS[reason] });
    const [single, inGroups] = split(plan.jobs);
    const approvals = [
      ...single.map(({ wish, recommendation }) => ({ id: recommendation?.id ?? '', presetId: wish.presetId })),
      ...plan.copies.map(({ id }) => ({ id, presetId: undefined })),
    ];
    for (let start = 0; start < approvals.length; start += WIDTH) {
      const some = approvals.slice(start, start + WIDTH);
      const results = await Promise.allSettled(some.map((one) => approve(ctx, one.id, one.presetId)));
      for (const [at, result] of results.entries()) take(answer, some[at]?.id ?? '', result);
    }
    for (const [row, jobs] of inGroups) {
      const [result] = await Promise.allSettled([approve(ctx, row.id, jobs[0]?.wish.presetId, jobs)]);
      take(answer, row.id, result);
    }
    return answer;
  },
);

/** Jobs of single files, and those of each group. */
function split(jobs: readonly PlannedJob[]): [PlannedJob[], Map<Recommendation, PlannedJob[]>] {
  const groups = new Map<Recommendation, PlannedJob[]>();
  const single = jobs.filter((job) => {
    const row = job.recommendation;
    if (!row?.group) return true;
    groups.set(row, [...(groups.get(row) ?? []), job]);
    return false;
  });
  return [single, groups];
}

function take(
  answer: z.infer<typeof ApprovedMany>,
  id: string,
  result: PromiseSettledResult<Approved> | undefined,
): void {
  if (result?.status === 'rejected') answer.refused.push({ id, message: toAppError(result.reason).message });
  if (result?.status !== 'fulfilled') return;
  answer.items.push(...result.value.items);
  if (result.value.kept !== null) answer.kept++;
  for (const { message, count } of result.value.refused)
    for (let at = 0; at < count; at++) answer.refused.push({ id, message });
}

const Changed = z.object({ changed: z.int(), skipped: z.int() });

const CHANGED_FROM: Record<'snooze' | 'dismiss' | 'reopen', readonly Recommendation['state'][]> = {
  snooze: ['open', 'snoozed'],
  dismiss: ['open', 'snoozed', 'dismissed'],
  reopen: ['snoozed', 'dismissed'],
};

/** Those of a selection that a decision changes; the others were decided before. */
function changedBy(ctx: Context, decision: keyof typeof CHANGED_FROM, ids: readonly string[]): Recommendation[] {
  return ids
    .flatMap((id) => ctx.store.recommendations.find(id) ?? [])
    .filter(({ state }) => CHANGED_FROM[decision].includes(state));
}

/** Changes those of a selection that the decision is for, all in one turn. */
async function changeMany(
  ctx: Context,
  selection: ReviewSelection,
  decision: keyof typeof CHANGED_FROM,
  values: Partial<Recommendation>,
): Promise<z.infer<typeof Changed>> {
  const ids = await selectedRecommendations(ctx, selection);
  const fitting = changedBy(ctx, decision, ids);
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
    return changeMany(ctx, selection, 'snooze', { state: 'snoozed', snoozedUntil });
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
    changeMany(ctx, selection, 'dismiss', {
      state: 'dismissed',
      note: reason || null,
      snoozedUntil: null,
    }),
);

/** Takes many dismissals and snoozes back. */
export const reopenMany = action(
  { summary: 'Reopen several recommendations', input: ReviewSelection, output: Changed },
  (ctx, selection) => changeMany(ctx, selection, 'reopen', { state: 'open', note: null, snoozedUntil: null }),
);

const Decision = z.enum(['approve', 'snooze', 'dismiss', 'reopen']);

/** A decision about a selection in figures. */
const DecisionFigures = PlanFigures.extend({
  /** Recommendations that are selected. */
  count: z.int(),
  /** Those that the decision changes: for an approval those that make jobs or move copies. */
  changes: z.int(),
  /** The same as `jobs` and `copies`, and how many of the selected only inform. */
  queues: z.int(),
  setsAside: z.int(),
  informs: z.int(),
});

async function figuresFor(
  ctx: Context,
  decision: z.infer<typeof Decision>,
  ids: readonly string[],
  presetId: string,
): Promise<z.infer<typeof DecisionFigures>> {
  if (decision === 'approve') {
    const figures = figuresOf(ctx, await planApproval(ctx, ids, presetId));
    const informs = figures.leftOut.find(({ reason }) => reason === 'informs')?.count ?? 0;
    const { jobs: queues, copies: setsAside } = figures;
    return { ...figures, count: ids.length, changes: queues + setsAside, queues, setsAside, informs };
  }
  const changed = changedBy(ctx, decision, ids);
  const known = new Set(changed.map(({ id }) => id));
  const leftOut = ids.filter((id) => !known.has(id)).map((id) => ({ id, reason: 'decided' as const }));
  // What is decided about frees nothing now: the figures say what it would have freed, each file once.
  const { savesBytes, lowBytes, highBytes } = await ctx.estimates.forRecommendations([...known]);
  const none = { count: ids.length, changes: changed.length, queues: 0, setsAside: 0, informs: 0 };
  return { ...figuresOf(ctx, { jobs: [], copies: [], leftOut }), savesBytes, lowBytes, highBytes, ...none };
}

/** What approving a selection would do; changes nothing. `count` says what it is about: a filter may match another number by now. */
export const sumSelection = action(
  {
    summary: 'Add up what approving several recommendations would do, each file once',
    input: ReviewSelection,
    output: DecisionFigures,
  },
  async (ctx, selection) => figuresFor(ctx, 'approve', await selectedNow(ctx, selection), ''),
);

/** The question before many are decided: the very plan that is then carried out. Throws what that throws. */
export const askAboutMany = action(
  {
    summary: 'Ask before several recommendations are decided: how many, what it frees, how long, what is left out',
    input: ReviewSelection.extend({
      decision: Decision.default('approve'),
      presetId: PresetWish,
      days: z.coerce.number().int().min(1).max(365).default(30),
      reason: z.string().trim().max(400).default(''),
    }),
    output: DecisionFigures.extend({
      decision: Decision,
      ids: z.array(z.string()),
      groups: z.array(z.string()),
      all: z.string(),
      expected: z.int(),
      presetId: z.string(),
      days: z.int(),
      reason: z.string(),
      choices: z.array(z.object({ id: z.string(), title: z.string() })),
    }),
  },
  async (ctx, { decision, presetId, days, reason, ...selection }) => {
    if (presetId !== '') ctx.presets.get(presetId);
    const ids = await selectedRecommendations(ctx, selection);
    const figures = await figuresFor(ctx, decision, ids, presetId);
    const isAll = selection.all !== undefined && selection.all !== '';
    return {
      ...figures,
      ...{ decision, presetId, days, reason, choices: presetChoices(ctx).choices },
      ids: isAll ? [] : selection.ids,
      groups: isAll ? [] : selection.groups,
      all: selection.all ?? '',
      expected: ids.length,
    };
  },
);
