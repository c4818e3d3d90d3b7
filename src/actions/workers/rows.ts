import { z } from 'zod';
import type { Job } from '../../domain/jobs/job.js';
import type { Saved } from '../../domain/replace/savings.js';
import {
  ABILITIES,
  Capabilities,
  Line,
  LOCAL_WORKER_ID,
  WorkerAbilities,
  WorkerPath,
  WorkerState,
  WorkingHours,
  type SshWorker,
  type WorkerMetrics,
} from '../../domain/workers/worker.js';
import { hoursInWords, isOpen, wallClockOf } from '../../domain/workers/working-hours.js';
import type { SeenWorker } from '../../engine/workers/fleet.js';
import type { Context } from '../action.js';
import { latestFirst } from '../jobs/jobs.js';
import { LiveFigures } from '../queue/queue.js';

/** What a worker has to do at one moment; what it does not tell is null. */
export const Metrics = z.object({
  cpuPercent: z.number().nullable(),
  gpuPercent: z.number().nullable(),
  memoryUsedBytes: z.number().nullable(),
  memoryBytes: z.number().nullable(),
  scratchFreeBytes: z.number().nullable(),
  temperatureC: z.number().nullable(),
  at: z.string(),
});

/** A worker as scripts see it. Nothing of how MediaFlow gets in but the kind of key. */
export const WorkerRow = z.object({
  id: z.string(),
  name: z.string(),
  kind: z.enum(['local', 'ssh']),
  /** What can be done with it. */
  can: WorkerAbilities,
  state: WorkerState,
  /** Why it is in that state; null when nothing is wrong. */
  reason: z.string().nullable(),
  /** Null for this machine. */
  host: z.string().nullable(),
  port: z.int().nullable(),
  username: z.string().nullable(),
  authKind: z.enum(['key', 'password', 'agent']).nullable(),
  /** The host key that was confirmed, and one that was seen and waits for a yes. */
  hostKey: z.string().nullable(),
  seenHostKey: z.string().nullable(),
  scratchDir: z.string(),
  slots: z.int(),
  running: z.int(),
  tags: z.array(z.string()),
  pathMappings: z.array(WorkerPath),
  hours: z.array(WorkingHours),
  hoursText: z.string(),
  maxMbps: z.number().nullable(),
  failuresInRow: z.int(),
  capabilities: Capabilities.nullable(),
  line: Line.nullable(),
  /** The last measurement; null while nothing is known. */
  metrics: Metrics.nullable(),
  lastSeenAt: z.string().nullable(),
  createdAt: z.string().nullable(),
});
export type WorkerRow = z.infer<typeof WorkerRow>;

const RunningJob = z.object({
  id: z.string(),
  itemId: z.string(),
  title: z.string(),
  thumb: z.string().nullable(),
  stage: z.string().nullable(),
  percent: z.number(),
  progress: LiveFigures.nullable(),
});

/** A job that went wrong there. */
const Mishap = z.object({ id: z.string(), title: z.string(), why: z.string(), at: z.string() });

/** What a worker has done: jobs that were replaced, what they freed, and how much quicker than real time it encodes. */
const Record30 = z.object({
  jobs: z.int(),
  freedBytes: z.number(),
  failed: z.int(),
  timesRealTime: z.number().nullable(),
});

/** A worker as its card shows it. */
export const WorkerCard = WorkerRow.extend({
  isOpen: z.boolean(),
  history: z.array(Metrics),
  jobs: z.array(RunningJob),
  mishaps: z.array(Mishap),
  record: Record30,
});
export type WorkerCard = z.infer<typeof WorkerCard>;

/** Failures that a card and a page list. */
const MISHAPS = 20;
const RECORD_DAYS = 30;
const DAY_MS = 86_400_000;

const runsOn = (job: Job): string => job.workerId ?? LOCAL_WORKER_ID;
const isRunning = ({ state }: Job): boolean => state === 'running';

/** This machine and every other, this machine first. */
export function workerRows(ctx: Context): WorkerRow[] {
  const running = ctx.store.jobs.where(isRunning);
  const count = (id: string): number => running.filter((job) => runsOn(job) === id).length;
  return ctx.fleet
    .list()
    .toSorted((a, b) => Number(b.worker.kind === 'local') - Number(a.worker.kind === 'local'))
    .map((seen) => rowOf(ctx, seen, count(seen.worker.id)));
}

/** Throws `not_found`. */
export function workerRow(ctx: Context, id: string): WorkerRow {
  const running = ctx.store.jobs.where((job) => isRunning(job) && runsOn(job) === id).length;
  return rowOf(ctx, ctx.fleet.get(id), running);
}

