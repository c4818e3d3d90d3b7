import { expect } from 'chai';
import { rm } from 'node:fs/promises';
import { itemId, type LibraryItem } from '../../src/domain/library/library.js';
import type { Recommendation } from '../../src/domain/recommendations/recommendation.js';
import type { NotificationListenerStatus } from '../../src/engine/plex/notification-listener.js';
import { Clips } from '../support/clips.js';
import { sideBySide, type Play } from '../support/side-by-side.js';
import { Stage, type StageOptions } from '../support/stage.js';

const OLD = [
  ...['-f', 'lavfi', '-i', 'testsrc2=s=320x180:r=25:d=2', '-f', 'lavfi', '-i', 'sine=f=440:d=2'],
  ...['-c:v', 'mpeg4', '-q:v', '2', '-c:a', 'aac'],
];
/** New Year's night: no test runs then. */
const NEVER = '0 0 1 1 *';

describe('what Plex tells by itself', function () {
  this.timeout(240_000);
  let clips: Clips;

  before(async () => {
    clips = await Clips.open();
  });
  sideBySide(() => play(() => clips));
  after(() => clips.close());
});

/** Each test has a stage of its own. */
function play(clips: () => Clips): Play {
  let stage: Stage;

  const begin = async (options: StageOptions = {}, titles: string[] = []): Promise<void> => {
    stage = await Stage.set({ webhook: false, ...options });
    for (const title of titles) await add(title);
    await stage.plex.scan();
    await stage.startApp();
    await stage.setToWork({ mode: 'recommend' });
    await stage.api('PUT', '/api/settings', { plex: { syncCron: NEVER, fullSyncCron: NEVER } });
    await stage.until('the library has caught up', () => status().caughtUpAt !== null);
  };
  const status = (): NotificationListenerStatus => {
    if (!stage.app) throw new Error('MediaFlow does not run');
    return stage.app.context.notifications.status();
  };
  const add = async (title: string): Promise<string> =>
    stage.add(`Films/${title}/${title}.mkv`, await clips().make('old.mkv', OLD));
  const keyOf = (title: string): string =>
    stage.plex.findByPath(`/share/Media/Films/${title}/${title}.mkv`)?.ratingKey ?? '';
  const stored = (key: string): LibraryItem | null =>
    stage.app?.context.store.library.find(itemId(stage.plex.machineIdentifier, key)) ?? null;
  const found = (): Promise<Recommendation> =>
    stage.until('there is a recommendation', async () => {
      const { items } = await stage.api<{ items: Recommendation[] }>('GET', '/api/recommendations');
      return items[0] ?? null;
    });
  /** How often this title was read in full. */
  const readsOf = (key: string): number =>
    stage.plex.requests.filter(({ path }) => path.replace('/library/metadata/', '').split(',').includes(key)).length;
  const listings = (): number => stage.plex.requests.filter(({ path }) => path.endsWith('/all')).length;
  const complaints = (): string[] => stage.logged.filter((line) => /"level":[4-6]0/.test(line));
  const gone = (key: string): string =>
    JSON.stringify({
      NotificationContainer: {
        type: 'timeline',
        size: 1,
        TimelineEntry: [
          {
            identifier: 'com.plexapp.plugins.library',
            sectionID: '1',
            itemID: key,
            type: 1,
            state: 9,
            metadataState: 'deleted',
          },
        ],
      },
    });

  const tests: Record<string, () => Promise<void>> = {
    'brings a new film to a recommendation, with neither webhook nor schedule': async () => {
      await begin();
      const before = listings();
      await add('A Film (1999)');
      await stage.plex.scan();
      const { itemId: id, ruleId } = await found();
      expect(ruleId).to.equal('codec-modernization');
      expect(id).to.equal(itemId(stage.plex.machineIdentifier, keyOf('A Film (1999)')));
      expect(readsOf(keyOf('A Film (1999)'))).to.equal(1);
      expect(listings()).to.equal(before);
      expect(status()).to.deep.include({ state: 'connected', lastError: null });
      expect(status().lastEventAt).to.be.a('string');
      expect(stage.app?.context.store.webhookCounts.value.accepted).to.equal(0);
    },

    'brings all episodes of a new show, each read once': async () => {
      await begin();
      // What is read within the second of its date is read again, rightly: more of the same date may come after it.
      await stage.api('PUT', '/api/settings', { plex: { settleSec: 3 } });
      const clip = await clips().make('old.mkv', OLD);
      for (const episode of ['S01E01', 'S01E02', 'S02E01'])
        await stage.add(`Shows/A Show/A Show - ${episode}.mkv`, clip);
      await stage.plex.scan();
      await stage.until('all are there', () => stage.app?.context.store.library.size === 3);
      await stage.until('nothing waits', () => stage.app?.context.store.pending.size === 0);
      expect(stage.plex.items().map(({ ratingKey }) => readsOf(ratingKey))).to.deep.equal([1, 1, 1]);
    },

    'shows what was changed in Plex': async () => {
      await begin({}, ['Old Name (2000)']);
      const told: string[] = [];
      stage.app?.context.bus.on('library.changed', ({ itemIds }) => void told.push(...itemIds));
      const before = listings();
      const key = keyOf('Old Name (2000)');
      stage.plex.touch(key, { title: 'New Name', userRating: 9 });
      await stage.until('the new name is there', () => stored(key)?.title === 'New Name');
      expect(stored(key)?.userRating).to.equal(9);
      expect(told).to.deep.equal([itemId(stage.plex.machineIdentifier, key)]);
      expect(listings()).to.equal(before);
    },

    'reads an item once although webhook, socket and schedule all tell of it': async () => {
      await begin({ webhook: true });
      // On a busy machine some of the news may come after it was read; they say nothing that was not read.
      await stage.api('PUT', '/api/settings', { plex: { settleSec: 3, syncCron: '* * * * * *' } });
      await add('Thrice (2001)');
      await stage.plex.scan();
      const key = keyOf('Thrice (2001)');
      await found();
      await stage.until('nothing waits', () => stage.app?.context.store.pending.size === 0);
      const before = listings();
      await stage.until('the schedule looked again', () => listings() >= before + 4);
      expect(readsOf(key)).to.equal(1);
      expect(stage.app?.context.store.webhookCounts.value.accepted).to.equal(1);
      expect((await stage.api<{ items: unknown[] }>('GET', '/api/recommendations')).items).to.have.length(1);
    },

    'connects again when the server is back, and finds what was missed': async () => {
      await begin();
      stage.plex.fault = 503;
      stage.plex.notifications.drop();
      await stage.until('the loss is seen', () => status().lastError !== null);
      expect(status()).to.include({ state: 'connecting', caughtUpAt: null });
      await add('Missed (2002)');
      await stage.plex.scan();
      stage.plex.fault = null;
      expect((await found()).itemId).to.equal(itemId(stage.plex.machineIdentifier, keyOf('Missed (2002)')));
      await stage.until('it has caught up', () => status().caughtUpAt !== null);
      expect(status()).to.deep.include({ state: 'connected', lastError: null });
      expect(stage.plex.notifications.listeners).to.equal(1);
      expect(complaints()).to.deep.equal([]);
    },

    'marks a deleted film as missing, when the server confirms it': async () => {
      await begin({}, ['Stays (2003)', 'Goes (2004)', 'Other (2005)']);
      const [stays, goes, other] = [keyOf('Stays (2003)'), keyOf('Goes (2004)'), keyOf('Other (2005)')];
      await rm(`${stage.media}/Films/Goes (2004)`, { recursive: true });
      await stage.plex.scan();
      await stage.until('it is missed', () => stored(goes)?.state === 'missing');
      const asked = readsOf(stays);
      stage.plex.notifications.sendRaw(gone(stays));
      await stage.until('the server was asked', () => readsOf(stays) > asked);
      // Handled in order: when this one is there, the other is done.
      stage.plex.touch(other, { title: 'Later' });
      await stage.until('later news are handled', () => stored(other)?.title === 'Later');
      expect(stored(stays)?.state).to.equal('present');
    },

    'believes no deletion from a server that shows nothing at all': async () => {
      await begin({}, ['One (2005)', 'Two (2006)']);
      const keys = [keyOf('One (2005)'), keyOf('Two (2006)')] as const;
      stage.plex.fault = 'empty';
      const asked = readsOf(keys[0]);
      stage.plex.notifications.sendRaw(gone(keys[0]));
      await stage.until('the server was asked', () => readsOf(keys[0]) > asked);
      stage.plex.fault = null;
      stage.plex.touch(keys[1], { title: 'Later' });
      await stage.until('later news are handled', () => stored(keys[1])?.title === 'Later');
      expect(stored(keys[0])?.state).to.equal('present');
    },
  };

  for (const [refusal, code] of [
    [404, 'plex_not_found'],
    [401, 'plex_unauthorized'],
  ] as const)
    tests[`says plainly that the server answers ${refusal}, and makes no noise about it`] = async () => {
      stage = await Stage.set({ webhook: false });
      stage.plex.notifications.refusal = refusal;
      await stage.startApp();
      const { lastError } = await stage.until('it is refused', () => status().lastError !== null && status());
      expect(lastError?.code).to.equal(code);
      expect(status()).to.include({ state: 'connecting', caughtUpAt: null });
      expect(complaints()).to.deep.equal([]);
      const tries = stage.plex.requests.filter(({ path }) => path.startsWith('/:/websocket')).length;
      expect(tries).to.equal(refusal === 404 ? 2 : 1);
      expect(stage.plex.requests.some(({ query }) => 'X-Plex-Token' in query)).to.equal(false);
    };
  return { tests, strike: () => stage.strike() };
}
