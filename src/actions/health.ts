import { z } from 'zod';
import { Problem } from '../domain/problem.js';
import { WebhookOutcome } from '../domain/webhook.js';
import { action } from './action.js';

/** What works, and what the owner should mend. */
export const showHealth = action(
  {
    summary: 'Version, problems and how to mend them',
    input: z.object({}),
    output: z.object({
      status: z.enum(['ok', 'warning', 'error']),
      version: z.string(),
      ready: z.boolean(),
      problems: z.array(Problem),
      webhooks: z.object({ counts: z.record(z.string(), z.int()), lastAt: z.string().nullable() }),
    }),
  },
  async (ctx) => {
    const problems = await ctx.problems();
    const webhooks = ctx.store.webhookCounts.value;
    const counts = Object.fromEntries(WebhookOutcome.options.map((outcome) => [outcome, webhooks[outcome]]));
    return {
      status: statusOf(problems),
      version: ctx.config.version,
      ready: ctx.readiness().ready,
      problems,
      webhooks: { counts, lastAt: webhooks.lastAt },
    };
  },
);

const statusOf = (problems: readonly Problem[]): 'ok' | 'warning' | 'error' => {
  if (problems.some(({ severity }) => severity === 'error')) return 'error';
  return problems.length > 0 ? 'warning' : 'ok';
};

/** One flat object for dashboards such as Homepage. Bytes and percent are of what was replaced. */
export const showSummary = action(
  {
    summary: 'Key figures as one flat object',
    input: z.object({}),
    output: z.object({
      queue: z.int(),
      processing: z.int(),
      processed: z.int(),
      errored: z.int(),
      saved: z.number(),
      savedPercent: z.number(),
      health: z.enum(['ok', 'warning', 'error']),
      version: z.string(),
    }),
  },
  async (ctx) => {
    const counts = { queue: 0, processing: 0, processed: 0, errored: 0 };
    for (const { state } of ctx.store.jobs.values()) {
      if (state === 'queued' || state === 'blocked') counts.queue++;
      else if (state === 'running' || state === 'replacing') counts.processing++;
      else if (state === 'done') counts.processed++;
      else if (state === 'failed') counts.errored++;
    }
    let before = 0;
    let after = 0;
    for (const receipt of ctx.store.receipts.values()) {
      before += receipt.before.sizeBytes;
      after += receipt.after.sizeBytes;
    }
    return {
      ...counts,
      saved: before - after,
      savedPercent: before > 0 ? Math.round(((before - after) / before) * 1000) / 10 : 0,
      health: statusOf(await ctx.problems()),
      version: ctx.config.version,
    };
  },
);

/** The counts beside the menu, and the one line above every page. */
export const showNavigation = action(
  {
    summary: 'Counts of the menu',
    input: z.object({}),
    output: z.object({
      nav: z.object({
        library: z.int(),
        recommendations: z.int(),
        queue: z.int(),
        quarantine: z.int(),
        problems: z.int(),
      }),
      strip: z.string().nullable(),
      version: z.string(),
    }),
  },
  async ({ store, queue, problems, config }) => {
    const { paused, running, pending, blocked } = queue.state();
    const { dryRun } = store.settings.value.safety;
    const lines = [
      ...(config.demo ? ['This is the demo: a simulated Plex with generated clips.'] : []),
      ...(paused ? ['The queue is paused: nothing new starts.'] : []),
      ...(dryRun ? ['Dry run: jobs are planned, no file is touched.'] : []),
    ];
    return {
      nav: {
        library: store.library.size,
        recommendations: store.recommendations.where(({ state }) => state === 'open').length,
        queue: running + pending + blocked,
        quarantine: store.quarantine.where(({ state }) => state === 'kept').length,
        problems: (await problems()).length,
      },
      strip: lines.length > 0 ? lines.join(' ') : null,
      version: config.version,
    };
  },
);
