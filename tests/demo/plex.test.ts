import { expect } from 'chai';
import { execa } from 'execa';
import { once } from 'node:events';
import { copyFile, mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Busboy, type BusboyHeaders } from '@fastify/busboy';
import { SimulatedPlex } from '../../src/demo/plex/simulated-plex.js';
import { PlexWebhook } from '../../src/domain/plex/webhook.js';
import { PlexServer } from '../../src/plex/server.js';

const FILMS = { id: '1', type: 'movie' } as const;

async function makeClip(path: string, codec: string): Promise<void> {
  const picture = ['-f', 'lavfi', '-i', 'testsrc2=size=160x90:rate=10:duration=1'];
  await execa('ffmpeg', ['-v', 'error', ...picture, '-c:v', codec, '-y', path]);
}

/** Remembers every webhook that comes in. */
async function listen(): Promise<{ url: string; events: PlexWebhook[]; thumbs: number[]; server: Server }> {
  const events: PlexWebhook[] = [];
  const thumbs: number[] = [];
  const server = createServer((req, res) => {
    const form = new Busboy({ headers: req.headers as BusboyHeaders });
    form.on('field', (name, value) => {
      if (name === 'payload') events.push(PlexWebhook.parse(JSON.parse(value)));
    });
    form.on('file', (_name, stream) => {
      stream.on('data', (chunk: Buffer) => thumbs.push(chunk.length));
    });
    form.on('finish', () => res.end());
    req.pipe(form);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`, events, thumbs, server };
}

describe('the simulated Plex', () => {
  let clips: string;
  let root: string;
  let plex: SimulatedPlex;
  let server: PlexServer;
  let hooks: Awaited<ReturnType<typeof listen>>;

  before(async () => {
    clips = await mkdtemp(join(tmpdir(), 'mediaflow-clips-'));
    await makeClip(join(clips, 'old.mkv'), 'mpeg4');
    await makeClip(join(clips, 'new.mkv'), 'libx264');
  });
  after(() => rm(clips, { recursive: true, force: true }));

  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), 'mediaflow-plex-'));
    await mkdir(join(root, 'Films', 'Alien (1979)'), { recursive: true });
    await mkdir(join(root, 'TV'));
    hooks = await listen();
    plex = new SimulatedPlex({
      webhookUrl: hooks.url,
      sections: [
        {
          id: '1',
          title: 'Films',
          type: 'movie',
          locations: [{ serverPath: '/share/Films', localPath: join(root, 'Films') }],
        },
        { id: '2', title: 'TV', type: 'show', locations: [{ serverPath: '/share/TV', localPath: join(root, 'TV') }] },
      ],
    });
    await plex.start();
    server = new PlexServer({ url: plex.url, token: plex.token, clientId: 'c', version: '1' });
  });
  afterEach(async () => {
    await plex.stop();
    hooks.server.closeAllConnections();
    hooks.server.close();
    await rm(root, { recursive: true, force: true });
  });

  const local = (...parts: string[]): string => join(root, 'Films', 'Alien (1979)', ...parts);
  const FOLDER = '/share/Films/Alien (1979)';
  const add = (clip: string, ...to: string[]): Promise<void> => copyFile(join(clips, clip), local(...to));
  const addAlien = async (): Promise<string> => {
    await add('old.mkv', 'Alien (1979).mkv');
    await plex.scan();
    return plex.findByPath(`${FOLDER}/Alien (1979).mkv`)?.ratingKey ?? '';
  };
  const scanFolder = async (folder = FOLDER): Promise<void> => {
    await server.refresh('1', folder);
    await plex.settled();
  };

  it('reads names and streams of real files, and no hidden or strange ones', async () => {
    await add('old.mkv', '.Alien (1979).mkv');
    await add('old.mkv', 'Alien.nfo');
    await mkdir(local('.mediaflow'));
    await add('old.mkv', '.mediaflow', 'work.mkv');
    const key = await addAlien();
    expect(plex.items()).to.have.length(1);
    const item = await server.item(key);
    expect(item).to.include({ title: 'Alien', year: 1979, type: 'movie' });
    expect(item?.files[0]?.video).to.include({ codec: 'mpeg4', width: 160, height: 90, fps: 10 });
  });

  it('shows poster.jpg of a film and of a show, and a plain one where there is none', async () => {
    const picture = (at: number): Buffer => Buffer.from([0xff, 0xd8, 0xff, 0xe0, at]);
    const season = join(root, 'TV', 'Salt', 'Season 01');
    await mkdir(season, { recursive: true });
    await copyFile(join(clips, 'old.mkv'), join(season, 'Salt - S01E01 - Pier.mkv'));
    const key = await addAlien();
    const posterOf = async (thumb: string | null | undefined): Promise<Buffer> =>
      Buffer.from((await server.poster(thumb ?? '', 'small')).bytes);
    const plain = await posterOf((await server.item(key))?.thumb);
    await writeFile(local('poster.jpg'), picture(1));
    await writeFile(join(root, 'TV', 'Salt', 'poster.jpg'), picture(2));
    const episode = plex.findByPath('/share/TV/Salt/Season 01/Salt - S01E01 - Pier.mkv')?.ratingKey ?? '';
    expect(await posterOf((await server.item(key))?.thumb))
      .to.deep.equal(picture(1))
      .and.not.to.deep.equal(plain);
    expect(await posterOf((await server.item(episode))?.thumb)).to.deep.equal(picture(2));
  });

  it('keeps item and views when a file is replaced, but its streams are old news until an analysis', async () => {
    const key = await addAlien();
    const item = plex.items()[0];
    if (item) Object.assign(item, { viewCount: 3, viewOffset: 5000 });
    const before = await server.item(key);
    await copyFile(join(clips, 'new.mkv'), local('.new'));
    await rename(local('.new'), local('Alien (1979).mkv'));
    await scanFolder();
    const stale = await server.item(key);
    expect(stale?.files[0]?.sizeBytes).not.to.equal(before?.files[0]?.sizeBytes);
    expect(stale?.files[0]?.video?.codec).to.equal('mpeg4');
    await server.analyze(key);
    expect((await server.item(key))?.files[0]?.video?.codec).to.equal('mpeg4');
    await plex.settled();
    const fresh = await server.item(key);
    expect(fresh?.files[0]?.video?.codec).to.equal('h264');
    expect(fresh).to.include({ plays: 3, viewOffsetMs: 5000, addedAt: before?.addedAt });
  });

  it('takes a new extension for a second version while the old file is there, and keeps the item', async () => {
    const key = await addAlien();
    await add('new.mkv', 'Alien (1979).mp4');
    await scanFolder();
    expect((await server.item(key))?.files).to.have.length(2);
    await rm(local('Alien (1979).mkv'));
    await scanFolder();
    const item = await server.item(key);
    expect(item?.files.map(({ path }) => path)).to.deep.equal([`${FOLDER}/Alien (1979).mp4`]);
  });

  it('forgets an item for good when its last file is gone at a scan', async () => {
    const key = await addAlien();
    const item = plex.items()[0];
    if (item) item.viewCount = 3;
    await rm(local('Alien (1979).mkv'));
    await add('new.mkv', 'Alien (1979).mp4');
    await scanFolder();
    expect(await server.item(key)).to.be.null;
    const [back] = await server.findByPath(FILMS, `${FOLDER}/Alien (1979).mp4`);
    expect(back?.ratingKey).not.to.equal(key);
    expect(back?.plays).to.equal(0);
  });

  it('answers before it scans, scans only the folder, and never a file', async () => {
    const key = await addAlien();
    await mkdir(join(root, 'Films', 'Brazil (1985)'));
    await copyFile(join(clips, 'old.mkv'), join(root, 'Films', 'Brazil (1985)', 'Brazil (1985).mkv'));
    await rm(local('Alien (1979).mkv'));
    await server.refresh('1', `${FOLDER}/Alien (1979).mkv`);
    expect((await server.sections())[0]?.refreshing).to.equal(true);
    await plex.settled();
    await scanFolder('/share/Films/Brazil (1985)');
    expect((await server.sections())[0]?.refreshing).to.equal(false);
    expect(await server.item(key)).not.to.be.null;
    expect(plex.items()).to.have.length(2);
  });

  it('announces new films twice, and a replaced file not at all', async () => {
    const key = await addAlien();
    await add('new.mkv', 'Alien (1979).mkv');
    await scanFolder();
    while (hooks.events.length < 2) await new Promise((resolve) => setTimeout(resolve, 20));
    const news = hooks.events.map(({ event, Metadata }) => [event, Metadata?.ratingKey, Metadata?.type]);
    expect(news).to.deep.equal([
      ['library.new', key, 'movie'],
      ['library.new', key, 'movie'],
    ]);
    expect(hooks.events[0]?.Server.uuid).to.equal(plex.machineIdentifier);
    expect(hooks.thumbs[0]).to.be.greaterThan(100);
  });

  it('announces a new show once, then a new season, then a single episode', async () => {
    const addEpisode = async (season: number, episode: number): Promise<void> => {
      const folder = join(root, 'TV', 'The Wire', `Season 0${season}`);
      await mkdir(folder, { recursive: true });
      await copyFile(join(clips, 'old.mkv'), join(folder, `The Wire - S0${season}E0${episode} - Part ${episode}.mkv`));
    };
    const told = async (episodes: [number, number][]): Promise<PlexWebhook['Metadata'][]> => {
      for (const [season, episode] of episodes) await addEpisode(season, episode);
      const known = new Set(hooks.events.map(({ Metadata }) => Metadata?.ratingKey));
      await plex.scan();
      return hooks.events.map(({ Metadata }) => Metadata).filter((item) => !known.has(item?.ratingKey));
    };
    const [show] = await told([
      [1, 1],
      [1, 2],
    ]);
    expect(show).to.include({ type: 'show', title: 'The Wire' });
    expect(await server.leaves(show?.ratingKey ?? '')).to.have.length(2);
    const [season] = await told([
      [2, 1],
      [2, 2],
    ]);
    expect(season).to.include({ type: 'season' });
    expect(await server.leaves(season?.ratingKey ?? '')).to.have.length(2);
    const [episode] = await told([[2, 3]]);
    expect(episode).to.include({ type: 'episode', title: 'Part 3' });
    expect(await server.item(episode?.ratingKey ?? '')).to.include({ show: 'The Wire', season: 2, episode: 3 });
  });

  it('posts any event by hand', async () => {
    const key = await addAlien();
    const before = hooks.events.length;
    await plex.postWebhook('media.stop', key);
    expect(hooks.events.slice(before).some(({ event }) => event === 'media.stop')).to.equal(true);
  });

  describe('is as particular about requests as the real one', () => {
    const ask = (path: string, headers: Record<string, string> = {}): Promise<Response> =>
      fetch(`${plex.url}${path}`, { headers: { 'X-Plex-Token': plex.token, ...headers } });
    const json = { Accept: 'application/json' };

    it('answers XML unless JSON is asked for, and HTML when it refuses', async () => {
      expect((await ask('/library/sections')).headers.get('content-type')).to.contain('xml');
      expect((await ask('/library/sections', json)).headers.get('content-type')).to.contain('json');
      const refused = await fetch(`${plex.url}/library/sections`, { headers: json });
      expect(refused.status).to.equal(401);
      expect(refused.headers.get('content-type')).to.equal('text/html');
      expect((await fetch(`${plex.url}/identity`)).status).to.equal(200);
    });

    it('falls over a file without a type, and pages only with start and size', async () => {
      plex.loadSynthetic(10);
      expect((await ask('/library/sections/1/all?file=a.mkv', json)).status).to.equal(500);
      const read = async (query: string): Promise<{ size: number; totalSize?: number }> => {
        const answer = (await (await ask(`/library/sections/1/all?type=1&${query}`, json)).json()) as {
          MediaContainer: { size: number; totalSize?: number };
        };
        return answer.MediaContainer;
      };
      expect(await read('X-Plex-Container-Size=3'))
        .to.include({ size: 10 })
        .and.not.have.property('totalSize');
      expect(await read('X-Plex-Container-Start=8&X-Plex-Container-Size=3')).to.include({ size: 2, totalSize: 10 });
      expect(await read('unknown=filter')).to.include({ size: 10 });
    });

    it('remembers what it was asked', async () => {
      await ask('/library/sections?a=b', json);
      expect(plex.requests.at(-1)).to.deep.equal({
        method: 'GET',
        path: '/library/sections',
        query: { a: 'b' },
        accept: 'application/json',
      });
    });
  });
});
