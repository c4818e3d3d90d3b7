import { z } from 'zod';
import { Job } from '../domain/job.js';
import { action, type Context } from './action.js';
import { latestFirst } from './jobs.js';

const Live = z.object({
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

/** One sentence that many failed jobs share. */
const Cause = z.object({ message: z.string(), code: z.string(), jobs: z.array(Job) });

const QueueBoard = QueueState.extend({
  dryRun: z.boolean(),
  now: z.array(Job.extend({ progress: Live.nullable() })),
  ready: z.array(Job),
  waiting: z.array(Job),
  held: z.array(Job),
  causes: z.array(Cause),
  ended: z.array(Job),
});

/** The queue and the reasons why nothing runs, with the jobs in their groups. */
export const showQueue = action(
  { summary: 'Show the queue', input: z.object({}), output: QueueBoard },
  ({ store, queue }) => {
    const jobs = store.jobs.where(() => true);
    const inState = (...states: Job['state'][]): Job[] => jobs.filter((job) => states.includes(job.state));
    const inOrder = (a: Job, b: Job): number => b.priority - a.priority || a.createdAt.localeCompare(b.createdAt);
    return Promise.resolve({
      ...queue.state(),
      dryRun: store.settings.value.safety.dryRun,
      now: inState('running', 'replacing').map((job) => ({ ...job, progress: queue.progress(job.id) })),
      ready: inState('verified').sort(inOrder),
      waiting: inState('queued').sort(inOrder),
      held: inState('blocked').sort(inOrder),
      causes: byCause(inState('failed').sort(latestFirst)),
      ended: inState('done', 'cancelled', 'skipped').sort(latestFirst).slice(0, 50),
    });
  },
);

function byCause(failed: readonly Job[]): z.infer<typeof Cause>[] {
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
