import { z } from 'zod';
import { Choices } from '../../domain/rules/choices.js';
import { invalid } from '../../domain/errors.js';
import { Job, JobState } from '../../domain/jobs/job.js';
import type { MediaFile } from '../../domain/library/media.js';
import { presetOfJob } from '../../domain/presets/merge.js';
import type { Preset } from '../../domain/presets/preset.js';
import { Confidence } from '../../domain/recommendations/recommendation.js';
import { StreamChange } from '../../domain/jobs/stream-changes.js';
import { action, type Context } from '../action.js';
import { liveJob } from './live-job.js';
import { listOf, pageOf, Paging } from '../paging.js';
import { defaultPresetId, PresetWish, proposalsFor } from '../presets/choice.js';

const ById = z.object({ id: z.string() });

/** Newest first: by when it ended, or else when it was made. */
export const latestFirst = (a: Job, b: Job): number =>
  (b.finishedAt ?? b.createdAt).localeCompare(a.finishedAt ?? a.createdAt) || b.id.localeCompare(a.id);

/** Jobs of all or some states, newest first. */
export const listJobs = action(
  {
    summary: 'List jobs, newest first',
    input: Paging.extend({ state: Choices.pipe(z.array(JobState)), itemId: z.string().optional() }),
    output: listOf(Job),
  },
  (ctx, { page, pageSize, state, itemId }) => {
    const rows = ctx.store.jobs.where(
      (job) => (state.length === 0 || state.includes(job.state)) && (!itemId || job.itemId === itemId),
    );
    const cut = pageOf(rows.sort(latestFirst), { page, pageSize }, { state, itemId });
    return Promise.resolve({ ...cut, items: cut.items.map((job) => liveJob(ctx, job)) });
  },
);

/** One job. Throws `not_found`. */
export const showJob = action({ summary: 'Show one job', input: ById, output: Job }, (ctx, { id }) =>
  Promise.resolve(liveJob(ctx, ctx.store.jobs.get(id))),
);

const Several = z
  .union([z.string().min(1), z.array(z.string().min(1)).max(500)])
  .default([])
  .transform((ids) => [...new Set([ids].flat())]);

/** The items that hold files at these paths, as this machine or as Plex sees them. Throws `invalid` naming the first that is unknown. */
async function byPath({ store }: Context, paths: readonly string[]): Promise<{ itemId: string; fileId: string }[]> {
  if (paths.length === 0) return [];
  const wanted = new Set(paths);
  const known = new Map<string, { itemId: string; fileId: string }>();
  await store.library.each((item) => {
    for (const { id, path, localPath } of item.files) {
      for (const name of [path, localPath])
        if (name !== null && wanted.has(name)) known.set(name, { itemId: item.id, fileId: id });
    }
  });
  return paths.map((path) => {
    const found = known.get(path);
    if (!found)
      throw invalid(`${path} is not in the library. Sync first, or check the path.`, {
        paths: 'is not in the library',
      });
    return found;
  });
}

/** Queues one job per item or path. Throws at the first that cannot be queued; those before it stay queued. */
export const createJobs = action(
  {
    summary: 'Queue jobs for library items',
    input: z.object({
      itemIds: Several,
      paths: Several,
      /** Without one: what is recommended for each item, else the owner's default preset. */
      presetId: PresetWish,
      /** This worker and no other; `local` is this machine. */
      workerId: z.string().max(100).optional(),
      /** Only workers with all of these tags. */
      workerTags: Several.optional(),
      fileId: z.string().optional(),
      priority: z.coerce.number().optional(),
      force: z.coerce.boolean().default(false),
    }),
    output: z.object({ items: z.array(Job) }),
  },
  async (ctx, { itemIds, paths, presetId, fileId, priority, force, workerId, workerTags }) => {
    if (workerId !== undefined) ctx.store.workers.get(workerId);
    if (itemIds.length + paths.length === 0) {
      throw invalid('Name at least one item or path.', { itemIds: 'is missing', paths: 'is missing' });
    }
    const wanted = [...itemIds.map((itemId) => ({ itemId, fileId })), ...(await byPath(ctx, paths))];
    const proposed = proposalsFor(ctx, new Set(wanted.map(({ itemId }) => itemId)));
    const usual = defaultPresetId(ctx);
    const items: Job[] = [];
    for (const { itemId, fileId } of wanted) {
      const proposal = proposed.get(itemId);
      // What is recommended is recommended for one of its files.
      const own = fileId ?? (presetId === '' ? proposal?.fileId : undefined);
      items.push(
        await ctx.enqueue.job({
          itemId,
          presetId: presetId || (proposal?.presetId ?? usual),
          alsoPresetIds: presetId === '' && own === proposal?.fileId ? (proposal?.alsoPresetIds ?? []) : [],
          ...(workerId === undefined ? {} : { workerId }),
          ...(workerTags === undefined ? {} : { workerTags }),
          force,
          ...(own === undefined ? {} : { fileId: own }),
          ...(priority === undefined ? {} : { score: priority }),
        }),
      );
    }
    return { items };
  },
);

