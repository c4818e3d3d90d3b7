import { z } from 'zod';
import { conflict, toAppError } from '../domain/errors.js';
import { Job } from '../domain/job.js';
import { displayTitle } from '../domain/library.js';
import { MediaFile } from '../domain/media.js';
import { Recommendation } from '../domain/recommendation.js';
import { Run } from '../domain/run.js';
import { action, type Context } from './action.js';
import { approve, Approved, canBeApproved } from './approve.js';
import { listOf, pageOf, Paging } from './paging.js';

const State = Recommendation.shape.state;

const RecommendationRow = Recommendation.extend({
  title: z.string(),
  ruleTitle: z.string(),
  presetTitle: z.string().nullable(),
  canBeQueued: z.boolean(),
  /** Percent of today's size: what surely remains, and the uncertain rest above it. */
  remainsPercent: z.number(),
  maybePercent: z.number(),
  remainsBytes: z.number(),
  smallerPercent: z.number(),
  /** What the file is now: codec, picture, dynamic range, first sound track. */
  file: MediaFile.nullable(),
});

function toRow({ store, rules, presets }: Context, row: Recommendation): z.infer<typeof RecommendationRow> {
  const item = store.library.find(row.itemId);
  const percent = (bytes: number): number =>
    row.fileSizeBytes > 0 ? Math.min(100, Math.max(0, Math.round((bytes / row.fileSizeBytes) * 1000) / 10)) : 0;
  const remains = percent(row.fileSizeBytes - row.savesHighBytes);
  return {
    ...row,
    title: item ? displayTitle(item) : row.itemId,
    ruleTitle: rules.list().find(({ id }) => id === row.ruleId)?.title ?? row.ruleId,
    presetTitle: presets.list().find(({ id }) => id === row.presetId)?.title ?? row.presetId,
    canBeQueued: canBeApproved(row),
    remainsPercent: remains,
    maybePercent: Math.max(0, Math.round((percent(row.fileSizeBytes - row.savesLowBytes) - remains) * 10) / 10),
    remainsBytes: Math.max(0, row.fileSizeBytes - row.savesBytes),
    smallerPercent: Math.round(percent(row.savesBytes)),
    file: item?.files.find(({ id }) => id === row.fileId) ?? null,
  };
}

/** What the rules propose, most worthwhile first. */
export const listRecommendations = action(
  {
    summary: 'List recommendations, highest priority first',
    input: Paging.extend({ state: State.default('open'), ruleId: z.string().optional() }),
    output: listOf(RecommendationRow).extend({
      state: State,
      savesBytes: z.number(),
      counts: z.record(State, z.int()),
      ruleId: z.string(),
      /** The rules that found something in this state, for narrowing down. */
      byRule: z.array(z.object({ id: z.string(), title: z.string(), findings: z.int(), savesBytes: z.number() })),
      presets: z.array(z.object({ id: z.string(), title: z.string() })),
      lastAnalysis: Run.nullable(),
    }),
  },
  (ctx, { page, pageSize, state, ruleId }) => {
    const counts = { open: 0, approved: 0, dismissed: 0, snoozed: 0, closed: 0 };
    const rows: Recommendation[] = [];
    const byRule = new Map<string, { findings: number; savesBytes: number }>();
    for (const row of ctx.store.recommendations.values()) {
      counts[row.state]++;
      if (row.state === state) {
        const { findings, savesBytes } = byRule.get(row.ruleId) ?? { findings: 0, savesBytes: 0 };
        byRule.set(row.ruleId, { findings: findings + 1, savesBytes: savesBytes + row.savesBytes });
      }
      if (row.state === state && (!ruleId || row.ruleId === ruleId)) rows.push(row);
    }
    rows.sort((a, b) => b.priority - a.priority || b.savesBytes - a.savesBytes || a.id.localeCompare(b.id));
    const titles = new Map(ctx.rules.list().map(({ id, title }) => [id, title]));
    const cut = pageOf(rows, { page, pageSize }, { state, ruleId });
    return Promise.resolve({
      ...cut,
      items: cut.items.map((row) => toRow(ctx, row)),
      state,
      savesBytes: rows.reduce((sum, row) => sum + row.savesBytes, 0),
      counts,
      ruleId: ruleId ?? '',
      byRule: [...byRule].map(([id, figures]) => ({ id, title: titles.get(id) ?? id, ...figures })),
      presets: ctx.presets.list().map(({ id, title }) => ({ id, title })),
      lastAnalysis: lastAnalysisOf(ctx),
    });
  },
);

function lastAnalysisOf({ store }: Context): Run | null {
  let last: Run | null = null;
  for (const run of store.runs.values()) {
    if (run.kind === 'analysis' && run.startedAt > (last?.startedAt ?? '')) last = run;
  }
  return last;
}

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

/** Approves many; one that cannot be queued is named and stops none of the others. */
export const approveMany = action(
  {
    summary: 'Approve several recommendations',
    input: z.object({ ids: z.union([z.string(), z.array(z.string()).min(1).max(500)]) }),
    output: z.object({
      items: z.array(Job),
      refused: z.array(z.object({ id: z.string(), message: z.string() })),
    }),
  },
  async (ctx, { ids }) => {
    const items: Job[] = [];
    const refused: { id: string; message: string }[] = [];
    for (const id of [ids].flat()) {
      try {
        items.push(...(await approve(ctx, id)).items);
      } catch (error) {
        refused.push({ id, message: toAppError(error).message });
      }
    }
    return { items, refused };
  },
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
    if (state !== 'open' && state !== 'snoozed') throw conflict(`This recommendation was already ${state}`);
    const snoozedUntil = new Date(ctx.now().getTime() + days * 86_400_000).toISOString();
    return { recommendation: await change(ctx, id, { state: 'snoozed', snoozedUntil }) };
  },
);

/** Runs every rule over the whole library. Throws `conflict` while an analysis runs. */
export const analyzeLibrary = action(
  { summary: 'Analyze the whole library now', input: z.object({}), output: Run },
  ({ analyzer }) => analyzer.library('owner'),
);
