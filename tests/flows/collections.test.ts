import { expect } from 'chai';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { AppError } from '../../src/domain/errors.js';
import type { Run } from '../../src/domain/recommendations/run.js';
import { CollectionWorld } from '../engine/collections/world.js';

const FILMS = 240;

const refusal = async (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => 'it went well',
    (error: unknown) => (error instanceof AppError ? `${error.code}: ${error.message}` : String(error)),
  );

describe('collections kept in step, over HTTP', function () {
  this.timeout(180_000);
  let world: CollectionWorld;
  beforeEach(async () => {
    world = await CollectionWorld.open(FILMS);
  });
  afterEach(() => world.close());

  /** A collection of the AV1 films, made. */
  const made = async (): Promise<string[]> => {
    await world.add('Modern', 'codec=av1');
    await world.keeper.sync('modern');
    return world.films('av1');
  };

  it('makes one, fills it in chunks, and has nothing to do the next time', async () => {
    await world.add('Common', 'codec=h264');
    const row = await world.keeper.sync('common');
    const films = world.films('h264');
    expect(films.length).to.be.above(80);
    expect(world.inPlex('Common').children).to.have.members(films);
    expect(row.places).to.have.length(1);
    expect(world.place('common')).to.deep.include({ state: 'there', title: 'Common', held: films.length, adding: [] });
    expect(world.place('common').ours).to.have.members(films);
    expect(world.place('common').lastSync).to.deep.include({ added: films.length, error: null, note: null });
    expect(world.place('common').ratingKey).to.equal(world.inPlex('Common').ratingKey);
    world.plex.requests.length = 0;
    await world.keeper.sync('common');
    expect(world.changes()).to.deep.equal([]);
  });

  it('makes one in each library where something matches; in a show library of whole series', async () => {
    await world.add('Part of it', 'addedAfter=1990-01-01');
    await world.keeper.sync('part-of-it');
    const both = world.plex.collections.list();
    expect(both.map(({ sectionId }) => sectionId).sort()).to.deep.equal(['1', '2']);
    expect(both.find(({ sectionId }) => sectionId === '2')?.children).to.have.length(2);
    await world.store.collections.patch('part-of-it', { query: 'q=northline' });
    await world.keeper.sync('part-of-it');
    expect(world.place('part-of-it', '2').held, 'one series of two').to.equal(1);
    expect(world.place('part-of-it', '1').held, 'no film matches: they stay').to.equal(FILMS + 2);
    expect(world.place('part-of-it', '1').lastSync?.note).to.contain('a filter that finds nothing empties nothing');
  });

  it('follows the filter: what no longer matches goes, what matches comes', async () => {
    const [gone = ''] = await made();
    const [come = ''] = world.films('hevc');
    await world.recode(gone, 'hevc');
    await world.recode(come, 'av1');
    world.plex.requests.length = 0;
    await world.keeper.sync('modern');
    const key = world.inPlex('Modern').ratingKey;
    expect(world.changes()).to.deep.equal([`PUT /library/collections/${key}/items`, `DELETE /library/collections/${key}/items/${gone}`]); // prettier-ignore
    expect(world.inPlex('Modern').children).to.include(come).and.not.to.include(gone);
    expect(world.place('modern').lastSync).to.deep.include({ added: 1, removed: 1 });
  });

  it('leaves in what somebody put in, even when it matched for a while', async () => {
    const films = await made();
    const [guest = '', passing = ''] = world.films('hevc');
    world.plex.collections.putIn(world.inPlex('Modern'), [guest, passing]);
    await world.recode(passing, 'av1');
    await world.keeper.sync('modern');
    await world.recode(passing, 'hevc');
    await world.keeper.sync('modern');
    expect(world.inPlex('Modern').children).to.have.members([...films, guest, passing]);
    expect(world.place('modern').ours).to.have.members(films);
  });

  it('leaves out what somebody took out, until the owner says otherwise', async () => {
    const [first = '', second = ''] = await made();
    world.plex.collections.takeOut(world.inPlex('Modern'), first);
    world.plex.collections.takeOut(world.inPlex('Modern'), second);
    for (let round = 0; round < 3; round++) await world.keeper.sync('modern');
    expect(world.inPlex('Modern').children).not.to.include(first).and.not.to.include(second);
    expect(world.place('modern').takenOut.map(({ ratingKey }) => ratingKey)).to.have.members([first, second]);
    expect(world.place('modern').takenOut[0]?.title).to.match(/^Film \d+$/);
    // Somebody thought better of one of them: now it is theirs.
    world.plex.collections.putIn(world.inPlex('Modern'), [first]);
    await world.keeper.sync('modern');
    expect(world.place('modern').takenOut.map(({ ratingKey }) => ratingKey)).to.deep.equal([second]);
    await world.keeper.putBack('modern', '1');
    expect(world.inPlex('Modern').children).to.include(second);
    expect(world.place('modern').takenOut).to.deep.equal([]);
  });

  it('does not call taken out what Plex no longer has', async () => {
    await world.add('Brief', 'q=brief');
    await world.keeper.sync('brief');
    expect(world.inPlex('Brief').children).to.have.length(2);
    await rm(join(world.dir, 'films', 'Brief (2001).mkv'));
    await world.plex.scan();
    // Our library still has it until the next full look.
    await world.keeper.sync('brief');
    await world.keeper.sync('brief');
    expect(world.place('brief')).to.deep.include({ takenOut: [], held: 1, adding: [] });
    expect(world.place('brief').lastSync).to.deep.include({ note: null, error: null });
  });

  it('finds it again under another name, and keeps that name', async () => {
    await made();
    world.plex.collections.rename(world.inPlex('Modern'), 'Fresh & small');
    await world.keeper.sync('modern');
    expect(world.place('modern')).to.deep.include({ state: 'there', title: 'Fresh & small' });
    expect(world.plex.collections.list()).to.have.length(1);
    expect(world.store.collections.get('modern').name).to.equal('Modern');
  });

  it('does not make one again that somebody deleted, but does when asked', async () => {
    const films = await made();
    world.plex.collections.delete(world.inPlex('Modern'));
    for (let round = 0; round < 2; round++) await world.keeper.sync('modern');
    expect(world.plex.collections.list()).to.deep.equal([]);
    expect(world.place('modern').state).to.equal('deleted');
    await world.keeper.makeAgain('modern', '1');
    expect(world.inPlex('Modern').children).to.have.members(films);
    expect(await refusal(world.keeper.makeAgain('modern', '1'))).to.match(/^conflict/);
  });

  it('forgets one when told, and leaves it to Plex', async () => {
    await made();
    await world.keeper.forget('modern', '1');
    world.plex.requests.length = 0;
    await world.keeper.sync('modern');
    expect(world.plex.requests).to.deep.equal([]);
    expect(world.inPlex('Modern').children.length).to.be.above(0);
    expect(world.place('modern')).to.deep.include({ state: 'off', ratingKey: null });
  });

  it('never takes over a collection of the same name without asking', async () => {
    const [mine = ''] = world.films('av1');
    const [theirs = ''] = world.films('hevc');
    world.plex.collections.make('1', 'MODERN', [theirs, mine]);
    await world.add('Modern', 'codec=av1');
    await world.keeper.sync('modern');
    expect(world.place('modern')).to.deep.include({ state: 'taken', ratingKey: null });
    expect(world.changes()).to.deep.equal([]);
    await world.keeper.adopt('modern', '1');
    expect(world.inPlex('MODERN').children).to.have.members([theirs, ...world.films('av1')]);
    expect(world.place('modern').ours, 'what was in before is theirs').not.to.include(mine).and.not.to.include(theirs);
    await world.keeper.remove('modern', true);
    expect(world.inPlex('MODERN').children, 'it was there before').to.include(theirs);
  });

  it('does not use one that Plex fills by itself, or that belongs to another', async () => {
    const films = world.films('av1');
    world.plex.collections.make('1', 'Modern', films, true);
    await world.add('Modern', 'codec=av1');
    await world.keeper.sync('modern');
    expect(await refusal(world.keeper.adopt('modern', '1'))).to.contain('fills that collection by itself');
    await world.add('Other', 'codec=vc1');
    await world.keeper.sync('other');
    world.plex.collections.rename(world.inPlex('Other'), 'Third');
    await world.add('Third', 'codec=mpeg4');
    await world.keeper.sync('third');
    expect(await refusal(world.keeper.adopt('third', '1'))).to.contain('belongs to Other already');
  });

  it('touches nothing while a library is frozen, switched off, or Plex does not answer as it should', async () => {
    const films = await made();
    const [gone = ''] = films;
    await world.recode(gone, 'hevc');
    world.plex.requests.length = 0;
    const section = world.store.sections.get('1');
    for (const [change, words] of [
      [{ frozen: 'Plex lists nothing in it.' }, 'Plex lists nothing in it.'],
      [{ enabled: false }, 'This library is switched off'],
      [{ syncedAt: null }, 'not read yet'],
    ] as const) {
      await world.store.sections.put({ ...section, ...change });
      await world.keeper.sync('modern');
      expect(world.place('modern').lastSync?.note).to.contain(words);
    }
    await world.store.sections.put(section);
    for (const fault of ['empty', 'half-json', 'html', 500, 401, 404, 'maintenance'] as const) {
      world.plex.fault = fault;
      await world.keeper.sync('modern');
      world.plex.fault = null;
      if (fault !== 404) expect(world.place('modern').state, String(fault)).to.equal('there');
      expect(world.place('modern').lastSync?.error, String(fault)).to.be.a('string');
    }
    expect(world.changes()).to.deep.equal([]);
    expect(world.inPlex('Modern').children).to.have.members(films);
    expect(world.place('modern').ours).to.have.members(films);
    await world.keeper.sync('modern');
    expect(world.inPlex('Modern').children).to.have.members(films.filter((key) => key !== gone));
  });

  it('does not believe that a collection is there and empty', async () => {
    await made();
    const before = world.place('modern').ours;
    world.server.collections.children = () => Promise.resolve([]);
    await world.keeper.sync('modern');
    expect(world.place('modern').lastSync?.error).to.contain('it forgets empty ones');
    expect(world.place('modern')).to.deep.include({ ours: before, takenOut: [] });
  });

  it('goes on where a failed chunk stopped it, and does not mistake its own work for people', async () => {
    await world.add('Common', 'codec=h264,hevc,av1');
    const films = world.films('h264', 'hevc', 'av1');
    expect(films.length).to.be.above(120);
    let puts = 0;
    world.plex.collections.refuse = ({ method }) => (method === 'PUT' && ++puts === 2 ? 500 : null);
    await world.keeper.sync('common');
    expect(world.place('common').lastSync?.error).to.contain('an error of its own');
    const half = world.inPlex('Common').children.length;
    expect(half).to.be.above(90).and.below(films.length);
    world.plex.collections.refuse = () => null;
    await world.keeper.sync('common');
    expect(world.inPlex('Common').children).to.have.members(films);
    expect(world.place('common').ours).to.have.members(films);
    expect(world.place('common').takenOut).to.deep.equal([]);
  });

  it('goes on where taking out stopped', async () => {
    const films = await made();
    const going = films.slice(0, 3);
    for (const key of going) await world.recode(key, 'hevc');
    let deletes = 0;
    world.plex.collections.refuse = ({ method }) => (method === 'DELETE' && ++deletes === 2 ? 500 : null);
    await world.keeper.sync('modern');
    expect(world.inPlex('Modern').children).to.have.length(films.length - 1);
    world.plex.collections.refuse = () => null;
    await world.keeper.sync('modern');
    expect(world.inPlex('Modern').children).to.have.members(films.slice(3));
    expect(world.place('modern').takenOut).to.deep.equal([]);
  });

  it('takes nothing out when what was to come in did not come', async () => {
    const films = await made();
    const [come = ''] = world.films('hevc');
    await world.recode(come, 'av1');
    for (const key of films) await world.recode(key, 'hevc');
    world.plex.collections.refuse = ({ method }) => (method === 'PUT' ? 200 : null);
    await world.keeper.sync('modern');
    expect(world.inPlex('Modern').children).to.have.members(films);
    world.plex.collections.refuse = () => null;
    await world.keeper.sync('modern');
    expect(world.inPlex('Modern').children).to.deep.equal([come]);
  });

  it('bears people who work on it at the same time', async () => {
    const films = await made();
    const [gone = '', removed = ''] = films;
    const [guest = '', come = ''] = world.films('hevc');
    await world.recode(gone, 'vc1');
    await world.recode(come, 'av1');
    const collection = world.inPlex('Modern');
    let isFirst = true;
    world.plex.collections.refuse = ({ method }) => {
      if (method === 'PUT' && isFirst) {
        isFirst = false;
        world.plex.collections.putIn(collection, [guest]);
        world.plex.collections.takeOut(collection, removed);
        world.plex.collections.rename(collection, 'Renamed meanwhile');
      }
      return null;
    };
    await world.keeper.sync('modern');
    await world.keeper.sync('modern');
    const now = world.inPlex('Renamed meanwhile').children;
    expect(now).to.include(guest).and.to.include(come).and.not.to.include(removed).and.not.to.include(gone);
    expect(world.place('modern').takenOut.map(({ ratingKey }) => ratingKey)).to.deep.equal([removed]);
    expect(world.place('modern').title).to.equal('Renamed meanwhile');
  });

  it('says so when somebody deletes it in the middle of the work', async () => {
    const [come = ''] = world.films('hevc');
    await made();
    await world.recode(come, 'av1');
    world.plex.collections.refuse = ({ method }) => {
      if (method === 'PUT') world.plex.collections.delete(world.inPlex('Modern'));
      return method === 'PUT' ? 404 : null;
    };
    await world.keeper.sync('modern');
    expect(world.place('modern').lastSync?.error).to.be.a('string');
    await world.keeper.sync('modern');
    expect(world.place('modern').state).to.equal('deleted');
    expect(world.plex.collections.list()).to.deep.equal([]);
  });

  it('does what was asked once when it is asked twice', async () => {
    await world.add('Modern', 'codec=av1');
    await Promise.all([world.keeper.sync('modern'), world.keeper.sync('modern'), world.keeper.sync('modern')]);
    expect(world.changes().filter((change) => change.startsWith('POST'))).to.have.length(1);
    const running = world.keeper.sync('modern');
    expect(await refusal(world.keeper.forget('modern', '1'))).to.match(/^conflict/);
    expect(await refusal(world.keeper.remove('modern', true))).to.match(/^conflict/);
    await running;
  });

  it('follows by itself after a sync of the library, unless it is told not to', async () => {
    await world.add('Modern', 'codec=av1');
    await world.add('By hand', 'codec=vc1', { keepInStep: false });
    world.bus.emit('sync.completed', {} as Run);
    world.bus.emit('analysis.completed', { trigger: 'sync' } as Run);
    await world.keeper.settled();
    expect(world.plex.collections.list().map(({ title }) => title)).to.deep.equal(['Modern']);
  });

  it('changes nothing when its filter is gone, cannot be read, or lets everything through', async () => {
    await made();
    const held = world.inPlex('Modern').children.length;
    for (const change of [
      { filterId: 'gone' },
      { query: 'codec=av1&unknown=1' },
      { query: '' },
      { query: 'sort=title' },
    ]) {
      await world.store.collections.patch('modern', { filterId: null, query: 'codec=av1', ...change });
      const row = await world.keeper.sync('modern');
      expect(row.error, JSON.stringify(change)).to.be.a('string');
      expect(world.inPlex('Modern').children).to.have.length(held);
    }
    await world.store.collections.patch('modern', { filterId: null, query: 'codec=av1' });
    expect((await world.keeper.sync('modern')).error).to.equal(null);
  });

  it('previews without touching anything', async () => {
    const films = await made();
    const [gone = '', removed = ''] = films;
    const [come = '', guest = ''] = world.films('hevc');
    await world.recode(gone, 'vc1');
    await world.recode(come, 'av1');
    world.plex.collections.putIn(world.inPlex('Modern'), [guest]);
    world.plex.collections.takeOut(world.inPlex('Modern'), removed);
    world.plex.requests.length = 0;
    const before = JSON.stringify(world.store.collections.get('modern'));
    const [preview] = await world.keeper.preview(world.store.collections.get('modern'));
    expect(preview).to.deep.include({
      section: 'Films',
      state: 'there',
      matches: films.length,
      held: films.length,
      byHand: 1,
      added: 1,
      removed: 1,
      keptOut: 1,
      error: null,
    });
    expect(preview?.samples.removed[0]).to.match(/^Film/);
    expect(world.changes()).to.deep.equal([]);
    expect(JSON.stringify(world.store.collections.get('modern'))).to.equal(before);
    world.plex.fault = 500;
    expect((await world.keeper.preview(world.store.collections.get('modern')))[0]?.error).to.contain(
      'an error of its own',
    );
  });

  it('deletes in Plex only what it made, and only when told', async () => {
    await made();
    await world.keeper.remove('modern', false);
    expect(world.store.collections.size).to.equal(0);
    expect(world.plex.collections.list()).to.have.length(1);
    world.plex.collections.delete(world.inPlex('Modern'));
    await made();
    world.plex.fault = 500;
    expect(await refusal(world.keeper.remove('modern', true))).to.match(/^plex_unavailable/);
    expect(world.store.collections.size, 'it stays when Plex refuses').to.equal(1);
    world.plex.fault = null;
    await world.keeper.remove('modern', true);
    expect(world.plex.collections.list()).to.deep.equal([]);
    expect(world.store.collections.size).to.equal(0);
    expect(world.plex.items().length).to.be.above(FILMS);
  });
});
