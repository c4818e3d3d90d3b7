import { z } from 'zod';
import { Job } from '../../domain/jobs/job.js';
import { Problem } from '../../domain/health/problem.js';
import { savedPercent } from '../../domain/replace/savings.js';
import { Run } from '../../domain/recommendations/run.js';
import { WebhookOutcome } from '../../domain/plex/webhook.js';
import { stateOf } from '../../store/row-keys.js';
import { action, type Context } from '../action.js';
import { LiveFigures } from '../queue/queue.js';
import { openCount } from '../recommendations/recommended.js';

/** What works, and what the owner should mend. */
export const showHealth = action(
  {
    summary: 'Version, problems and how to fix them',
    input: z.object({}),
    output: z.object({
      status: z.enum(['ok', 'warning', 'error']),
      version: z.string(),
      ready: z.boolean(),
      problems: z.array(Problem),
      webhooks: z.object({
        counts: z.record(z.string(), z.int()),
        lastAt: z.string().nullable(),
        lastEvent: z.string().nullable(),
      }),
      plex: z.object({ isConnected: z.boolean(), name: z.string(), url: z.string(), lastSync: Run.nullable() }),
      queue: z.object({ paused: z.boolean(), running: z.int(), waiting: z.int(), reasons: z.array(z.string()) }),
      dryRun: z.boolean(),
    }),
  },
  async (ctx) => {
    const problems = await ctx.problems();
    const webhooks = ctx.store.webhookCounts.value;
    const { plex, safety } = ctx.store.settings.value;
    const { paused, running, pending, blocked, reasons } = ctx.queue.state();
    const counts = Object.fromEntries(WebhookOutcome.options.map((outcome) => [outcome, webhooks[outcome]]));
    return {
      status: statusOf(problems),
      version: ctx.config.version,
      ready: ctx.readiness().ready,
      problems,
      webhooks: { counts, lastAt: webhooks.lastAt, lastEvent: webhooks.lastEvent },
      plex: {
        isConnected: plex.url !== '' && ctx.store.secrets.find('plexToken') !== null,
        name: plex.serverName,
        url: plex.url,
        lastSync: ctx.sync.status().lastRun,
      },
      queue: { paused, running, waiting: pending + blocked, reasons },
      dryRun: safety.dryRun,
    };
  },
);

const statusOf = (problems: readonly Problem[]): 'ok' | 'warning' | 'error' => {
  if (problems.some(({ severity }) => severity === 'error')) return 'error';
  return problems.length > 0 ? 'warning' : 'ok';
};

/** One flat object for dashboards such as Homepage. Bytes and percent are of what was replaced and not restored. */
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
    for (const { state, clearedAt } of ctx.store.jobs.values()) {
      if (state === 'queued' || state === 'blocked') counts.queue++;
      else if (state === 'running' || state === 'replacing') counts.processing++;
      else if (state === 'done') counts.processed++;
      else if (state === 'failed' && clearedAt === null) counts.errored++;
    }
    const saved = ctx.savings.total();
    return {
      ...counts,
      saved: saved.freedBytes,
      savedPercent: Math.round(savedPercent(saved) * 10) / 10,
      health: statusOf(await ctx.problems()),
      version: ctx.config.version,
    };
  },
);

/** A line above every page: what is not as usual, and the way to change it. */
const Strip = z.object({
  id: z.string(),
  tone: z.enum(['info', 'warn', 'bad']),
  icon: z.string(),
  title: z.string(),
  text: z.string(),
  link: z.object({ href: z.string(), label: z.string() }).nullable(),
  /** A form that mends it at once. */
  act: z.object({ to: z.string(), label: z.string() }).nullable(),
});
type Strip = z.infer<typeof Strip>;

/** More lines than this push the page away. */
const MAX_STRIPS = 2;
/** More running jobs than this do not fit side by side. */
const MAX_ACTIVE = 2;

function stripsOf({ config, store, queue }: Context, problems: readonly Problem[]): Strip[] {
  const { paused, running, pending, blocked, reasons } = queue.state();
  const strips: Strip[] = [];
  const add = (strip: Partial<Strip> & Pick<Strip, 'id' | 'title' | 'text'>): void => {
    strips.push({ tone: 'info', icon: 'info', link: null, act: null, ...strip });
  };
  const waiting = pending + blocked;
  const grave = problems.find(({ severity }) => severity === 'error');
  if (grave) {
    const link = grave.link === null ? null : { href: grave.link, label: 'Fix it' };
    add({ id: 'problem', tone: 'bad', icon: 'warn', title: grave.summary, text: grave.fix, link });
  }
  if (paused) {
    const text = waiting > 0 ? `${waiting} ${waiting === 1 ? 'job waits' : 'jobs wait'}.` : 'Nothing new starts.';
    const act = { to: '/transcode/queue/resume', label: 'Resume' };
    add({ id: 'paused', tone: 'warn', icon: 'pause', title: 'The queue is paused.', text, act });
  } else if (running === 0 && reasons.length > 0) {
    const link = { href: '/queue', label: 'Open the queue' };
    add({ id: 'idle', tone: 'warn', icon: 'clock', title: 'Nothing runs.', text: reasons.join(' '), link });
  }
  if (store.settings.value.safety.dryRun) {
    const link = { href: '/settings/safety', label: 'Turn off' };
    const text = 'Jobs are planned, and no file is touched until you turn it off.';
    add({ id: 'dry-run', icon: 'shield', title: 'Dry run is on.', text, link });
  }
  if (config.demo) {
    add({ id: 'demo', icon: 'flask', title: 'This is the demo.', text: 'A simulated Plex with generated clips.' });
  }
  return strips.slice(0, MAX_STRIPS);
}

/** What stands around every page: the counts beside the menu, the lines above, and what runs. */
export const showNavigation = action(
  {
    summary: 'Counts for the menu, warnings, and what is running',
    input: z.object({}),
    output: z.object({
      nav: z.object({
        library: z.int(),
        recommendations: z.int(),
        running: z.int(),
        waiting: z.int(),
        quarantine: z.int(),
        problems: z.int(),
      }),
      strips: z.array(Strip),
      active: z.array(Job.extend({ progress: LiveFigures.nullable(), thumb: z.string().nullable() })),
      paused: z.boolean(),
      version: z.string(),
      demo: z.boolean(),
    }),
  },
  async (ctx) => {
    const { store, queue, config } = ctx;
    const { paused, running, pending, blocked } = queue.state();
    const problems = await ctx.problems();
    return {
      nav: {
        library: store.library.size,
        recommendations: openCount(store),
        running,
        waiting: pending + blocked,
        quarantine: store.quarantine.tally(stateOf).of('kept'),
        problems: problems.length,
      },
      strips: stripsOf(ctx, problems),
      active: [...store.jobs.by(stateOf).of('running'), ...store.jobs.by(stateOf).of('replacing')]
        .slice(0, MAX_ACTIVE)
        .map((job) => ({
          ...job,
          progress: queue.progress(job.id),
          thumb: store.library.find(job.itemId)?.thumb ?? null,
        })),
      paused,
      version: config.version,
      demo: config.demo,
    };
  },
);
