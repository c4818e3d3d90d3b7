import { isFinished, type Job } from '../jobs/job.js';

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
  readonly #restored = new Set<string>();

  /** Takes in a job as it is now; one that is tried again counts for nothing until it ends. */
  note(job: Job): void {
    if (job.ruleId === null || job.expectedSavesBytes === null) return;
    const outcome = isFinished(job.state) ? this.#outcomeOf(job, job.expectedSavesBytes) : null;
    this.#count(job.id, outcome && { ruleId: job.ruleId, outcome });
  }

  /** The original of this job's file stands in its place again. */
  noteRestored(jobId: string): void {
    this.#restored.add(jobId);
    const before = this.#counted.get(jobId);
    if (before?.outcome.jobs) this.#count(jobId, { ...before, outcome: { ...NOTHING, restored: 1 } });
  }

  /** By rule, in no order. */
  byRule(): ReadonlyMap<string, Readonly<Outcome>> {
    return this.#byRule;
  }

  #outcomeOf({ id, state, sizeBeforeBytes, sizeAfterBytes }: Job, promisedBytes: number): Outcome | null {
    if (state === 'failed') return { ...NOTHING, failed: 1 };
    if (state === 'skipped') return { ...NOTHING, skipped: 1 };
    if (state !== 'done' || sizeAfterBytes === null) return null;
    if (this.#restored.has(id)) return { ...NOTHING, restored: 1 };
    return { ...NOTHING, jobs: 1, promisedBytes, achievedBytes: sizeBeforeBytes - sizeAfterBytes };
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
