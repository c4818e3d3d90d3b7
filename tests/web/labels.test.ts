import { expect } from 'chai';
import { load } from 'cheerio';
import hdrToSdr from '../../rules/hdr-to-sdr.js';
import type { Context } from '../../src/actions/action.js';
import type { LibraryStatistics } from '../../src/domain/library/statistics.js';
import type { LibraryFacts } from '../../src/domain/rules/rule.js';
import { anItem } from '../support/builders.js';
import { raw } from '../support/raw-http.js';
import { API_KEY, Browser, startWeb, type WebTest } from '../support/web.js';

/** Sizes at which pages once disagreed, or might. */
const PICTURES = [
  [3840, 1600],
  [3000, 1600],
  [2880, 2160],
  [2880, 1200],
  [2560, 1440],
  [2304, 1296],
  [1920, 800],
  [1700, 710],
  [1440, 1080],
  [1080, 1920],
  [1280, 536],
  [1100, 460],
  [1024, 428],
  [960, 540],
  [768, 576],
  [853, 480],
  [640, 272],
] as const;
const NAMES: Record<string, string> = { '4k': '4K', '1080': '1080p', '720': '720p', '576': '576p', sd: 'SD' };
const NO_FACTS = {} as LibraryFacts;

describe('labels over HTTP', () => {
  let web: WebTest;
  let browser: Browser;
  const idOf = (width: number, height: number): string => `f-${width}-${height}`;
  const items = PICTURES.map(([width, height]) => {
    const id = idOf(width, height);
    const file = { id: `p-${id}`, video: { width, height, codec: 'hevc', hdr: 'hdr10' as const } };
    return anItem({ id, title: `Film ${width}x${height}`, plays: 0, file });
  });
  before(async () => {
    web = await startWeb({
      prepare: async ({ store }) => {
        await store.library.putMany(items);
        return { analyzer: { decide: () => Promise.resolve([]) } as unknown as Context['analyzer'] };
      },
    });
    browser = new Browser(web.url);
    await browser.signIn();
  });
  after(() => web.stop());

  const get = async (path: string): Promise<string> => {
    const { status, text } = await raw(`${web.url}${path}`, { headers: { 'X-Api-Key': API_KEY } });
    expect(status, text).to.equal(200);
    return text;
  };

  it('name each odd resolution alike in filter, row, item, export, statistics and the words of rules', async () => {
    const byFilter = new Map<string, string>();
    for (const value of Object.keys(NAMES)) {
      const answer = JSON.parse(await get(`/api/library/items?resolution=${value}&pageSize=200`)) as {
        items: { id: string; resolution: string }[];
      };
      for (const { id, resolution } of answer.items) {
        expect(resolution).to.equal(value);
        expect(byFilter.has(id), `${id} in two classes`).to.equal(false);
        byFilter.set(id, value);
      }
    }
    const page = load((await browser.get('/library?pageSize=200')).text);
    const [head = '', ...lines] = (await get('/api/library/export')).trim().split('\r\n');
    const column = head.split(',').indexOf('resolution');
    const options = hdrToSdr.options.parse({});
    for (const item of items) {
      const value = byFilter.get(item.id) ?? 'none';
      const name = NAMES[value] ?? 'none';
      const specs = page('[data-row]')
        .filter((_, row) => page(row).text().includes(item.title))
        .find('.spec');
      expect(
        specs.toArray().map((spec) => page(spec).text()),
        item.title,
      ).to.include(name);
      const itemPage = load((await browser.get(`/library/${item.id}`)).text);
      expect(itemPage('.specs .spec').toArray().map((spec) => itemPage(spec).text()), item.title).to.include(name); // prettier-ignore
      expect(lines.find((line) => line.startsWith(`${item.id},`))?.split(',')[column], item.title).to.equal(value);
      const [file] = item.files;
      if (!file) expect.fail('no file');
      expect(hdrToSdr.evaluate({ item, file }, options, NO_FACTS)?.reason).to.contain(` of ${name} HDR10,`);
    }
    const { by } = JSON.parse(await get('/api/library/stats')) as LibraryStatistics;
    const counts = Object.fromEntries(by.resolution.map(({ value, items: count }) => [value, count]));
    const expected = Object.fromEntries(
      [...new Set(byFilter.values())].map((value) => [
        value,
        [...byFilter.values()].filter((one) => one === value).length,
      ]),
    );
    expect(counts).to.deep.equal(expected);
    const charts = load((await browser.get('/analytics')).text);
    for (const value of Object.keys(NAMES))
      expect(charts(`a[href$="resolution=${value}"]`).first().text(), value).to.equal(NAMES[value]);
  });

  it('name codecs, HDR and bounds in filters as rows and statistics do', async () => {
    const page = load((await browser.get('/library?minSizeBytes=7000000000&minBitrateKbps=12500')).text);
    const text = page('main').text();
    expect(text).to.contain('over 7 GB').and.to.contain('over 12.5 Mbit/s').and.to.contain('over 5 GB');
    const charts = load((await browser.get('/analytics')).text);
    expect(charts('a[href$="?hdr=hdr10"]').first().text()).to.equal('HDR10');
    expect(charts('a[href$="?codec=hevc"]').first().text()).to.equal('HEVC');
    expect(page('input[name="hdr"][value="hdr10"]').parent().text()).to.contain('HDR10');
    expect(page('input[name="codec"][value="hevc"]').parent().text()).to.contain('HEVC');
  });
});
