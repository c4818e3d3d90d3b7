import { expect } from 'chai';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { AppError } from '../../../src/domain/errors.js';
import type { LibraryItem } from '../../../src/domain/library/library.js';
import type { MediaFile } from '../../../src/domain/library/media.js';
import type { ServerEvent } from '../../../src/domain/library/server-event.js';
import { PlexWebhook } from '../../../src/domain/plex/webhook.js';
import { NotificationDebouncer, type DebouncerParts } from '../../../src/engine/plex/notification-debouncer.js';
import { createLog } from '../../../src/lib/log.js';
import { film, SERVER_ID, World } from '../../support/library-world.js';

/** The server's date of the title in all of these tests. */
const DATE = '2026-03-01T12:00:00.000Z';
const DATE_SEC = Date.parse(DATE) / 1000;
const SETTLE_SEC = 30;
const KEY = '7';

type Changed = Extract<ServerEvent, { type: 'changed' }>;
const QUIET = { type: 'changed', isFinished: true, isAnalyzed: false } as const;

/** Opens when told; until then whoever comes waits. */
class Door {
  readonly #opened: Promise<void>;
  open: () => void = () => undefined;
  /** Somebody came to it. */
  isKnocked = false;

  constructor() {
    this.#opened = new Promise((resolve) => (this.open = resolve));
  }

  async pass(): Promise<void> {
    this.isKnocked = true;
    await this.#opened;
  }
}

