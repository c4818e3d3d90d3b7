import { expect } from 'chai';
import { SimulatedPlex } from '../../src/demo/plex/simulated-plex.js';
import { AppError } from '../../src/domain/errors.js';
import { PlexServer } from '../../src/plex/server.js';
import { handMade, json, plexAt, SERVER_ID, type HandMade } from './hand-made-server.js';

const FILMS = { id: '1', type: 'movie' } as const;

const codeOf = async (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    () => 'no error',
    (error: unknown) => (error instanceof AppError ? error.code : String(error)),
  );

for (const format of ['json', 'xml'] as const) {
  describe(`collections of a Plex server that speaks ${format.toUpperCase()}`, () => {
    let plex: SimulatedPlex;
    let server: PlexServer;
    let keys: string[];
    beforeEach(async () => {
      const at = (name: string) => [{ serverPath: `/share/${name}`, localPath: '/nowhere' }];
      plex = new SimulatedPlex({
        format,
        sections: [
          { id: '1', title: 'Films', type: 'movie', locations: at('Films') },
          { id: '2', title: 'Shows', type: 'show', locations: at('Shows') },
        ],
      });
      await plex.start();
      plex.loadSynthetic(620);
      keys = plex.items().map(({ ratingKey }) => ratingKey);
      const { url, token, machineIdentifier: expectedServerId } = plex;
      server = new PlexServer({ url, token, clientId: 'c', version: '1', expectedServerId });
    });
    afterEach(async () => {
      await plex.stop();
      for (const hand of hands.splice(0)) await hand.stop();
    });
    const hands: HandMade[] = [];
    const byHand = async (handler: Parameters<typeof handMade>[0]): Promise<HandMade> => {
      const hand = await handMade(handler);
      hands.push(hand);
      return hand;
    };
    const sent = (method: string) => plex.requests.filter((request) => request.method === method);

    it('makes one, fills it in chunks, reads it over several pages, and empties it one by one', async () => {
      const { collections } = server;
      const made = await collections.create(FILMS, 'Two & "three", four', keys[0] ?? '');
      expect(made).to.deep.include({ title: 'Two & "three", four', isSmart: false, count: 1 });
      await collections.add(made.ratingKey, keys);
      expect(sent('PUT')).to.have.length(7);
      expect(await collections.children(made.ratingKey)).to.have.members(keys);
      expect(await collections.list('1')).to.deep.equal([{ ...made, count: 620 }]);
      expect(await collections.list('2')).to.deep.equal([]);
      expect(plex.items()[5]?.collections).to.deep.equal(['Two & "three", four']);
      await collections.remove(made.ratingKey, keys.slice(0, 3));
      expect(await collections.children(made.ratingKey)).to.have.members(keys.slice(3));
      await collections.remove(made.ratingKey, keys.slice(0, 1));
    });

    it('names the server in full in every uri', async () => {
      const made = await server.collections.create(FILMS, 'A', keys[0] ?? '');
      await server.collections.add(made.ratingKey, keys.slice(0, 2));
      const start = `server://${plex.machineIdentifier}/com.plexapp.plugins.library/library/metadata/`;
      expect(sent('POST')[0]?.query).to.deep.equal({ type: '1', title: 'A', smart: '0', sectionId: '1', uri: `${start}${keys[0] ?? ''}` }); // prettier-ignore
      expect(sent('PUT')[0]?.query).to.deep.equal({ uri: `${start}${keys.slice(0, 2).join(',')}` });
    });

    it('knows its libraries under the ids of a second server, and no other', async () => {
      const { url, token, machineIdentifier: expectedServerId } = plex;
      const second = new PlexServer({
        url,
        token,
        clientId: 'c',
        version: '1',
        expectedServerId,
        sectionPrefix: 'abcd-',
      });
      const made = await second.collections.create({ id: 'abcd-1', type: 'movie' }, 'A', keys[0] ?? '');
      expect(await second.collections.list('abcd-1')).to.deep.equal([made]);
      expect(await codeOf(second.collections.list('1'))).to.equal('invalid');
    });

    it('sends nothing for an empty list, or for an id that is no number', async () => {
      const { collections } = server;
      const made = plex.collections.make('1', 'A', keys.slice(0, 2));
      plex.requests.length = 0;
      for (const id of ['', '1,2', '../metadata/1', 'all', '1?x=', '-1', '1/2']) {
        expect(await codeOf(collections.add(id, ['101'])), `add to ${id}`).to.equal('invalid');
        expect(await codeOf(collections.add(made.ratingKey, ['101', id])), `add ${id}`).to.equal('invalid');
        expect(await codeOf(collections.remove(made.ratingKey, ['101', id])), `remove ${id}`).to.equal('invalid');
        expect(await codeOf(collections.delete(id)), `delete ${id}`).to.equal('invalid');
        expect(await codeOf(collections.find(id)), `find ${id}`).to.equal('invalid');
        expect(await codeOf(collections.children(id)), `children ${id}`).to.equal('invalid');
        expect(await codeOf(collections.list(id)), `list ${id}`).to.equal('invalid');
        expect(await codeOf(collections.create({ ...FILMS, id }, 'B', '101')), `create in ${id}`).to.equal('invalid');
        expect(await codeOf(collections.create(FILMS, 'B', id)), `create with ${id}`).to.equal('invalid');
        expect(await codeOf(collections.titles([id])), `titles ${id}`).to.equal('invalid');
      }
      expect(await codeOf(collections.add(made.ratingKey, []))).to.equal('invalid');
      expect(await codeOf(collections.remove(made.ratingKey, []))).to.equal('invalid');
      expect(await codeOf(collections.create(FILMS, ' ', '101'))).to.equal('invalid');
      expect(plex.requests).to.deep.equal([]);
    });

    it('deletes a collection and nothing that merely has its number', async () => {
      const made = plex.collections.make('1', 'A', keys.slice(0, 2));
      // The number of its tag is nobody's number here.
      await server.collections.delete(String(made.tagId));
      expect(plex.collections.list()).to.have.length(1);
      await server.collections.delete(made.ratingKey);
      await server.collections.delete(made.ratingKey);
      expect(sent('DELETE').map(({ path }) => path)).to.deep.equal([`/library/collections/${made.ratingKey}`]);
      expect(plex.items()).to.have.length(620);
      expect(plex.items()[0]?.collections).to.deep.equal([]);
    });

    it('never deletes when the number is a film', async () => {
      const hand = await byHand((_req, res) => {
        json(res, { size: 1, Metadata: [{ ratingKey: '7', type: 'movie', title: 'A film' }] });
      });
      expect(await codeOf(plexAt(hand.url).collections.delete('7'))).to.equal('plex_bad_answer');
      expect(hand.seen.filter(({ method }) => method !== 'GET')).to.deep.equal([]);
    });

    it('says null for one that is gone, but throws for half an answer or an outage', async () => {
      const { collections } = server;
      const made = plex.collections.make('1', 'A', keys.slice(0, 2));
      expect(await collections.find(made.ratingKey)).to.deep.include({ title: 'A', count: 2 });
      plex.fault = 'empty';
      expect(await codeOf(collections.find(made.ratingKey))).to.equal('plex_bad_answer');
      expect(await codeOf(collections.children(made.ratingKey))).to.equal('plex_bad_answer');
      expect(await codeOf(collections.list('1'))).to.equal('plex_bad_answer');
      plex.fault = 500;
      expect(await codeOf(collections.find(made.ratingKey))).to.equal('plex_unavailable');
      plex.fault = null;
      plex.collections.delete(made);
      expect(await collections.find(made.ratingKey)).to.equal(null);
    });

    it('asks once to make one, even when the answer is lost', async () => {
      const hand = await byHand((req, res) => {
        if (req.method === 'POST') res.socket?.destroy();
        else json(res, { size: 0 });
      });
      expect(await codeOf(plexAt(hand.url).collections.create(FILMS, 'A', '1'))).to.equal('plex_unreachable');
      expect(hand.seen.filter(({ method }) => method === 'POST')).to.have.length(1);
    });

    it('asks under the other word when a server does not know "items"', async () => {
      const hand = await byHand((_req, res, url) => {
        res.writeHead(url.pathname.includes('/items/') ? 404 : 200).end();
      });
      await plexAt(hand.url).collections.remove('5', ['8']);
      expect(hand.seen.slice(1).map(({ method, url }) => `${method} ${url}`)).to.deep.equal([
        'DELETE /library/collections/5/items/8',
        'DELETE /library/collections/5/children/8',
      ]);
    });

    it('names titles, with the series of an episode, and leaves out what is gone', async () => {
      const known: Record<string, object> = {
        5: {
          ratingKey: '5',
          type: 'episode',
          title: 'Pilot',
          grandparentRatingKey: '3',
          grandparentTitle: 'Northline',
        },
        6: { ratingKey: '6', type: 'movie', title: 'A film' },
      };
      const hand = await byHand((_req, res, url) => {
        const ids = (url.pathname.split('/').at(-1) ?? '').split(',');
        // This one answers 404 for the whole list because of one.
        if (ids.some((id) => !(id in known))) res.writeHead(404).end();
        else json(res, { size: ids.length, Metadata: ids.map((id) => known[id]) });
      });
      expect(await plexAt(hand.url, { expectedServerId: SERVER_ID }).collections.titles(['5', '7', '6'])).to.deep.equal(
        [
          { ratingKey: '5', title: 'Pilot', showKey: '3', showTitle: 'Northline' },
          { ratingKey: '6', title: 'A film', showKey: null, showTitle: null },
        ],
      );
    });
  });
}
