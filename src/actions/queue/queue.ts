import { z } from 'zod';
import { Check, Job, JobState } from '../../domain/jobs/job.js';
import { aboutCause, causeOf, FailureCauseId } from '../../domain/jobs/failure-cause.js';
import { QuarantineEntry } from '../../domain/replace/quarantine.js';
import { Receipt } from '../../domain/replace/receipt.js';
import { byRank } from '../../domain/queue/rank.js';
import { LOCAL_WORKER_ID } from '../../domain/workers/worker.js';
import { inQueue, stateOf as jobStateOf } from '../../store/row-keys.js';
import { action, type Context } from '../action.js';
import { failedJobs, failuresByCause, FailureGroup } from '../jobs/failures.js';
import { latestFirst } from '../jobs/jobs.js';
import { liveJob } from '../jobs/live-job.js';
import { listOf, pageOf, Paging } from '../paging.js';

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
const JobRow = Job.extend({
  presetTitle: z.string(),
  ruleTitle: z.string().nullable(),
  reason: z.string().nullable(),
  /** Null on this machine, and before there is one. */
  workerName: z.string().nullable(),
  /** Path of the poster on the media server; null when it has none, or the title is gone. */
  thumb: z.string().nullable(),
});
type JobRow = z.infer<typeof JobRow>;

/** Failed jobs with one cause, the latest few of them listed. */
const Cause = FailureGroup.extend({ jobs: z.array(JobRow) });

const QueueBoard = QueueState.extend({
  dryRun: z.boolean(),
  now: z.array(JobRow.extend({ progress: LiveFigures.nullable() })),
  ready: z.array(JobRow),
  waiting: z.array(JobRow),
  held: z.array(JobRow),
  causes: z.array(Cause),
  ended: z.array(JobRow),
  /** How many jobs there are in each list, of which only the first are given. */
  totals: z.object({
    ...{ ready: z.int(), waiting: z.int(), held: z.int(), failed: z.int() },
    ...{ done: z.int(), skipped: z.int(), cancelled: z.int() },
  }),
  /** What everything that waits is expected to free. */
  freesBytes: z.number(),
  /** What the verified results would free. */
  readyBytes: z.number(),
});

/** Looks up the titles once for a whole page. */
function rowsOf(ctx: Context): (job: Job) => JobRow {
  const { store, presets, rules } = ctx;
  const presetTitles = new Map(presets.list().map(({ id, title }) => [id, title]));
  const ruleTitles = new Map(rules.list().map(({ id, title }) => [id, title]));
  return (job) => ({
    ...liveJob(ctx, job),
    presetTitle: presetTitles.get(job.presetId) ?? job.presetId,
    ruleTitle: job.ruleId === null ? null : (ruleTitles.get(job.ruleId) ?? job.ruleId),
    thumb: store.library.find(job.itemId)?.thumb ?? null,
    workerName:
      job.workerId === null || job.workerId === LOCAL_WORKER_ID
        ? null
        : (store.workers.find(job.workerId)?.name ?? 'a worker that was removed'),
    reason: job.recommendationId === null ? null : (store.recommendations.find(job.recommendationId)?.reason ?? null),
  });
}

/** Rows of each list on the page of the queue; the rest is on a page of its own. */
const LISTED = { ready: 20, waiting: 20, held: 5, ended: 10, failed: 5 };
/** Lines of a log that a page shows; the rest is one click away. */
const LOG_LINES = 200;

const inState = ({ store }: Pick<Context, 'store'>, ...states: JobState[]): Job[] =>
  states.flatMap((state) => store.jobs.by(jobStateOf).of(state));

/** The queue and the reasons why nothing runs, with the first jobs of each group. */
export const showQueue = action({ summary: 'Show the queue', input: z.object({}), output: QueueBoard }, (ctx) => {
  const { store, queue } = ctx;
  const toRow = rowsOf(ctx);
  const ready = inState(ctx, 'verified').sort(byRank);
  const waiting = [...ctx.store.jobs.sorted(inQueue)];
  const held = inState(ctx, 'blocked').sort(byRank);
  const failed = failedJobs(ctx);
  const states = store.jobs.tally(jobStateOf);
  return Promise.resolve({
    ...queue.state(),
    dryRun: store.settings.value.safety.dryRun,
    now: inState(ctx, 'running', 'replacing').map((job) => ({ ...toRow(job), progress: queue.progress(job.id) })),
    ready: ready.slice(0, LISTED.ready).map(toRow),
    waiting: waiting.slice(0, LISTED.waiting).map(toRow),
    held: held.slice(0, LISTED.held).map(toRow),
    causes: failuresByCause(failed).map(({ jobs, ...group }) => ({
      ...group,
      jobs: jobs.slice(0, LISTED.failed).map(toRow),
    })),
    ended: inState(ctx, 'done', 'cancelled', 'skipped').sort(latestFirst).slice(0, LISTED.ended).map(toRow),
    totals: {
      ...{ ready: ready.length, waiting: waiting.length, held: held.length, failed: failed.length },
      ...{ done: states.of('done'), skipped: states.of('skipped'), cancelled: states.of('cancelled') },
    },
    freesBytes: waiting.reduce((sum, job) => sum + (job.expectedSavesBytes ?? 0), 0),
    readyBytes: ready.reduce((sum, job) => sum + job.sizeBeforeBytes - (job.sizeAfterBytes ?? 0), 0),
  });
});

/** States whose jobs have a page of their own. */
const ListedState = JobState.extract(['queued', 'blocked', 'verified', 'failed', 'done', 'skipped', 'cancelled']);

/** Every job of one state, or of one cause of failure, page by page. */
export const showQueueList = action(
  {
    summary: 'Show all jobs of a state, or all that failed of one cause',
    input: Paging.extend({ state: ListedState.default('failed'), cause: FailureCauseId.optional() }),
    output: listOf(JobRow).extend({ state: ListedState, cause: FailureGroup.nullable() }),
  },
  (ctx, { state, cause, ...paging }) => {
    const failed = failedJobs(ctx).filter(({ error }) => cause === undefined || causeOf(error) === cause);
    const waits = state === 'queued' || state === 'blocked' || state === 'verified';
    const jobs = state === 'failed' ? failed : inState(ctx, state).sort(waits ? byRank : latestFirst);
    const cut = pageOf(jobs, paging, { state, cause });
    return {
      ...{ ...cut, state, items: cut.items.map(rowsOf(ctx)) },
      cause: state === 'failed' && cause !== undefined ? { cause, ...aboutCause(cause), count: failed.length } : null,
    };
  },
);

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
      passedChecks: z.array(Check),
      failedChecks: z.array(Check),
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
      passedChecks: job.checks.filter(({ ok }) => ok),
      failedChecks: job.checks.filter(({ ok }) => !ok),
      kept: job.quarantineId === null ? null : store.quarantine.find(job.quarantineId),
      logLines: log.split('\n').filter(Boolean).slice(-LOG_LINES),
      dryRun,
      quarantineDays,
    };
  },
);
