import { expect } from 'chai';
import type { Page } from 'playwright-core';
import {
  seriousIn,
  sidewaysIn,
  signIn,
  visitPreview,
  WITH_WIDTH,
  type RealBrowser,
  type Visit,
} from '../support/browser.js';
import type { WebTest } from '../support/web.js';

describe('the library in a browser', function () {
  this.timeout(180_000);
  let visit: Visit;
  let web: WebTest;
  let browser: RealBrowser;
  let page: Page;
  before(async () => {
    visit = await visitPreview();
    ({ web, browser, page } = visit);
  });
  after(() => visit.close());
  beforeEach(async () => {
    await page.setViewportSize({ width: 1440, height: 900 });
    await page.goto(`${web.url}/library`);
  });
  afterEach(() => {
    expect(visit.heard.splice(0)).to.deep.equal([]);
  });

  const rows = (): Promise<number> => page.locator('#titles [data-row]').count();

  it('narrows by several choices, keeps the menu open, and counts what each would leave', async () => {
    await page.click('#facet-codec summary');
    await page.check('#facet-codec input[value="mpeg2video"]');
    await page.waitForURL(/codec=mpeg2video/);
    await page.waitForSelector('.chips .chip');
    expect(await page.locator('#facet-codec').getAttribute('open')).to.equal('');
    const first = await rows();
    await page.check('#facet-codec input[value="vc1"]');
    await page.locator('.chips .chip').nth(1).waitFor();
    expect(await rows()).to.be.above(first);
    const announced = await page.textContent('#facet-codec label:has(input[value="vc1"]) .count');
    expect(await rows()).to.equal(first + Number(announced));
    await page.goBack();
    await page.locator('.chips .chip').nth(1).waitFor({ state: 'detached' });
    await page.click('.chips .chip');
    await page.waitForURL((url) => !url.search.includes('codec'));
  });

  it('sorts by its columns, and says so', async () => {
    await page.click('thead a:has-text("Plays")');
    await page.waitForURL(/sort=-plays/);
    expect(await page.getAttribute('th:has(a:has-text("Plays"))', 'aria-sort')).to.equal('descending');
    await page.click('thead a:has-text("Plays")');
    await page.waitForURL(/sort=plays/);
    expect(await page.getAttribute('th:has(a:has-text("Plays"))', 'aria-sort')).to.equal('ascending');
  });

  it('grows at its end, and a link does the same', async () => {
    await page.goto(`${web.url}/library?pageSize=20`);
    await page.locator('#pager').scrollIntoViewIfNeeded();
    await page.locator('#titles [data-row]').nth(39).waitFor();
    const ids = await Promise.all(
      (await page.locator('#titles [data-row]').all()).map((row) => row.getAttribute('id')),
    );
    expect(new Set(ids).size).to.equal(ids.length);
  });

  it('moves with j and k, ticks with x, opens the menu with m and with the right button', async () => {
    await page.keyboard.press('j');
    await page.keyboard.press('j');
    await page.keyboard.press('k');
    await page.keyboard.press('x');
    expect(await page.isChecked('#titles [data-row]:first-child .pick input')).to.equal(true);
    await page.keyboard.press('m');
    expect(await page.locator('#titles [data-row]:first-child details.row-menu').getAttribute('open')).to.equal('');
    await page.keyboard.press('Escape');
    const third = page.locator('#titles [data-row]').nth(2);
    await third.click({ button: 'right' });
    expect(await third.locator('details.row-menu').getAttribute('open')).to.equal('');
    const [plex] = await third.locator('.pop a:has-text("Open in Plex")').all();
    expect(await plex?.getAttribute('href')).to.match(/^https:\/\/app\.plex\.tv\/.*%2Flibrary%2Fmetadata%2F\d+$/);
  });

  it('keeps the place in the list when it is drawn anew', async () => {
    await page.keyboard.press('j');
    await page.keyboard.press('j');
    const here = await page.getAttribute('#titles [data-row][data-at]', 'id');
    const id = await page.getAttribute('#titles [data-row]:first-child', 'id');
    const itemId = (id ?? '').replace('t-', '');
    const { title } = web.context.store.library.get(itemId);
    await web.context.store.library.patch(itemId, { title: `${title}, the longer cut` });
    web.context.bus.emit('library.changed', { itemIds: [itemId] });
    await page.waitForSelector('#titles [data-row]:has-text("the longer cut")');
    expect(await page.getAttribute('#titles [data-row][data-at]', 'id')).to.equal(here);
    await web.context.store.library.patch(itemId, { title });
  });

  it('shows posters and chosen columns, and remembers both', async () => {
    await page.click('.acts button:has-text("Posters")');
    await page.waitForSelector('.wall');
    expect(await rows()).to.be.above(10);
    for (const width of [1440, 360]) {
      await page.setViewportSize({ width, height: 900 });
      expect(await seriousIn(page, width === 1440 ? [] : WITH_WIDTH), String(width)).to.deep.equal([]);
      expect(await sidewaysIn(page), String(width)).to.equal(0);
    }
    await page.setViewportSize({ width: 1440, height: 900 });
    await page.goto(`${web.url}/library`);
    await page.click('.acts button:has-text("Table")');
    await page.waitForSelector('table.lib');
    await page.click('summary:has-text("Columns")');
    await page.check('input[name="columns"][value="container"]');
    await page.uncheck('input[name="columns"][value="plays"]');
    await page.click('button:has-text("Show these")');
    await page.waitForSelector('th:has-text("Container")');
    expect(await page.locator('th:has-text("Plays")').count()).to.equal(0);
  });

  it('saves a view under a name and brings it back', async () => {
    await page.goto(`${web.url}/library?codec=h264&sort=title`);
    await page.click('summary:has-text("Saved")');
    await page.fill('#save-name', 'Old H.264');
    await page.click('.menus button:has-text("Save")');
    await page.waitForSelector('summary:has-text("Saved") b');
    await page.goto(`${web.url}/library`);
    await page.click('summary:has-text("Saved")');
    await page.click('.saved a:has-text("Old H.264")');
    await page.waitForURL(/codec=h264&sort=title/);
  });

  it('says how many match, and asks with every figure before it queues them', async () => {
    await page.goto(`${web.url}/library?q=northline&pageSize=5`);
    await page.check('#titles [data-row]:first-child .pick input');
    await page.waitForSelector('[data-bulk-count]:has-text("1 selected")');
    await page.check('[data-pick-everything]');
    await page.waitForSelector('[data-bulk-count]:has-text("11 selected")');
    await page.waitForSelector('[data-bulk-sum]:has-text("frees about")');
    await page.click('#bulk button:has-text("Add to queue")');
    const question = page.locator('dialog#question[open]');
    await question.locator('h1').waitFor();
    const text = (await question.textContent()) ?? '';
    expect(text).to.match(/11 titles selected, [\d.]+ GB/);
    expect(text).to.match(/Frees about\s*[\d.]+ GB.*confidence.*Takes about.*Preset\s*Balanced/s);
    expect(text).to.match(/left out\s*\d+: there is already a job for the file/);
    await question.locator('#question-preset').selectOption('audio-saver');
    await question.locator('.facts dd:text-is("Audio Saver")').waitFor();
    await question.locator('a:has-text("Cancel")').click();
    await question.waitFor({ state: 'detached' });
    expect(page.url()).to.contain('/library');
    await page.click('#bulk button:has-text("Add to queue")');
    await question.locator('button.primary').click();
    await page.waitForURL(/\/queue$/);
    expect(await page.textContent('.said')).to.match(
      /\d+ jobs queued\. \d+ left out: there is already a job for the file\./,
    );
  });

  it('has its filters, pages and menus without scripts too, on a phone', async () => {
    const plain = await (
      await browser.open({ javaScriptEnabled: false, viewport: { width: 360, height: 740 } })
    ).newPage();
    await signIn(plain, web.url);
    await plain.goto(`${web.url}/library?pageSize=5`);
    if (await plain.isVisible('.fold-button')) await plain.click('.fold-button');
    await plain.click('#facet-codec summary');
    await plain.check('#facet-codec input[value="h264"]');
    await plain.click('#facet-codec summary');
    await Promise.all([plain.waitForURL(/codec=h264/), plain.click('#filters button:has-text("Apply")')]);
    expect(await plain.locator('.chips .chip').count()).to.equal(1);
    await plain.goto(`${plain.url()}&pageSize=5`);
    await Promise.all([plain.waitForURL(/page=2/), plain.click('#pager a:has-text("More")')]);
    expect(await plain.locator('#titles [data-row]').count()).to.equal(5);
  });
});
