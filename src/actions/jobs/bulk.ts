import { z } from 'zod';
import { totalTime } from '../../domain/recommendations/encode-time.js';
import { AppError, conflict, invalid } from '../../domain/errors.js';
import { aboutCause, causeOf, FailureCauseId } from '../../domain/jobs/failure-cause.js';
import { isFinished, JobState, type Job } from '../../domain/jobs/job.js';
import { Confidence } from '../../domain/recommendations/recommendation.js';
import { action, type Context } from '../action.js';
import { exclude } from '../library/excluded-items.js';

const BulkAction = z.enum(['retry', 'cancel', 'exclude', 'clear']);

/** Jobs of a state, a cause of failure, or both; a form leaves empty what it does not mean. */
const JobFilter = z.object({
  state: z.union([JobState, z.literal('')]).optional(),
  cause: z.union([FailureCauseId, z.literal('')]).optional(),
});

const JobSelection = z.object({
  ids: z
    .union([z.string().min(1), z.array(z.string().min(1)).max(20_000)])
    .default([])
    .transform((ids) => [...new Set([ids].flat())]),
  filter: JobFilter.optional(),
  action: BulkAction,
  /** How many were shown, so that nothing happens to more. */
  expected: z.coerce.number().int().nonnegative().optional(),
});
type JobSelection = z.infer<typeof JobSelection>;

const Refused = z.array(z.object({ id: z.string(), message: z.string() }));
type Refused = z.infer<typeof Refused>;

const matches = (job: Job, { state, cause }: z.infer<typeof JobFilter>): boolean =>
  (!state || job.state === state) &&
  job.clearedAt === null &&
  (!cause || (job.state === 'failed' && causeOf(job.error) === cause));

/** The jobs of a selection, and the ids that name none. Throws `invalid` when nothing is selected. */
function selected({ store }: Context, { ids, filter }: JobSelection): { jobs: Job[]; unknown: string[] } {
  if (ids.length > 0) {
    const jobs = ids.flatMap((id) => store.jobs.find(id) ?? []);
    return { jobs, unknown: ids.filter((id) => !store.jobs.has(id)) };
  }
  if (!filter || (!filter.state && !filter.cause)) {
    throw invalid('Name jobs by their ids, or by a filter with a state or a cause.', { ids: 'is empty' });
  }
  return { jobs: store.jobs.where((job) => matches(job, filter)), unknown: [] };
}

/** Why an action cannot be carried out on a job; null when it can. */
function whyNot(
  { store }: Context,
  job: Job,
  what: z.infer<typeof BulkAction>,
  taken: ReadonlySet<string>,
): string | null {
  if (what === 'retry') {
    if (job.state === 'done') return 'The job is done. Restore the original first.';
    if (!isFinished(job.state)) return `The job is ${job.state}, so there is nothing to retry.`;
    if (taken.has(job.sourcePath)) return 'There is another job for the same file.';
    return store.excluded.has(job.itemId) ? 'The item is excluded from processing. Include it again first.' : null;
  }
  if (what === 'cancel') {
    if (isFinished(job.state)) return `The job is ${job.state} already.`;
    return job.state === 'replacing' ? 'The original is being replaced. Restore it afterwards.' : null;
  }
  if (what === 'clear') return job.state === 'failed' ? null : 'Only a failed job can be cleared.';
  return store.library.has(job.itemId) ? null : 'The item is no longer in the library. Clear the job instead.';
}

/** Divides a selection into what will be done and what is refused. Of several jobs for one file only the first is retried. */
function plan(ctx: Context, selection: JobSelection): { jobs: Job[]; refused: Refused } {
  const { jobs, unknown } = selected(ctx, selection);
  const taken = new Set(
    selection.action === 'retry'
      ? ctx.store.jobs.where(({ state }) => !isFinished(state)).map(({ sourcePath }) => sourcePath)
      : [],
  );
  const refused: Refused = unknown.map((id) => ({ id, message: 'There is no job with this id.' }));
  const going: Job[] = [];
  for (const job of jobs) {
    const message = whyNot(ctx, job, selection.action, taken);
    if (message !== null) refused.push({ id: job.id, message });
    else {
      going.push(job);
      taken.add(job.sourcePath);
    }
  }
  return { jobs: going, refused };
}

