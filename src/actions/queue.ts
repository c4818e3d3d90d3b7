import { z } from 'zod';
import { Check, Job } from '../domain/job.js';
import { QuarantineEntry } from '../domain/quarantine.js';
import { Receipt } from '../domain/receipt.js';
import { LOCAL_WORKER_ID } from '../domain/worker.js';
import { stateOf as jobStateOf } from '../store/row-keys.js';
import { action, type Context } from './action.js';
import { latestFirst } from './jobs.js';
import { liveJob } from './live-job.js';

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

/** One sentence that many failed jobs share. */
const Cause = z.object({ message: z.string(), code: z.string(), jobs: z.array(JobRow), more: z.int() });

const QueueBoard = QueueState.extend({
  dryRun: z.boolean(),
  now: z.array(JobRow.extend({ progress: LiveFigures.nullable() })),
  ready: z.array(JobRow),
  waiting: z.array(JobRow),
  held: z.array(JobRow),
  causes: z.array(Cause),
  /** How many more wait for the owner, for their turn, and for something to change than are listed. */
  more: z.object({ ready: z.int(), waiting: z.int(), held: z.int() }),
  ended: z.array(JobRow),
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

/** Of each list; a batch may queue thousands, and what is not listed is found in the library by its state. */
const LISTED = 100;
/** Ended jobs beyond these are found through the API and on the item's page. */
const ENDED_SHOWN = 30;
/** Lines of a log that a page shows; the rest is one click away. */
const LOG_LINES = 200;

/** The queue and the reasons why nothing runs, with the jobs in their groups. */
export const showQueue = action({ summary: 'Show the queue', input: z.object({}), output: QueueBoard }, (ctx) => {
  const { store, queue } = ctx;
  const toRow = rowsOf(ctx);
  const inState = (...states: Job['state'][]): Job[] => states.flatMap((state) => store.jobs.by(jobStateOf).of(state));
  const inOrder = (a: Job, b: Job): number => b.priority - a.priority || a.createdAt.localeCompare(b.createdAt);
  const ready = inState('verified').sort(inOrder);
  const waiting = inState('queued').sort(inOrder);
  const held = inState('blocked').sort(inOrder);
  return Promise.resolve({
    ...queue.state(),
    dryRun: store.settings.value.safety.dryRun,
    now: inState('running', 'replacing').map((job) => ({ ...toRow(job), progress: queue.progress(job.id) })),
    ready: ready.slice(0, LISTED).map(toRow),
    waiting: waiting.slice(0, LISTED).map(toRow),
    held: held.slice(0, LISTED).map(toRow),
    more: { ready: beyond(ready), waiting: beyond(waiting), held: beyond(held) },
    causes: byCause(inState('failed').sort(latestFirst), toRow),
    ended: inState('done', 'cancelled', 'skipped').sort(latestFirst).slice(0, ENDED_SHOWN).map(toRow),
    freesBytes: waiting.reduce((sum, job) => sum + (job.expectedSavesBytes ?? 0), 0),
    readyBytes: ready.reduce((sum, job) => sum + job.sizeBeforeBytes - (job.sizeAfterBytes ?? 0), 0),
  });
});

const beyond = (jobs: readonly Job[]): number => Math.max(0, jobs.length - LISTED);

function byCause(failed: readonly Job[], toRow: (job: Job) => JobRow): z.infer<typeof Cause>[] {
  const groups = new Map<string, { code: string; message: string; jobs: Job[] }>();
  for (const job of failed) {
    const code = job.error?.code ?? 'internal';
    const message = job.error?.message ?? 'It failed without saying why. The log may tell.';
    const group = groups.get(`${code} ${message}`) ?? { code, message, jobs: [] };
    group.jobs.push(job);
    groups.set(`${code} ${message}`, group);
  }
  return [...groups.values()].map(({ jobs, ...cause }) => ({
    ...cause,
    jobs: jobs.slice(0, LISTED).map(toRow),
    more: beyond(jobs),
  }));
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
