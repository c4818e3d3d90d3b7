import { expect } from 'chai';
import { resolve } from 'node:path';
import { openPresets } from '../../../src/catalog/presets.js';
import type { Job } from '../../../src/domain/jobs/job.js';
import type { Presets } from '../../../src/domain/presets/presets.js';
import type { Receipt } from '../../../src/domain/replace/receipt.js';
import type { Recommendation } from '../../../src/domain/recommendations/recommendation.js';
import { Analyzer } from '../../../src/engine/recommendations/analyze.js';
import { Estimates } from '../../../src/engine/recommendations/estimates.js';
import { Learning } from '../../../src/engine/recommendations/learning.js';
import { SavingsLedger } from '../../../src/engine/replace/savings-ledger.js';
import { newId } from '../../../src/lib/ids.js';
import { createLog } from '../../../src/lib/log.js';
import { aFile, aJob, anOriginal, aReceipt, aRecommendation } from '../../support/builders.js';
import { film, World } from '../../support/library-world.js';

const source = { codec: 'h264', width: 1920, height: 1080, fps: 24, durationSec: 3600 };

/** A finished job whose result took 30 % of its source. */
const done = (id: string, change: Partial<Job> = {}): Job =>
  aJob({
    id,
    state: 'done',
    source,
    outputVideoCodec: 'hevc',
    sizeBeforeBytes: 10e9,
    sizeAfterBytes: 3e9,
    expectedSavesBytes: 5e9,
    encodeMs: 1_800_000,
    workerId: 'local',
    finishedAt: '2026-02-01T00:00:00.000Z',
    ...change,
  });

