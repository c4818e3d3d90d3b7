import { z } from 'zod';
import { Job } from '../domain/job.js';
import { QuarantineEntry } from '../domain/quarantine.js';
import { Receipt } from '../domain/receipt.js';
import { action, type Context } from './action.js';
import { latestFirst } from './jobs.js';

/** The figures of a running job, as they come and go. */
export const LiveFigures = z.object({
  percent: z.number(),
  fps: z.number().nullable(),
  speed: z.number().nullable(),
  etaSec: z.number().nullable(),
  outputBytes: z.number().nullable(),
});

const QueueState = z.object({
  paused: z.boolean(),
  running: z.int(),
  pending: z.int(),
  blocked: z.int(),
  reasons: z.array(z.string()),
});

/** A job with what people call its parts. */
const JobRow = Job.extend({ presetTitle: z.string(), ruleTitle: z.string().nullable(), reason: z.string().nullable() });
type JobRow = z.infer<typeof JobRow>;

/** One sentence that many failed jobs share. */
const Cause = z.object({ message: z.string(), code: z.string(), jobs: z.array(JobRow) });

const QueueBoard = QueueState.extend({
  dryRun: z.boolean(),
  now: z.array(JobRow.extend({ progress: LiveFigures.nullable() })),
  ready: z.array(JobRow),
  waiting: z.array(JobRow),
  held: z.array(JobRow),
  causes: z.array(Cause),
  ended: z.array(JobRow),
  /** What everything that waits is expected to free. */
  freesBytes: z.number(),
  /** What the verified results would free. */
  readyBytes: z.number(),
});

/** Looks up the titles once for a whole page. */
function rowsOf({ store, presets, rules }: Context): (job: Job) => JobRow {
  const presetTitles = new Map(presets.list().map(({ id, title }) => [id, title]));
  const ruleTitles = new Map(rules.list().map(({ id, title }) => [id, title]));
  return (job) => ({
    ...job,
    presetTitle: presetTitles.get(job.presetId) ?? job.presetId,
    ruleTitle: job.ruleId === null ? null : (ruleTitles.get(job.ruleId) ?? job.ruleId),
    reason: job.recommendationId === null ? null : (store.recommendations.find(job.recommendationId)?.reason ?? null),
  });
}

/** Ended jobs beyond these are found through the API and on the item's page. */
const ENDED_SHOWN = 30;
/** Lines of a log that a page shows; the rest is one click away. */
const LOG_LINES = 200;

/** The queue and the reasons why nothing runs, with the jobs in their groups. */
export const showQueue = action({ summary: 'Show the queue', input: z.object({}), output: QueueBoard }, (ctx) => {
  const { store, queue } = ctx;
  const toRow = rowsOf(ctx);
  const jobs = store.jobs.where(() => true);
  const inState = (...states: Job['state'][]): Job[] => jobs.filter((job) => states.includes(job.state));
  const inOrder = (a: Job, b: Job): number => b.priority - a.priority || a.createdAt.localeCompare(b.createdAt);
  const ready = inState('verified').sort(inOrder);
  const waiting = inState('queued').sort(inOrder);
  return Promise.resolve({
    ...queue.state(),
    dryRun: store.settings.value.safety.dryRun,
    now: inState('running', 'replacing').map((job) => ({ ...toRow(job), progress: queue.progress(job.id) })),
    ready: ready.map(toRow),
    waiting: waiting.map(toRow),
    held: inState('blocked').sort(inOrder).map(toRow),
    causes: byCause(inState('failed').sort(latestFirst).map(toRow)),
    ended: inState('done', 'cancelled', 'skipped').sort(latestFirst).slice(0, ENDED_SHOWN).map(toRow),
    freesBytes: waiting.reduce((sum, job) => sum + (job.expectedSavesBytes ?? 0), 0),
    readyBytes: ready.reduce((sum, job) => sum + job.sizeBeforeBytes - (job.sizeAfterBytes ?? 0), 0),
  });
});

function byCause(failed: readonly JobRow[]): z.infer<typeof Cause>[] {
  const groups = new Map<string, z.infer<typeof Cause>>();
  for (const job of failed) {
    const code = job.error?.code ?? 'internal';
    const message = job.error?.message ?? 'It failed without saying why. The log may tell.';
    const group = groups.get(`${code} ${message}`) ?? { code, message, jobs: [] };
    group.jobs.push(job);
    groups.set(`${code} ${message}`, group);
  }
  return [...groups.values()];
}

const stateOf = ({ queue }: Context): z.infer<typeof QueueState> => queue.state();

/** Starts nothing new; what runs goes on to its end. */
export const pauseQueue = action(
  { summary: 'Pause the queue', input: z.object({}), output: QueueState },
  async (ctx) => {
    await ctx.queue.pause();
    return stateOf(ctx);
  },
);

/** Lets waiting jobs start again. */
export const resumeQueue = action(
  { summary: 'Resume the queue', input: z.object({}), output: QueueState },
  async (ctx) => {
    await ctx.queue.resume();
    return stateOf(ctx);
  },
);

/** One job with everything its page shows: figures, receipt, kept original and the end of the log. Throws `not_found`. */
export const showJobPage = action(
  {
    summary: 'Show one job with its plan, checks, receipt and log',
    input: z.object({ id: z.string() }),
    output: JobRow.extend({
      progress: LiveFigures.nullable(),
      hasItem: z.boolean(),
      receipt: Receipt.nullable(),
      kept: QuarantineEntry.nullable(),
      /** The last lines; empty when there is no log. */
      logLines: z.array(z.string()),
      dryRun: z.boolean(),
      quarantineDays: z.int(),
    }),
  },
  async (ctx, { id }) => {
    const { store, queue } = ctx;
    const job = store.jobs.get(id);
    const log = await queue.log(id).catch(() => '');
    const [receipt = null] = store.receipts.where(({ jobId }) => jobId === id);
    const { dryRun, quarantineDays } = store.settings.value.safety;
    return {
      ...rowsOf(ctx)(job),
      progress: queue.progress(id),
      hasItem: store.library.has(job.itemId),
      receipt,
      kept: job.quarantineId === null ? null : store.quarantine.find(job.quarantineId),
      logLines: log.split('\n').filter(Boolean).slice(-LOG_LINES),
      dryRun,
      quarantineDays,
    };
  },
);
