import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { SimulatedCollection } from '../../../src/demo/plex/collections.js';
import { SimulatedPlex } from '../../../src/demo/plex/simulated-plex.js';
import type { CollectionPlace, LibraryCollection } from '../../../src/domain/collections/collection.js';
import type { Events } from '../../../src/domain/events.js';
import { CollectionKeeper } from '../../../src/engine/collections/keeper.js';
import { LibrarySearch } from '../../../src/engine/library/search.js';
import { Bus } from '../../../src/lib/bus.js';
import { createLog } from '../../../src/lib/log.js';
import { PlexServer } from '../../../src/plex/server.js';
import { openStore, type Store } from '../../../src/store/store.js';

const EPISODES = ['Northline - S01E01 - a.mkv', 'Northline - S01E02 - b.mkv', 'Bilge - S01E01 - c.mkv'];
/** Films with a file that can be deleted. */
const BRIEF = ['Brief (2001).mkv', 'Brief again (2002).mkv'];

/** A keeper of collections over a real store and a simulated Plex, spoken to over HTTP. */
export class CollectionWorld {
  readonly dir: string;
  readonly plex: SimulatedPlex;
  readonly store: Store;
  readonly bus = new Bus<Events>((error) => {
    throw error;
  });
  readonly server: PlexServer;
  readonly search: LibrarySearch;
  readonly logged: string[];
  keeper: CollectionKeeper;

  private constructor(dir: string, plex: SimulatedPlex, store: Store, logged: string[]) {
    this.dir = dir;
    this.plex = plex;
    this.store = store;
    this.logged = logged;
    const { url, token, machineIdentifier: expectedServerId } = plex;
    this.server = new PlexServer({ url, token, clientId: 'c', version: '1', expectedServerId });
    this.search = new LibrarySearch({ store, bus: this.bus });
    this.keeper = this.makeKeeper();
  }

  /** A film library with this many films, and a show library with two series. */
  static async open(films: number): Promise<CollectionWorld> {
    const dir = await mkdtemp(join(tmpdir(), 'mediaflow-collections-'));
    const shows = join(dir, 'shows');
    const folder = join(dir, 'films');
    await mkdir(shows);
    await mkdir(folder);
    for (const name of EPISODES) await writeFile(join(shows, name), '');
    for (const name of BRIEF) await writeFile(join(folder, name), '');
    const plex = new SimulatedPlex({
      ffprobe: '/bin/false',
      sections: [
        { id: '1', title: 'Films', type: 'movie', locations: [{ serverPath: '/share/F', localPath: folder }] }, // prettier-ignore
        { id: '2', title: 'Shows', type: 'show', locations: [{ serverPath: '/share/S', localPath: shows }] },
      ],
    });
    await plex.start();
    plex.loadSynthetic(films);
    await plex.scan();
    const logged: string[] = [];
    const log = createLog('warn', { write: (line: string) => void logged.push(line) });
    const store = await openStore({ dir: join(dir, 'data'), log, now: () => new Date() });
    const world = new CollectionWorld(dir, plex, store, logged);
    await world.read();
    world.search.start();
    world.keeper.start();
    return world;
  }

  makeKeeper(): CollectionKeeper {
    const log = createLog('warn', { write: (line: string) => void this.logged.push(line) });
    const { store, bus, search } = this;
    return new CollectionKeeper({ store, bus, log, search, now: () => new Date(), server: () => this.server });
  }

  /** Takes over what Plex has, as a sync does. */
  async read(): Promise<void> {
    for (const { id, serverId, title, type, locations } of await this.server.sections()) {
      const section = { id, serverId, title, type, locations };
      const row = { ...section, enabled: true, frozen: null, itemCount: 1, syncedAt: new Date().toISOString() };
      await this.store.sections.put(row);
      for await (const { items } of this.server.items(section)) {
        await this.store.library.putMany(items);
        this.bus.emit('library.changed', { itemIds: items.map(({ id }) => id) });
      }
    }
  }

  async add(name: string, query: string, change: Partial<LibraryCollection> = {}): Promise<LibraryCollection> {
    return this.store.collections.put({
      id: name.toLowerCase().replaceAll(' ', '-'),
      name,
      filterId: null,
      query,
      keepInStep: true,
      places: [],
      createdAt: new Date().toISOString(),
      error: null,
      ...change,
    });
  }

  place(id: string, sectionId = '1'): CollectionPlace {
    const place = this.store.collections.get(id).places.find((one) => one.sectionId === sectionId);
    if (!place) throw new Error(`${id} has no place in ${sectionId}`);
    return place;
  }

  /** Rating keys of the films with one of these codecs. */
  films(...codecs: string[]): string[] {
    const has = (codec: string | undefined): boolean => codecs.includes(codec ?? '');
    return this.store.library
      .where(({ type, files }) => type === 'movie' && files.some(({ video }) => has(video?.codec)))
      .map(({ ratingKey }) => ratingKey);
  }

  /** A film gets another codec, in Plex and here, so that it falls out of one filter and into another. */
  async recode(ratingKey: string, codec: string): Promise<void> {
    const row = this.store.library.where((item) => item.ratingKey === ratingKey)[0];
    if (!row) throw new Error(`There is no ${ratingKey}`);
    const files = row.files.map((file) => ({ ...file, video: file.video && { ...file.video, codec } }));
    await this.store.library.put({ ...row, files });
    this.bus.emit('library.changed', { itemIds: [row.id] });
  }

  /** What was asked of Plex that changes something. */
  changes(): string[] {
    return this.plex.requests.filter(({ method }) => method !== 'GET').map(({ method, path }) => `${method} ${path}`);
  }

  inPlex(title: string): SimulatedCollection {
    return this.plex.collections.titled(title);
  }

  async close(): Promise<void> {
    await this.keeper.stop();
    await this.search.stop();
    await this.plex.stop();
    await this.store.close();
    await rm(this.dir, { recursive: true, force: true });
  }
}
