import type { Job } from '../../domain/jobs/job.js';
import type { Context } from '../action.js';

/** A job as it is at this moment: while it runs, how far its stage is, which is never stored. */
export function liveJob({ queue }: Pick<Context, 'queue'>, job: Job): Job {
  const progress = job.state === 'running' ? queue.progress(job.id) : null;
  return progress === null ? job : { ...job, percent: progress.percent };
}