/** Oldest first. Throws `not_found`. */
export const historyOf = (ctx: Context, id: string): readonly WorkerMetrics[] => ctx.fleet.get(id).history;

/** Rows with what their cards show beside; all jobs are looked through once. */
export function workerCards(ctx: Context, rows: readonly WorkerRow[]): WorkerCard[] {
  const since = new Date(ctx.now().getTime() - RECORD_DAYS * DAY_MS).toISOString();
  const byWorker = new Map<string, { running: Job[]; failed: Job[]; done: Job[] }>();
  const sheet = (id: string) => {
    const known = byWorker.get(id) ?? { running: [], failed: [], done: [] };
    byWorker.set(id, known);
    return known;
  };
  for (const job of ctx.store.jobs.values()) {
    if (isRunning(job)) sheet(runsOn(job)).running.push(job);
    else if (job.state === 'done' && (job.finishedAt ?? '') > since) sheet(runsOn(job)).done.push(job);
    const ids = new Set(job.failedOn.map(({ workerId }) => workerId));
    if (job.state === 'failed' && job.workerId !== null) ids.add(job.workerId);
    for (const id of ids) sheet(id).failed.push(job);
  }
  const savedBy = (key: string): Saved => ctx.savings.between(Date.parse(since), Infinity, { kind: 'worker', key });
  return rows.map((row) => {
    const { running, failed, done } = sheet(row.id);
    return {
      ...row,
      isOpen: isOpen(row.hours, wallClockOf(ctx.now())),
      history: row.seenHostKey === null ? [...historyOf(ctx, row.id)] : [],
      jobs: running.map(({ id, itemId, title, stage, percent }) => ({
        ...{ id, itemId, title, stage, percent },
        thumb: ctx.store.library.find(itemId)?.thumb ?? null,
        progress: ctx.queue.progress(id),
      })),
      mishaps: failed
        .sort(latestFirst)
        .slice(0, MISHAPS)
        .map((job) => mishapOf(job, row.id)),
      record: recordOf(done, failed.length, savedBy(row.id)),
    };
  });
}

function mishapOf(job: Job, workerId: string): z.infer<typeof Mishap> {
  const there = job.failedOn.find((one) => one.workerId === workerId);
  const why = there?.why ?? job.error?.message ?? 'It failed without saying why.';
  return { id: job.id, title: job.title, why, at: job.finishedAt ?? job.startedAt ?? job.createdAt };
}

function recordOf(done: readonly Job[], failed: number, saved: Saved): z.infer<typeof Record30> {
  const timed = done.filter(({ encodeMs, source }) => encodeMs !== null && encodeMs > 0 && source !== undefined);
  const [playMs, encodeMs] = timed.reduce(
    ([play, encode], job) => [play + (job.source?.durationSec ?? 0) * 1000, encode + (job.encodeMs ?? 0)],
    [0, 0],
  );
  return {
    jobs: done.length,
    freedBytes: saved.freedBytes,
    failed,
    timesRealTime: encodeMs > 0 ? Math.round((playMs / encodeMs) * 10) / 10 : null,
  };
}

/** What a worker over SSH has and this machine has not. */
const NO_ADDRESS = {
  ...{ host: null, port: null, username: null, authKind: null, hostKey: null, seenHostKey: null },
  ...{ pathMappings: [], maxMbps: null, line: null },
};

function rowOf(ctx: Context, { worker, state, reason, slots, ...seen }: SeenWorker, running: number): WorkerRow {
  // By name: what a worker has more one day must not get out by itself.
  const { id, name, kind, tags, hours, failuresInRow, capabilities, createdAt } = worker;
  const metrics = state === 'offline' ? null : (seen.history.at(-1) ?? null);
  return {
    ...{ id, name, kind, can: ABILITIES[kind], state, reason, slots, running, tags, hours, failuresInRow, createdAt },
    ...(worker.kind === 'ssh' ? addressOf(worker) : NO_ADDRESS),
    scratchDir: worker.kind === 'ssh' ? worker.scratchDir : ctx.store.settings.value.queue.workDir,
    hoursText: hoursInWords(hours, wallClockOf(ctx.now())),
    capabilities,
    metrics,
    lastSeenAt: seen.lastSeenAt,
  };
}

function addressOf({ host, port, username, authKind, hostKey, seenHostKey, ...rest }: SshWorker) {
  const { pathMappings, maxMbps, line } = rest;
  return { host, port, username, authKind, hostKey, seenHostKey, pathMappings, maxMbps, line };
}
