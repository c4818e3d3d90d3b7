import { expect } from 'chai';
import { load } from 'cheerio';
import { startCollectionWeb, type CollectionWeb } from '../support/collection-web.js';
import { raw } from '../support/raw-http.js';
import { API_KEY, Browser } from '../support/web.js';

const HOSTILE = '"><script>alert(1)</script>';

interface Answer {
  items: { added: number }[];
  error: { message: string; fields: object };
  id: string;
  outcome: string;
  held: number;
  places: { sectionId: string; state: string; held: number; takenOutTotal: number }[];
}

describe('collections over HTTP', function () {
  this.timeout(180_000);
  let world: CollectionWeb;
  let browser: Browser;
  beforeEach(async () => {
    world = await startCollectionWeb();
    browser = new Browser(world.web.url);
    await browser.signIn();
  });
  afterEach(() => world.stop());
  const api = async (method: string, path: string, body?: object): Promise<{ status: number; json: Answer }> => {
    const sent = body ? JSON.stringify(body) : '';
    const length = String(Buffer.byteLength(sent));
    const { status, text } = await raw(world.web.url + path, {
      method,
      headers: { 'X-Api-Key': API_KEY, 'Content-Type': 'application/json', 'Content-Length': length },
      body: sent,
    });
    return { status, json: JSON.parse(text) as Answer };
  };
  const titles = (): string[] => world.plex.collections.list().map(({ title }) => title);

  it('preview, make, read, change, sync and delete as JSON', async () => {
    const plan = { name: 'Modern', query: 'codec=av1&sort=title' };
    const preview = await api('POST', '/api/collections/preview', plan);
    expect(titles()).to.deep.equal([]);
    const made = await api('POST', '/api/collections', plan);
    expect(made.status).to.equal(200);
    const { id, held, outcome } = made.json;
    expect(held).to.equal(preview.json.items[0]?.added).and.to.be.above(3);
    expect(outcome).to.contain('put in');
    expect(world.plex.collections.titled('Modern').children).to.have.length(held);
    expect((await api('GET', '/api/collections')).json).to.nested.include({ total: 1, 'items[0].query': 'codec=av1' });
    expect((await api('PUT', `/api/collections/${id}`, { name: 'New', keepInStep: false })).json).to.deep.include({
      name: 'New',
      keepInStep: false,
      query: 'codec=av1',
    });
    await api('PUT', `/api/collections/${id}`, { filterId: 'north' });
    const synced = await api('POST', `/api/collections/${id}/sync`);
    expect(synced.json.places.map(({ sectionId, held }) => ({ sectionId, held }))).to.deep.equal([
      { sectionId: '1', held },
      { sectionId: '2', held: 1 },
    ]);
    expect((await api('POST', `/api/collections/${id}/preview`)).json.items).to.have.length(2);
    expect((await api('DELETE', `/api/collections/${id}`, { inPlex: true })).json).to.deep.equal({ name: 'New', inPlex: true }); // prettier-ignore
    expect(titles()).to.deep.equal([]);
    expect((await api('GET', `/api/collections/${id}`)).status).to.equal(404);
  });

  it('leave Plex alone when one is deleted here only', async () => {
    const { json } = await api('POST', '/api/collections', { name: 'Modern', filterId: 'modern' });
    await api('DELETE', `/api/collections/${json.id}`);
    expect(titles()).to.deep.equal(['Modern']);
  });

  it('refuse what is no filter, no name, or a name that is in use', async () => {
    const refused = async (body: object): Promise<string> => {
      const { status, json } = await api('POST', '/api/collections', body); // prettier-ignore
      return `${status} ${json.error.message} ${Object.keys(json.error.fields).join()}`;
    };
    expect(await refused({ query: 'codec=av1' })).to.match(/^422 .* name$/);
    expect(await refused({ name: ' ', query: 'codec=av1' })).to.match(/^422 .* name$/);
    expect(await refused({ name: 'A' })).to.match(/^422 .*whole library/);
    expect(await refused({ name: 'A', query: 'sort=title' })).to.match(/^422 .*whole library/);
    expect(await refused({ name: 'A', filterId: 'all' })).to.match(/^422 .*whole library/);
    expect(await refused({ name: 'A', query: 'codec=av1&colour=red' })).to.match(/^422 .*cannot be read/);
    expect(await refused({ name: 'A', filterId: 'gone' })).to.match(/^422 .*was removed/);
    expect(world.web.context.store.collections.size).to.equal(0);
    await api('POST', '/api/collections', { name: 'Modern', filterId: 'modern' });
    expect(await refused({ name: 'MODERN', query: 'codec=vc1' })).to.match(/^409/);
    expect((await api('POST', '/api/collections/nope/sync')).status).to.equal(404);
    expect((await api('DELETE', '/api/collections/__proto__')).status).to.equal(404);
    expect((await api('POST', '/api/collections/nope/in/1', { decision: 'again' })).status).to.equal(404);
  });

  it('are looked at and made on plain pages, from the library’s own address too', async () => {
    const library = load((await browser.get('/library?codec=av1&q=film')).text);
    expect(library('a[aria-label="Make a collection of Modern films"]').attr('href')).to.contain('filterId=modern');
    const link = library('a[href^="/collections/new?query="]').attr('href') ?? '';
    const form = load((await browser.get(link)).text);
    expect(form('input[name=query]').attr('value')).to.equal('q=film&codec=av1');
    const look = await browser.get(`/collections/new?${new URLSearchParams({ name: HOSTILE, query: 'codec=av1&q=film', look: 'yes' }).toString()}`); // prettier-ignore
    expect(look.text).not.to.contain('<script>alert');
    const page = load(look.text);
    expect(page('.look-facts').text()).to.match(/Match\s*\d+ films\s*Would be put in\s*\+\d+/);
    expect(titles()).to.deep.equal([]);
    const fields = page('form[method=post][action="/collections"]').serializeArray();
    const made = await browser.post('/collections', fields.filter(({ name }) => name !== '_csrf').map(({ name, value }): [string, string] => [name, value])); // prettier-ignore
    expect(made.response.status).to.equal(303);
    expect(titles()).to.deep.equal([HOSTILE]);
    const list = await browser.get('/collections');
    expect(list.text).to.contain('In step').and.not.to.contain('<script>alert');
    const [row] = [...world.web.context.store.collections.values()];
    expect(row?.keepInStep).to.equal(true);
    const whole = await browser.get(`/collections/${row?.id ?? ''}?look=yes`);
    expect(whole.text).to.contain('would do').and.not.to.contain('<script>alert');
  });

  it('say on the page why there is no preview, and keep what was typed', async () => {
    const look = async (query: Record<string, string>): Promise<string> => {
      const { response, text } = await browser.get(`/collections/new?${new URLSearchParams({ look: 'yes', ...query }).toString()}`); // prettier-ignore
      expect(response.status).to.equal(200);
      return load(text)('#form-error').text().trim();
    };
    expect(await look({ name: '', filterId: 'modern' })).to.contain('Give the collection a name');
    expect(await look({ name: 'A', filterId: 'all' })).to.contain('whole library');
    expect(await look({ name: 'A', query: 'nonsense=1' })).to.contain('cannot be read');
    world.plex.fault = 500;
    const { text } = await browser.get('/collections/new?name=A&filterId=modern&look=yes');
    expect(text).to.contain('Plex could not be asked');
    world.plex.fault = null;
    const refused = await browser.post('/collections', { name: 'Mine', filterId: 'all', query: '' });
    expect(refused.response.status).to.equal(422);
    expect(load(refused.text)('#coll-name').attr('value')).to.equal('Mine');
  });

  it('say why a change is refused, on the page it was made on', async () => {
    await api('POST', '/api/collections', { name: 'Modern', filterId: 'modern' });
    const { json } = await api('POST', '/api/collections', { name: 'North', filterId: 'north' });
    const refused = await browser.post(`/collections/${json.id}`, { name: 'modern', filterId: 'north' });
    expect(refused.response.status).to.equal(409);
    const page = load(refused.text);
    expect(page('#form-error').text()).to.contain('There is a collection named modern already');
    expect(page('h1').text()).to.equal('North');
    expect(page('#coll-name').attr('value')).to.equal('modern');
    const saved = await browser.post(`/collections/${json.id}`, {
      name: 'Nord',
      filterId: 'north',
      keepInStep: 'false',
    });
    expect(saved.response.headers.get('location')).to.equal(`/collections/${json.id}`);
    expect(world.web.context.store.collections.get(json.id)).to.deep.include({ name: 'Nord', keepInStep: false });
    await browser.post('/library/filters/north/remove');
    await browser.post(`/collections/${json.id}/sync`);
    const gone = await browser.get(`/collections/${json.id}`);
    expect(gone.text).to.contain('Its filter cannot be used').and.to.contain('was removed');
    expect(world.plex.collections.titled('North').children).to.have.length(1);
  });

  it('ask the owner where something stands in the way', async () => {
    const [first = ''] = world.plex.items().map(({ ratingKey }) => ratingKey);
    world.plex.collections.make('1', 'Modern', [first]);
    const { json } = await api('POST', '/api/collections', { name: 'Modern', filterId: 'modern' });
    expect(json.places[0]?.state).to.equal('taken');
    const here = `/collections/${json.id}`;
    const page = async () => load((await browser.get(here)).text);
    expect((await page())('button:contains("Use the one that is there")')).to.have.length(1);
    await browser.post(`${here}/in/1`, { decision: 'adopt' });
    const used = world.plex.collections.titled('Modern');
    expect(used.children.length).to.be.above(1);
    const mine = used.children.find((key) => key !== first) ?? '';
    world.plex.collections.takeOut(used, mine);
    await browser.post(`${here}/sync`);
    expect((await page())('.taken h4').text()).to.contain('1 title taken out');
    await browser.post(`${here}/in/1`, { decision: 'put-back' });
    expect(used.children).to.include(mine);
    world.plex.collections.delete(used);
    await browser.post(`${here}/sync`);
    const gone = await page();
    expect(gone('.badge.warn').text()).to.contain('Deleted in Plex');
    expect(gone('button:contains("Create again")')).to.have.length(1);
    expect(gone('button:contains("Forget")')).to.have.length(1);
    expect((await browser.get('/collections')).text).to.contain('Deleted in Plex');
    await browser.post(`${here}/in/1`, { decision: 'forget' });
    expect((await page())('button:contains("Make it here")')).to.have.length(1);
    expect((await api('POST', `/api/collections/${json.id}/in/1`, { decision: 'adopt' })).status).to.equal(409);
    expect((await api('POST', `/api/collections/${json.id}/in/1`, { decision: 'x' })).status).to.equal(422);
    expect((await api('POST', `/api/collections/${json.id}/in/9`, { decision: 'again' })).status).to.equal(404);
  });
});