describe('learning', () => {
  let world: World;
  let presets: Presets;
  let learning: Learning;
  let estimates: Estimates;
  const log = createLog('silent');

  const open = async (): Promise<void> => {
    const { store, bus } = world;
    const savings = new SavingsLedger({ store, log });
    learning = new Learning({ store, bus, log, presets, savings });
    estimates = new Estimates({
      store,
      bus,
      log,
      presets,
      learning,
      membersOf: (group) => world.analyzer.membersOf(group, 'batch'),
    });
    learning.start();
    estimates.start();
    await estimates.settled();
  };
  const close = async (): Promise<void> => {
    await estimates.stop();
    await learning.stop();
  };
  const saving = () => estimates.saving(aFile(), presets.get('balanced'));

  beforeEach(async () => {
    world = await World.open();
    presets = await openPresets({ builtInDir: resolve(import.meta.dirname, '../../../presets'), userDir: null });
  });
  afterEach(async () => {
    await close();
    await world.close();
  });

  it('counts what was finished before it started', async () => {
    await world.store.jobs.putMany([done('1'), done('2'), done('3')]);
    await open();
    expect(saving()).to.include({ basis: 'learned', samples: 3, savesBytes: 8.4e9, confidence: 'medium' });
    const { seconds, confidence } = learning.timeFor([aFile(), aFile()], presets.get('balanced'));
    expect(confidence).to.equal('medium');
    expect(seconds).to.be.closeTo((2 * 1800 * 6600 * 23.976) / (3600 * 24), 1);
    expect(estimates.seconds(aFile(), presets.get('balanced')).basis).to.equal('measured');
  });

  it('takes in each job once when it ends, and none twice', async () => {
    await open();
    for (const id of ['1', '2', '2', '2']) world.bus.emit('job.changed', done(id));
    world.bus.emit('job.changed', done('3', { state: 'running' }));
    expect(saving().basis).to.equal('pair');
    world.bus.emit('job.changed', done('3'));
    expect(saving()).to.include({ basis: 'learned', samples: 3 });
  });

  it('knows no more after a restart than before', async () => {
    await open();
    for (const id of ['1', '2', '3', '4']) {
      await world.store.jobs.put(done(id));
      world.bus.emit('job.changed', done(id));
    }
    const before = saving();
    await close();
    await open();
    expect(saving()).to.deep.equal(before);
  });

  it('reaches the recommendations at the next look, and changes none when nothing was learned since', async () => {
    await open();
    const { store, bus, now, rules, automation } = world;
    const analyzer = new Analyzer({ store, bus, log, now, newId, rules, presets, automation, learned: learning });
    rules.rules.set('big', () => ({ kind: 'transcode', preset: 'balanced', severity: 'low', reason: 'Large.' }));
    await store.library.put(film('1', { file: { localPath: '/local/1.mkv' } }));
    await analyzer.start();
    const row = (): Recommendation => store.recommendations.get('01234567-1.p1.big');
    await analyzer.items(['01234567-1'], 'webhook');
    expect(row().basis).to.equal('pair');
    for (const id of ['1', '2', '3']) bus.emit('job.changed', done(id));
    expect(await analyzer.items(['01234567-1'], 'webhook')).to.include({ added: 0, changed: 1 });
    expect(row()).to.include({ basis: 'learned', savesBytes: 8.4e9 });
    expect(await analyzer.items(['01234567-1'], 'webhook')).to.include({ changed: 0 });
    await analyzer.stop();
  });

  it('follows what is open, and forgets what was decided', async () => {
    await world.store.recommendations.put(aRecommendation({ id: 'a' }));
    await open();
    expect(await estimates.open(10)).to.include({ findings: 1, savesBytes: 6e9 });
    await world.store.recommendations.put(aRecommendation({ id: 'b', ruleId: 'other', savesBytes: 7e9 }));
    world.bus.emit('recommendation.changed', { ids: ['b'] });
    const both = await estimates.open(1);
    expect(both).to.include({ findings: 2, files: 1, savesBytes: 7e9 });
    expect(both.top.map(({ id }) => id)).to.deep.equal(['b']);
    await world.store.recommendations.patch('b', { state: 'dismissed' });
    world.bus.emit('recommendation.changed', { ids: ['b'] });
    expect(await estimates.open(10)).to.include({ findings: 1, savesBytes: 6e9 });
  });

  it('adds up what is chosen, each file once, whether a rule names it by itself or in a group', async () => {
    const { store, analyzer, bus } = world;
    for (const key of ['1', '2', '3']) {
      await store.library.put(film(key, { file: { localPath: `/local/${key}.mkv`, sizeBytes: 10e9 } }));
      bus.emit('library.changed', { itemIds: [`01234567-${key}`] });
    }
    await analyzer.settled();
    await open();
    const one = { itemId: '01234567-1', fileId: 'p1', savesLowBytes: 1e9, savesHighBytes: 8e9 };
    const group = { codec: 'h264', resolution: '1080', files: 3 } as const;
    await store.recommendations.putMany([
      aRecommendation({ ...one, id: 'a', ruleId: 'a', savesBytes: 5e9 }),
      aRecommendation({ ...one, id: 'b', ruleId: 'b', savesBytes: 7e9 }),
      aRecommendation({
        id: 'g',
        itemId: '',
        fileId: '',
        ruleId: 'batch',
        group,
        fileSizeBytes: 30e9,
        savesBytes: 15e9,
      }),
    ]);
    const single = await estimates.forRecommendations(['a', 'b', 'b', 'gone']);
    expect(single).to.include({ files: 1, savesBytes: 7e9, lowBytes: 1e9, workerTitle: 'this machine' });
    const alone = estimates.seconds(aFile(), presets.get('balanced')).seconds;
    expect(single.seconds).to.be.closeTo(alone, 1);
    const all = await estimates.forRecommendations(['a', 'b', 'g']);
    expect(all).to.include({ files: 3, savesBytes: 17e9 });
    expect(all.seconds).to.be.closeTo(alone * 3, 2);
    expect(await estimates.forRecommendations([])).to.include({ files: 0, savesBytes: 0, seconds: 0 });
  });

  it('compares promises with what came of them, and hears of originals that are put back', async () => {
    const { jobs, receipts, quarantine } = world.store;
    await jobs.putMany([done('1'), done('2', { state: 'failed' }), done('3')]);
    const [first, second, third] = ['1', '2', '3'].map((id) => aReceipt(done(id))) as [Receipt, Receipt, Receipt];
    await receipts.putMany([first, third]);
    await quarantine.putMany([anOriginal(first), anOriginal(third, { state: 'restored' })]);
    await open();
    const kept = async () => (await estimates.promises()).get('codec-modernization');
    expect(await kept()).to.include({ jobs: 1, promisedBytes: 5e9, achievedBytes: 7e9, failed: 1, restored: 1 });
    await receipts.put(second);
    world.bus.emit('job.changed', done('2'));
    expect(await kept()).to.include({ jobs: 2, failed: 0, achievedBytes: 14e9 });
    await quarantine.patch(first.quarantineId, { state: 'restored' });
    world.bus.emit('quarantine.changed', { ids: [first.quarantineId] });
    expect(await kept()).to.include({ jobs: 1, promisedBytes: 5e9, achievedBytes: 7e9, restored: 2 });
  });
});
