import { expect } from 'chai';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { AppError } from '../../../src/domain/errors.js';
import type { ServerEvent } from '../../../src/domain/library/server-event.js';
import { NotificationListeners } from '../../../src/engine/plex/notification-listeners.js';
import type { NotificationListenerPauses } from '../../../src/engine/plex/notification-listener.js';
import { createLog } from '../../../src/lib/log.js';
import { film, World } from '../../support/library-world.js';

const changed = (ratingKey: string, change: object = {}): ServerEvent => ({
  type: 'changed',
  ratingKey,
  kind: 'movie',
  sectionId: '1',
  updatedAt: null,
  isFinished: true,
  isAnalyzed: false,
  ...change,
});
const removed = (ratingKey: string): ServerEvent => ({ type: 'removed', ratingKey, sectionId: '1' });
/** Long enough that what is told in one go is heard in one go. */
const QUICK: NotificationListenerPauses = {
  quietMs: 40,
  longestMs: 80,
  unfinishedMs: 3_600_000,
  firstMs: 10,
  maxMs: 20,
  hopelessMs: 3_600_000,
};

describe('live news', () => {
  let world: World;
  let news: NotificationListeners;
  let played: number;
  beforeEach(async () => {
    world = await World.open();
    played = 0;
    // A folder with nothing in it is a mount that is gone.
    await mkdir(join(world.dir, 'share/1'), { recursive: true });
    await writeFile(join(world.dir, 'share/1/something'), '');
  });
  afterEach(async () => {
    await news.stop();
    await world.close();
  });

  /** Listens, with these films in the library, and has caught up. */
  const listen = async (keys: string[], pauses: Partial<NotificationListenerPauses> = {}): Promise<void> => {
    world.server.items_ = keys.map((key) => film(key));
    await world.store.secrets.set('plexToken', 'token');
    await world.synced();
    begin(pauses);
    await world.until(() => news.status().caughtUpAt !== null);
    await world.sync.settled();
    world.server.asked = [];
    world.events['library.changed'] = [];
  };
  const begin = (pauses: Partial<NotificationListenerPauses> = {}): void => {
    const { store, bus, now, server, intake, sync } = world;
    const log = createLog('info', { write: (line: string) => void world.logged.push(line) });
    const onPlaying = (): void => {
      played++;
    };
    const parts = { store, bus, log, now, server: () => server, intake, sync, onPlaying };
    news = new NotificationListeners({ ...parts, pauses: { ...QUICK, ...pauses } });
    news.start();
  };
  const tell = (...events: ServerEvent[]): void => {
    for (const event of events) world.server.news.emit('event', event);
  };
  const rename = (key: string, title: string): void => {
    world.server.items_ = world.server.items_.map((item) => (item.ratingKey === key ? { ...item, title } : item));
  };
  const row = (key: string) => world.store.library.find(`01234567-${key}`);
  /** When this one is read, whatever was told before it was handled. */
  const afterwards = async (): Promise<void> => {
    world.server.items_.push(film('99'));
    tell(changed('99'));
    await world.until(() => row('99') !== null, 'a new title is there');
    rename('99', 'Done');
    tell(changed('99'));
    await world.until(() => row('99')?.title === 'Done', 'the last news are handled');
  };

  it('reads a title once however often it is told of, with others in one request', async () => {
    await listen(['1', '2', '3']);
    rename('1', 'One');
    rename('2', 'Two');
    tell(changed('1'), changed('2'), changed('1'), changed('1', { isAnalyzed: true }));
    await world.until(() => row('2')?.title === 'Two');
    expect(row('1')?.title).to.equal('One');
    expect(world.server.asked).to.deep.equal(['details 1,2']);
    expect(world.events['library.changed']).to.deep.equal([{ itemIds: ['01234567-1', '01234567-2'] }]);
  });

  it('acts on the last step of the server only, unless there is none', async () => {
    await listen(['1', '2']);
    rename('1', 'One');
    tell(changed('1', { isFinished: false }));
    await afterwards();
    expect(world.server.asked.join()).not.to.include('details 1');
    tell(changed('1'), changed('1', { isFinished: false }));
    await world.until(() => row('1')?.title === 'One');
    await news.stop();
    await listen(['1', '2'], { unfinishedMs: 60 });
    rename('2', 'Two');
    tell(changed('2', { isFinished: false }));
    await world.until(() => row('2')?.title === 'Two');
  });

  it('takes no news of sections that are switched off, and tells of who watches', async () => {
    await listen(['1']);
    await world.store.sections.put({ ...world.store.sections.get('1'), enabled: false });
    rename('1', 'One');
    tell(changed('1'), removed('1'), { type: 'playing', ratingKey: '1', state: 'playing' }, { type: 'scanned' });
    await world.until(() => played === 1);
    await world.store.sections.put({ ...world.store.sections.get('1'), enabled: true });
    await afterwards();
    expect(world.server.asked.join()).not.to.include('details 1');
    expect(news.status().lastEventAt).to.be.a('string');
  });

  it('lets a known title with another file settle like a new one', async () => {
    await listen(['1']);
    await world.store.settings.change({ plex: { settleSec: 3600 } });
    world.server.items_ = [film('1', { file: { sizeBytes: 4_000_000_000 } })];
    tell(changed('1'));
    await world.until(() => world.store.pending.size === 1);
    expect(row('1')?.files[0]?.sizeBytes).not.to.equal(4_000_000_000);
    await world.store.settings.change({ plex: { settleSec: 0 } });
  });

  it('does not read again what a sync read while the news came to rest', async () => {
    await listen(['1'], { quietMs: 1500, longestMs: 1500 });
    const updatedAt = '2026-04-01T00:00:00.000Z';
    world.server.items_ = [film('1', { title: 'One', updatedAt })];
    tell(changed('1', { updatedAt: Date.parse(updatedAt) / 1000 }));
    await world.until(() => news.status().lastEventAt !== null);
    await world.synced();
    expect(row('1')?.title).to.equal('One');
    world.server.asked = [];
    await afterwards();
    expect(world.server.asked.join()).not.to.include('details 1');
  });

  it('reads it later when Plex is away', async () => {
    await listen(['1']);
    rename('1', 'One');
    world.server.fault = new AppError('plex_unreachable', 'Plex does not answer');
    tell(changed('1'));
    await world.until(() => ([...world.store.pending.values()][0]?.failures ?? 0) > 0);
    world.server.fault = null;
    await world.until(() => row('1')?.title === 'One');
  });

  describe('about what is gone', () => {
    it('asks the server twice, beside another title, and then marks it', async () => {
      await listen(['1', '2']);
      world.server.items_ = [film('2')];
      tell(removed('1'));
      await world.until(() => world.events['library.changed']?.length === 1);
      expect(row('1')?.state).to.equal('missing');
      expect(world.server.asked).to.deep.equal(['details 1,2', 'details 1,2']);
      expect(world.events['library.changed']).to.deep.equal([{ itemIds: ['01234567-1'] }]);
    });

    it('believes nothing when the server still shows it, or shows nothing, or cannot be asked', async () => {
      await listen(['1', '2']);
      tell(removed('1'));
      await afterwards();
      world.server.items_ = [];
      tell(removed('1'));
      await world.until(() => world.server.asked.filter((what) => what.startsWith('details')).length === 2);
      world.server.fault = new AppError('plex_unreachable', 'Plex does not answer');
      tell(removed('1'));
      await world.until(() => world.server.asked.filter((what) => what.startsWith('details')).length === 3);
      await news.stop();
      world.server.fault = null;
      expect(row('1')?.state).to.equal('present');
    });

    it('leaves a flood, and a frozen library, to the full sync', async () => {
      const keys = Array.from({ length: 120 }, (_, n) => String(n + 100));
      await listen(['1', '2', ...keys], { quietMs: 400, longestMs: 800 });
      tell(...keys.map(removed));
      await world.until(() => world.logged.some((line) => line.includes('many titles as deleted')));
      await world.store.sections.put({ ...world.store.sections.get('1'), frozen: 'No mount.' });
      world.server.items_ = [film('2')];
      tell(removed('1'));
      await afterwards();
      expect(world.server.asked.join()).not.to.include('details 1');
      expect([...world.store.library.values()].every(({ state }) => state === 'present')).to.equal(true);
    });
  });

  describe('as a connection', () => {
    it('comes back by itself, says so once, and catches up each time', async () => {
      await listen(['1']);
      for (const title of ['One', 'Uno']) {
        rename('1', title);
        world.server.items_ = world.server.items_.map((item) => ({ ...item, updatedAt: '2026-05-01T00:00:00.000Z' }));
        world.server.news.emit('error', new AppError('plex_unreachable', 'Plex ended it'));
        await world.until(() => row('1')?.title === title);
        await world.until(() => news.status().caughtUpAt !== null);
      }
      expect(world.server.asked.filter((what) => what === 'items 1 since')).to.have.length(2);
      expect(news.status()).to.include({ state: 'connected', lastError: null });
    });

    it('is tried again and again, and complains once', async () => {
      world.server.fault = new AppError('plex_unreachable', 'Plex does not answer');
      await world.store.secrets.set('plexToken', 'token');
      begin();
      await world.until(() => world.server.asked.filter((what) => what === 'listen').length > 5);
      expect(news.status()).to.deep.include({ state: 'connecting', lastEventAt: null, caughtUpAt: null });
      expect(news.status().lastError).to.include({ code: 'plex_unreachable', message: 'Plex does not answer' });
      expect(world.logged.filter((line) => line.includes('Not listening'))).to.have.length(1);
      world.server.fault = null;
      await world.until(() => news.status().state === 'connected');
      expect(news.status().lastError).to.equal(null);
    });

    it('rests after an answer that only the owner can change, until the settings change', async () => {
      world.server.fault = new AppError('plex_unauthorized', 'No');
      await world.store.secrets.set('plexToken', 'token');
      begin();
      await world.until(() => news.status().lastError?.code === 'plex_unauthorized');
      world.server.fault = null;
      world.bus.emit('settings.changed', {});
      await world.store.secrets.set('plexToken', 'another');
      expect(world.server.asked).to.deep.equal(['listen']);
      world.bus.emit('settings.changed', {});
      await world.until(() => news.status().state === 'connected');
    });

    it('follows the settings to another address, and is off without one', async () => {
      begin();
      expect(news.status()).to.deep.include({ state: 'off', lastError: null });
      await world.store.secrets.set('plexToken', 'token');
      world.bus.emit('settings.changed', {});
      await world.until(() => news.status().state === 'connected');
      await world.store.settings.change({ plex: { url: 'http://127.0.0.1:2' } });
      world.bus.emit('settings.changed', {});
      await world.until(() => world.server.asked.filter((what) => what === 'listen').length === 2);
      await world.store.settings.change({ plex: { url: '' } });
      world.bus.emit('settings.changed', {});
      await world.until(() => news.status().state === 'off');
    });
  });
});