/** Time stands still but for what a test says, and every order of news, syncs and reads is made by hand. */
describe('one title, told of by webhook, socket and schedule', () => {
  let world: World;
  let desk: NotificationDebouncer;
  /** What the desk hands over waits here, when there is one. */
  let deskDoor: Door | null;
  /** How often the desk was done with the title. */
  let handled: number;
  /** The server's answer about the title waits here, when there is one. */
  let serverDoor: Door | null;

  beforeEach(async () => {
    world = await World.open();
    world.isHeld = true;
    deskDoor = null;
    handled = 0;
    serverDoor = null;
    await mkdir(join(world.dir, 'share/1'), { recursive: true });
    await writeFile(join(world.dir, 'share/1/something'), '');
    await world.synced();
    await world.store.settings.change({ plex: { settleSec: SETTLE_SEC } });
    world.server.items_ = [titled('A Film')];
    world.server.asked = [];
    const { server } = world;
    const [item, details] = [server.item.bind(server), server.details.bind(server)];
    server.item = async (key) => {
      const answer = await item(key);
      if (key === KEY) await serverDoor?.pass();
      return answer;
    };
    server.details = async (keys) => {
      const answer = await details(keys);
      if (keys.includes(KEY)) await serverDoor?.pass();
      return answer;
    };
    const { store, bus, intake } = world;
    const log = createLog('warn', { write: (line: string) => void world.logged.push(line) });
    const slow: DebouncerParts['intake'] = {
      expect: (news) => intake.expect(news),
      hear: async (news) => {
        await deskDoor?.pass();
        await intake.hear(news);
        handled++;
      },
      readChanged: async (news) => {
        if (news.length > 0) await deskDoor?.pass();
        await intake.readChanged(news);
        handled += news.length;
      },
    };
    const parts = { store, bus, log, intake: slow, server: () => server, serverId: () => SERVER_ID };
    desk = new NotificationDebouncer(parts, { quietMs: 1, longestMs: 1 });
    desk.start();
  });
  afterEach(async () => {
    deskDoor?.open();
    serverDoor?.open();
    await desk.stop();
    await world.close();
  });

  const titled = (title: string, change: Partial<LibraryItem> = {}): LibraryItem =>
    film(KEY, { title, updatedAt: DATE, addedAt: DATE, ...change });
  const fileOf = (): MediaFile => {
    const [file] = titled('').files;
    if (!file) throw new Error('A film has a file');
    return file;
  };
  const stored = (): LibraryItem | null => world.store.library.find(`01234567-${KEY}`);
  const row = () => world.store.pending.find(`${SERVER_ID}/${KEY}`);
  const reads = (): number =>
    world.server.asked.filter((what) => what === `item ${KEY}` || /^details (.*,)?7(,|$)/.test(what)).length;

  const webhook = (updatedAt: number | null = DATE_SEC) =>
    world.intake.receive(
      PlexWebhook.parse({
        event: 'library.new',
        Server: { uuid: SERVER_ID },
        Metadata: { ratingKey: KEY, type: 'movie', librarySectionID: 1, ...(updatedAt === null ? {} : { updatedAt }) },
      }),
    );
  /** Tells over the socket, and does not wait for what comes of it. */
  const tell = (change: Partial<Changed> = {}): void => {
    const news: Changed = { ...QUIET, ratingKey: KEY, kind: 'movie', sectionId: '1', updatedAt: DATE_SEC, ...change };
    desk.take(news);
  };
  /** The same; resolves when the desk is done with it. */
  const socket = async (change: Partial<Changed> = {}): Promise<void> => {
    const before = handled;
    tell(change);
    await world.until(() => handled > before, 'the news were handled');
  };
  /** The settle wait ends. */
  const settle = async (): Promise<void> => {
    world.nowMs += (SETTLE_SEC + 1) * 1000;
    // Any news sets the clock of the line anew.
    await world.intake.hear({ serverId: SERVER_ID, ratingKey: '98', kind: 'movie', sectionId: '1', updatedAt: null });
  };
  const done = (): Promise<void> => world.until(() => row() === null, 'the title waits no longer');
  const cron = () => world.synced('changed');
  /** Told of, and read in peace. */
  const readInPeace = async (): Promise<void> => {
    await webhook();
    await socket();
    await settle();
    await done();
    expect(reads()).to.equal(1);
    expect(stored()?.title).to.equal('A Film');
  };
  /** What changes in Plex now is told with this date. */
  const change = (title: string, updatedAt = DATE): void => {
    world.server.items_ = [titled(title, { updatedAt })];
  };
  /** In the library for a month, and renamed just now. */
  const knownByAnOldName = async (): Promise<void> => {
    change('Old Name', '2026-02-01T00:00:00.000Z');
    await world.synced();
    world.server.asked = [];
    change('A Film');
  };
  const LATER = '2026-03-01T12:01:00.000Z';
  const LATER_SEC = Date.parse(LATER) / 1000;

  describe('is read once', () => {
    afterEach(() => {
      expect(row()).to.equal(null);
      expect(stored()?.files.every(({ detailed }) => detailed)).to.equal(true);
      expect(reads()).to.equal(1);
    });

    it('when all of them come while it settles, the schedule last', async () => {
      await webhook();
      await socket();
      await cron();
      await settle();
      await done();
    });

    it('when a sync read it while it settled, and news go on after that', async () => {
      await webhook();
      await cron();
      await socket();
      await webhook();
      await settle();
      await done();
      await cron();
      await socket();
    });

    it('when a sync read it before anybody told of it', async () => {
      await cron();
      await webhook();
      await socket();
      await settle();
      await done();
      await webhook();
      await socket();
    });

    it('when a sync read it while the news came to rest', async () => {
      deskDoor = new Door();
      tell();
      await cron();
      deskDoor.open();
      await world.until(() => handled > 0);
      await webhook();
      await settle();
      await done();
    });

    it('when a sync read the change of a known one while the news came to rest, and the webhook comes late', async () => {
      await knownByAnOldName();
      deskDoor = new Door();
      tell();
      await cron();
      world.nowMs += 1000;
      deskDoor.open();
      await world.until(() => handled > 0);
      expect(await webhook()).to.equal('repeated');
      expect(stored()?.title).to.equal('A Film');
    });

    it('when news of the same date come while it is read', async () => {
      await webhook();
      await socket();
      serverDoor = new Door();
      await settle();
      await world.until(() => serverDoor?.isKnocked ?? false);
      await socket();
      await webhook();
      serverDoor.open();
      await world.until(() => stored() !== null);
      await settle();
      await done();
    });

    it('when news that came before the read are handled during it', async () => {
      await webhook();
      deskDoor = new Door();
      tell({ isAnalyzed: true });
      serverDoor = new Door();
      await settle();
      await world.until(() => serverDoor?.isKnocked ?? false);
      deskDoor.open();
      await world.until(() => handled > 0);
      serverDoor.open();
      await done();
    });

    it('when news that came before the read are handled after it', async () => {
      await knownByAnOldName();
      await webhook();
      deskDoor = new Door();
      tell({ isAnalyzed: true });
      await settle();
      await done();
      deskDoor.open();
      await world.until(() => handled > 0);
    });

    it('when a sync walks its library while it is read', async () => {
      await webhook();
      serverDoor = new Door();
      await settle();
      await world.until(() => serverDoor?.isKnocked ?? false);
      await cron();
      serverDoor.open();
      await done();
    });

    it('when everything is told again after it was read', async () => {
      await readInPeace();
      await socket();
      expect(await webhook()).to.equal('repeated');
      await cron();
      await socket();
    });
  });

  describe('is read again', () => {
    it('when it changed while it was read', async () => {
      await webhook();
      serverDoor = new Door();
      await settle();
      await world.until(() => serverDoor?.isKnocked ?? false);
      change('Another Name', LATER);
      await socket({ updatedAt: LATER_SEC });
      serverDoor.open();
      await world.until(() => stored() !== null);
      await settle();
      await done();
      expect(stored()?.title).to.equal('Another Name');
    });

    it('when it changed after it was read', async () => {
      await readInPeace();
      change('Another Name', LATER);
      await socket({ updatedAt: LATER_SEC });
      expect(stored()?.title).to.equal('Another Name');
      expect(reads()).to.equal(2);
    });

    it('when the server looked into its file after it was read', async () => {
      await readInPeace();
      await socket({ isAnalyzed: true });
      expect(reads()).to.equal(2);
    });

    it('when the server looked into its file while it was read', async () => {
      await webhook();
      serverDoor = new Door();
      await settle();
      await world.until(() => serverDoor?.isKnocked ?? false);
      await socket({ isAnalyzed: true });
      serverDoor.open();
      await world.until(() => stored() !== null);
      await settle();
      await done();
      expect(reads()).to.equal(2);
    });

    it('when it was read in the very second of its date, in which more may have changed', async () => {
      await world.store.settings.change({ plex: { settleSec: 0 } });
      await webhook();
      await done();
      expect(reads()).to.equal(1);
      change('Another Name');
      await socket();
      expect(stored()?.title).to.equal('Another Name');
      world.nowMs += 1000;
      await socket();
      await socket();
      expect(reads()).to.equal(3);
    });

    it('when its file was replaced here, though the date stands', async () => {
      await writeFile(join(world.dir, `share/1/Film ${KEY}.mkv`), 'four');
      world.nowMs = Date.now() + 3_600_000;
      world.server.items_ = [titled('A Film', { files: [{ ...fileOf(), sizeBytes: 4 }] })];
      await readInPeace();
      await writeFile(join(world.dir, `share/1/Film ${KEY}.mkv`), 'another');
      world.server.items_ = [titled('A Film', { files: [{ ...fileOf(), sizeBytes: 7 }] })];
      await socket();
      await settle();
      await done();
      expect(stored()?.files[0]?.sizeBytes).to.equal(7);
    });

    it('when the server was away at the first try', async () => {
      await webhook();
      world.server.fault = new AppError('plex_unreachable', 'Plex does not answer');
      await settle();
      await world.until(() => (row()?.failures ?? 0) > 0);
      world.server.fault = null;
      await settle();
      await done();
      expect(stored()?.title).to.equal('A Film');
    });
  });
});