/** Takes failed jobs off the list of failures. */
async function clear({ store, bus, now }: Context, jobs: readonly Job[]): Promise<void> {
  const clearedAt = now().toISOString();
  const rows = jobs.filter(({ state }) => state === 'failed').map((job) => ({ ...job, clearedAt }));
  if (rows.length === 0) return;
  await store.jobs.putMany(rows);
  for (const row of rows) bus.emit('job.changed', row);
  bus.emit('queue.changed', {});
}

/** Does one thing to many jobs and goes on past those that refuse. Throws `conflict` when a filter now matches another number. */
export const changeJobs = action(
  {
    summary: 'Retry, cancel or clear many jobs, or exclude their items from processing',
    input: JobSelection,
    output: z.object({ action: BulkAction, changed: z.int(), refused: Refused }),
  },
  async (ctx, selection) => {
    const { jobs, refused } = plan(ctx, selection);
    const { action: what, expected } = selection;
    if (expected !== undefined && jobs.length !== expected) {
      throw conflict(
        `There are ${jobs.length} such jobs now, not ${expected}. Nothing was done; check the list and repeat it.`,
      );
    }
    if (what === 'clear') await clear(ctx, jobs);
    else if (what === 'exclude') {
      const causes = new Set(jobs.map(({ error }) => aboutCause(causeOf(error)).title));
      const [cause = ''] = causes.size === 1 ? causes : [];
      await exclude(ctx, [...new Set(jobs.map(({ itemId }) => itemId))], cause && `Its job failed: ${cause}.`);
      await clear(ctx, jobs);
    } else {
      const queue = ctx.queue;
      for (const { id } of jobs) {
        try {
          await (what === 'retry' ? queue.retry(id) : queue.cancel(id));
        } catch (error) {
          // A full disk or a stop is no property of this job.
          if (!(error instanceof AppError) || error.isRetriable) throw error;
          refused.push({ id, message: error.message });
        }
      }
    }
    const failed = new Set(refused.map(({ id }) => id));
    return { action: what, changed: jobs.filter(({ id }) => !failed.has(id)).length, refused };
  },
);

/** The question before something is done to many jobs: how many, what it brings, how long it takes, and what is left out. */
export const askAboutJobs = action(
  {
    summary: 'Ask before something is done to many jobs: how many, what happens, what is left out',
    input: JobSelection,
    output: z.object({
      ids: z.array(z.string()),
      filter: JobFilter,
      action: BulkAction,
      /** Title of the cause they share; null without one. */
      cause: z.string().nullable(),
      selected: z.int(),
      jobs: z.int(),
      items: z.int(),
      copies: z.int(),
      presets: z.array(z.object({ id: z.string(), title: z.string(), count: z.int() })),
      savesBytes: z.number(),
      seconds: z.number(),
      timeConfidence: Confidence,
      leftOut: z.array(z.object({ words: z.string(), count: z.int() })),
      leftOutCount: z.int(),
    }),
  },
  (ctx, selection) => {
    const { jobs, refused } = plan(ctx, selection);
    const { ids, filter = {}, action: what } = selection;
    const time = totalTime(jobs.flatMap((job) => timeOf(ctx, job)));
    const titles = new Map(ctx.presets.list().map(({ id, title }) => [id, title]));
    return {
      ...{ ids, filter, action: what, copies: 0, selected: jobs.length + refused.length, jobs: jobs.length },
      cause: filter.cause ? aboutCause(filter.cause).title : null,
      items: new Set(jobs.map(({ itemId }) => itemId)).size,
      presets: counted(jobs.map(({ presetId }) => presetId)).map(([id, count]) => ({
        ...{ id, count },
        title: titles.get(id) ?? id,
      })),
      savesBytes: jobs.reduce((sum, { expectedSavesBytes }) => sum + Math.max(0, expectedSavesBytes ?? 0), 0),
      seconds: Math.round(time.seconds),
      timeConfidence: time.confidence,
      leftOut: counted(refused.map(({ message }) => message)).map(([words, count]) => ({ words, count })),
      leftOutCount: refused.length,
    };
  },
);

function timeOf({ store, presets, estimates }: Context, { itemId, fileId, presetId }: Job) {
  const file = store.library.find(itemId)?.files.find(({ id }) => id === fileId);
  const preset = presets.list().find(({ id }) => id === presetId);
  return file && preset ? [estimates.seconds(file, preset)] : [];
}

/** How often each text occurs, the most frequent first. */
function counted(texts: readonly string[]): [string, number][] {
  const counts = new Map<string, number>();
  for (const text of texts) counts.set(text, (counts.get(text) ?? 0) + 1);
  return [...counts].sort((a, b) => b[1] - a[1]);
}
