import { expect } from 'chai';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { AppError } from '../../../src/domain/errors.js';
import { aSection, film, World } from '../../support/library-world.js';

describe('library sync', () => {
  let world: World;
  beforeEach(async () => {
    world = await World.open();
    await world.store.settings.change({ paths: { mappings: [] } });
    world.rules.rules.set('all', () => ({ kind: 'review', preset: null, severity: 'low', reason: 'Seen.' }));
  });
  afterEach(() => world.close());

  const keys = (): string[] =>
    Array.from(world.store.library.values(), ({ ratingKey, state }) =>
      state === 'missing' ? `${ratingKey} missing` : ratingKey,
    ).sort();
  const section = (id = '1') => world.store.sections.get(id);

  it('reads everything once, with streams, and lets the rules look', async () => {
    world.server.items_ = ['1', '2', '3'].map((key) => film(key));
    const run = await world.synced();
    expect(run).to.include({ error: null, items: 3, added: 3, changed: 0, removed: 0 });
    expect(run.finishedAt).to.be.a('string');
    expect(keys()).to.deep.equal(['1', '2', '3']);
    expect([...world.store.library.values()].every(({ files }) => files[0]?.detailed && files[0].audio.length > 0)).to
      .be.true;
    expect(world.store.recommendations.size).to.equal(3);
    expect(section()).to.include({ itemCount: 3, frozen: null, enabled: true });
    expect(world.sync.status()).to.deep.equal({ state: 'idle', done: 3, total: 3, lastRun: run });
    expect(world.store.runs.where(({ kind }) => kind === 'sync')).to.deep.equal([run]);
    expect(world.events['sync.completed']).to.deep.equal([run]);
    expect(world.events['sync.progressed']?.at(-1)).to.deep.equal({ runId: run.id, done: 3, total: 3 });
  });

  it('tells of a long page in pieces, and of a short one in one go', async () => {
    const films = Array.from({ length: 250 }, (_, n) => film(String(n + 1)));
    // eslint-disable-next-line @typescript-eslint/require-await -- a server that answers at once
    world.server.items = async function* () {
      yield { items: films.map((item) => structuredClone(item)), total: films.length };
    };
    await world.synced();
    const told = world.events['library.changed'] ?? [];
    const listed = told.filter(({ isPiece }) => isPiece);
    expect(listed.map(({ itemIds }) => itemIds.length)).to.deep.equal([100, 100, 50]);
    expect(listed.flatMap(({ itemIds }) => itemIds).sort()).to.deep.equal(films.map(({ id }) => id).sort());
    for (const item of films.splice(150).concat(films)) item.title += '!';
    world.events['library.changed'] = [];
    await world.synced('changed');
    expect(world.events['library.changed'][0]).to.have.all.keys('itemIds');
    expect(world.events['library.changed'][0]?.itemIds).to.have.length(150);
  });

  it('brings nothing back of a server that is removed while it is read', async () => {
    const another = 'abcdef0123456789abcdef0123456789abcdef01';
    const server = { id: another, name: 'Attic', url: 'http://127.0.0.1:1', isOwned: true };
    await world.store.otherServers.put({ ...server, addedAt: '2026-01-01T00:00:00.000Z' });
    await world.store.secrets.set(`plexToken:${another}`, 'token');
    const films = ['1', '2'].map((key) =>
      film(key, { id: `abcdef01-${key}`, serverId: another, sectionId: 'abcdef01-1' }),
    );
    for (const isCutOff of [false, true]) {
      world.server.sections_ = [aSection('abcdef01-1', { serverId: another })];
      world.server.items = async function* () {
        yield { items: films.slice(0, 1), total: 2 };
        await world.store.otherServers.remove(another);
        await world.store.sections.remove('abcdef01-1');
        await world.store.library.removeMany(films.map(({ id }) => id));
        yield { items: films.slice(1), total: 2 };
        if (isCutOff) throw new AppError('plex_timeout', 'Plex took too long');
      };
      await world.synced();
      expect(world.store.sections.where(({ serverId }) => serverId === another)).to.deep.equal([]);
      expect(world.store.library.where(({ id }) => id === 'abcdef01-2')).to.deep.equal([]);
      await world.store.otherServers.put({ ...server, addedAt: '2026-01-01T00:00:00.000Z' });
    }
  });

  it('asks for streams only of what is new or changed', async () => {
    world.server.items_ = ['1', '2', '3'].map((key) => film(key));
    await world.synced();
    world.server.asked = [];
    expect(await world.synced()).to.include({ items: 3, added: 0, changed: 0 });
    expect(world.server.asked).to.deep.equal(['sections', 'items 1']);

    world.server.items_[1] = film('2', { file: { sizeBytes: 5 } });
    world.server.items_[2] = film('3', { plays: 9 });
    world.server.asked = [];
    expect(await world.synced()).to.include({ changed: 2 });
    expect(world.server.asked).to.deep.equal(['sections', 'items 1', 'details 2']);
    expect(world.store.library.get('01234567-3').files[0]?.detailed).to.equal(true);
  });

  it('reads streams again when the item changed, keeping the old ones until then', async () => {
    world.server.items_ = [film('1', { file: { video: { hdr: 'hdr10' } } })];
    await world.synced();
    world.server.items_ = [film('1', { updatedAt: '2026-03-01T12:00:01.000Z', file: { video: { hdr: 'hlg' } } })];
    world.server.asked = [];
    await world.synced('changed');
    expect(world.server.asked).to.deep.equal(['sections', 'items 1 since', 'details 1']);
    expect(world.store.library.get('01234567-1').files[0]?.video?.hdr).to.equal('hlg');
  });

  it('looks only for changes when asked, but reads everything the first time', async () => {
    world.server.items_ = [film('1')];
    await world.synced('changed');
    expect(world.server.asked).to.include('items 1');
    world.server.items_ = [film('2', { updatedAt: '2026-03-01T12:00:00.000Z' })];
    await world.synced('changed');
    expect(world.server.asked).to.include('items 1 since');
    expect(keys()).to.deep.equal(['1', '2']);
  });

  it('reads the streams of a large first sync in the background', async () => {
    world.server.pageSize = 100;
    world.server.items_ = Array.from({ length: 230 }, (_, n) => film(String(n)));
    const { done } = world.sync.run({ mode: 'full', trigger: 'owner' });
    await done;
    expect(world.store.library.size).to.equal(230);
    expect(world.server.asked.filter((what) => what.startsWith('details'))).to.deep.equal([]);
    await world.until(() => [...world.store.library.values()].every(({ files }) => files[0]?.detailed));
  });

  it('marks as missing first, and removes only when a second full sync misses it as well', async () => {
    world.server.items_ = ['1', '2', '3', '4'].map((key) => film(key));
    await world.synced();
    world.server.items_ = world.server.items_.slice(0, 3);
    expect(await world.synced()).to.include({ changed: 1, removed: 0 });
    expect(keys()).to.deep.equal(['1', '2', '3', '4 missing']);
    await world.synced('changed');
    expect(keys()).to.deep.equal(['1', '2', '3', '4 missing']);
    expect(await world.synced()).to.include({ removed: 1 });
    expect(keys()).to.deep.equal(['1', '2', '3']);
    const gone = world.store.recommendations.get('01234567-4.p4.all');
    expect(gone.state).to.equal('closed');
    expect(gone.note).to.match(/no longer in the library/);
  });

  it('takes back what was missing', async () => {
    world.server.items_ = [film('1'), film('2')];
    await world.synced();
    const all = world.server.items_;
    world.server.items_ = [film('1')];
    await world.synced();
    world.server.items_ = all;
    await world.synced();
    expect(keys()).to.deep.equal(['1', '2']);
  });

  describe('removes nothing and freezes the library', () => {
    beforeEach(async () => {
      world.server.sections_ = [aSection('1'), aSection('2')];
      world.server.items_ = [film('1'), film('2'), film('3', { sectionId: '2' })];
      await world.synced();
    });
    const stays = async (reason: RegExp): Promise<void> => {
      for (let times = 0; times < 3; times++) await world.synced();
      expect(section().frozen).to.match(reason);
      expect(keys()).to.deep.equal(['1', '2', '3']);
      expect(section('2').frozen).to.equal(null);
    };

    it('when the server no longer lists it', async () => {
      world.server.sections_ = [aSection('2')];
      await stays(/no longer lists/);
      world.server.sections_ = [aSection('1'), aSection('2')];
      expect((await world.synced()).error).to.equal(null);
      expect(section().frozen).to.equal(null);
    });

    it('when its listing is empty', async () => {
      const all = world.server.items_;
      world.server.items_ = all.filter(({ sectionId }) => sectionId === '2');
      await stays(/lists nothing/);
      expect((await world.synced()).error).to.match(/Library 1: .*lists nothing/);
      await world.synced('changed');
      expect(section().frozen).to.match(/lists nothing/);
      world.server.items_ = all;
      // What is frozen is read as a whole even when only changes are asked for.
      await world.synced('changed');
      expect(section().frozen).to.equal(null);
    });

    it('when its listing breaks off', async () => {
      world.server.items_.push(film('4'), film('5'));
      world.server.faultInSection = '1';
      await world.synced();
      await stays(/too long/);
      world.server.faultInSection = null;
      await world.synced();
      expect(section().frozen).to.equal(null);
      expect(keys()).to.deep.equal(['1', '2', '3', '4', '5']);
    });

    it('when its folder here is missing or empty', async () => {
      await world.store.settings.change({ paths: { mappings: [{ from: '/share', to: join(world.dir, 'share') }] } });
      await mkdir(join(world.dir, 'share/2'), { recursive: true });
      await writeFile(join(world.dir, 'share/2/Film 3.mkv'), '');
      await stays(/share\/1 is missing or empty/);
      await mkdir(join(world.dir, 'share/1/.mediaflow'), { recursive: true });
      await stays(/share\/1 is missing or empty/);
      await writeFile(join(world.dir, 'share/1/Film 1.mkv'), '');
      await world.synced();
      expect(section().frozen).to.equal(null);
    });
  });

  it('ends with a clear message when Plex is away, and forgets nothing', async () => {
    world.server.items_ = [film('1')];
    await world.synced();
    world.server.fault = new AppError('plex_unreachable', 'Plex does not answer');
    expect((await world.synced()).error).to.equal('Plex does not answer');
    expect(keys()).to.deep.equal(['1']);
    expect(section().frozen).to.equal(null);
    expect(world.sync.status().state).to.equal('idle');
  });

  it('answers with the run that does what is asked: the one under way, or one behind it', async () => {
    const runs = () => world.store.runs.where(({ kind }) => kind === 'sync');
    const changed = world.sync.run({ mode: 'changed', trigger: 'owner' });
    expect(world.sync.status().state).to.equal('running');
    expect(world.sync.run({ mode: 'changed', trigger: 'owner' }).runId).to.equal(changed.runId);
    expect(world.sync.run({ mode: 'changed', sectionId: '1', trigger: 'owner' }).runId).to.equal(changed.runId);
    const full = world.sync.run({ mode: 'full', trigger: 'owner' });
    expect(full.runId).to.not.equal(changed.runId);
    for (const request of [{ mode: 'full', sectionId: '1' }, { mode: 'full' }, { mode: 'changed' }] as const)
      expect(world.sync.run({ ...request, trigger: 'owner' }).runId).to.equal(
        request.mode === 'full' ? full.runId : changed.runId,
      );
    expect((await changed.done).mode).to.equal('changed');
    expect(world.sync.status().state).to.equal('running');
    expect(await full.done).to.include({ id: full.runId, mode: 'full', error: null });
    expect(runs()).to.have.length(2);
    expect(world.sync.status().state).to.equal('idle');
    await world.sync.settled();
  });

  it('ends what waits behind a run when MediaFlow stops', async () => {
    const { done: first } = world.sync.run({ mode: 'changed', trigger: 'owner' });
    const { done: second } = world.sync.run({ mode: 'full', trigger: 'owner' });
    await world.sync.stop();
    expect((await second).error).to.equal('MediaFlow was stopped meanwhile.');
    await first;
    expect(world.sync.status().state).to.equal('idle');
  });

  it('decides for each file of an item whether its streams were read, and asks in vain only once', async () => {
    const whole = film('7');
    const [file] = whole.files;
    if (!file) throw new Error('A film has a file');
    const unread = { ...file, id: 'second', mediaId: 'second', path: '/share/1/Film 7 b.mkv', audio: [], subtitles: [], detailed: false };
    world.server.items_ = [{ ...whole, files: [file, unread] }];
    await world.synced();
    const stored = () => world.store.library.get('01234567-7').files;
    await world.until(() => stored()[0]?.detailed === true);
    expect(stored()[0]?.audio).to.deep.equal(file.audio);
    expect(stored()[1]?.detailed).to.equal(false);
    const asked = () => world.server.asked.filter((what) => what.startsWith('details')).length;
    await world.synced('changed');
    // Twice: by the sync, for it is new, and once more in the background. Not again while nothing changes.
    await world.until(() => asked() >= 2);
    for (let round = 0; round < 3; round++) await world.synced('changed');
    expect(asked()).to.equal(2);
    expect(stored()[0]?.audio, 'a listing takes nothing away').to.deep.equal(file.audio);
    world.server.items_ = [{ ...whole, updatedAt: '2026-03-02T00:00:00.000Z', files: [file, { ...unread, detailed: true, audio: file.audio }] }];
    await world.synced('changed');
    await world.until(() => stored()[1]?.detailed === true);
  }); // prettier-ignore

  it('leaves sections alone that are switched off, and syncs one alone', async () => {
    world.server.sections_ = [aSection('1'), aSection('2')];
    world.server.items_ = [film('1'), film('3', { sectionId: '2' })];
    await world.sync.run({ mode: 'full', sectionId: '2', trigger: 'owner' }).done;
    expect(keys()).to.deep.equal(['3']);
    await world.store.sections.patch('1', { enabled: false });
    await world.synced();
    expect(keys()).to.deep.equal(['3']);
    const { done } = world.sync.run({ mode: 'full', sectionId: '9', trigger: 'owner' });
    expect((await done).error).to.match(/no such library/);
  });

  it('does not analyze when told so', async () => {
    await world.store.settings.change({ intel: { autoAnalyzeOnSync: false } });
    world.server.items_ = [film('1')];
    await world.synced();
    await world.synced('changed');
    expect(world.store.recommendations.size).to.equal(0);
  });

  it('closes the run that a crash left open', async () => {
    const run = await world.synced();
    await world.store.runs.put({ ...run, id: 'run-crashed', finishedAt: null, startedAt: '2027-01-01T00:00:00.000Z' });
    await world.stop();
    await world.start();
    expect(world.store.runs.get('run-crashed').error).to.match(/stopped/);
    expect(world.sync.status().lastRun?.id).to.equal('run-crashed');
  });
});
