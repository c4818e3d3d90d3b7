import { z } from 'zod';
import { isFinished, Job } from '../../domain/jobs/job.js';
import { displayTitle } from '../../domain/library/library.js';
import { filterOf } from '../../domain/library/filter.js';
import { savedPercent } from '../../domain/replace/savings.js';
import { Problem } from '../../domain/health/problem.js';
import { Run } from '../../domain/recommendations/run.js';
import { itemIdOf, stateOf } from '../../store/row-keys.js';
import { action, type Context } from '../action.js';
import { failedJobs, failuresByCause } from '../jobs/failures.js';
import { latestFirst } from '../jobs/jobs.js';
import { openRecommended, recommendedSince } from '../recommendations/recommended.js';

const Dashboard = z.object({
  library: z.object({ items: z.int(), sizeBytes: z.number(), lastSync: Run.nullable() }),
  saved: z.object({
    files: z.int(),
    bytes: z.number(),
    keptBytes: z.number(),
    /** Of what the replaced files took before. */
    percent: z.number(),
    lastMonthBytes: z.number(),
    /** Bytes freed in all at the end of each of the last thirty days. */
    history: z.array(z.number()),
    since: z.string(),
  }),
  /** The last 24 hours, from arrival to replacement. */
  day: z.object({
    arrived: z.int(),
    recommended: z.int(),
    encoded: z.int(),
    replaced: z.int(),
    arrivedBytes: z.number(),
    recommendedBytes: z.number(),
    encodedBytes: z.number(),
    freedBytes: z.number(),
  }),
  arrivals: z.array(
    z.object({
      id: z.string(),
      title: z.string(),
      thumb: z.string().nullable(),
      sub: z.string(),
      savesBytes: z.number().nullable(),
      isRead: z.boolean(),
    }),
  ),
  serverName: z.string(),
  recommendations: z.object({ open: z.int(), savesBytes: z.number() }),
  queue: z.object({
    paused: z.boolean(),
    running: z.int(),
    pending: z.int(),
    blocked: z.int(),
    reasons: z.array(z.string()),
  }),
  ready: z.int(),
  readyBytes: z.number(),
  failed: z.int(),
  /** Sentences that failed jobs share. */
  causes: z.array(z.string()),
  dryRun: z.boolean(),
  recent: z.array(Job.extend({ thumb: z.string().nullable() })),
  problems: z.array(Problem),
});

const DAY_MS = 86_400_000;
const MINUTE_MS = 60_000;
const MONTH_DAYS = 30;
const ARRIVALS = 8;

function savedOf({ savings, now }: Context): Omit<z.infer<typeof Dashboard>['saved'], 'keptBytes'> {
  const startMs = now().getTime() - MONTH_DAYS * DAY_MS;
  const total = savings.total();
  const earlierBytes = savings.between(-Infinity, startMs).freedBytes;
  let reachedBytes = earlierBytes;
  const history = Array.from({ length: MONTH_DAYS }, (_, day) => {
    const isLast = day === MONTH_DAYS - 1;
    // A receipt that is dated ahead of the clock belongs to the last day.
    const { freedBytes } = savings.between(startMs + day * DAY_MS, isLast ? Infinity : startMs + (day + 1) * DAY_MS);
    return (reachedBytes += freedBytes);
  });
  return {
    files: total.files,
    bytes: total.freedBytes,
    percent: Math.round(savedPercent(total)),
    lastMonthBytes: total.freedBytes - earlierBytes,
    history: [earlierBytes, ...history],
    since: new Date(startMs).toISOString(),
  };
}

