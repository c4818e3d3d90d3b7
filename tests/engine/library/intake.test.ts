import { expect } from 'chai';
import { mkdir, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { AppError } from '../../../src/domain/errors.js';
import { PLEX_EVENTS, PlexWebhook } from '../../../src/domain/plex/webhook.js';
import { film, SERVER_ID, World } from '../../support/library-world.js';

const news = (metadata: Record<string, unknown> | null, change: Record<string, unknown> = {}): PlexWebhook =>
  PlexWebhook.parse({
    event: 'library.new',
    Server: { uuid: SERVER_ID, title: 'Den' },
    ...(metadata ? { Metadata: { type: 'movie', title: 'A Film', librarySectionID: 1, ...metadata } } : {}),
    ...change,
  });
const findAll = { kind: 'review', preset: null, severity: 'low', reason: 'Seen.' } as const;

describe('intake', () => {
  let world: World;
  beforeEach(async () => {
    world = await World.open();
    world.rules.rules.set('all', () => findAll);
  });
  afterEach(() => world.close());

  const counts = (): Record<string, number> => {
    const numbers = Object.entries(world.store.webhookCounts.value).filter(([, count]) => typeof count === 'number');
    return Object.fromEntries(numbers) as Record<string, number>;
  };

  it('brings a new film from the webhook to a recommendation', async () => {
    world.server.items_ = [film('7')];
    expect(await world.intake.receive(news({ ratingKey: 7 }))).to.equal('accepted');
    await world.quiet();
    const stored = world.store.library.get('01234567-7');
    expect(stored.files[0]?.localPath).to.equal(join(world.dir, 'share/1/Film 7.mkv'));
    expect(world.store.recommendations.get('01234567-7.p7.all').state).to.equal('open');
    expect(world.events['library.changed']).to.deep.equal([{ itemIds: ['01234567-7'] }]);
    expect(world.server.asked).to.deep.equal(['item 7']);
    await world.until(() => counts()['accepted'] === 1);
    expect(world.store.webhookCounts.value.lastEvent).to.equal('library.new');
  });

  it('ignores every other event Plex sends, what it does not know, and music', async () => {
    for (const event of [...PLEX_EVENTS.filter((name) => name !== 'library.new'), 'moon.landing'])
      expect(await world.intake.receive(news({ ratingKey: 1 }, { event })), event).to.equal('ignored');
    for (const type of ['album', 'track', 'artist', 'photo', 'collection'])
      expect(await world.intake.receive(news({ ratingKey: 1, type })), type).to.equal('ignored');
    expect(await world.intake.receive(news(null, { event: 'admin.database.backup' }))).to.equal('ignored');
    expect(await world.intake.receive(news(null))).to.equal('malformed');
    expect(world.store.pending.size).to.equal(0);
    expect(world.server.asked).to.deep.equal([]);
    await world.until(() => counts()['ignored'] === PLEX_EVENTS.length + 6);
  });

  it('refuses another server, and sections that are switched off', async () => {
    const mismatch = { Server: { uuid: 'f'.repeat(40), title: 'Other' } };
    expect(await world.intake.receive(news({ ratingKey: 1 }, mismatch))).to.equal('wrong_server');
    await world.store.sections.put({
      id: '1',
      serverId: SERVER_ID,
      title: 'Films',
      type: 'movie',
      locations: [],
      enabled: false,
      frozen: null,
      itemCount: 0,
      syncedAt: null,
    });
    expect(await world.intake.receive(news({ ratingKey: 1 }))).to.equal('ignored');
    world.server.items_ = [film('7')];
    expect(await world.intake.receive(news({ ratingKey: 7, librarySectionID: undefined }))).to.equal('accepted');
    await world.quiet();
    expect(world.store.library.size).to.equal(0);
  });

  it('counts what the door refused', async () => {
    await world.intake.count('wrong_secret', '');
    await world.intake.count('too_large', 'x'.repeat(100));
    await world.until(() => counts()['too_large'] === 1 && counts()['wrong_secret'] === 1);
    expect(world.events['webhook.received']).to.have.length(2);
    const { lastAt, lastEvent, lastAtOf } = world.store.webhookCounts.value;
    expect({ lastAt, lastEvent }, 'what was refused was not the last one').to.deep.equal({
      lastAt: null,
      lastEvent: null,
    });
    expect(Object.keys(lastAtOf).sort()).to.deep.equal(['too_large', 'wrong_secret']);
  });

  it('drops repeats for ten minutes, unless the item changed', async () => {
    world.server.items_ = [film('7', { updatedAt: '2026-02-01T00:00:00.000Z' })];
    const updatedAt = Date.parse('2026-02-01T00:00:00Z') / 1000;
    await world.intake.receive(news({ ratingKey: 7, updatedAt }));
    await world.quiet();
    expect(await world.intake.receive(news({ ratingKey: 7, updatedAt }))).to.equal('repeated');
    expect(await world.intake.receive(news({ ratingKey: 7 }))).to.equal('repeated');
    expect(world.server.asked).to.have.length(1);
    expect(await world.intake.receive(news({ ratingKey: 7, updatedAt: updatedAt + 60 }))).to.equal('accepted');
    await world.quiet();
    world.nowMs += 601_000;
    expect(await world.intake.receive(news({ ratingKey: 7, updatedAt }))).to.equal('accepted');
    await world.quiet();
    expect(world.server.asked).to.have.length(3);
  });

  it('waits after the last news, not after the first', async () => {
    await world.store.settings.change({ plex: { settleSec: 30 } });
    world.isHeld = true;
    world.server.items_ = [film('7')];
    await world.intake.receive(news({ ratingKey: 7 }));
    world.nowMs += 20_000;
    expect(await world.intake.receive(news({ ratingKey: 7 }))).to.equal('repeated');
    const [row] = [...world.store.pending.values()];
    expect(Date.parse(row?.dueAt ?? '') - world.nowMs).to.equal(30_000);
    expect(Date.parse(row?.firstSeenAt ?? '')).to.equal(world.nowMs - 20_000);
    expect(world.server.asked).to.deep.equal([]);
  });

  describe('of many at once', () => {
    const KEYS = Array.from({ length: 120 }, (_, n) => String(n + 1));

    const hearAll = async (): Promise<void> => {
      await Promise.all(KEYS.map((ratingKey) => world.intake.receive(news({ ratingKey }))));
      await world.quiet();
    };

    it('asks the server for many with one request, and lets the rules look at them together', async () => {
      world.server.items_ = KEYS.map((key) => film(key));
      await hearAll();
      expect(world.store.library.size).to.equal(KEYS.length);
      expect([...world.store.recommendations.values()]).to.have.length(KEYS.length);
      expect(world.server.asked).to.have.length.below(KEYS.length / 10);
      expect(world.store.runs.size).to.be.below(KEYS.length / 10);
    });

    it('loses none of the others to one that is gone, is no film, or that the server cannot read', async () => {
      const others = KEYS.filter((key) => key !== '7' && key !== '9').map((key) => film(key));
      world.server.items_ = others;
      for (const code of ['invalid', 'plex_unavailable', 'plex_bad_answer', 'plex_timeout'] as const) {
        world.server.spoiltBy = { key: '9', fault: new AppError(code, 'This one cannot be read.') };
        await Promise.all(KEYS.map((ratingKey) => world.intake.receive(news({ ratingKey }))));
        await world.until(() => world.store.library.size === others.length);
        await world.until(() => world.store.pending.size === (code === 'invalid' ? 0 : 1));
        expect(
          [...world.store.pending.values()].map(({ ratingKey }) => ratingKey),
          code,
        ).to.deep.equal(code === 'invalid' ? [] : ['9']);
        await world.store.library.removeMany([...world.store.library.values()].map(({ id }) => id));
        world.nowMs += 3_600_000;
      }
    });

    it('asks no title alone while the server is away for all', async () => {
      world.server.fault = new AppError('plex_unreachable', 'Nobody answers.');
      await Promise.all(KEYS.map((ratingKey) => world.intake.receive(news({ ratingKey }))));
      await world.until(() => [...world.store.pending.values()].every(({ failures }) => failures > 0));
      expect(world.server.asked.length).to.be.below(KEYS.length / 2);
      world.server.fault = null;
      world.server.items_ = KEYS.map((key) => film(key));
      world.nowMs += 3_600_000;
      await world.until(() => world.store.library.size === KEYS.length);
    });
  });

  it('goes on after a restart with what was waiting', async () => {
    await world.store.settings.change({ plex: { settleSec: 3600 } });
    await world.intake.receive(news({ ratingKey: 7 }));
    await world.intake.receive(news({ ratingKey: 8 }));
    await world.stop();
    world.server.items_ = [film('7'), film('8')];
    world.nowMs += 3_600_000;
    await world.start();
    await world.quiet();
    expect(world.store.library.size).to.equal(2);
  });

  it('takes the new episodes of a show, not the old ones', async () => {
    const at = (hoursAgo: number): string => new Date(world.nowMs - hoursAgo * 3_600_000).toISOString();
    world.server.leaves_ = [
      { ratingKey: '11', addedAt: at(0) },
      { ratingKey: '12', addedAt: at(1) },
      { ratingKey: '13', addedAt: at(1000) },
    ];
    world.server.items_ = ['11', '12', '13'].map((key) => film(key, { type: 'episode', show: 'A Show' }));
    for (const type of ['show', 'season'])
      expect(await world.intake.receive(news({ ratingKey: 10, type }))).to.be.oneOf(['accepted', 'repeated']);
    await world.quiet();
    expect(Array.from(world.store.library.values(), ({ ratingKey }) => ratingKey).sort()).to.deep.equal(['11', '12']);
  });

  it('waits until Plex has analyzed the file', async () => {
    world.server.items_ = [film('7', { file: { video: null } })];
    await world.intake.receive(news({ ratingKey: 7 }));
    await world.until(() => [...world.store.pending.values()][0]?.lastError === 'Plex has not analyzed the file yet');
    expect(world.store.library.size).to.equal(0);
    world.server.items_ = [film('7')];
    await world.quiet();
    expect(world.store.library.size).to.equal(1);
  });

  it('waits until a local file has its size and came to rest', async () => {
    await mkdir(join(world.dir, 'share/1'), { recursive: true });
    const path = join(world.dir, 'share/1/Film 7.mkv');
    await writeFile(path, 'half');
    const long = new Date(world.nowMs - 3_600_000);
    await utimes(path, long, long);
    world.server.items_ = [film('7', { file: { sizeBytes: 8 } })];
    await world.intake.receive(news({ ratingKey: 7 }));
    await world.until(() => [...world.store.pending.values()][0]?.lastError?.includes('growing') ?? false);
    expect(world.store.library.size).to.equal(0);
    await writeFile(path, 'complete');
    await world.quiet();
    expect(world.store.library.size).to.equal(1);
  });

  it('waits for a file that is still written to, and is not fooled by a clock that goes ahead', async () => {
    await world.store.settings.change({ plex: { settleSec: 0.05 } });
    await mkdir(join(world.dir, 'share/1'), { recursive: true });
    const path = join(world.dir, 'share/1/Film 7.mkv');
    await writeFile(path, 'complete');
    const ahead = new Date(world.nowMs + 3_600_000);
    await utimes(path, ahead, ahead);
    world.server.items_ = [film('7', { file: { sizeBytes: 8 } })];
    await world.intake.receive(news({ ratingKey: 7 }));
    await world.until(() => [...world.store.pending.values()][0]?.lastError?.includes('lies in the future') ?? false);
    await world.quiet();
    expect(world.store.library.size).to.equal(1);
  });

  it('tries again while Plex is away, and says why', async () => {
    world.server.items_ = [film('7')];
    world.server.fault = new AppError('plex_unreachable', 'Plex does not answer');
    await world.intake.receive(news({ ratingKey: 7 }));
    await world.until(() => ([...world.store.pending.values()][0]?.failures ?? 0) >= 2);
    expect([...world.store.pending.values()][0]?.lastError).to.equal('Plex does not answer');
    world.server.fault = null;
    await world.quiet();
    expect(world.store.library.size).to.equal(1);
    expect(world.logged.filter((line) => line.includes('could not be read'))).to.have.length(1);
  });

  it('forgets an item that Plex does not have', async () => {
    await world.intake.receive(news({ ratingKey: 404 }));
    await world.quiet();
    expect(world.store.library.size).to.equal(0);
  });

  it('keeps an item although the rules fail', async () => {
    world.server.items_ = [film('7')];
    world.rules.rules.set('all', () => {
      throw new AppError('rule_failed', 'broken');
    });
    await world.intake.receive(news({ ratingKey: 7 }));
    await world.quiet();
    expect(world.store.library.size).to.equal(1);
  });

  it('reads items now when asked, and later when Plex is away', async () => {
    await world.store.settings.change({ plex: { settleSec: 3600 } });
    world.server.items_ = [film('7'), film('8')];
    await world.intake.readNow(['7']);
    expect(world.store.library.has('01234567-7')).to.equal(true);
    world.server.fault = new AppError('plex_unreachable', 'Plex does not answer');
    await world.intake.readNow(['8']);
    expect(world.store.library.has('01234567-8')).to.equal(false);
    world.server.fault = null;
    await world.quiet();
    expect(world.store.library.has('01234567-8')).to.equal(true);
  });

  it('takes in many at once', async () => {
    world.server.items_ = Array.from({ length: 60 }, (_, n) => film(String(n)));
    const outcomes = await Promise.all(
      world.server.items_.map(({ ratingKey }) => world.intake.receive(news({ ratingKey }))),
    );
    expect(new Set(outcomes)).to.deep.equal(new Set(['accepted']));
    await world.quiet();
    expect(world.store.library.size).to.equal(60);
    expect(world.store.recommendations.size).to.equal(60);
    await world.until(() => counts()['accepted'] === 60);
  });
});
