import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Context } from '../../src/actions/action.js';
import { SimulatedPlex } from '../../src/demo/plex/simulated-plex.js';
import { PlexServer } from '../../src/plex/server.js';
import { startWeb, type WebTest } from './web.js';

export interface CollectionWeb {
  web: WebTest;
  plex: SimulatedPlex;
  stop(): Promise<void>;
}

/** The web server over a library that was read from a simulated Plex: films on paper, and two series. */
export async function startCollectionWeb(films = 90): Promise<CollectionWeb> {
  const dir = await mkdtemp(join(tmpdir(), 'mediaflow-collection-web-'));
  const shows = join(dir, 'shows');
  await mkdir(shows);
  for (const name of ['Northline - S01E01 - a.mkv', 'Northline - S01E02 - b.mkv', 'Bilge - S01E01 - c.mkv'])
    await writeFile(join(shows, name), '');
  const plex = new SimulatedPlex({
    ffprobe: '/bin/false',
    sections: [
      { id: '1', title: 'Films', type: 'movie', locations: [{ serverPath: '/share/F', localPath: join(dir, 'none') }] },
      { id: '2', title: 'Shows', type: 'show', locations: [{ serverPath: '/share/S', localPath: shows }] },
    ],
  });
  await plex.start();
  plex.loadSynthetic(films);
  await plex.scan();
  const { url, token, machineIdentifier: expectedServerId } = plex;
  const server = new PlexServer({ url, token, clientId: 'c', version: '1', expectedServerId });
  const web = await startWeb({ prepare: (context) => fill(context, server) });
  return {
    web,
    plex,
    stop: async () => {
      await web.stop();
      await plex.stop();
      await rm(dir, { recursive: true, force: true });
    },
  };
}

async function fill({ store }: Context, server: PlexServer): Promise<Partial<Context>> {
  const at = new Date().toISOString();
  for (const { id, serverId, title, type, locations } of await server.sections()) {
    const section = { id, serverId, title, type, locations };
    await store.sections.put({ ...section, enabled: true, frozen: null, itemCount: 1, syncedAt: at });
    for await (const { items } of server.items(section)) await store.library.putMany(items);
  }
  await store.filters.putMany([
    { id: 'modern', name: 'Modern films', query: 'codec=av1&sort=title', isDefault: false, createdAt: at },
    { id: 'north', name: 'Northline', query: 'q=northline', isDefault: false, createdAt: at },
    { id: 'all', name: 'By title', query: 'sort=title', isDefault: false, createdAt: at },
  ]);
  return { server: () => server };
}
