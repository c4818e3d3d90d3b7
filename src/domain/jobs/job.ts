import { z } from 'zod';
import { AppError, ERROR_CODES } from '../errors.js';
import { Preset } from '../presets/preset.js';
import { LAST_RANK } from '../queue/rank.js';
import { ServerSnapshot } from '../replace/server-snapshot.js';
import { TransferMode } from '../workers/worker.js';
import { Weighed } from '../workers/choice.js';
import { StreamChange } from './stream-changes.js';

export const JobState = z.enum([
  'queued',
  'blocked',
  'running',
  'verified',
  'replacing',
  'done',
  'failed',
  'cancelled',
  'skipped',
]);
export type JobState = z.infer<typeof JobState>;

const JobStage = z.enum(['prepare', 'fetch', 'upload', 'encode', 'download', 'verify']);
type JobStage = z.infer<typeof JobStage>;

/** One check of the result. */
export const Check = z.object({ name: z.string(), ok: z.boolean(), detail: z.string() });
export type Check = z.infer<typeof Check>;

/** What a file was when it was looked at; another fingerprint means another file. */
export const Fingerprint = z.object({
  dev: z.string(),
  ino: z.string(),
  sizeBytes: z.int().nonnegative(),
  /** Nanoseconds since the epoch, as text: it does not fit a number. */
  mtimeNs: z.string(),
  nlink: z.int().positive(),
});
export type Fingerprint = z.infer<typeof Fingerprint>;

/** The picture that was encoded, and how long it runs: what a finished job needs to teach the next one anything. */
const JobSource = z.object({
  codec: z.string(),
  width: z.int().nonnegative(),
  height: z.int().nonnegative(),
  fps: z.number().nonnegative().nullable(),
  durationSec: z.number().nonnegative(),
});
type JobSource = z.infer<typeof JobSource>;

export const Job = z.object({
  id: z.string(),
  itemId: z.string(),
  fileId: z.string(),
  /** Shown in lists; the item may be gone when the job is old. */
  title: z.string(),
  ruleId: z.string().nullable(),
  recommendationId: z.string().nullable(),
  presetId: z.string(),
  /** Presets that other rules proposed for the file: what they change beside this one is done in the same job. */
  alsoPresetIds: z.array(z.string()).default([]),
  /**
   * What is done, as it was when the job was made: a preset that is edited later changes nothing that waits already. Null in jobs of
   * older versions, and in those whose recipe nobody understands any more; then it is the preset of that name.
   */
  preset: Preset.nullable().catch(null).default(null),
  state: JobState,
  stage: JobStage.nullable(),
  /** Whole percent at the last state change; live figures travel as events and are never stored. */
  percent: z.number().min(0).max(100),
  workerId: z.string().nullable(),
  /** Why this worker, in a sentence; null where there was no choice. */
  whyWorker: z.string().nullable().default(null),
  /** Null where there was no choice, and in jobs of older versions. */
  weighed: Weighed.nullable().default(null),
  /** How the files get to the worker; null on this machine. */
  transferMode: TransferMode.nullable().default(null),
  /** The encoder that is used, and why; null when nothing is encoded, or before. */
  encoder: z.object({ name: z.string(), why: z.string() }).nullable().default(null),
  /** The owner wants this worker and no other. */
  wishedWorkerId: z.string().nullable().default(null),
  /** Only a worker that has all of these tags may do it. */
  workerTags: z.array(z.string()).default([]),
  /** Workers that are not to try this job again, and why. */
  failedOn: z.array(z.object({ workerId: z.string(), why: z.string() })).default([]),
  /** Its graphics card failed, or the owner wants it so: this job is encoded on the processor. */
  prefersCpu: z.boolean().default(false),
  /** The line broke while it was streamed to a worker: from then on it is copied. */
  streamBroke: z.boolean().default(false),
  /** A graphics card failed it, and the owner wants another card to try, not a processor. */
  needsCard: z.boolean().default(false),
  /** Another machine holds work of this job that can be taken up again, under this key. */
  leftOn: z
    .object({ workerId: z.string(), workKey: z.string(), hasSource: z.boolean(), percent: z.number() })
    .nullable()
    .default(null),
  /** What the rules think of it, 0 to 100, or what was asked for; decides only where it enters the queue. */
  score: z.number().default(0),
  /** Its place in the queue, see `domain/queue/rank`. */
  rank: z.string().min(1).default(LAST_RANK),
  /** Where we see the source. */
  sourcePath: z.string(),
  /** Where the result will stand; equal to `sourcePath` when the name is kept. Null before planning. */
  targetPath: z.string().nullable(),
  /** The encoded file while it waits for its swap. */
  outputPath: z.string().nullable(),
  /** Where the media server sees the source. */
  serverPath: z.string(),
  sizeBeforeBytes: z.int().nonnegative(),
  sizeAfterBytes: z.int().nonnegative().nullable(),
  /** SHA-256 of the verified output. */
  outputSha256: z.string().nullable(),
  /** The codec the media server should show afterwards; null when the video was copied. */
  outputVideoCodec: z.string().nullable(),
  /** Every stream in a line, of the source and of the verified output. */
  streamsBefore: z.array(z.string()),
  streamsAfter: z.array(z.string()),
  /** Every stream before and after, what changes first. Absent before planning, and in jobs of older versions. */
  streamChanges: z.array(StreamChange).optional(),
  /** Absent before planning, and in jobs of older versions. */
  source: JobSource.optional(),
  /** Milliseconds the encoder ran. */
  encodeMs: z.int().nonnegative().nullable(),
  expectedSavesBytes: z.int().nullable(),
  fingerprint: Fingerprint.nullable(),
  attempt: z.int().positive(),
  /** What the plan does, line by line, for people. */
  planNotes: z.array(z.string()),
  /** The exact ffmpeg command lines, for copying. */
  commands: z.array(z.string()),
  checks: z.array(Check),
  /** Why it waits; only while `queued` or `blocked`. */
  waitsFor: z.string().nullable(),
  quarantineId: z.string().nullable(),
  /** `details` are the words of the program that failed. */
  error: z.object({ code: z.enum(ERROR_CODES), message: z.string(), details: z.string().optional() }).nullable(),
  /** The owner said: replace this one without asking again. */
  approvedToReplace: z.boolean(),
  /** What the media server said about the item just before the swap. */
  serverBefore: ServerSnapshot.nullable(),
  /** A swap that had to be put off is not tried again before this ISO time. */
  nextTryAt: z.string().nullable(),
  /** How often the swap was put off. */
  postponed: z.int().nonnegative(),
  /** When the owner cleared a failed job from the list; null while it stands there. ISO time. */
  clearedAt: z.string().nullable().default(null),
  createdAt: z.string(),
  startedAt: z.string().nullable(),
  finishedAt: z.string().nullable(),
});
export type Job = z.infer<typeof Job>;

