import { z } from 'zod';
import { causeOf, FailureCauseId, aboutCause } from '../../domain/jobs/failure-cause.js';
import type { Job } from '../../domain/jobs/job.js';
import { stateOf } from '../../store/row-keys.js';
import { action, type Context } from '../action.js';
import { latestFirst } from './jobs.js';

/** Failed jobs with one cause. */
export const FailureGroup = z.object({
  cause: FailureCauseId,
  title: z.string(),
  fix: z.string(),
  count: z.int(),
});
export type FailureGroup = z.infer<typeof FailureGroup>;

/** Every job that failed and was not cleared, the latest first. */
export const failedJobs = ({ store }: Pick<Context, 'store'>): Job[] =>
  store.jobs
    .by(stateOf)
    .of('failed')
    .filter(({ clearedAt }) => clearedAt === null)
    .sort(latestFirst);

/** The failed jobs by cause, the most frequent first; within a cause the latest first. */
export function failuresByCause(jobs: readonly Job[]): (FailureGroup & { jobs: Job[] })[] {
  const groups = new Map<FailureCauseId, Job[]>();
  for (const job of jobs) {
    const cause = causeOf(job.error);
    const group = groups.get(cause) ?? [];
    group.push(job);
    groups.set(cause, group);
  }
  return [...groups]
    .map(([cause, of]) => ({ cause, ...aboutCause(cause), count: of.length, jobs: of }))
    .sort((a, b) => b.count - a.count);
}

/** Why jobs failed, with what can be done about each cause. */
export const listFailures = action(
  {
    summary: 'List failed jobs by cause, with what can be done about each',
    input: z.object({}),
    output: z.object({ items: z.array(FailureGroup.extend({ jobIds: z.array(z.string()) })) }),
  },
  (ctx) => ({
    items: failuresByCause(failedJobs(ctx)).map(({ jobs, ...group }) => ({
      ...group,
      jobIds: jobs.map(({ id }) => id),
    })),
  }),
);
