import type { Context } from '../../src/actions/action.js';
import { SimulatedPlex } from '../../src/demo/plex/simulated-plex.js';
import { PlexServer } from '../../src/plex/server.js';

/** A simulated Plex with films and a library that was read from it: what can be edited, and looked at afterwards. */
export class EditablePlex {
  readonly plex: SimulatedPlex;
  readonly server: PlexServer;
  /** Rating keys that were read again, in order. */
  readonly readAgain: string[] = [];

  private constructor(plex: SimulatedPlex) {
    this.plex = plex;
    this.server = new PlexServer({ url: plex.url, token: plex.token, clientId: 'c', version: '1' });
  }

  static async start(films: number): Promise<EditablePlex> {
    const place = (name: string) => [{ serverPath: `/share/${name}`, localPath: `/nowhere/${name}` }];
    const plex = new SimulatedPlex({
      sections: [
        { id: '1', title: 'Films', type: 'movie', locations: place('Films') },
        { id: '2', title: 'Shows', type: 'show', locations: place('Shows') },
      ],
    });
    await plex.start();
    plex.loadSynthetic(films);
    return new EditablePlex(plex);
  }

  /** Fills the library, and gives the parts of the engine that an edit asks. */
  async prepare({ store, bus }: Pick<Context, 'store' | 'bus'>): Promise<Pick<Context, 'server' | 'intake'>> {
    for await (const { items } of this.server.items({ id: '1', type: 'movie' })) await store.library.putMany(items);
    const readNow = async (ratingKeys: string[]): Promise<void> => {
      this.readAgain.push(...ratingKeys);
      const items = await this.server.details(ratingKeys);
      await store.library.putMany(items);
      bus.emit('library.changed', { itemIds: items.map(({ id }) => id) });
    };
    return { server: () => this.server, intake: { readNow } as unknown as Context['intake'] };
  }

  /** Requests that edited something. */
  get edits(): number {
    return this.plex.requests.filter(({ method }) => method === 'PUT').length;
  }

  stop(): Promise<void> {
    return this.plex.stop();
  }
}
