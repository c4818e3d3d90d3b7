import { expect } from 'chai';
import { listRuns } from '../../../src/actions/recommendations/runs.js';
import { showSavings, showSummary } from '../../../src/actions/recommendations/savings.js';
import type { Run } from '../../../src/domain/recommendations/run.js';
import { aJob, anItem, aReceipt, aRecommendation } from '../../support/builders.js';
import { startWeb } from '../../support/web.js';

type Web = Awaited<ReturnType<typeof startWeb>>;

const run = (change: Partial<Run> = {}): Run => ({
  id: 'run-1',
  kind: 'analysis',
  mode: 'full',
  trigger: 'owner',
  sectionId: null,
  startedAt: '2026-02-01T10:00:00.000Z',
  finishedAt: '2026-02-01T10:00:02.000Z',
  items: 1,
  added: 1,
  changed: 0,
  removed: 2,
  findings: 1,
  error: null,
  ...change,
});

describe('history, summary and savings', () => {
  let web: Web;
  before(async () => {
    web = await startWeb();
  });
  after(() => web.stop());

  it('lists analyses, newest first, older rows without figures included, and no syncs', async () => {
    const later = '2026-02-02T10:00:00.000Z';
    await web.context.store.runs.putMany([
      run(),
      run({ id: 'run-2', startedAt: later, finishedAt: null, savesBytes: 7, ruleIds: ['mine'] }),
      run({ id: 'run-3', kind: 'sync' }),
    ]);
    const { items, total } = await listRuns(web.context, { page: 1, pageSize: 50 });
    expect(total).to.equal(2);
    expect(items[0]).to.include({ id: 'run-2', durationMs: null, savesBytes: 7 });
    expect(items[0]?.ruleTitles).to.deep.equal(['mine']);
    expect(items[1]).to.include({ id: 'run-1', durationMs: 2000, savesBytes: 0, closed: 2, runs: 1 });
    const second = await listRuns(web.context, { page: 2, pageSize: 1 });
    expect(second.items.map(({ id }) => id)).to.deep.equal(['run-1']);
  });

  it('sums up what is open, by rule and severity, with the most worthwhile first', async () => {
    const { store, bus } = web.context;
    await store.library.put(anItem());
    await store.recommendations.putMany([
      aRecommendation({ id: 'a', ruleId: 'a', savesBytes: 5e9, basis: 'learned', priority: 90 }),
      aRecommendation({ id: 'b', ruleId: 'b', savesBytes: 6e9, severity: 'high' }),
      aRecommendation({ id: 'c', ruleId: 'c', state: 'dismissed' }),
    ]);
    bus.emit('recommendation.changed', { ids: ['a', 'b', 'c'] });
    const summary = await showSummary(web.context, {});
    expect(summary).to.include({ findings: 2, files: 1, savesBytes: 6e9, learnedPercent: 50 });
    expect(summary.byRule.map(({ ruleId }) => ruleId)).to.deep.equal(['b', 'a']);
    expect(summary.bySeverity.map(({ findings }) => findings)).to.deep.equal([1, 1, 0]);
    expect(summary.top.map(({ id, title }) => [id, title])).to.deep.equal([
      ['a', 'A Film (1999)'],
      ['b', 'A Film (1999)'],
    ]);
  });

  it('compares what rules promised with what was saved', async () => {
    const job = aJob({ id: 'done', state: 'done', sizeBeforeBytes: 10, sizeAfterBytes: 1, expectedSavesBytes: 10 });
    await web.context.store.receipts.put(aReceipt(job));
    web.context.bus.emit('job.changed', job);
    const { total, byRule } = await showSavings(web.context, {});
    expect(total).to.include({ jobs: 1, promisedBytes: 10, achievedBytes: 9, ratio: 0.9 });
    expect(byRule[0]).to.include({ ruleId: 'codec-modernization', ratio: 0.9 });
  });
});
