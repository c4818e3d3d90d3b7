import { expect } from 'chai';
import type { Job } from '../../src/domain/jobs/job.js';
import { inQueue } from '../../src/store/row-keys.js';
import { aJob } from '../support/builders.js';
import { Stage } from '../support/stage.js';

describe('the order of the queue', () => {
  let stage: Stage;
  before(async () => {
    stage = await Stage.set({ webhook: false });
    await stage.startApp();
    await stage.api('POST', '/api/transcode/queue/pause');
  });
  after(() => stage.strike());

  const jobs = () => {
    if (!stage.app) throw new Error('MediaFlow does not run');
    return stage.app.context.store.jobs;
  };
  const order = (): string => jobs().sorted(inQueue).map(({ id }) => id).join(' '); // prettier-ignore
  const move = (id: string, where: string): Promise<Job> =>
    stage.api('POST', `/api/transcode/jobs/${id}/move`, { where });

  it('is changed by writing one job a move, and takes two moves at once one after the other', async () => {
    for (const id of ['a', 'b', 'c', 'd']) await jobs().put(aJob({ id, sourcePath: `/films/${id}.mkv` }));
    expect(order()).to.equal('a b c d');
    const before = new Map([...jobs().values()].map((job) => [job.id, job]));
    await Promise.all([move('d', 'top'), move('c', 'top')]);
    expect(order()).to.equal('c d a b');
    const written = [...jobs().values()].filter((job) => before.get(job.id) !== job).map(({ id }) => id);
    expect(written).to.have.members(['c', 'd']);
    await Promise.all([move('a', 'up'), move('a', 'up'), move('b', 'top')]);
    expect(order()).to.equal('b a c d');
  });

  it('is that of waiting jobs only', async () => {
    await jobs().put(aJob({ id: 'e', sourcePath: '/films/e.mkv', state: 'verified' }));
    const { status, json } = await stage.ask('POST', '/api/transcode/jobs/e/move', { where: 'top' });
    expect(status).to.equal(409);
    expect(JSON.stringify(json)).to.contain('Only a waiting job can be moved');
    expect(order()).not.to.contain('e');
  });
});
