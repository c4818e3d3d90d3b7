import { expect } from 'chai';
import { film, World } from '../../support/library-world.js';

const ID = '01234567-1.p1.big';

describe('where a rule may not reach', () => {
  let world: World;

  beforeEach(async () => {
    world = await World.open();
    world.rules.rules.set('big', () => ({ kind: 'transcode', preset: 'balanced', severity: 'low', reason: 'Large.' }));
    await world.store.library.put(film('1'));
    for (const id of ['club', 'kids'])
      await world.store.tags.put({ id, name: id.toUpperCase(), color: 'blue', category: '', createdAt: '2026-01-01' });
  });
  afterEach(() => world.close());

  const look = () => world.analyzer.items(['01234567-1'], 'webhook');
  const row = () => world.store.recommendations.find(ID);
  const set = (change: object) => world.store.rules.put({ id: 'big', mode: 'recommend', options: {}, ...change });
  const tag = (...tags: string[]) => world.store.library.put({ ...film('1'), tags });
  const why = async () => (await world.analyzer.decide('01234567-1'))[0]?.whyNot;

  it('is a title that is never to be touched: what stood open is closed with the reason', async () => {
    await look();
    expect(row()).to.include({ state: 'open' });
    await world.store.excluded.put({ id: '01234567-1', title: 'Film 1', note: null, at: '2026-01-01' });
    await look();
    expect(row()).to.include({ state: 'closed', note: 'You excluded this from processing.' });
    expect(await why()).to.equal('You excluded this from processing.');
    expect((await world.analyzer.try({ ruleId: 'big' })).matches).to.equal(0);
    await world.store.excluded.remove('01234567-1');
    await look();
    expect(row()).to.include({ state: 'open' });
  });

  it('are titles with a tag that the owner excepted', async () => {
    await set({ exceptTags: ['kids'] });
    await tag('kids');
    await look();
    expect(row()).to.equal(null);
    expect(await why()).to.equal('This rule skips titles tagged KIDS, as you chose.');
    await tag('club');
    await look();
    expect(row()).to.include({ state: 'open' });
  });

  it('are titles without the tags that the owner named', async () => {
    await set({ onlyTags: ['club', 'kids'] });
    await look();
    expect(row()).to.equal(null);
    expect(await why()).to.equal('This rule looks only at titles tagged CLUB or KIDS, as you chose.');
    await tag('club');
    await look();
    expect(row()).to.include({ state: 'open' });
    await set({ onlyTags: ['club'], exceptTags: ['club'] });
    await look();
    expect(row()).to.include({ state: 'closed' });
  });

  it('is not queued as part of a group either', async () => {
    await world.store.library.put(film('2'));
    world.bus.emit('library.changed', { itemIds: ['01234567-1', '01234567-2'] });
    await world.store.excluded.put({ id: '01234567-2', title: 'Film 2', note: null, at: '2026-01-01' });
    const members = world.analyzer.membersOf({ codec: 'h264', resolution: '1080' }, 'big');
    expect(members.map(({ item }) => item.id)).to.deep.equal(['01234567-1']);
  });
});
