import { expect } from 'chai';
import { load } from 'cheerio';
import { anItem } from '../support/builders.js';
import { raw } from '../support/raw-http.js';
import { API_KEY, Browser, startWeb, type WebTest } from '../support/web.js';

const HOSTILE = '"><script>alert(1)</script>';

describe('tags over HTTP', () => {
  let web: WebTest;
  let browser: Browser;
  beforeEach(async () => {
    web = await startWeb({
      prepare: async ({ store }) => {
        await store.library.putMany([anItem({ id: 'i1', title: HOSTILE }), anItem({ id: 'i2' })]);
        return {};
      },
    });
    browser = new Browser(web.url);
    await browser.signIn();
  });
  afterEach(() => web.stop());
  const api = async (method: string, path: string, body?: object): Promise<{ status: number; json: never }> => {
    const { status, text } = await raw(web.url + path, {
      method,
      headers: { 'X-Api-Key': API_KEY, 'Content-Type': 'application/json' },
      ...(body ? { body: JSON.stringify(body) } : {}),
    });
    return { status, json: JSON.parse(text) as never };
  };

  it('make, read, change, apply and delete as JSON', async () => {
    expect(await api('POST', '/api/tags', { name: 'Keep', color: 'rose' })).to.deep.nested.include({
      status: 200,
      'json.id': 'keep',
      'json.color': 'rose',
    });
    expect(await api('POST', '/api/tags/apply', { itemIds: ['i1', 'i2'], add: ['keep'] })).to.deep.equal({
      status: 200,
      json: { changed: 2, unknown: 0 },
    });
    expect(await api('PUT', '/api/tags/keep', { name: 'Keep for ever' })).to.nested.include({
      'json.name': 'Keep for ever',
    });
    expect((await api('GET', '/api/tags')).json).to.nested.include({ total: 1, 'items[0].items': 2 });
    expect((await api('POST', '/api/library/items/i1/tags', { remove: ['keep'] })).json).to.deep.include({ tags: [] });
    expect((await api('GET', '/api/library/items/i2/tags')).json).to.nested.include({
      'tags[0].name': 'Keep for ever',
    });
    expect(await api('DELETE', '/api/tags/keep')).to.deep.equal({
      status: 200,
      json: { name: 'Keep for ever', items: 1 },
    });
    expect(web.context.store.library.get('i2').tags).to.deep.equal([]);
  });

  it('go to everything that matches, when it is as many as was shown', async () => {
    await api('POST', '/api/tags', { name: 'Keep' });
    const all = { all: 'type=movie&sort=title', add: ['keep'] };
    expect((await api('POST', '/api/tags/apply', { ...all, expected: 3 })).status).to.equal(409);
    expect(web.context.store.library.get('i1').tags).to.deep.equal([]);
    const applied = await api('POST', '/api/tags/apply', { ...all, expected: 2 });
    expect(applied).to.deep.equal({ status: 200, json: { changed: 2, unknown: 0 } });
    const form = await browser.post('/tags/apply', { all: 'tag=keep', expected: '2', add: '', remove: 'keep' });
    expect(form.response.status).to.equal(303);
    expect(web.context.store.library.get('i2').tags).to.deep.equal([]);
  });

  it('refuse what is no tag, no title, or nothing at all', async () => {
    await api('POST', '/api/tags', { name: 'Keep' });
    expect((await api('POST', '/api/tags', { name: 'keep' })).status).to.equal(409);
    expect((await api('POST', '/api/tags', { name: '  ' })).json).to.have.nested.property('error.fields.name');
    expect((await api('POST', '/api/tags', { name: 'x', color: 'url(x)' })).status).to.equal(422);
    for (const body of [
      {},
      { itemIds: [] },
      { itemIds: [''] },
      { all: 'type=movie' },
      { all: 'no=filter', expected: 2 },
    ]) {
      expect((await api('POST', '/api/tags/apply', { add: 'keep', ...body })).status, JSON.stringify(body)).to.equal(
        422,
      );
    }
    expect((await api('POST', '/api/tags/apply', { itemIds: ['i1'], add: ['nope'] })).status).to.equal(404);
    expect((await api('GET', '/api/tags/__proto__')).status).to.equal(404);
    expect(web.context.store.library.get('i1').tags).to.deep.equal([]);
  });

  it('make one with a form, which says what is wrong and keeps what was typed', async () => {
    const refused = await browser.post('/tags', { name: '', color: 'amber', category: 'Mine' });
    expect(refused.response.status).to.equal(422);
    const again = load(refused.text);
    expect(again('#tag-category').attr('value')).to.equal('Mine');
    expect(again('input[name=color]:checked').attr('value')).to.equal('amber');
    const made = await browser.post('/tags', { name: HOSTILE, color: 'amber', category: HOSTILE });
    expect(made.response.headers.get('location')).to.equal('/tags');
    const { text } = await browser.get('/tags');
    expect(text).not.to.contain('<script>alert');
    expect(load(text)('.tag-list b').text()).to.equal(HOSTILE);
  });

  it('ask before one is deleted that titles have', async () => {
    await browser.post('/tags', { name: 'Keep', color: 'blue', category: '' });
    const ask = async () =>
      load((await browser.get('/tags/keep')).text)('form[action$="/delete"] input[type=checkbox]');
    expect(await ask()).to.have.length(0);
    await browser.post('/tags/apply', [['itemIds', 'i1'], ['itemIds', 'i2'], ['add', 'keep']]); // prettier-ignore
    expect((await ask()).attr('required')).to.equal('required');
    expect((await browser.get('/tags/keep')).text)
      .to.contain('2 titles')
      .and.not.to.contain('<script>alert');
    await browser.post('/tags/keep/delete');
    expect(web.context.store.tags.size).to.equal(0);
  });

  it('are shown and changed within the page of a title, and as a page of their own', async () => {
    await browser.post('/tags', { name: 'Keep', color: 'blue', category: '' });
    const part = await browser.post('/library/i1/tags', { add: 'keep' }, { 'HX-Request': 'true' });
    expect(part.text).not.to.contain('<html');
    const card = load(part.text);
    expect(card('#item-tags .chip a').text()).to.equal('Keep');
    expect(card('#item-tags .chip a').attr('href')).to.equal('/library?tag=keep');
    expect(card('select').length).to.equal(0);
    const whole = await browser.get('/library/i1/tags');
    expect(whole.text).to.contain('<html').and.contain('Its tags').and.not.to.contain('<script>alert');
    await browser.post('/library/i1/tags', { remove: 'keep' });
    expect(web.context.store.library.get('i1').tags).to.deep.equal([]);
  });
});
