import { expect } from 'chai';
import { load } from 'cheerio';
import { anItem, aRecommendation } from '../../support/builders.js';
import { API_KEY, Browser, startWeb, type WebTest } from '../../support/web.js';

interface Excluded {
  total: number;
  items: { id: string; title: string; reason: string | null; at: string }[];
  batches: { at: string; count: number }[];
}

describe('excluded items', () => {
  let web: WebTest;
  let analyzed: string[];
  beforeEach(async () => {
    analyzed = [];
    web = await startWeb({
      prepare: async ({ store }) => {
        await store.library.putMany(
          ['1', '2', '3', '4'].map((key) => anItem({ id: `x-${key}`, title: `Film ${key}` })),
        );
        await store.recommendations.put(aRecommendation({ id: 'x-1.2001.old', itemId: 'x-1', ruleId: 'old' }));
        return {
          analyzer: {
            decide: () => Promise.resolve([]),
            items: (ids: string[]) => Promise.resolve(void analyzed.push(...ids)),
          } as never,
        };
      },
    });
  });
  afterEach(() => web.stop());

  const api = async <T>(method: string, path: string, body?: object): Promise<T> => {
    const response = await fetch(`${web.url}/api${path}`, {
      method,
      headers: { 'X-Api-Key': API_KEY, 'Content-Type': 'application/json' },
      ...(body ? { body: JSON.stringify(body) } : {}),
    });
    expect(response.status, `${method} ${path}`).to.equal(200);
    return (await response.json()) as T;
  };
  const excluded = (): Promise<Excluded> => api('GET', '/excluded');

  it('are listed with reason and time, and let in again, by the names of today and of before', async () => {
    await api('POST', '/library/items/x-1/exclude', { reason: 'Keeps its grain' });
    expect(web.context.store.recommendations.get('x-1.2001.old')).to.include({ state: 'closed' });
    await api('POST', '/library/items/x-2/leave', { note: 'Old name' });
    const { items, total } = await excluded();
    expect(total).to.equal(2);
    const byId = new Map(items.map((row) => [row.id, row]));
    expect(byId.get('x-1')).to.include({ title: 'Film 1 (1999)', reason: 'Keeps its grain' });
    expect(byId.get('x-2')).to.include({ reason: 'Old name' });
    expect(Date.now() - Date.parse(byId.get('x-1')?.at ?? '')).to.be.within(-1000, 600_000);
    // Once more changes neither reason nor time.
    await api('POST', '/library/items/x-1/exclude', { reason: 'Another' });
    expect((await excluded()).items.find(({ id }) => id === 'x-1')).to.deep.equal(byId.get('x-1'));
    await api('POST', '/library/items/x-1/include');
    await api('POST', '/library/items/x-2/touch');
    expect((await excluded()).total).to.equal(0);
    expect((await api<Excluded>('GET', '/untouched')).total).to.equal(0);
    expect(analyzed).to.deep.equal(['x-1', 'x-2']);
  });

  it('excluded together are included together, or some of them, and no others', async () => {
    await api('POST', '/library/items/x-4/exclude');
    const done = await api<{ changed: number; at: string }>('POST', '/excluded', { all: 'q=film', expected: 4 });
    // The fourth was excluded before.
    expect(done.changed).to.equal(3);
    const { batches } = await excluded();
    expect(batches).to.deep.equal([{ at: done.at, count: 3, reason: null }]);
    expect(await api('POST', '/excluded/include', { itemIds: ['x-1'] })).to.deep.equal({ changed: 1 });
    expect(await api('POST', '/excluded/include', { at: done.at })).to.deep.equal({ changed: 2 });
    expect((await excluded()).items.map(({ id }) => id)).to.deep.equal(['x-4']);
  });

  it('have a button on their page and a list, without any script', async () => {
    const browser = new Browser(web.url);
    await browser.signIn();
    const post = async (path: string, selector: string, fields: [string, string][] = []): Promise<void> => {
      const $ = load((await browser.get(path)).text);
      const button = $(selector);
      expect(button.length, selector).to.equal(1);
      const action = button.attr('formaction') ?? button.closest('form').attr('action') ?? '';
      const hidden = button
        .closest('form')
        .find('input[type="hidden"]:not([name="_csrf"])')
        .map((_, input) => [[$(input).attr('name') ?? '', $(input).attr('value') ?? ''] as [string, string]])
        .get();
      expect((await browser.post(action, [...hidden, ...fields])).response.status).to.equal(303);
    };
    await post('/library/x-1', '.item-head form button:contains("Exclude from processing")', [['reason', 'Mine']]);
    expect(web.context.store.excluded.get('x-1').note).to.equal('Mine');
    const page = load((await browser.get('/library/x-1')).text);
    expect(page('#item').text()).to.contain('Excluded from processing').and.to.contain('Mine');
    await post('/library/x-1', '.item-head button:contains("Include again")');
    expect(web.context.store.excluded.has('x-1')).to.equal(false);
    await browser.post('/library/excluded', [['itemIds', 'x-2'], ['itemIds', 'x-3'], ['reason', 'Both']]); // prettier-ignore
    const list = load((await browser.get('/library/excluded')).text);
    expect(list('#excluded').text()).to.contain('2 items').and.to.contain('Both');
    await post('/library/excluded', 'button[aria-label="Include Film 2 (1999) again"]');
    expect(web.context.store.excluded.has('x-2')).to.equal(false);
    await browser.post('/library/excluded', [['itemIds', 'x-1'], ['itemIds', 'x-2']]); // prettier-ignore
    await post('/library/excluded', 'button:contains("Include all 2 again")');
    expect([...web.context.store.excluded.values()].map(({ id }) => id)).to.deep.equal(['x-3']);
  });
});
