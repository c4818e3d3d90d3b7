import { expect } from 'chai';
import { isFinished, JobState, moveJob } from '../../../src/domain/jobs/job.js';
import { aJob } from '../../support/builders.js';

const AT = '2026-11-23T10:00:00.000Z';

describe('moveJob', () => {
  it('walks the whole way of a job', () => {
    let job = aJob();
    for (const state of ['running', 'verified', 'replacing', 'done'] as const) job = moveJob(job, state, AT);
    expect(job).to.include({ state: 'done', startedAt: AT, finishedAt: AT, stage: null });
  });

  for (const state of JobState.options) {
    it(`never lets a job that is done become ${state}`, () => {
      expect(() => moveJob(aJob({ state: 'done' }), state, AT)).to.throw('This job is done');
    });
  }

  it('starts afresh when it is queued again', () => {
    const failed = aJob({
      state: 'failed',
      finishedAt: AT,
      error: { code: 'encode_failed', message: 'x' },
      percent: 40,
    });
    expect(moveJob(failed, 'queued', AT)).to.include({ state: 'queued', error: null, percent: 0, finishedAt: null });
  });

  it('knows which states are the end', () => {
    expect(JobState.options.filter(isFinished)).to.deep.equal(['done', 'failed', 'cancelled', 'skipped']);
  });
});
