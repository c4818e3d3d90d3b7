import { expect } from 'chai';
import { load } from 'cheerio';
import type { LibraryStatistics } from '../../src/domain/library/statistics.js';
import { anItem } from '../support/builders.js';
import { startPreview } from '../support/preview.js';
import { raw } from '../support/raw-http.js';
import { API_KEY, Browser, startWeb, type WebTest } from '../support/web.js';

const HOSTILE = '"><script>alert(1)</script>&x=1';

describe('statistics over HTTP', () => {
  let web: WebTest;
  afterEach(() => web.stop());
  const statistics = async (): Promise<LibraryStatistics> => {
    const { status, text } = await raw(`${web.url}/api/library/stats`, { headers: { 'X-Api-Key': API_KEY } });
    expect(status).to.equal(200);
    return JSON.parse(text) as LibraryStatistics;
  };

  it('follow the library, and are not counted anew while nothing changes', async () => {
    web = await startWeb();
    const { store, bus } = web.context;
    expect(await statistics()).to.deep.include({ items: 0, sizeBytes: 0, growth: [] });
    await store.library.put(anItem({ id: 'i1' }));
    expect((await statistics()).items).to.equal(0);
    bus.emit('library.changed', { itemIds: ['i1'] });
    expect(await statistics()).to.deep.include({ items: 1, sizeBytes: 12_000_000_000 });
    const [one, other] = await Promise.all([web.context.statistics.library(), web.context.statistics.library()]);
    expect(one).to.equal(other);
  });

  it('do not keep what a change overtook while it was counted', async () => {
    web = await startWeb();
    const { store, bus, statistics: repository } = web.context;
    const counting = repository.library();
    await store.library.put(anItem({ id: 'i1' }));
    bus.emit('library.changed', { itemIds: ['i1'] });
    await counting;
    expect((await repository.library()).items).to.equal(1);
  });

  it('let every bar lead to as many titles as it says', async () => {
    web = await startPreview();
    const browser = new Browser(web.url);
    await browser.signIn();
    const page = load((await browser.get('/analytics')).text);
    const bars = page('.shares tbody tr')
      .toArray()
      .map((row) => ({ href: page(row).find('a').attr('href'), says: Number(/^\d+/.exec(page(row).find('td').first().text())?.[0]) }))
      .filter(({ href }) => href !== undefined); // prettier-ignore
    expect(bars.length).to.be.above(20);
    expect(bars.map(({ href }) => href)).to.include.members([
      '/library?codec=hevc',
      '/library?resolution=4k',
      '/library?hdr=hdr10',
    ]);
    for (const { href, says } of bars) {
      const { text } = await raw(`${web.url}${(href ?? '').replace('/library?', '/api/library/items?')}`, {
        headers: { 'X-Api-Key': API_KEY },
      });
      expect((JSON.parse(text) as { total: number }).total, href).to.equal(says);
    }
    const columns = page('.months li');
    expect(columns).to.have.length(12);
    expect(columns.last().find('a').attr('href')).to.match(
      /^\/library\?addedAfter=\d{4}-\d\d-01&addedBefore=\d{4}-\d\d-(28|29|30|31)$/,
    );
    expect(columns.last().find('.hush').text()).to.match(/^\w+ \d{4}: \d+ titles?, [\d.]+ GB$/);
  });

  it('write odd names as text, and into addresses as values', async () => {
    web = await startWeb({
      prepare: async ({ store }) => {
        await store.library.put(
          anItem({ sectionId: HOSTILE, file: { container: HOSTILE, video: { codec: HOSTILE } } }),
        );
        return {};
      },
    });
    const browser = new Browser(web.url);
    await browser.signIn();
    const { text } = await browser.get('/analytics');
    expect(text).not.to.contain('<script>alert');
    const address = load(text)('[aria-labelledby="by-container"] a').attr('href') ?? '';
    expect(new URL(address, web.url).searchParams.get('container')).to.equal(HOSTILE);
  });

  it('say so when there is nothing to count', async () => {
    web = await startWeb();
    const browser = new Browser(web.url);
    await browser.signIn();
    expect((await browser.get('/analytics')).text).to.contain('The library is empty');
  });
});
