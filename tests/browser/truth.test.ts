import { expect } from 'chai';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Page, Response } from 'playwright-core';
import { visitPreview, type Visit } from '../support/browser.js';
import { numbersOn, saysTruth, truthFor, type SeenNumber } from '../support/figures.js';

const PATIENCE_MS = 60_000;
const MOST_TABS = 4;
const TRIES = 10;
const TRY_MS = 300;

/** An act somewhere in the program, and pages that are open meanwhile. */
interface Act {
  name: string;
  /** Open while it happens; the act is done on the first. */
  pages: readonly string[];
  act: (page: Page) => Promise<unknown>;
}

/** What was posted was answered: before that an open page and a fresh one may agree on what was. */
const answered = (page: Page, act: () => Promise<unknown>): Promise<unknown> =>
  Promise.all([page.waitForResponse(isOfForm), act()]);
/** The open pages hold their line to the server with such requests too. */
const isOfForm = (answer: Response): boolean =>
  answer.request().method() === 'POST' && !new URL(answer.url()).pathname.startsWith('/socket.io/');
const click =
  (selector: string) =>
  (page: Page): Promise<unknown> =>
    answered(page, () => page.locator(selector).first().click());
const post =
  (path: string, body: object = {}) =>
  (page: Page): Promise<unknown> =>
    page.evaluate(
      `fetch(${JSON.stringify(path)}, { method: 'POST', body: ${JSON.stringify(JSON.stringify(body))}, headers: { 'Content-Type': 'application/json', Accept: 'application/json', 'X-CSRF-Token': document.querySelector('meta[name="csrf-token"]').content } }).then(async (r) => { if (!r.ok) throw new Error(r.status + ' ' + (await r.text())); })`,
    );
const confirmed =
  (selector: string) =>
  async (page: Page): Promise<unknown> => {
    await page.locator(selector).first().click();
    return answered(page, () => page.click('#confirm [value="yes"]'));
  };

