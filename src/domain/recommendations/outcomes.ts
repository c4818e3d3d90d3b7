import { isFinished, type Job } from '../jobs/job.js';
import type { SavedByJob } from '../replace/savings.js';

/** What a rule promised and what came of it. Bytes are of jobs that ended well and stayed; the others are counted only. */
export interface Outcome {
  /** Files that were replaced and are still. */
  jobs: number;
  promisedBytes: number;
  achievedBytes: number;
  /** Jobs that failed and were not tried again. */
  failed: number;
  /** Files that were left alone after all, such as when the result was not smaller. */
  skipped: number;
  /** Replaced, and then taken back by the owner. */
  restored: number;
}

const NOTHING: Outcome = { jobs: 0, promisedBytes: 0, achievedBytes: 0, failed: 0, skipped: 0, restored: 0 };

/** Compares what rules promised with what their jobs saved, job by job. Jobs that no rule asked for promise nothing. */
export class Outcomes {
  readonly #byRule = new Map<string, Outcome>();
  readonly #counted = new Map<string, { ruleId: string; outcome: Outcome }>();

  /** Takes in a job as it is now, and what it saved; one that is tried again counts for nothing until it ends. */
  note(job: Job, saved: SavedByJob): void {
    if (job.ruleId === null || job.expectedSavesBytes === null) return;
    const outcome = isFinished(job.state) ? outcomeOf(job, job.expectedSavesBytes, saved) : null;
    this.#count(job.id, outcome && { ruleId: job.ruleId, outcome });
  }

  /** By rule, in no order. */
  byRule(): ReadonlyMap<string, Readonly<Outcome>> {
    return this.#byRule;
  }

  #count(jobId: string, now: { ruleId: string; outcome: Outcome } | null): void {
    const before = this.#counted.get(jobId);
    if (before) this.#add(before.ruleId, before.outcome, -1);
    if (now) {
      this.#counted.set(jobId, now);
      this.#add(now.ruleId, now.outcome, 1);
    } else this.#counted.delete(jobId);
  }

  #add(ruleId: string, outcome: Outcome, sign: 1 | -1): void {
    const sum = addPromises(this.#byRule.get(ruleId) ?? NOTHING, outcome, sign);
    this.#byRule.set(ruleId, sum);
  }
}

function outcomeOf({ state }: Job, promisedBytes: number, saved: SavedByJob): Outcome | null {
  if (state === 'failed') return { ...NOTHING, failed: 1 };
  if (state === 'skipped') return { ...NOTHING, skipped: 1 };
  if (state !== 'done' || saved === null) return null;
  if (saved === 'restored') return { ...NOTHING, restored: 1 };
  return { ...NOTHING, jobs: 1, promisedBytes, achievedBytes: saved };
}

/** Two sums as one; with -1 the second is taken away. */
export const addPromises = (a: Outcome, b: Outcome, sign: 1 | -1 = 1): Outcome => ({
  jobs: a.jobs + sign * b.jobs,
  promisedBytes: a.promisedBytes + sign * b.promisedBytes,
  achievedBytes: a.achievedBytes + sign * b.achievedBytes,
  failed: a.failed + sign * b.failed,
  skipped: a.skipped + sign * b.skipped,
  restored: a.restored + sign * b.restored,
});

/** Achieved as a share of promised, rounded to a thousandth; null when nothing was promised. */
export const promiseRatio = ({ promisedBytes, achievedBytes }: Outcome): number | null =>
  promisedBytes > 0 ? Math.round((achievedBytes / promisedBytes) * 1000) / 1000 : null;
