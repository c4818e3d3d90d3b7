import { expect } from 'chai';
import { AppError } from '../../../src/domain/errors.js';
import { collectFacts } from '../../../src/domain/rules/facts.js';
import type { Facts, RuleSetting, Subject } from '../../../src/domain/rules/rule.js';
import { aJob } from '../../support/builders.js';
import { film, World } from '../../support/library-world.js';

const transcode = (reason = 'Too large.') =>
  ({ kind: 'transcode', preset: 'balanced', severity: 'medium', reason }) as const;

describe('analysis', () => {
  let world: World;
  /** What the rule `big` flags. */
  let isBig: (subject: Subject) => boolean;
  beforeEach(async () => {
    world = await World.open();
    isBig = () => true;
    world.rules.rules.set('big', (subject) => (isBig(subject) ? transcode() : null));
    await put('1');
  });
  afterEach(() => world.close());

  const put = (key: string, change: Parameters<typeof film>[1] = {}) => {
    const item = film(key, change);
    return world.store.library.put({
      ...item,
      files: item.files.map((file) => ({ ...file, localPath: file.localPath ?? `/local/${key}.mkv` })),
    });
  };
  const look = async (...ids: string[]) => {
    const run = await world.analyzer.items(ids.length > 0 ? ids : ['01234567-1'], 'owner');
    await world.automation.idle();
    return run;
  };
  const found = (rule = 'big', key = '1') => world.store.recommendations.get(`01234567-${key}.p${key}.${rule}`);
  const set = async (id: string, mode: RuleSetting['mode'], options = {}): Promise<void> => {
    await world.store.rules.put({ id, mode, options });
    world.bus.emit('rule.changed', { ids: [id] });
  };

  it('keeps a finding with its estimate and priority', async () => {
    const run = await look();
    expect(run).to.include({ kind: 'analysis', mode: 'items', items: 1, findings: 1, added: 1, error: null });
    const row = found();
    expect(row).to.include({ state: 'open', kind: 'transcode', presetId: 'balanced', reason: 'Too large.' });
    expect(row.savesBytes).to.be.within(1e9, 12e9);
    expect(row.savesLowBytes).to.be.lessThan(row.savesBytes);
    expect(row.priority).to.be.within(1, 100);
    expect(await look()).to.include({ added: 0, changed: 0 });
    expect(found()).to.equal(row);
  });

  it('closes a finding that no longer holds, with the reason, and opens it again when it does', async () => {
    await look();
    isBig = () => false;
    await look();
    expect(found()).to.include({ state: 'closed', note: 'The rule no longer recommends it.' });
    isBig = () => true;
    await look();
    expect(found()).to.include({ state: 'open', note: null });
  });

  it('lets dismissed ones rest until the file changes', async () => {
    await look();
    await world.store.recommendations.patch(found().id, { state: 'dismissed', note: 'No.' });
    await look();
    expect(found()).to.include({ state: 'dismissed', note: 'No.' });
    await put('1', { file: { sizeBytes: 20e9 } });
    await look();
    expect(found()).to.include({ state: 'open', fileSizeBytes: 20e9 });
  });

  it('brings snoozed ones back when they are due', async () => {
    await look();
    const until = new Date(world.nowMs + 86_400_000).toISOString();
    await world.store.recommendations.patch(found().id, { state: 'snoozed', snoozedUntil: until });
    await look();
    expect(found().state).to.equal('snoozed');
    world.nowMs += 2 * 86_400_000;
    await world.stop();
    await world.start();
    expect(found()).to.include({ state: 'open', snoozedUntil: null });
  });

  it('leaves approved ones to their job, and closes them when the file is another one', async () => {
    await look();
    const job = await world.store.jobs.put(aJob({ state: 'running' }));
    await world.store.recommendations.patch(found().id, { state: 'approved', jobId: job.id });
    isBig = () => false;
    await look();
    expect(found().state).to.equal('approved');
    await put('1', { file: { id: 'p-new' } });
    await look();
    expect(found().state).to.equal('approved');
    await world.store.jobs.put({ ...job, state: 'done', finishedAt: world.now().toISOString() });
    await look();
    expect(found()).to.include({ state: 'closed', note: 'The file was replaced or removed.' });
  });

  it('does not find again what was just replaced and is still described as it was', async () => {
    await look();
    await world.store.recommendations.patch(found().id, { state: 'closed', jobId: 'job-1', note: 'Done' });
    await look();
    expect(found().state).to.equal('closed');
    await put('1', { file: { sizeBytes: 5e9 } });
    await look();
    expect(found().state).to.equal('open');
  });

  it('looks at the whole library, and closes what belongs to nothing', async () => {
    for (let n = 2; n < 12; n++) await put(String(n));
    isBig = ({ item }) => item.ratingKey !== '5';
    const run = await world.analyzer.library('owner');
    expect(run).to.include({ mode: 'full', items: 11, findings: 10, added: 10 });
    expect(world.store.runs.get(run.id)).to.deep.equal(run);
    await world.store.library.remove('01234567-3');
    expect(await world.analyzer.library('owner')).to.include({ removed: 1 });
    expect(found('big', '3').note).to.match(/no longer in the library/);
  });

  it('says so when the disk refuses some of what was found, and keeps the rest', async () => {
    for (const key of ['2', '3', '4', '5', '6', '7', '8', '9']) await put(key);
    const evaluateMany = world.rules.evaluateMany.bind(world.rules);
    // One file a part: several of them are on their way to the disk together.
    world.rules.evaluateMany = async function* (subjects, calls) {
      for (const subject of subjects) yield* evaluateMany([subject], calls);
    };
    const { recommendations } = world.store;
    const put_ = recommendations.putMany.bind(recommendations);
    recommendations.putMany = (rows, options) =>
      rows.some(({ itemId }) => itemId === '01234567-8')
        ? Promise.reject(new AppError('no_space', 'The disk is full.'))
        : put_(rows, options);
    const run = await world.analyzer.library('owner');
    expect(run).to.include({ error: 'The disk is full.', findings: 8 });
    expect(recommendations.size).to.equal(8);
  });

  it('refuses a second analysis of the library at the same time', async () => {
    const first = world.analyzer.library('owner');
    const error = await world.analyzer.library('owner').catch((e: unknown) => e);
    expect(error).to.be.instanceOf(AppError).with.property('code', 'conflict');
    await first;
  });

  it('takes findings along when a rule is switched off, and looks again when it is changed', async () => {
    await look();
    await set('big', 'off');
    await world.until(() => found().state === 'closed');
    expect(found().note).to.match(/switched off/);
    await look();
    expect(found().state).to.equal('closed');
    await set('big', 'recommend');
    await world.until(() => found().state === 'open');
  });

  it('answers yes and no about one item without changing anything', async () => {
    world.rules.rules.set('never', () => null);
    await set('big', 'off');
    const decisions = await world.analyzer.decide('01234567-1');
    expect(decisions.map(({ ruleId, finding }) => [ruleId, finding !== null])).to.deep.equal([
      ['big', true],
      ['never', false],
    ]);
    expect(world.store.recommendations.size).to.equal(0);
    const error = await world.analyzer.decide('nothing').catch((e: unknown) => e);
    expect(error).to.have.property('code', 'not_found');
  });

  it('tries a rule without changing anything', async () => {
    await put('2');
    world.rules.rules.set('least', ({ item }, { key }) =>
      item.ratingKey === key ? transcode(`Key ${item.ratingKey}`) : null,
    );
    const result = await world.analyzer.try({ ruleId: 'least', options: { key: '2' } });
    expect(result).to.deep.include({ matches: 1, looked: 2 });
    expect(result.savesBytes).to.be.greaterThan(1e9);
    expect(result.samples).to.have.length(1);
    expect(result.samples[0]).to.include({ itemId: '01234567-2', title: 'Film 2 (1999)', reason: 'Key 2' });
    const one = await world.analyzer.try({ ruleId: 'least', options: { key: '2' }, itemId: '01234567-1' });
    expect(one).to.deep.include({ matches: 0, looked: 1 });
    expect(world.store.recommendations.size).to.equal(0);
  });

  it('knows the facts of the library after every change', async () => {
    const seen: unknown[] = [];
    const evaluateMany = world.rules.evaluateMany.bind(world.rules);
    world.rules.evaluateMany = (subjects, calls, ...rest: unknown[]) => {
      seen.push((rest[0] as Facts).snapshot);
      return evaluateMany(subjects, calls);
    };
    await put('2', { file: { video: { codec: 'vc1' } } });
    world.bus.emit('library.changed', { itemIds: ['01234567-2'] });
    await look();
    await world.store.library.remove('01234567-2');
    world.bus.emit('library.changed', { itemIds: ['01234567-2'] });
    await look();
    expect(seen).to.deep.equal([
      collectFacts([film('1'), film('2', { file: { video: { codec: 'vc1' } } })]).snapshot,
      collectFacts([film('1')]).snapshot,
    ]);
  });

  describe('rules that speak for groups', () => {
    const ID = 'group.h264-1080.many';
    const card = () => world.store.recommendations.find(ID);
    const put = (keys: string[], change: Parameters<typeof film>[1] = {}) =>
      world.store.library.putMany(keys.map((key) => film(key, change)));

    beforeEach(async () => {
      isBig = () => false;
      world.rules.perGroup.add('many');
      world.rules.rules.set('many', () => transcode('Many alike.'));
      await put(['2', '3']);
      world.bus.emit('library.changed', { itemIds: ['01234567-2', '01234567-3'] });
    });

    it('make one card for all files of a kind, and follow how many there are', async () => {
      await look();
      expect(card()).to.include({ itemId: '', fileId: '', state: 'open', fileSizeBytes: 36e9 });
      expect(card()?.group).to.deep.equal({ codec: 'h264', resolution: '1080', files: 3 });
      await world.store.library.remove('01234567-3');
      await world.analyzer.items(['01234567-3'], 'webhook');
      expect(card()?.group?.files).to.equal(2);
      expect(world.store.recommendations.where(({ ruleId }) => ruleId === 'many')).to.have.length(1);
    });

    it('let go of a group that is gone', async () => {
      await look();
      await put(['1', '2', '3'], { file: { video: { codec: 'hevc' } } });
      await world.analyzer.items(['01234567-1', '01234567-2', '01234567-3'], 'webhook');
      expect(card()).to.include({ state: 'closed', note: 'There are no such files any more.' });
      expect(world.store.recommendations.find('group.hevc-1080.many')).to.include({ state: 'open' });
    });

    it('stay dismissed, whoever joins the group', async () => {
      await look();
      await world.store.recommendations.patch(ID, { state: 'dismissed' });
      await put(['4']);
      await world.analyzer.items(['01234567-4'], 'webhook');
      expect(card()).to.include({ state: 'dismissed' });
    });

    it('queue every file when they are automatic, and propose what is left only when all jobs ended', async () => {
      await world.store.rules.put({ id: 'many', mode: 'automatic', options: {} });
      await look();
      expect(world.queued).to.deep.equal([ID, ID, ID]);
      expect(card()).to.include({ state: 'approved', note: '3 jobs queued.' });
      await world.store.rules.put({ id: 'many', mode: 'recommend', options: {} });
      await look();
      expect(card()).to.include({ state: 'approved' });
      for (const job of world.store.jobs.values()) await world.store.jobs.put({ ...job, state: 'failed' });
      await look();
      expect(card()).to.include({ state: 'open' });
    });

    it('take their findings along when they are gone', async () => {
      await look();
      world.rules.rules.delete('many');
      world.bus.emit('rule.changed', { ids: ['many'] });
      await world.until(() => card()?.note === 'The rule was removed.');
      expect(card()).to.include({ state: 'closed' });
    });

    it('are closed when they are switched off', async () => {
      await look();
      await world.store.rules.put({ id: 'many', mode: 'off', options: {} });
      world.bus.emit('rule.changed', { ids: ['many'] });
      await world.until(() => card()?.note === 'The rule was switched off.');
      expect(card()).to.include({ state: 'closed' });
    });
  });

  describe('automatic rules', () => {
    const quietly = (id: string) => world.store.rules.put({ id, mode: 'automatic', options: {} });
    beforeEach(() => quietly('big'));

    it('queue what they find', async () => {
      await look();
      expect(found()).to.include({ state: 'approved' });
      expect(world.store.jobs.get(found().jobId ?? '')).to.include({ recommendationId: found().id, state: 'queued' });
      await look();
      expect(world.queued).to.have.length(1);
    });

    it('queue one job a file: the most worthwhile', async () => {
      world.rules.rules.set('small', () => ({ ...transcode(), kind: 'remux', preset: 'remux' }));
      await quietly('small');
      await look();
      await look();
      expect(world.queued).to.have.length(1);
      expect(world.store.jobs.size).to.equal(1);
      expect(world.store.recommendations.where(({ state }) => state === 'merged')).to.have.length(1);
      const [job] = world.store.jobs.values();
      expect(job).to.deep.include({ presetId: 'balanced', alsoPresetIds: ['remux'] });
    });

    it('leave what another rule finds in the same file to the owner, when that rule is not automatic', async () => {
      await world.store.rules.put({ id: 'big', mode: 'recommend', options: {} });
      world.rules.rules.set('small', () => ({ ...transcode(), kind: 'remux', preset: 'remux' }));
      await quietly('small');
      await look();
      expect(world.queued, 'the encode waits for the owner, and the remux with it').to.have.length(0);
      expect(world.store.recommendations.where(({ state }) => state === 'merged')).to.have.length(1);
      await quietly('big');
      await world.store.rules.put({ id: 'small', mode: 'recommend', options: {} });
      await look();
      expect(world.queued).to.have.length(1);
      const [job] = world.store.jobs.values();
      expect(job, 'nobody allowed the remux').to.deep.include({ presetId: 'balanced', alsoPresetIds: [] });
    });

    it('queue nothing that was only listed, is missing, frozen, dismissed, or only informs', async () => {
      await put('2', { file: { detailed: false } });
      await put('3', { state: 'missing' });
      await put('4', { sectionId: '9' });
      await world.store.sections.put({
        id: '9',
        serverId: 's',
        title: 'Nine',
        type: 'movie',
        locations: [],
        enabled: true,
        frozen: 'gone',
        itemCount: 1,
        syncedAt: null,
      });
      world.rules.rules.set('inform', () => ({ ...transcode(), kind: 'review', preset: null }));
      await quietly('inform');
      isBig = ({ item }) => item.ratingKey !== '1';
      await look('01234567-1', '01234567-2', '01234567-3', '01234567-4');
      expect(world.queued).to.deep.equal([]);
      expect(found('big', '2').state).to.equal('open');
    });

    it('note once why something was refused, and queue it when that is mended', async () => {
      world.refuse = new AppError('path_unmapped', 'No path mapping covers it.');
      await look();
      await look();
      expect(found()).to.include({ state: 'open', note: 'Not queued by itself: No path mapping covers it.' });
      expect(world.logged.filter((line) => line.includes('automatic rule'))).to.have.length(1);
      world.refuse = null;
      await look();
      expect(found()).to.include({ state: 'approved', note: null });
    });

    it('never work on their own result again', async () => {
      await world.store.jobs.put(
        aJob({
          id: 'job-old',
          state: 'done',
          ruleId: 'big',
          targetPath: '/local/1.mkv',
          sizeAfterBytes: 12_000_000_000,
          finishedAt: world.now().toISOString(),
        }),
      );
      await look();
      expect(world.queued).to.deep.equal([]);
      expect(found().state).to.equal('open');
    });

    for (const speaks of ['for files', 'for groups'] as const)
      it(`that speak ${speaks} queue nothing by options that were changed while they looked`, async () => {
        const saved: Promise<void>[] = [];
        if (speaks === 'for groups') world.rules.perGroup.add('big');
        world.bus.emit('library.changed', { itemIds: ['01234567-1'] });
        world.rules.rules.set('big', (_, { preset }) => {
          if (saved.length === 0) saved.push(set('big', 'automatic', { preset: 'remux' }));
          return { ...transcode(), preset: typeof preset === 'string' ? preset : 'balanced' };
        });
        await set('big', 'recommend', { preset: 'balanced' });
        await world.until(() => world.store.jobs.size > 0);
        await Promise.all(saved);
        await world.automation.idle();
        expect(world.store.jobs.where(() => true).map(({ presetId }) => presetId)).to.deep.equal(['remux']);
        const rows = world.store.recommendations.where(({ ruleId }) => ruleId === 'big');
        expect(rows.map(({ presetId }) => presetId)).to.deep.equal(['remux']);
      });

    it('take up what was only recommended before', async () => {
      await set('big', 'recommend');
      await look();
      expect(found().state).to.equal('open');
      await set('big', 'automatic');
      await world.until(() => found().state === 'approved');
    });
  });
});