describe('what pages say', function () {
  this.timeout(180_000);
  let visit: Visit;
  /** Tabs for the pages that are open at once: used again, for a new one takes a new process. */
  const tabs: Page[] = [];
  /** Opens pages anew, one after the other. */
  let reader: Page;
  before(async () => {
    visit = await visitPreview();
    const newPage = (): Promise<Page> => visit.page.context().newPage();
    reader = await newPage();
    tabs.push(visit.page);
    while (tabs.length < MOST_TABS) tabs.push(await newPage());
  });
  after(() => visit.close());
  // A page that stays open is drawn anew with whatever the next test does.
  afterEach(() => Promise.all(tabs.slice(1).map((page) => page.goto('about:blank'))));

  const opened = async (path: string, at = 0): Promise<Page> => {
    const page = tabs[at];
    if (!page) throw new Error(`there is no tab ${at}`);
    await page.goto(visit.web.url + path);
    await page.waitForLoadState('networkidle');
    return page;
  };
  /** The page as it is when somebody opens it now. */
  const freshly = async (path: string): Promise<SeenNumber[]> => {
    await reader.goto(visit.web.url + path);
    return numbersOn(reader);
  };
  const texts = (numbers: readonly SeenNumber[]): string[] =>
    numbers.map(({ text, figure }) => (figure === null ? text : `${figure} ${text}`));

  /** Waits until an open page says what a fresh one says. The fresh one is asked for again only when they go on differing. */
  async function settles(page: Page, path: string, what: string): Promise<SeenNumber[]> {
    const deadline = Date.now() + PATIENCE_MS;
    for (;;) {
      const fresh = texts(await freshly(path));
      let now = await numbersOn(page);
      for (let tries = 0; tries < TRIES && String(texts(now)) !== String(fresh); tries++) {
        await sleep(TRY_MS);
        now = await numbersOn(page);
      }
      const mine = texts(now);
      if (String(mine) === String(fresh)) return now;
      if (Date.now() < deadline) continue;
      const only = (some: string[], without: string[]): string[] => some.filter((text) => !without.includes(text));
      expect.fail(`${path} after ${what}: only here ${only(mine, fresh).join(' | ')}; only fresh ${only(fresh, mine).join(' | ')}; ${mine.length} and ${fresh.length}`); // prettier-ignore
    }
  }

  async function agreesWithApi(page: Page, numbers: readonly SeenNumber[], what: string): Promise<void> {
    const truth = await truthFor(visit.web.context, page);
    for (const seen of numbers) {
      if (seen.figure === null) continue;
      const right = await truth(seen);
      expect(right, `nobody knows the figure ${seen.figure}`).not.to.equal(null);
      expect(
        saysTruth(seen, right ?? 0),
        `${page.url()} after ${what}: ${seen.figure} is ${right}, "${seen.text}" is said`,
      ).to.equal(true);
    }
  }

  const QUIET = [
    '/',
    '/library',
    '/recommendations',
    '/queue',
    '/quarantine',
    '/analytics',
    '/tags',
    '/workers',
    '/health',
  ];
  const ACTS: Act[] = [
    ...QUIET.map((path): Act => ({ name: `opening ${path}`, pages: [path], act: () => Promise.resolve() })),
    { name: 'pausing the queue', pages: ['/queue', '/', '/workers'], act: click('.head form[action$="/pause"] button') },
    { name: 'resuming the queue', pages: ['/queue', '/'], act: click('.head form[action$="/resume"] button') },
    { name: 'filtering the library', pages: ['/library?codec=h264&sort=-sizeBytes'], act: () => Promise.resolve() },
    { name: 'approving', pages: ['/recommendations', '/', '/queue', '/library?state=suggested'], act: click('#recs [data-card] form[action$="/approve"] button') },
    { name: 'dismissing', pages: ['/', '/recommendations', '/rules/codec-modernization'], act: (page) => post(`/api/recommendations/${encodeURIComponent(openId(visit))}/dismiss`)(page) },
    { name: 'excluding a title', pages: ['/library', '/recommendations', '/'], act: (page) => post(`/api/library/items/${openItem(visit)}/leave`)(page) },
    { name: 'cancelling a job', pages: ['/queue', '/'], act: click('.queue-table form[action$="/cancel"] button') },
    { name: 'restoring an original', pages: ['/quarantine', '/', '/presets'], act: confirmed('form[action$="/restore"] button') },
    { name: 'deleting an original', pages: ['/', '/quarantine', '/quarantine?state=purged'], act: (page) => post(`/api/transcode/quarantine/${keptId(visit)}/purge`)(page) },
    { name: 'tagging titles', pages: ['/tags', '/tags/film-club', '/library?tag=film-club'], act: (page) => post('/api/tags/apply', { itemIds: [untaggedItem(visit)], add: 'film-club' })(page) },
    { name: 'deleting a tag', pages: ['/tags', '/library'], act: deleteTag },
  ]; // prettier-ignore

  for (const { name, pages, act } of ACTS) {
    it(`is true after ${name}`, async () => {
      const open = await Promise.all(pages.map((path, at) => opened(path, at)));
      const before = await Promise.all(open.map(numbersOn));
      const [first] = open;
      if (first) await act(first);
      for (const [at, page] of open.entries()) {
        const path = pages[at] ?? '';
        const now = await settles(page, path, name);
        await agreesWithApi(page, now, name);
        const known = new Set(before[at]?.map(({ text }) => text));
        const changed = now.filter(({ text, figure, isInRow }) => figure === null && !isInRow && !known.has(text));
        expect(
          changed.map(({ text }) => text),
          `unmarked numbers of ${path} that changed by ${name}`,
        ).to.deep.equal([]);
      }
    });
  }

  it('is true where a filter is chosen in the page itself', async () => {
    const page = await opened('/library');
    await page.click('#facet-codec summary');
    await page.click('#facet-codec label:has(input[value="h264"])');
    await page.waitForURL(/codec=h264/);
    await page.click('h1');
    const path = page.url().slice(visit.web.url.length);
    await agreesWithApi(page, await settles(page, path, 'a filter'), 'a filter');
  });

  it('leaves what is typed and chosen where it is while the figures change', async () => {
    const page = await opened('/library');
    await page.check('#titles [data-row]:first-child .pick input');
    const preset = page.locator('#bulk-preset');
    const other = await preset.locator('option:not([selected])').last().getAttribute('value');
    await preset.selectOption(other ?? '');
    await preset.blur();
    const drawn = page.waitForResponse((answer) => new URL(answer.url()).pathname === '/library');
    await post(`/api/recommendations/${encodeURIComponent(openId(visit))}/dismiss`)(page);
    await drawn;
    await page.waitForLoadState('networkidle');
    expect(await page.isChecked('#titles [data-row]:first-child .pick input')).to.equal(true);
    expect(await preset.inputValue()).to.equal(other);
  });

  it('counts what is open once for the menu, the dashboard, its page and the API, and no restored file as saved', async () => {
    const { store: rows } = visit.web.context;
    const [entry] = rows.quarantine.where(() => true);
    const [receipt] = rows.receipts.where(() => true);
    if (!entry || !receipt) expect.fail('the preview has neither receipts nor originals');
    await rows.quarantine.put({ ...entry, id: receipt.quarantineId, state: 'restored', endedAt: receipt.at });
    const { recommendations, saved, day } = await ask<Dashboard>('/api/dashboard');
    const summary = await ask<{ findings: number; savesBytes: number }>('/api/recommendations/summary');
    const list = await ask<{ total: number; savesBytes: number }>('/api/recommendations?state=open&pageSize=1');
    const flat = await ask<{ saved: number; savedPercent: number }>('/api/summary');
    expect([summary.findings, list.total]).to.deep.equal([recommendations.open, recommendations.open]);
    expect([summary.savesBytes, list.savesBytes]).to.deep.equal([
      recommendations.savesBytes,
      recommendations.savesBytes,
    ]);
    expect(flat.saved).to.equal(saved.bytes);
    const { store } = visit.web.context;
    const standing = store.receipts.where(
      ({ quarantineId }) => store.quarantine.find(quarantineId)?.state !== 'restored',
    );
    expect(standing.length).to.be.lessThan(store.receipts.size);
    expect(saved.files).to.equal(standing.length);
    expect(saved.bytes).to.equal(
      standing.reduce((sum, { before: was, after: is }) => sum + was.sizeBytes - is.sizeBytes, 0),
    );
    const sinceMs = Date.now() - 86_400_000;
    const files = new Map<string, number>();
    for (const { createdAt, state, group, itemId, fileId, savesBytes } of store.recommendations.values()) {
      if (Date.parse(createdAt) < sinceMs || state === 'closed' || group) continue;
      files.set(`${itemId}.${fileId}`, Math.max(savesBytes, files.get(`${itemId}.${fileId}`) ?? 0));
    }
    expect(day.recommendedBytes).to.be.at.least([...files.values()].reduce((sum, bytes) => sum + bytes, 0));
  });

  interface Dashboard {
    recommendations: { open: number; savesBytes: number };
    saved: { bytes: number; files: number };
    day: { recommendedBytes: number };
  }
  const ask = <T>(path: string): Promise<T> =>
    visit.page.evaluate(
      `fetch(${JSON.stringify(path)}, { headers: { Accept: 'application/json' } }).then((r) => r.json())`,
    );
});

const openId = ({ web }: Visit): string =>
  web.context.store.recommendations.where(({ state, group, ruleId }) => state === 'open' && !group && ruleId === 'codec-modernization')[0]?.id ?? ''; // prettier-ignore
const openItem = ({ web }: Visit): string =>
  web.context.store.recommendations.where(({ state, itemId }) => state === 'open' && itemId !== '')[0]?.itemId ?? '';
const keptId = ({ web }: Visit): string =>
  web.context.store.quarantine.where(({ state }) => state === 'kept')[0]?.id ?? '';
const untaggedItem = ({ web }: Visit): string =>
  web.context.store.library.where(({ tags }) => !tags.includes('film-club'))[0]?.id ?? '';

function deleteTag(page: Page): Promise<unknown> {
  return page.evaluate(
    `fetch('/api/tags/film-club', { method: 'DELETE', headers: { Accept: 'application/json', 'X-CSRF-Token': document.querySelector('meta[name="csrf-token"]').content } }).then((r) => { if (!r.ok) throw new Error(String(r.status)); })`,
  );
}
