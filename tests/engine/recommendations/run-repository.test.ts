import { expect } from 'chai';
import type { Run } from '../../../src/domain/recommendations/run.js';
import { film, World } from '../../support/library-world.js';

describe('the history of analyses', () => {
  let world: World;
  let flags: boolean;
  beforeEach(async () => {
    world = await World.open();
    flags = true;
    world.isHeld = true;
    world.rules.rules.set('big', () =>
      flags ? { kind: 'transcode', preset: 'balanced', severity: 'low', reason: 'Large.' } : null,
    );
    for (const key of ['1', '2'])
      await world.store.library.put(film(key, { file: { localPath: `/local/${key}.mkv` }, sectionId: key }));
  });
  afterEach(() => world.close());

  const runs = (): Run[] => world.store.runs.where(({ kind }) => kind === 'analysis');
  const told = (): number => world.events['analysis.completed']?.length ?? 0;
  const reopen = async (): Promise<void> => {
    await world.stop();
    await world.start();
  };

  it('keeps a run of the library with what it found and promises', async () => {
    const run = await world.analyzer.library('schedule');
    const promised = [...world.store.recommendations.values()].reduce((sum, { savesBytes }) => sum + savesBytes, 0);
    expect(runs()).to.deep.equal([run]);
    expect(run).to.include({ mode: 'full', items: 2, findings: 2, added: 2, savesBytes: promised, durationMs: 0 });
  });

  it('counts the saving of a file once, however many rules name it', async () => {
    world.rules.rules.set('also', () => ({ kind: 'transcode', preset: 'balanced', severity: 'low', reason: 'Again.' }));
    const { savesBytes, findings } = await world.analyzer.library('owner');
    const [row] = world.store.recommendations.values();
    expect(findings).to.equal(4);
    expect(savesBytes).to.equal((row?.savesBytes ?? 0) * 2);
  });

  it('sums runs over single titles by day and trigger, also across a restart', async () => {
    await world.analyzer.items(['01234567-1'], 'webhook');
    await world.analyzer.items(['01234567-2'], 'webhook');
    await reopen();
    await world.analyzer.items(['01234567-2'], 'webhook');
    await world.analyzer.items(['01234567-2'], 'owner');
    world.nowMs += 86_400_000;
    await world.analyzer.items(['01234567-2'], 'webhook');
    await reopen();
    const rows = runs().map(({ id, runs: count, items, added, findings }) => ({ id, count, items, added, findings }));
    expect(rows.sort((a, b) => a.id.localeCompare(b.id))).to.deep.equal([
      { id: 'run-day-2026-03-01-owner', count: 1, items: 1, added: 0, findings: 1 },
      { id: 'run-day-2026-03-01-webhook', count: 3, items: 3, added: 2, findings: 3 },
      { id: 'run-day-2026-03-02-webhook', count: 1, items: 1, added: 0, findings: 1 },
    ]);
  });

  it('looks at one library of Plex when that is asked', async () => {
    await world.store.sections.put({
      id: '2',
      serverId: 's',
      title: 'Two',
      type: 'movie',
      locations: [],
      enabled: true,
      frozen: null,
      itemCount: 1,
      syncedAt: null,
    });
    expect(await world.analyzer.library('owner', '2')).to.include({ sectionId: '2', items: 1, added: 1 });
    expect(world.store.recommendations.size).to.equal(1);
  });

  it('tells of a run only when something came of it or the owner asked', async () => {
    await world.analyzer.library('schedule');
    expect(told()).to.equal(1);
    await world.analyzer.library('schedule');
    await world.analyzer.items(['01234567-1'], 'webhook');
    expect(told()).to.equal(1);
    await world.analyzer.library('owner');
    expect(told()).to.equal(2);
    flags = false;
    await world.analyzer.items(['01234567-1'], 'webhook');
    expect(told()).to.equal(3);
  });
});
