import { expect } from 'chai';
import { SimulatedPlex } from '../../src/demo/plex/simulated-plex.js';
import { AppError } from '../../src/domain/errors.js';
import { LibraryItem } from '../../src/domain/library/library.js';
import { PlexServer } from '../../src/plex/server.js';

const FILMS = { id: '1', type: 'movie' } as const;
const SHOWS = { id: '2', type: 'show' } as const;

for (const format of ['json', 'xml'] as const)
  describe(`a Plex server that speaks ${format}`, () => {
    let plex: SimulatedPlex;
    let server: PlexServer;
    before(async () => {
      plex = new SimulatedPlex({
        format,
        name: 'Den & "Attic" <1>',
        sections: [
          {
            id: '1',
            title: 'Films',
            type: 'movie',
            locations: [{ serverPath: '/share/Films', localPath: '/nowhere/a' }],
          },
          { id: '2', title: 'Shows', type: 'show', locations: [{ serverPath: '/share/TV', localPath: '/nowhere/b' }] },
        ],
      });
      await plex.start();
      plex.loadSynthetic(1203);
      server = new PlexServer({
        url: `${plex.url}/`,
        token: plex.token,
        clientId: 'c',
        version: '1',
        expectedServerId: plex.machineIdentifier,
      });
    });
    after(() => plex.stop());
    afterEach(() => {
      plex.fault = null;
      plex.stopPlaying();
    });

    it('says who it is', async () => {
      expect(await server.identity()).to.deep.include({
        machineIdentifier: plex.machineIdentifier,
        name: 'Den & "Attic" <1>',
        platform: 'Linux',
        webhooksEnabled: true,
        pushNotifications: true,
      });
    });

    it('lists its libraries', async () => {
      expect(await server.sections()).to.deep.equal([
        {
          id: '1',
          serverId: plex.machineIdentifier,
          title: 'Films',
          type: 'movie',
          locations: ['/share/Films'],
          refreshing: false,
        },
        {
          id: '2',
          serverId: plex.machineIdentifier,
          title: 'Shows',
          type: 'show',
          locations: ['/share/TV'],
          refreshing: false,
        },
      ]);
    });

    it('lists every item once, each as our schema wants it', async () => {
      const keys = new Set<string>();
      for await (const { items, total } of server.items(FILMS)) {
        expect(total).to.equal(1203);
        for (const item of items) keys.add(LibraryItem.parse(item).ratingKey);
      }
      expect(keys.size).to.equal(1203);
      for await (const { items } of server.items(SHOWS)) expect(items).to.deep.equal([]);
    });

    it('tells the streams of single items', async () => {
      const [first, second] = plex.items();
      const keys = [first?.ratingKey ?? '', '999999', second?.ratingKey ?? ''];
      const items = await server.details(keys);
      expect(items.map(({ ratingKey }) => ratingKey)).to.deep.equal([keys[0], keys[2]]);
      const file = LibraryItem.parse(items[0]).files[0];
      expect(file?.detailed).to.equal(true);
      expect(file?.video).to.include({ codec: 'h264', bitDepth: 8, fps: 23.976 });
      expect(file?.audio[0]).to.include({ channels: 6, language: 'eng' });
      expect(file?.subtitles[0]).to.include({ codec: 'srt', external: false });
      expect(await server.item('999999')).to.be.null;
    });

    it('tells what changed', async () => {
      const item = plex.items()[40];
      plex.touch(item?.ratingKey ?? '', { labels: ['Keep'], userRating: 8 });
      const since = new Date(Date.now() - 60_000).toISOString();
      const changed: string[] = [];
      for await (const page of server.items(FILMS, { since }))
        changed.push(...page.items.map(({ ratingKey }) => ratingKey));
      expect(changed).to.deep.equal([item?.ratingKey]);
      expect(await server.item(item?.ratingKey ?? '')).to.deep.include({ labels: ['Keep'], userRating: 8 });
    });

    it('finds an item by the path of its file', async () => {
      const item = plex.items()[7];
      const path = item?.files[0]?.serverPath ?? '';
      expect((await server.findByPath(FILMS, path)).map(({ ratingKey }) => ratingKey)).to.deep.equal([item?.ratingKey]);
      expect(await server.findByPath(FILMS, path.replace('/share/', '/other/'))).to.deep.equal([]);
    });

    it('tells who watches', async () => {
      expect(await server.sessions()).to.deep.equal([]);
      const [item] = plex.items();
      const file = item?.files[0];
      plex.play(item?.ratingKey ?? '', { state: 'paused', user: 'Ann' });
      plex.play(item?.ratingKey ?? '', { transcode: true });
      const [direct, transcoded] = await server.sessions();
      expect(direct).to.deep.equal({
        ratingKey: item?.ratingKey,
        title: item?.title,
        user: 'Ann',
        state: 'paused',
        fileIds: [String(file?.partId)],
        paths: [file?.serverPath],
        transcodesVideo: false,
      });
      expect(transcoded).to.deep.include({ fileIds: [String(file?.partId)], paths: [], transcodesVideo: true });
    });

    const faults = [
      [401, 'plex_unauthorized'],
      [403, 'plex_forbidden'],
      [429, 'plex_rate_limited'],
      [500, 'plex_unavailable'],
      [503, 'plex_unavailable'],
      ['maintenance', 'plex_maintenance'],
      ['html', 'plex_bad_answer'],
      ['half-json', 'plex_bad_answer'],
      ['reset', 'plex_unreachable'],
      ['empty', 'plex_bad_answer'],
    ] as const;
    for (const [fault, code] of faults)
      it(`never takes ${fault} for an empty library`, async () => {
        plex.fault = fault;
        const error: unknown = await server
          .items(FILMS)
          .next()
          .catch((thrown: unknown) => thrown);
        expect(error).to.be.instanceOf(AppError).and.to.include({ code });
      });

    it('notices another server behind the same address', async () => {
      plex.fault = 'wrong-server';
      const options = { url: plex.url, token: plex.token, clientId: 'c', version: '1' };
      const fresh = new PlexServer({ ...options, expectedServerId: plex.machineIdentifier });
      const error: unknown = await fresh.sessions().catch((thrown: unknown) => thrown);
      expect(error).to.include({ code: 'plex_wrong_server' });
      expect((await new PlexServer(options).identity()).machineIdentifier).not.to.equal(plex.machineIdentifier);
    });

    it('refuses a wrong token', async () => {
      const options = { url: plex.url, token: 'wrong', clientId: 'c', version: '1' };
      const error: unknown = await new PlexServer(options).identity().catch((thrown: unknown) => thrown);
      expect(error).to.include({ code: 'plex_unauthorized' });
    });
  });
