import { expect } from 'chai';
import type { LibraryItem } from '../../../src/domain/library/library.js';
import type { NamedTitle, ServerCollections } from '../../../src/domain/plex/media-server.js';
import { matchesOf, titlesOf } from '../../../src/engine/collections/matches.js';
import type { Store } from '../../../src/store/store.js';
import { EVERYTHING } from '../../../src/domain/library/filter.js';
import { anItem } from '../../support/builders.js';

const { signal } = new AbortController();

const episode = (key: string, thumb: string | null, change: Partial<LibraryItem> = {}): LibraryItem =>
  anItem({ id: key, ratingKey: key, type: 'episode', sectionId: '2', show: 'The Office', thumb, ...change });

/** A server that knows these episodes, by the series each belongs to. */
function serverWith(shows: Record<string, string | null>): { asked: string[][]; collections: ServerCollections } {
  const asked: string[][] = [];
  const titles = (keys: readonly string[]): Promise<NamedTitle[]> => {
    asked.push([...keys]);
    const known = keys.filter((key) => key in shows);
    return Promise.resolve(known.map((ratingKey) => ({ ratingKey, title: 'E', showKey: shows[ratingKey] ?? null, showTitle: `Show ${shows[ratingKey] ?? ''}` }))); // prettier-ignore
  };
  return { asked, collections: { titles } as unknown as ServerCollections };
}

async function seriesOf(items: LibraryItem[], collections: ServerCollections) {
  const rows = new Map(items.map((item) => [item.id, item]));
  const store = { library: { find: (id: string) => rows.get(id) ?? null } } as unknown as Store;
  const matches = await matchesOf({ store, search: { all: () => Promise.resolve([...rows.keys()]) } }, EVERYTHING);
  const section = matches.get('2');
  if (!section) throw new Error('Nothing in the show library');
  return [...(await titlesOf(section, collections, signal))].map(([key, { isAbsent }]) => `${key}${isAbsent ? ' absent' : ''}`); // prettier-ignore
}

describe('the series that matching episodes belong to', () => {
  const poster = (show: string): string => `/library/metadata/${show}/thumb/1`;

  it('are asked for by one episode each, and two of the same name are two', async () => {
    const { asked, collections } = serverWith({ 11: '1', 12: '1', 21: '2' });
    const items = [episode('11', poster('1')), episode('12', poster('1')), episode('21', poster('2'))];
    expect(await seriesOf(items, collections)).to.deep.equal(['1', '2']);
    expect(asked).to.deep.equal([['11', '21']]);
  });

  it('are found by another episode where the first is gone from Plex', async () => {
    const { collections } = serverWith({ 13: '1' });
    const items = [episode('11', poster('1')), episode('12', poster('1')), episode('13', poster('1'))];
    expect(await seriesOf(items, collections)).to.deep.equal(['1']);
  });

  it('take nothing from a picture of an episode’s own', async () => {
    const { collections } = serverWith({ 11: '1', 21: '2', 22: '1' });
    const items = [episode('11', poster('11')), episode('21', null), episode('22', null)];
    expect(await seriesOf(items, collections)).to.deep.equal(['1', '2']);
  });

  it('are absent only when every episode is', async () => {
    const { collections } = serverWith({ 11: '1', 12: '1', 21: '2' });
    const gone = { state: 'missing' } as const;
    const items = [episode('11', null, gone), episode('12', null), episode('21', null, gone)];
    expect(await seriesOf(items, collections)).to.deep.equal(['1', '2 absent']);
  });

  it('stop everything when the server does not say which they are', async () => {
    const { collections } = serverWith({ 11: null });
    const refused = await seriesOf([episode('11', null)], collections).catch((error: unknown) => error);
    expect(refused).to.include({ code: 'plex_bad_answer' });
  });
});
