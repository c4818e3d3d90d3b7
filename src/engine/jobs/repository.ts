import type { AppError } from '../../domain/errors.js';
import { attemptId, isFinished, moveJob, type Job, type JobState } from '../../domain/jobs/job.js';
import type { Recommendation } from '../../domain/recommendations/recommendation.js';
import type { QueueParts } from './parts.js';

const UNEXPECTED =
  'Something unexpected failed inside MediaFlow. Try again; if it fails again, report what its log says.';

/** Ends that trying again with the same file and preset cannot change. */
const FINAL: ReadonlySet<string> = new Set(['plan_refused', 'not_smaller']);

/** Where jobs change state: row, event, attempt ledger and recommendation in one turn. */
export class JobRepository {
  readonly #parts: Pick<QueueParts, 'store' | 'bus' | 'now'>;

  constructor(parts: Pick<QueueParts, 'store' | 'bus' | 'now'>) {
    this.#parts = parts;
  }

  /** Throws `not_found`. */
  get(id: string): Job {
    return this.#parts.store.jobs.get(id);
  }

  /** Moves a job on; resolves when it is on disk. Throws `conflict` for an illegal step and `no_space` when the disk is full. */
  async move(id: string, state: JobState, change: Partial<Job> = {}): Promise<Job> {
    const { store, bus, now } = this.#parts;
    const at = now().toISOString();
    const job = moveJob(store.jobs.get(id), state, at, change);
    const writes: Promise<unknown>[] = [store.jobs.put(job)];
    if (state === 'failed' || state === 'skipped') writes.push(this.#note(job, at));
    if (isFinished(state)) writes.push(...this.#settleRecommendation(job, at));
    await Promise.all(writes);
    bus.emit('job.changed', job);
    bus.emit('queue.changed', {});
    if (state === 'done') bus.emit('job.completed', job);
    if (state === 'failed') bus.emit('job.failed', job);
    return job;
  }

  /** Changes fields without changing the state. */
  async patch(id: string, change: Partial<Omit<Job, 'state' | 'id'>>): Promise<Job> {
    const job = await this.#parts.store.jobs.patch(id, change);
    this.#parts.bus.emit('job.changed', job);
    return job;
  }

  /** Ends a job with an error. */
  async end(id: string, state: 'failed' | 'skipped' | 'cancelled', error: AppError): Promise<Job> {
    return this.move(id, state, { error: toJobError(error), outputPath: null });
  }

  /** So that nothing loops: what ended badly is remembered by file and preset. */
  #note(job: Job, at: string): Promise<unknown> {
    const { attempts } = this.#parts.store;
    const id = attemptId(job.sourcePath, job.sizeBeforeBytes, job.presetId);
    const code = job.error?.code ?? 'internal';
    const failures = (attempts.find(id)?.failures ?? 0) + 1;
    return attempts.put({ id, failures, isFinal: FINAL.has(code), message: job.error?.message ?? code, lastAt: at });
  }

  /** A finding whose job led nowhere comes back only when the file changes; a failed one waits for the owner's retry. */
  #settleRecommendation(job: Job, at: string): Promise<unknown>[] {
    const { store, bus } = this.#parts;
    const found = job.recommendationId === null ? null : store.recommendations.find(job.recommendationId);
    if (found?.state !== 'approved' || job.state === 'failed') return [];
    const change: Partial<Recommendation> =
      job.state === 'done'
        ? { state: 'closed', note: 'Done: the file was replaced.' }
        : { state: 'dismissed', note: job.error?.message ?? 'Its job was cancelled.' };
    const write = store.recommendations.patch(found.id, { ...change, changedAt: at });
    const tell = (): void => {
      bus.emit('recommendation.changed', { ids: [found.id] });
    };
    return [write.then(tell)];
  }
}

/** What the owner reads about an error, apart from the words of programs and of our own faults. */
function toJobError({ code, message, details }: AppError): NonNullable<Job['error']> {
  if (code === 'internal') return { code, message: UNEXPECTED, details: message };
  return { code, message, ...(details === '' ? {} : { details }) };
}