/** State -> where it may go next. */
const NEXT: Record<JobState, readonly JobState[]> = {
  queued: ['running', 'blocked', 'cancelled', 'skipped', 'failed'],
  blocked: ['queued', 'cancelled', 'skipped', 'failed'],
  // Back to queued: the program was stopped or the worker went away.
  running: ['verified', 'failed', 'cancelled', 'skipped', 'queued', 'blocked'],
  // Back to queued: the output vanished or the source changed while it waited.
  verified: ['replacing', 'cancelled', 'failed', 'queued', 'skipped'],
  // Back to verified: the swap was undone (file in use, Plex away) and may be tried again.
  replacing: ['done', 'failed', 'verified'],
  done: [],
  failed: ['queued'],
  cancelled: ['queued'],
  skipped: ['queued'],
};

export const isFinished = (state: JobState): boolean => ['done', 'failed', 'cancelled', 'skipped'].includes(state);

/** What an attempt leaves on a job; gone when it is queued again. */
const UNTRIED = {
  stage: null,
  percent: 0,
  workerId: null,
  whyWorker: null,
  weighed: null,
  transferMode: null,
  encoder: null,
  startedAt: null,
  finishedAt: null,
  error: null,
  checks: [],
  outputPath: null,
  outputSha256: null,
  outputVideoCodec: null,
  sizeAfterBytes: null,
  streamsAfter: [],
  encodeMs: null,
  approvedToReplace: false,
  serverBefore: null,
  nextTryAt: null,
  postponed: 0,
  clearedAt: null,
} satisfies Partial<Job>;

/** Moves a job to another state; throws `conflict` when that is no legal step. Clears and sets what belongs to the state. */
export function moveJob(job: Job, state: JobState, at: string, change: Partial<Job> = {}): Job {
  if (!NEXT[job.state].includes(state)) {
    throw new AppError('conflict', `This job is ${job.state} and cannot become ${state}`);
  }
  return {
    ...job,
    waitsFor: null,
    ...(state === 'queued' ? { ...UNTRIED } : {}),
    ...(state === 'running' ? { stage: 'prepare' as const, percent: 0, startedAt: at, error: null } : { stage: null }),
    ...(isFinished(state) ? { finishedAt: at } : {}),
    ...change,
    state,
  };
}

/** How often one file may be tried with one preset before it needs a person. */
export const MAX_ATTEMPTS = 3;

/** What was tried on a file, so that nothing loops. The id is `<localPath>#<sizeBytes>#<presetId>`. */
export const Attempt = z.object({
  id: z.string(),
  failures: z.int().nonnegative(),
  /** The result was refused for a reason that trying again will not change (not smaller, plan refused). */
  isFinal: z.boolean(),
  message: z.string(),
  lastAt: z.string(),
});
export type Attempt = z.infer<typeof Attempt>;

export const attemptId = (localPath: string, sizeBytes: number, presetId: string): string =>
  `${localPath}#${sizeBytes}#${presetId}`;
