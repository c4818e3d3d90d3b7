import { z } from 'zod';
import type { ExcludedItem } from './excluded-items.js';
import { isFinished, JobState, type Job } from '../jobs/job.js';
import type { MediaFile } from './media.js';
import type { Recommendation } from '../recommendations/recommendation.js';

/** What the last word about a file can be, the most urgent first. */
export const STATUS_STATES = [
  'running',
  'ready',
  'waiting',
  'excluded',
  'failed',
  'suggested',
  'skipped',
  'done',
  'nothing',
] as const;

/** The last word about a file or an item: where it stands, and why. */
export const ItemStatus = z.object({
  /** `waiting` and `ready` have a job that waits for its turn or for the owner; `suggested` an open recommendation. */
  state: z.enum(STATUS_STATES),
  /** In a sentence or two. */
  reason: z.string(),
  /** ISO time since when; null when nothing ever happened. */
  at: z.string().nullable(),
  /** The file it is about; null when it is about all of them. */
  fileId: z.string().nullable(),
  jobId: z.string().nullable(),
  jobState: JobState.nullable(),
  /** Error code of the job; tells a skipped job from another. */
  code: z.string().nullable(),
  recommendationId: z.string().nullable(),
});
export type ItemStatus = z.infer<typeof ItemStatus>;

/** What is known about one file beside the file itself. */
export interface FileRecord {
  excluded: ExcludedItem | null;
  /** Every job of the file, in any order. */
  jobs: readonly Job[];
  /** Every recommendation for the file, in any order and state. */
  recommendations: readonly Recommendation[];
  /** Whether the original that a job replaced stands at its path again. */
  isRestored: (job: Job) => boolean;
}

const NOBODY = { at: null, jobId: null, jobState: null, code: null, recommendationId: null };
const UNREAD = 'Plex has not described a file of this item yet.';
const NO_FINDING = 'No rule recommends anything for it.';

/**
 * The last word about one file: a job that has not ended, the owner's exclusion, how the last job ended as long as the file
 * is the one it saw, an open recommendation, or nothing. The library, an item's page and the API all ask this.
 */
export function statusOfFile(file: MediaFile | null, known: FileRecord): ItemStatus {
  const base = { ...NOBODY, fileId: file?.id ?? null };
  const open = known.jobs.find(({ state }) => !isFinished(state));
  if (open) return { ...base, ...ofOpenJob(open) };
  if (known.excluded) {
    const { note, at } = known.excluded;
    return { ...base, state: 'excluded', reason: note ?? 'You excluded it from processing.', at, fileId: null };
  }
  const last = lastEnded(known.jobs);
  const ended = last && standsStill(last, file, known) ? last : null;
  if (ended && ended.state !== 'done') return { ...base, ...ofEndedJob(ended) };
  const best = bestOf(known.recommendations);
  if (best) {
    const { id, reason, createdAt } = best;
    return { ...base, state: 'suggested', reason, at: createdAt, recommendationId: id };
  }
  if (ended) return { ...base, ...ofEndedJob(ended) };
  return { ...base, state: 'nothing', ...whyNothing(file, known, last) };
}

/** The last word about an item: the most urgent of its files' words. */
export function mostUrgent(statuses: readonly ItemStatus[]): ItemStatus {
  const rank = ({ state }: ItemStatus): number => STATUS_STATES.indexOf(state);
  const [first, ...rest] = statuses;
  if (!first) return { ...NOBODY, fileId: null, state: 'nothing', reason: UNREAD };
  return rest.reduce((best, one) => (rank(one) < rank(best) ? one : best), first);
}

/** The open recommendation that comes first. */
export function bestOf(rows: readonly Recommendation[]): Recommendation | null {
  const open = rows.filter(({ state }) => state === 'open');
  return open.reduce<Recommendation | null>((best, row) => (row.priority > (best?.priority ?? -1) ? row : best), null);
}

type Word = Pick<ItemStatus, 'state' | 'reason' | 'at'> & Partial<ItemStatus>;

function ofOpenJob({ id, state, stage, waitsFor, startedAt, createdAt }: Job): Word {
  const job = { jobId: id, jobState: state };
  if (state === 'running' || state === 'replacing')
    return { ...job, state: 'running', reason: STAGES[stage ?? state] ?? 'It is being processed.', at: startedAt };
  if (state === 'verified')
    return {
      ...job,
      state: 'ready',
      reason: waitsFor ?? 'It is verified and can replace the original.',
      at: startedAt,
    };
  return { ...job, state: 'waiting', reason: waitsFor ?? 'It waits for its turn in the queue.', at: createdAt };
}

const STAGES: Readonly<Record<string, string>> = {
  prepare: 'Its file is being read.',
  fetch: 'Its file is being fetched from remote storage.',
  upload: 'Its file is being uploaded to the worker.',
  encode: 'It is being encoded.',
  download: 'The result is being downloaded from the worker.',
  verify: 'The result is being verified.',
  replacing: 'The original is being replaced.',
};

function ofEndedJob({ id, state, error, finishedAt, sizeBeforeBytes, sizeAfterBytes }: Job): Word {
  const job = { jobId: id, jobState: state, at: finishedAt, code: error?.code ?? null };
  if (state === 'done') {
    const saved = sizeAfterBytes === null ? 0 : Math.round((1 - sizeAfterBytes / Math.max(1, sizeBeforeBytes)) * 100);
    return { ...job, state: 'done', reason: `It was replaced by a file that is ${saved} % smaller.` };
  }
  const reason = error?.message ?? 'The job ended without a reason. Its log may tell.';
  return { ...job, state: state === 'failed' ? 'failed' : 'skipped', reason };
}

function lastEnded(jobs: readonly Job[]): Job | null {
  const at = ({ finishedAt, createdAt }: Job): string => finishedAt ?? createdAt;
  return jobs.reduce<Job | null>(
    (last, job) => (isFinished(job.state) && (last === null || at(job) > at(last)) ? job : last),
    null,
  );
}

/** Whether how a job ended still says something about the file as it is. */
function standsStill(job: Job, file: MediaFile | null, { isRestored }: FileRecord): boolean {
  if (job.state === 'cancelled') return false;
  if (job.state === 'done') return !isRestored(job);
  return job.clearedAt === null && (file === null || file.sizeBytes === job.sizeBeforeBytes);
}

function whyNothing(
  file: MediaFile | null,
  { recommendations, isRestored }: FileRecord,
  last: Job | null,
): Pick<ItemStatus, 'reason' | 'at'> {
  const later = recommendations.find(({ state }) => state === 'snoozed');
  if (later)
    return { reason: `You snoozed it until ${later.snoozedUntil?.slice(0, 10) ?? 'later'}.`, at: later.changedAt };
  if (last?.state === 'done' && isRestored(last)) return { reason: 'Its original was restored.', at: last.finishedAt };
  if (last?.clearedAt) return { reason: 'Its last job failed, and you cleared that.', at: last.clearedAt };
  if (last?.state === 'cancelled') return { reason: 'Its last job was cancelled.', at: last.finishedAt };
  const dismissed = recommendations.find(({ state }) => state === 'dismissed');
  if (dismissed) {
    const note = dismissed.note === null ? '' : `: ${dismissed.note}`;
    return { reason: `You dismissed what was recommended${note || '.'}`, at: dismissed.changedAt };
  }
  return { reason: file === null ? UNREAD : NO_FINDING, at: null };
}
