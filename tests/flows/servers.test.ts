import { expect } from 'chai';
import { copyFile, mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { SimulatedPlex } from '../../src/demo/plex/simulated-plex.js';
import type { LibraryItem, Section } from '../../src/domain/library/library.js';
import { Clips } from '../support/clips.js';
import { sideBySide, type Play } from '../support/side-by-side.js';
import { sha256Of, Stage } from '../support/stage.js';

const OLD = [
  ...['-f', 'lavfi', '-i', 'testsrc2=s=320x180:r=25:d=2', '-f', 'lavfi', '-i', 'sine=f=440:d=2'],
  ...['-c:v', 'mpeg4', '-q:v', '2', '-c:a', 'aac'],
];
/** New Year's night: no test runs then. */
const NEVER = '0 0 1 1 *';

describe('two Plex servers', function () {
  this.timeout(240_000);
  let clips: Clips;
  before(async () => {
    clips = await Clips.open();
  });
  sideBySide(() => play(() => clips));
  after(() => clips.close());
});

function play(clips: () => Clips): Play {
  let stage: Stage;
  let second: SimulatedPlex;
  let media: string;

  /** Both call their folder and their libraries the same, and count their titles alike. */
  const set = async (): Promise<void> => {
    stage = await Stage.set({ webhook: false, env: { MEDIAFLOW_PATH_MAPPINGS: '' } });
    media = join(stage.dir, 'second');
    await mkdir(join(media, 'Films'), { recursive: true });
    second = new SimulatedPlex({
      name: 'Attic',
      sections: [
        {
          id: '1',
          title: 'Attic films',
          type: 'movie',
          locations: [{ serverPath: '/share/Media/Films', localPath: join(media, 'Films') }],
        },
      ],
    });
    await second.start();
    await stage.add('Films/Here (2001)/Here (2001).mkv', await clips().make('old.mkv', OLD));
    await stage.plex.scan();
    await addThere('There (2002)');
    await second.scan();
    await stage.startApp();
    await stage.setToWork({ mode: 'recommend' });
    const mappings = [
      { from: '/share/Media', to: stage.media },
      { from: '/share/Media', to: media, serverId: second.machineIdentifier },
    ];
    await stage.api('PUT', '/api/settings', {
      plex: { syncCron: NEVER, fullSyncCron: NEVER },
      paths: { mappings },
    });
    await stage.until('the first library is read', () => titles().includes('Here'));
  };
  const strike = async (): Promise<void> => {
    await stage.strike();
    await second.stop();
  };

  const addThere = async (title: string): Promise<string> => {
    const path = join(media, `Films/${title}/${title}.mkv`);
    await mkdir(dirname(path), { recursive: true });
    await copyFile(await clips().make('old.mkv', OLD), path);
    return path;
  };
  const items = (): LibraryItem[] => [...(stage.app?.context.store.library.values() ?? [])];
  const titles = (): string[] =>
    items()
      .map(({ title }) => title)
      .sort();
  const connect = async (): Promise<void> => {
    await stage.api('POST', '/api/plex/servers', { url: second.url, token: second.token });
    await stage.until('both are read', () => titles().join() === 'Here,There');
    await stage.until('the sync is over', async () => (await syncState()) === 'idle');
  };
  const syncState = async (): Promise<string> =>
    (await stage.api<{ state: string }>('GET', '/api/plex/sync/status')).state;
  const asked = (plex: SimulatedPlex, what: RegExp): number =>
    plex.requests.filter(({ path }) => what.test(path)).length;

  /** Refused while a look at the library is under way, which may begin by itself. */
  const switchTo = (id: string, enabled: boolean): Promise<true> =>
    stage.until(
      'the library is switched',
      async () => (await stage.ask('POST', `/api/plex/sections/${id}`, { enabled })).status < 300,
    );

  const tests = {
    'are read side by side, though they number titles and libraries alike': async () => {
      await connect();
      const [here, there] = [
        items().find(({ title }) => title === 'Here'),
        items().find(({ title }) => title === 'There'),
      ];
      expect(here?.ratingKey).to.equal(there?.ratingKey);
      expect(here?.sectionId).to.equal('1');
      expect(there?.sectionId).to.equal(`${second.machineIdentifier.slice(0, 8)}-1`);
      expect(here?.files[0]?.localPath).to.equal(join(stage.media, 'Films/Here (2001)/Here (2001).mkv'));
      expect(there?.files[0]?.localPath).to.equal(join(media, 'Films/There (2002)/There (2002).mkv'));
      const { items: sections } = await stage.api<{ items: Section[] }>('GET', '/api/plex/sections');
      expect(sections.map(({ title }) => title)).to.have.members(['Films', 'Shows', 'Attic films']);
      const ofSecond = await stage.api<{ total: number }>(
        'GET',
        `/api/library/items?serverId=${second.machineIdentifier}`,
      );
      expect(ofSecond.total).to.equal(1);
    },

    'a restart knows both, and news over the socket come from both': async () => {
      await connect();
      await stage.stopApp();
      await addThere('Later (2003)');
      await second.scan();
      await stage.startApp();
      await stage.until('the new title of the second is read', () => titles().includes('Later'));
      expect(titles()).to.deep.equal(['Here', 'Later', 'There']);
    },

    'are told what concerns them, and nothing else': async () => {
      await connect();
      await stage.setToWork({ mode: 'recommend' });
      const there = items().find(({ title }) => title === 'There');
      const original = await sha256Of(there?.files[0]?.localPath ?? '');
      const scans = asked(stage.plex, /\/refresh$|\/analyze$/);
      await stage.api('POST', '/api/transcode/jobs', { itemIds: [there?.id], presetId: 'quick' });
      const job = await stage.jobThat(({ state }) => state === 'done' || state === 'failed');
      expect(job.error).to.equal(null);
      expect(await sha256Of(job.sourcePath)).not.to.equal(original);
      expect(asked(second, /\/refresh$/)).to.be.greaterThan(0);
      expect(asked(stage.plex, /\/refresh$|\/analyze$/)).to.equal(scans);
      expect(items().find(({ title }) => title === 'There')?.files[0]?.video?.codec).to.equal('hevc');
      expect(items().find(({ title }) => title === 'Here')?.files[0]?.video?.codec).to.equal('mpeg4');
    },

    'are heard over the shared webhook, and each over its own, which takes no other': async () => {
      await connect();
      const { items: beside } = await stage.api<{ items: { webhookUrl: string; liveConnection: string }[] }>(
        'GET',
        '/api/plex/servers/beside',
      );
      const own = new URL(beside[0]?.webhookUrl ?? '').pathname;
      const shared = `/hooks/plex/${stage.env['MEDIAFLOW_WEBHOOK_SECRET'] ?? ''}`;
      const outcomes = (): Record<string, unknown> => ({ ...stage.app?.context.store.webhookCounts.value });
      const post = async (path: string, uuid: string): Promise<void> => {
        const event = { event: 'media.play', Server: { uuid }, Metadata: { ratingKey: '1', type: 'movie' } };
        const response = await fetch(stage.url + path, { method: 'POST', body: JSON.stringify(event) });
        expect(response.status).to.equal(200);
      };
      await post(shared, stage.plex.machineIdentifier);
      await post(shared, second.machineIdentifier);
      await post(own, second.machineIdentifier);
      await stage.until('all three are taken', () => outcomes()['ignored'] === 3);
      await post(own, stage.plex.machineIdentifier);
      await post(shared, 'e'.repeat(40));
      await stage.until('two are refused', () => outcomes()['wrong_server'] === 2);
      expect((await stage.ask('POST', '/hooks/plex/nonsense', {})).status).to.equal(404);
    },

    'one that somebody shares is read, and never taken for files of this machine': async () => {
      await connect();
      const id = second.machineIdentifier;
      await stage.app?.context.store.servers.others.patch(id, { isOwned: false });
      const there = items().find(({ title }) => title === 'There');
      second.touch(there?.ratingKey ?? '', { title: 'There again' });
      await stage.until('it is read again', () => titles().includes('There again'));
      const again = items().find(({ title }) => title === 'There again');
      expect(again?.files[0]?.localPath).to.equal(null);
      const { status, json } = await stage.ask('POST', '/api/transcode/jobs', {
        itemIds: [again?.id],
        presetId: 'quick',
      });
      expect([status, JSON.stringify(json)].join()).to.match(/path_unmapped/);
    },

    'one being away keeps nobody from reading the other, and nothing is lost': async () => {
      await connect();
      await stage.add('Films/New (2004)/New (2004).mkv', await clips().make('old.mkv', OLD));
      await stage.plex.scan();
      second.fault = 503;
      // The notification socket may be catching up by a sync of its own.
      const { runId } = await stage.until('a sync can begin', async () => {
        const { status, json } = await stage.ask('POST', '/api/plex/sync', { mode: 'full' });
        return status === 200 ? (json as { runId: string }) : null;
      });
      const run = await stage.until('the sync is over', () => {
        const row = stage.app?.context.store.runs.find(runId);
        return row?.finishedAt ? row : null;
      });
      expect(run.error).to.match(/^Attic: .*Plex/);
      expect(titles()).to.deep.equal(['Here', 'New', 'There']);
      expect(items().every(({ state }) => state === 'present')).to.equal(true);
      // Health looks again when settings change, and once a minute. That its library is frozen may stand there before.
      await stage.api('PUT', '/api/settings', { queue: { concurrency: 2 } });
      const { problems } = await stage.until('health names the server', async () => {
        const health = await stage.api<{ problems: { id: string; summary: string }[] }>('GET', '/api/health');
        return health.problems.some(({ id }) => id.startsWith('plex.')) ? health : null;
      });
      const summaries = problems.filter(({ id }) => id.startsWith('plex.')).map(({ summary }) => summary);
      expect(summaries).to.have.length(1);
      expect(summaries[0]).to.match(/^Attic cannot be used/);
    },

    'one that is removed takes its titles along, and no file': async () => {
      await connect();
      const there = items().find(({ title }) => title === 'There');
      const path = there?.files[0]?.localPath ?? '';
      const before = await sha256Of(path);
      await stage.until(
        'it has a suggestion',
        () => stage.app?.context.store.recommendations.where(({ itemId }) => itemId === there?.id).length === 1,
      );
      const refused = await stage.ask('DELETE', `/api/plex/servers/${stage.plex.machineIdentifier}`);
      expect(refused.status).to.equal(409);
      const removed = await stage.api('DELETE', `/api/plex/servers/${second.machineIdentifier}`);
      expect(removed).to.deep.equal({ name: 'Attic', titles: 1 });
      expect(titles()).to.deep.equal(['Here']);
      expect(await sha256Of(path)).to.equal(before);
      expect(
        stage.app?.context.store.recommendations.where(({ itemId, state }) => itemId === there?.id && state === 'open'),
      ).to.deep.equal([]);
      expect(
        stage.app?.context.store.sections.where(({ serverId }) => serverId === second.machineIdentifier),
      ).to.deep.equal([]);
      const { status } = await stage.ask('DELETE', `/api/plex/servers/${second.machineIdentifier}`);
      expect(status).to.equal(404);
      await connect();
    },

    'a library that is switched off leaves, and comes back when it is switched on': async () => {
      await connect();
      const id = `${second.machineIdentifier.slice(0, 8)}-1`;
      await switchTo(id, false);
      expect(titles()).to.deep.equal(['Here']);
      await stage.api('POST', '/api/plex/sync', { mode: 'full' }).catch(() => undefined);
      await stage.until('the sync is over', async () => (await syncState()) === 'idle');
      expect(titles()).to.deep.equal(['Here']);
      await switchTo(id, true);
      await stage.until('it is read again', () => titles().includes('There'));
    },
  };
  return { tests, set, strike };
}
