import { expect } from 'chai';
import type { BrowserContext, Page, Route } from 'playwright-core';
import { listenTo, seriousIn, signIn, startBrowser, type RealBrowser } from '../support/browser.js';
import { startPreview } from '../support/preview.js';
import type { WebTest } from '../support/web.js';

describe('a title beside the library, and what is selected at once', function () {
  this.timeout(180_000);
  let web: WebTest;
  let browser: RealBrowser;
  let context: BrowserContext;
  let page: Page;
  let heard: string[];
  before(async () => {
    [web, browser] = await Promise.all([startPreview(), startBrowser()]);
    context = await browser.open({ viewport: { width: 1440, height: 900 } });
    page = await context.newPage();
    heard = listenTo(page);
    await signIn(page, web.url);
  });
  after(async () => {
    await browser.close();
    await web.stop();
  });
  beforeEach(async () => {
    await page.setViewportSize({ width: 1440, height: 900 });
    await page.goto(`${web.url}/library`);
  });
  afterEach(() => {
    expect(heard.splice(0)).to.deep.equal([]);
  });

  const row = (n: number): string => `#titles [data-row]:nth-child(${n})`;
  const focused = (): Promise<unknown> => page.evaluate('document.activeElement.textContent.trim()');
  const selected = async (): Promise<string> => (await page.textContent('[data-bulk-count]')) ?? '';
  const open = async (n: number): Promise<string> => {
    const link = page.locator(`${row(n)} th a`);
    const title = (await link.textContent()) ?? '';
    await link.click();
    await page.locator('#drawer h1').filter({ hasText: title }).waitFor();
    return title;
  };

  it('opens at its own address, and the list stays where it was', async () => {
    await page.locator(row(30)).scrollIntoViewIfNeeded();
    const before = await page.evaluate('scrollY');
    const title = await open(30);
    expect(page.url()).to.match(/\/library\/[\w-]+$/);
    expect(await page.title()).to.contain(title);
    expect(await page.getAttribute('#drawer', 'aria-label')).to.equal(title);
    await page.waitForFunction(`document.activeElement.matches('#drawer h1')`);
    expect(await page.evaluate('scrollY')).to.equal(before);
    expect(await page.locator('#titles [data-row]').count()).to.be.above(30);
    await page.waitForSelector('#drawer #item-tags h2');
    expect(await seriousIn(page)).to.deep.equal([]);
  });

  it('closes with Escape, the button, its backdrop and Back, and the focus is in its row again', async () => {
    const closings: (() => Promise<unknown>)[] = [
      () => page.keyboard.press('Escape'),
      () => page.click('#drawer [data-close]'),
      () => page.mouse.click(100, 450),
      () => page.evaluate('history.back()'),
      () => page.click('#drawer .crumb a'),
    ];
    for (const [n, close] of closings.entries()) {
      const title = await open(n + 2);
      await close();
      await page.waitForURL(/\/library$/);
      await page.waitForSelector('#drawer:not([open])', { state: 'attached' });
      expect(await focused(), String(n)).to.equal(title.trim());
    }
    // The page was never read anew: what was opened once is in the history before and behind.
    await page.evaluate('history.forward()');
    await page.waitForSelector('#drawer[open] h1');
    await page.evaluate('history.back()');
    await page.waitForSelector('#drawer:not([open])', { state: 'attached' });
    expect(await page.locator('#titles [data-row]').count()).to.be.above(10);
  });

  it('shows what changed while it was on its way', async () => {
    const link = page.locator(`${row(2)} th a`);
    const id = /[^/]+$/.exec((await link.getAttribute('href')) ?? '')?.[0] ?? '';
    const slowly = async (route: Route): Promise<void> => {
      const drawn = await route.fetch();
      await web.context.store.library.patch(id, { title: 'Changed on the way' });
      web.context.bus.emit('library.changed', { itemIds: [id] });
      // The line is slow: the list below has heard of it by now.
      await page.waitForSelector('#titles :text("Changed on the way")', { state: 'attached' });
      await route.fulfill({ response: drawn });
    };
    await page.route(`**/library/${id}`, slowly, { times: 1 });
    await link.click();
    await page.waitForSelector('#drawer[open] h1:has-text("Changed on the way")');
  });

  it('goes on to the next title with j and k, and Back still leads to the list', async () => {
    await open(1);
    const second = (await page.textContent(`${row(2)} th a`)) ?? '';
    await page.keyboard.press('j');
    await page.locator('#drawer h1').filter({ hasText: second }).waitFor();
    await page.keyboard.press('k');
    await page.locator('#drawer h1').filter({ hasNotText: second }).waitFor();
    expect(await page.isDisabled('#drawer [data-step="-1"]')).to.equal(true);
    await page.click('#drawer [data-step="1"]');
    await page.locator('#drawer h1').filter({ hasText: second }).waitFor();
    await page.goBack();
    await page.waitForURL(/\/library$/);
    expect(await focused()).to.equal(second.trim());
  });

  it('is a page of its own when it is loaded anew, and Back reads the list', async () => {
    const title = await open(3);
    await page.reload();
    expect(await page.textContent('#main h1')).to.contain(title);
    expect(await page.locator('#drawer').count()).to.equal(0);
    await page.goBack();
    await page.waitForSelector('#titles [data-row]');
    expect(page.url()).to.match(/\/library$/);
  });

  it('keeps the filter that lies below it', async () => {
    await page.click('#facet-codec summary');
    await page.check('#facet-codec input[value="h264"]');
    await page.waitForURL(/codec=h264/);
    await page.keyboard.press('Escape');
    const count = await page.locator('#titles [data-row]').count();
    await open(2);
    // Something happened: the list below is read anew, from its own address.
    const [answer] = await Promise.all([
      page.waitForResponse((response) => response.url().includes('pageSize=')),
      page.evaluate(`document.dispatchEvent(new CustomEvent('mf:done', { detail: { message: 'Done.' } }))`),
    ]);
    expect(answer.url()).to.contain('codec=h264');
    await answer.finished();
    await page.keyboard.press('Escape');
    await page.waitForURL(/codec=h264/);
    expect(await page.locator('#titles [data-row]').count()).to.equal(count);
    // Back from it is no reading anew either, although htmx put this address into the history.
    await page.evaluate('window.isSame = true');
    await open(1);
    await page.goBack();
    await page.waitForURL(/codec=h264/);
    await page.waitForSelector('#drawer:not([open])', { state: 'attached' });
    await page.waitForTimeout(300);
    expect(await page.evaluate('window.isSame')).to.equal(true);
  });

  it('changes tags in it, and says so above it', async () => {
    await open(2);
    await page.waitForSelector('#drawer #item-tags .tag-add');
    await page.click('#drawer #item-tags .tag-add button');
    await page.waitForSelector('#drawer #item-tags .tag-chips .chip');
    expect(page.url()).to.match(/\/library\/[\w-]+$/);
    expect(await page.locator('#drawer #toasts').count()).to.equal(1);
    await page.click('#drawer #item-tags .chip-x');
  });

  it('tells everything: streams, why and why not, and where it is in Plex', async () => {
    await page.goto(`${web.url}/library?q=northline`);
    await open(1);
    expect(await page.locator('#drawer .stream-list tbody tr').count()).to.be.above(1);
    expect(await page.getAttribute('#drawer .acts a', 'href')).to.match(
      /^https:\/\/app\.plex\.tv\/.*%2Fmetadata%2F\d+$/,
    );
    const words = await page.locator('#drawer section[aria-labelledby="why"] small').allTextContents();
    expect(words.join(' ')).not.to.contain('Nothing to improve here');
    expect(await page.textContent('#drawer section[aria-labelledby="plex-h"]')).to.contain('Northline');
  });

  it('is a page on a phone', async () => {
    await page.setViewportSize({ width: 360, height: 740 });
    await page.goto(`${web.url}/library`);
    await page.click(`${row(2)} th a`);
    await page.waitForSelector('#main .item-head h1');
    expect(await page.locator('#drawer').count()).to.equal(0);
    expect(await seriousIn(page)).to.deep.equal([]);
    expect(await page.evaluate('document.documentElement.scrollWidth - innerWidth')).to.equal(0);
  });

  it('selects a season by menu and by key, with those that the page does not show', async () => {
    await page.goto(`${web.url}/library?q=frost%20line`);
    await page.locator(row(1)).click({ button: 'right' });
    await page.click(`${row(1)} .pop a:has-text("Select this season")`);
    await page.waitForSelector('[data-bulk-count]:has-text("11 selected")');
    expect(await page.locator('#titles [data-row]').count()).to.equal(1);
    expect(await page.locator('#titles [data-row] .pick input:checked').count()).to.equal(1);
    await page.click('#bulk [data-pick-none]');
    expect(await selected()).to.equal('0 selected');
    await page.goto(`${web.url}/library?q=harbour%20nine&pageSize=3`);
    await page.keyboard.press('j');
    await page.keyboard.press('Shift+S');
    await page.waitForSelector('[data-bulk-count]:has-text("10 selected")');
  });

  it('says that nothing is selected when what was selected is added up only after that', async () => {
    await page.goto(`${web.url}/library?q=frost%20line`);
    let goOn = (): void => undefined;
    const held = new Promise<void>((resolve) => (goOn = resolve));
    await page.route('**/library/queue/totals', async (route) => {
      const response = await route.fetch();
      await held;
      await route.fulfill({ response });
    });
    const asked = page.waitForRequest('**/library/queue/totals');
    await page.check(`${row(1)} .pick input`);
    await asked;
    expect(await selected()).to.equal('1 selected');
    const settled = page.evaluate(
      `new Promise((resolve) => document.addEventListener('htmx:afterSettle', resolve, { once: true })).then(() => true)`,
    );
    await page.click('#bulk [data-pick-none]');
    goOn();
    await settled;
    expect(await selected()).to.equal('0 selected');
    expect(await page.textContent('[data-bulk-sum]')).to.equal('');
    await page.unroute('**/library/queue/totals');
  });

  it('keeps what is ticked while the list is being read again', async () => {
    await page.goto(`${web.url}/library?q=glass%20orchard&pageSize=3`);
    let goOn = (): void => undefined;
    const held = new Promise<void>((resolve) => (goOn = resolve));
    // Not one that reads on where the page ends: the list is read again up to its length.
    const isList = (url: URL): boolean => url.searchParams.get('pageSize') === '50';
    await page.route(isList, async (route) => {
      const response = await route.fetch();
      await held;
      await route.fulfill({ response });
    });
    const asked = page.waitForRequest((request) => isList(new URL(request.url())));
    // Its socket may not be connected yet, and what came before that is not told again.
    const ringing = setInterval(() => {
      web.context.bus.emit('library.changed', { itemIds: [] });
    }, 100);
    await asked;
    clearInterval(ringing);
    for (const at of [1, 2]) await page.check(`${row(at)} .pick input`);
    expect(await selected()).to.equal('2 selected');
    await page.check('[data-pick-everything]');
    expect(await selected()).to.equal('8 selected');
    // Whatever the server does not know of goes when the list is drawn anew.
    await page.evaluate(`document.querySelector('${row(3)}').dataset.old = 'yes'`);
    goOn();
    await page.waitForSelector('[data-old]', { state: 'detached' });
    await page.unroute(isList);
    for (const at of [1, 2]) expect(await page.isChecked(`${row(at)} .pick input`), `row ${at}`).to.equal(true);
    expect(await page.locator('[data-pick-everything]').count(), 'all of them stand on the page now').to.equal(0);
    expect(await selected()).to.equal('8 selected');
    await page.click('#bulk [data-pick-none]');
  });

  it('tags what is selected, and everything that matches', async () => {
    await page.goto(`${web.url}/tags`);
    if (!(await page.content()).includes('Twice')) {
      await page.fill('input[name="name"]', 'Twice');
      await page.click('main form[action$="/tags"] button[type="submit"]');
      await page.waitForSelector('text=Twice');
    }
    await page.goto(`${web.url}/library?q=glass%20orchard&pageSize=3`);
    await page.keyboard.press('j');
    await page.keyboard.press('s');
    await page.waitForSelector('[data-bulk-count]:has-text("8 selected")');
    await page.click('#bulk summary:has-text("Tag")');
    expect(await seriousIn(page)).to.deep.equal([]);
    await page.selectOption('#bulk-add', { label: 'Twice' });
    await page.click('#bulk .bulk-tags button');
    await page.waitForSelector('.said:has-text("8 titles changed")');
    expect(page.url()).to.contain('q=glass');
    // Read again because of the change, the list may hold all of them, and then there is no box for those beyond.
    await page.goto(`${web.url}/library?q=glass%20orchard&pageSize=3`);
    await page.check(`${row(1)} .pick input`);
    await page.check('[data-pick-everything]');
    await page.click('#bulk summary:has-text("Tag")');
    await page.selectOption('#bulk-remove', { label: 'Twice' });
    await page.click('#bulk .bulk-tags button');
    await page.waitForSelector('.said:has-text("8 titles changed")');
  });

  it('has menus and the drawer among posters too', async () => {
    await page.click('.acts button:has-text("Posters")');
    await page.waitForSelector('.wall');
    await page.locator(row(3)).click({ button: 'right' });
    expect(await page.locator(`${row(3)} details.row-menu`).getAttribute('open')).to.equal('');
    await page.keyboard.press('Escape');
    await page.click(`${row(3)} a.wall-card`);
    await page.waitForSelector('#drawer[open] h1');
    await page.keyboard.press('Escape');
    await page.waitForURL(/\/library$/);
    await page.waitForFunction(`document.activeElement.matches('.wall-card')`);
    expect(await seriousIn(page)).to.deep.equal([]);
    await page.goto(`${web.url}/library`);
    await page.click('.acts button:has-text("Table")');
    await page.waitForSelector('table.lib');
  });

  it('has all of it without scripts, on a phone', async () => {
    const plain = await (
      await browser.open({ javaScriptEnabled: false, viewport: { width: 360, height: 740 } })
    ).newPage();
    await signIn(plain, web.url);
    await plain.goto(`${web.url}/library?show=Northline&season=3&sort=title&picked=all&pageSize=5`);
    expect(await plain.locator('#titles .pick input:checked').count()).to.equal(5);
    expect(await plain.isChecked('[data-pick-everything]')).to.equal(true);
    await plain.click(`#bulk summary:has-text("Tag")`);
    await plain.selectOption('#bulk-add', { index: 1 });
    await Promise.all([plain.waitForURL(/picked=all/), plain.click('#bulk .bulk-tags button')]);
    expect(await plain.textContent('.said')).to.contain('11 titles changed');
    await plain.goto(`${web.url}/library?q=northline`);
    await plain.click(`${row(1)} th a`);
    await plain.waitForURL(/\/library\/[\w-]+$/);
    expect(await plain.locator('.stream-list').count()).to.be.above(0);
  });
});