const Expected = z.object({
  sizeBytes: z.number(),
  /** What would be left, and the range it most likely lies in. */
  expectedBytes: z.number(),
  lowBytes: z.number(),
  highBytes: z.number(),
  savesBytes: z.number(),
  savesPercent: z.number(),
  confidence: Confidence,
  seconds: z.number(),
  timeConfidence: Confidence,
});

/** What a job would do to a file, and what is to be expected of it. */
export const Simulated = z.object({
  fileId: z.string(),
  presetId: z.string(),
  planNotes: z.array(z.string()),
  commands: z.array(z.string()),
  /** Every stream before and after, what changes first; empty when it would be skipped. */
  streamChanges: z.array(StreamChange),
  skipped: z.string().nullable(),
  expected: Expected.nullable(),
});

/** A plan with its estimate; without a preset what is recommended for the item, else the default preset. Throws what queueing throws. */
export async function simulate(
  ctx: Context,
  { itemId, presetId, fileId }: { itemId: string; presetId: string; fileId?: string | undefined },
): Promise<z.infer<typeof Simulated>> {
  const item = ctx.store.library.get(itemId);
  const proposal = proposalsFor(ctx, new Set([itemId])).get(itemId);
  const preset = ctx.presets.get(presetId || (proposal?.presetId ?? defaultPresetId(ctx)));
  // As `createJobs` does: a preset that is named is all that is done.
  const own = fileId ?? (presetId === '' ? proposal?.fileId : undefined);
  const isProposed = presetId === '' && own === proposal?.fileId;
  const recipe = { presetId: preset.id, alsoPresetIds: isProposed ? (proposal?.alsoPresetIds ?? []) : [] };
  const plan = await ctx.queue.simulate({ itemId, ...recipe, ...(own === undefined ? {} : { fileId: own }) });
  const file = item.files.find(({ id }) => id === plan.fileId);
  const expected = file ? expectedOf(ctx, file, presetOfJob(recipe, ctx.presets)) : null;
  return { ...plan, presetId: preset.id, expected };
}

function expectedOf({ estimates }: Context, file: MediaFile, preset: Preset): z.infer<typeof Expected> {
  const { savesBytes, lowBytes, highBytes, confidence } = estimates.saving(file, preset);
  const time = estimates.seconds(file, preset);
  const { sizeBytes } = file;
  return {
    ...{ sizeBytes, savesBytes, confidence },
    expectedBytes: Math.max(0, sizeBytes - savesBytes),
    lowBytes: Math.max(0, sizeBytes - highBytes),
    highBytes: Math.max(0, sizeBytes - lowBytes),
    savesPercent: sizeBytes > 0 ? Math.round((savesBytes / sizeBytes) * 100) : 0,
    seconds: Math.round(time.seconds),
    timeConfidence: time.confidence,
  };
}

/** Says what a job would do, down to the command line. Nothing is written. */
export const simulateJob = action(
  {
    summary: 'Plan a transcode without running it',
    input: z.object({ itemId: z.string(), presetId: PresetWish, fileId: z.string().min(1).optional() }),
    output: Simulated,
  },
  (ctx, input) => simulate(ctx, input),
);

/** Stops a job; the original is untouched. Throws `conflict` when it has ended or is being replaced. */
export const cancelJob = action({ summary: 'Cancel a job', input: ById, output: Job }, ({ queue }, { id }) =>
  queue.cancel(id),
);

/** Queues an ended job again. Throws `conflict` when it has not ended. */
export const retryJob = action(
  {
    summary: 'Try a job again; with onCpu without a graphics card',
    input: ById.extend({ onCpu: z.stringbool().or(z.boolean()).default(false) }),
    output: Job,
  },
  ({ queue }, { id, onCpu }) => queue.retry(id, onCpu),
);

/** The owner's yes: the verified result may take the original's place. Throws `conflict` unless it is verified. */
export const replaceJob = action(
  { summary: 'Replace the original by the verified result', input: ById, output: Job },
  ({ queue }, { id }) => queue.replace(id),
);

/** Moves a waiting job within the queue. Throws `conflict` when it does not wait. */
export const moveJobInQueue = action(
  {
    summary: 'Move a waiting job',
    input: ById.extend({ where: z.enum(['top', 'up', 'down', 'bottom']) }),
    output: Job,
  },
  ({ queue }, { id, where }) => queue.move(id, where),
);

/** What ffmpeg wrote, as text. Throws `not_found`. */
export const showJobLog = action(
  { summary: 'Read the log of a job', input: ById, output: z.string() },
  ({ queue }, { id }) => queue.log(id),
);
