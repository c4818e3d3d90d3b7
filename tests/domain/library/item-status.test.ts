import { expect } from 'chai';
import { mostUrgent, statusOfFile, type FileRecord } from '../../../src/domain/library/item-status.js';
import { aFile, aJob, aRecommendation } from '../../support/builders.js';

const FILE = aFile();
const OPEN = aRecommendation();
const LINKED = aJob({
  state: 'skipped',
  finishedAt: '2026-02-01T00:00:00.000Z',
  error: { code: 'file_linked', message: 'It is hard-linked to another name. Replacing it would free nothing.' },
});

const say = (known: Partial<FileRecord>, file = FILE) =>
  statusOfFile(file, { excluded: null, jobs: [], recommendations: [], isRestored: () => false, ...known });

describe('the last word about a file', () => {
  it('is why it was skipped, whatever else is recommended, until the file is another', () => {
    const skipped = say({ jobs: [LINKED], recommendations: [OPEN] });
    expect(skipped).to.include({ state: 'skipped', code: 'file_linked', jobId: 'job-1' });
    expect(skipped.reason).to.contain('hard-linked');
    const changed = aFile({ sizeBytes: 1e9 });
    expect(say({ jobs: [LINKED], recommendations: [OPEN] }, changed).state).to.equal('suggested');
  });

  it('is the job that has not ended, then the exclusion, then how the last job ended', () => {
    const excluded = { id: FILE.id, title: 'A Film', note: 'Keeps its grain', at: '2026-02-02' };
    const all = { jobs: [LINKED], recommendations: [OPEN], excluded };
    const states = (['running', 'replacing', 'verified', 'queued', 'blocked'] as const).map(
      (state) => say({ ...all, jobs: [LINKED, aJob({ id: 'job-2', state })] }).state,
    );
    expect(states).to.deep.equal(['running', 'running', 'ready', 'waiting', 'waiting']);
    expect(say(all)).to.include({ state: 'excluded', reason: 'Keeps its grain' });
    const failed = aJob({ id: 'job-3', state: 'failed', finishedAt: '2026-03-01', error: { code: 'no_space', message: 'Full.' } }); // prettier-ignore
    expect(say({ ...all, excluded: null, jobs: [failed, LINKED] })).to.include({ state: 'failed', reason: 'Full.' });
    expect(say({ jobs: [{ ...failed, clearedAt: '2026-03-02' }], recommendations: [OPEN] }).state).to.equal(
      'suggested',
    );
  });

  it('is done unless the new file has a recommendation or the original is back', () => {
    const done = aJob({ state: 'done', finishedAt: '2026-02-01', sizeAfterBytes: 6e9 });
    expect(say({ jobs: [done] })).to.include({
      state: 'done',
      reason: 'It was replaced by a file that is 50 % smaller.',
    });
    expect(say({ jobs: [done], recommendations: [OPEN] }).state).to.equal('suggested');
    expect(say({ jobs: [done], isRestored: () => true })).to.include({ state: 'nothing', reason: 'Its original was restored.' }); // prettier-ignore
  });

  it('says why there is nothing', () => {
    const why = (change: Parameters<typeof aRecommendation>[0]): string => say({ recommendations: [aRecommendation(change)] }).reason; // prettier-ignore
    expect(say({}).reason).to.equal('No rule recommends anything for it.');
    expect(why({ state: 'snoozed', snoozedUntil: '2026-05-01T00:00:00.000Z' })).to.contain('2026-05-01');
    expect(why({ state: 'dismissed', note: 'Good as it is' })).to.contain('Good as it is');
    expect(say({ jobs: [aJob({ state: 'cancelled' })] }).reason).to.contain('cancelled');
  });

  it('is the most urgent one for an item with several files', () => {
    const [skipped, open] = [say({ jobs: [LINKED] }), say({ recommendations: [OPEN] })];
    expect(mostUrgent([skipped, open]).state).to.equal('suggested');
    expect(mostUrgent([]).state).to.equal('nothing');
  });
});