async function lastDay(ctx: Context): Promise<z.infer<typeof Dashboard>['day']> {
  const { store, search, savings, now } = ctx;
  // A whole minute, so that everybody who looks within it asks the same.
  const sinceMs = Math.floor((now().getTime() - DAY_MS) / MINUTE_MS) * MINUTE_MS;
  const since = new Date(sinceMs).toISOString();
  const sum = <T>(rows: readonly T[], bytesOf: (row: T) => number): number =>
    rows.reduce((all, row) => all + bytesOf(row), 0);
  const filter = { ...filterOf(''), addedAfter: since };
  const arrived = await search.find({ filter, sort: 'title', page: 1, pageSize: 1 });
  const recommended = recommendedSince(ctx, since);
  const encoded = store.jobs.where(
    ({ state, startedAt, sizeAfterBytes }) =>
      (state === 'verified' || state === 'replacing' || state === 'done') &&
      sizeAfterBytes !== null &&
      (startedAt ?? '') >= since,
  );
  const replaced = savings.between(sinceMs, Infinity);
  return {
    arrived: arrived.total,
    arrivedBytes: arrived.sizeBytes,
    recommended: recommended.count,
    recommendedBytes: recommended.savesBytes,
    encoded: encoded.length,
    encodedBytes: sum(encoded, ({ sizeBeforeBytes }) => sizeBeforeBytes),
    replaced: replaced.files,
    freedBytes: replaced.freedBytes,
  };
}

function bestSavingOf({ recommendations }: Context['store'], itemId: string): number | null {
  const rows = recommendations.by(itemIdOf).of(itemId);
  const savings = rows.filter(({ state }) => state === 'open').map(({ savesBytes }) => savesBytes);
  return savings.length === 0 ? null : Math.max(...savings);
}

/** The youngest films and episodes, with what is recommended for them. */
async function arrivalsOf({ store, search }: Context): Promise<z.infer<typeof Dashboard>['arrivals']> {
  const everything = { filter: filterOf(''), page: 1, pageSize: ARRIVALS };
  const { ids } = await search.find({ ...everything, sort: '-addedAt' });
  const youngest = ids.map((id) => store.library.find(id)).filter((item) => item !== null);
  return youngest.map((item) => ({
    id: item.id,
    title: item.show ?? item.title,
    thumb: item.thumb,
    sub: item.show === null ? String(item.year ?? '') : (displayTitle(item).split(' · ')[1]?.split(' ')[0] ?? ''),
    savesBytes: bestSavingOf(store, item.id),
    isRead: item.files.some(({ video }) => video !== null),
  }));
}

/** Everything the first page shows: what was saved, what needs the owner, what runs. */
export const showDashboard = action(
  { summary: 'Library, savings, queue and problems at a glance', input: z.object({}), output: Dashboard },
  async (ctx) => {
    const { store, queue, sync } = ctx;
    const { sizeBytes } = await ctx.search.find({ filter: filterOf(''), sort: 'title', page: 1, pageSize: 1 });
    const kept = store.quarantine.by(stateOf).of('kept');
    const open = await openRecommended(ctx);
    const jobs = store.jobs.where(() => true);
    const inState = (state: Job['state']): Job[] => jobs.filter((job) => job.state === state);

    const ready = inState('verified');
    const failures = failuresByCause(failedJobs(ctx));
    return {
      library: { items: store.library.size, sizeBytes, lastSync: sync.status().lastRun },
      saved: { ...savedOf(ctx), keptBytes: kept.reduce((sum, entry) => sum + entry.sizeBytes, 0) },
      day: await lastDay(ctx),
      arrivals: await arrivalsOf(ctx),
      serverName: store.settings.value.plex.serverName,
      recommendations: { open: open.count, savesBytes: open.savesBytes },
      queue: queue.state(),
      ready: ready.length,
      readyBytes: ready.reduce((sum, job) => sum + job.sizeBeforeBytes - (job.sizeAfterBytes ?? 0), 0),
      failed: failures.reduce((sum, { count }) => sum + count, 0),
      causes: failures.map(({ title, fix }) => `${title}. ${fix}`),
      dryRun: store.settings.value.safety.dryRun,
      recent: jobs
        .filter(({ state }) => isFinished(state))
        .sort(latestFirst)
        .slice(0, 8)
        .map((job) => ({ ...job, thumb: store.library.find(job.itemId)?.thumb ?? null })),
      problems: await ctx.problems(),
    };
  },
);
