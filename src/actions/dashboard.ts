import { z } from 'zod';
import { isFinished, Job } from '../domain/job.js';
import { Problem } from '../domain/problem.js';
import { Run } from '../domain/run.js';
import { action } from './action.js';
import { latestFirst } from './jobs.js';

const Dashboard = z.object({
  library: z.object({ items: z.int(), sizeBytes: z.number(), lastSync: Run.nullable() }),
  saved: z.object({ files: z.int(), bytes: z.number(), keptBytes: z.number() }),
  recommendations: z.object({ open: z.int(), savesBytes: z.number() }),
  queue: z.object({
    paused: z.boolean(),
    running: z.int(),
    pending: z.int(),
    blocked: z.int(),
    reasons: z.array(z.string()),
  }),
  ready: z.int(),
  failed: z.int(),
  dryRun: z.boolean(),
  running: z.array(Job),
  recent: z.array(Job),
  problems: z.array(Problem),
});

/** Everything the first page shows: what was saved, what needs the owner, what runs. */
export const showDashboard = action(
  { summary: 'Library, savings, queue and problems at a glance', input: z.object({}), output: Dashboard },
  async (ctx) => {
    const { store, queue, sync } = ctx;
    let sizeBytes = 0;
    for (const item of store.library.values()) for (const file of item.files) sizeBytes += file.sizeBytes;

    const receipts = store.receipts.where(() => true);
    const saved = receipts.reduce((sum, { before, after }) => sum + before.sizeBytes - after.sizeBytes, 0);
    const kept = store.quarantine.where(({ state }) => state === 'kept');
    const open = store.recommendations.where(({ state }) => state === 'open');
    const jobs = store.jobs.where(() => true);
    const inState = (state: Job['state']): Job[] => jobs.filter((job) => job.state === state);

    return {
      library: { items: store.library.size, sizeBytes, lastSync: sync.status().lastRun },
      saved: { files: receipts.length, bytes: saved, keptBytes: kept.reduce((sum, entry) => sum + entry.sizeBytes, 0) },
      recommendations: { open: open.length, savesBytes: open.reduce((sum, row) => sum + row.savesBytes, 0) },
      queue: queue.state(),
      ready: inState('verified').length,
      failed: inState('failed').length,
      dryRun: store.settings.value.safety.dryRun,
      running: inState('running'),
      recent: jobs
        .filter(({ state }) => isFinished(state))
        .sort(latestFirst)
        .slice(0, 8),
      problems: await ctx.problems(),
    };
  },
);
