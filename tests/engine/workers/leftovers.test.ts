import { expect } from 'chai';
import type { Events } from '../../../src/domain/events.js';
import type { Job } from '../../../src/domain/jobs/job.js';
import { Leftovers } from '../../../src/engine/workers/leftovers.js';
import { Bus } from '../../../src/lib/bus.js';
import type { Store } from '../../../src/store/store.js';
import { aJob } from '../../support/builders.js';

describe('what a job leaves on a worker', () => {
  const leftOn = (workerId: string): Partial<Job> => ({
    leftOn: { workerId, workKey: 'k1', hasSource: true, percent: 0 },
  });
  let bus: Bus<Events>;
  let swept: string[];
  let leftovers: Leftovers;
  beforeEach(() => {
    bus = new Bus<Events>(() => undefined);
    swept = [];
    const known = [aJob({ id: 'job-0', state: 'queued', ...leftOn('attic') })];
    leftovers = new Leftovers({
      store: { jobs: { values: () => known.values() } } as unknown as Store,
      bus,
      forget: ({ workerId, jobId, workKey }) => Promise.resolve(void swept.push(`${workerId} ${jobId}.${workKey}`)),
    });
    leftovers.start();
  });
  afterEach(() => {
    leftovers.stop();
  });
  const change = (values: Partial<Job>): void => {
    bus.emit('job.changed', aJob({ id: 'job-1', state: 'running', workerId: 'attic', ...values }));
  };

  it('is taken away when the job goes on elsewhere', () => {
    change(leftOn('attic'));
    change({ ...leftOn('attic'), state: 'queued' });
    expect(swept).to.deep.equal([]);
    change({ ...leftOn('shed'), workerId: 'shed' });
    expect(swept).to.deep.equal(['attic job-1.k1']);
  });

  it('is taken away when the job ends here, or is cancelled', () => {
    change(leftOn('attic'));
    change({ leftOn: null, workerId: 'local' });
    change(leftOn('shed'));
    change({ ...leftOn('shed'), state: 'cancelled' });
    bus.emit('job.changed', aJob({ id: 'job-0', state: 'cancelled', ...leftOn('attic') }));
    expect(swept).to.deep.equal(['attic job-1.k1', 'shed job-1.k1', 'attic job-0.k1']);
  });

  it('is nothing where it was encoded to its end', () => {
    change(leftOn('attic'));
    change({ leftOn: null });
    change({ leftOn: null, state: 'done' });
    expect(swept).to.deep.equal([]);
  });
});
