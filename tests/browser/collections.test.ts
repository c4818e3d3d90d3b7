import { expect } from 'chai';
import type { BrowserContext, Page } from 'playwright-core';
import { listenTo, seriousIn, signIn, startBrowser, type RealBrowser } from '../support/browser.js';
import { startCollectionWeb, type CollectionWeb } from '../support/collection-web.js';

describe('collections in a browser', function () {
  this.timeout(180_000);
  let world: CollectionWeb;
  let browser: RealBrowser;
  let context: BrowserContext;
  let page: Page;
  let heard: string[];
  before(async () => {
    browser = await startBrowser();
  });
  after(() => browser.close());
  beforeEach(async () => {
    world = await startCollectionWeb();
  });
  afterEach(async () => {
    await context.close();
    await world.stop();
  });

  const open = async (width: number, script = true): Promise<void> => {
    context = await browser.open({ viewport: { width, height: 900 }, javaScriptEnabled: script });
    page = await context.newPage();
    heard = listenTo(page);
    await signIn(page, world.web.url);
  };
  const clean = async (what: string): Promise<void> => {
    expect(await seriousIn(page), what).to.deep.equal([]);
    expect(await page.evaluate('document.documentElement.scrollWidth - innerWidth'), `${what}: width`).to.equal(0);
    expect(heard, what).to.deep.equal([]);
  };

  for (const width of [1440, 360]) {
    it(`are looked at, made, followed and deleted, ${width} px wide`, async () => {
      await open(width);
      await page.goto(`${world.web.url}/collections`);
      await clean(`empty-${width}`);
      await page.click('.head a:has-text("New collection")');
      await page.fill('#coll-name', 'Small and modern');
      await page.selectOption('#coll-filter', { label: 'Modern films' });
      await page.click('button:has-text("Show what it would hold")');
      await page.waitForSelector('#look .look-facts');
      await clean(`look-${width}`);
      expect(world.plex.collections.list()).to.deep.equal([]);
      await page.click('button:has-text("Make it in Plex")');
      await page.waitForSelector('.said:has-text("put in")');
      const inPlex = world.plex.collections.titled('Small and modern');
      await clean(`made-${width}`);
      await page.click('.crumb a');
      await page.waitForSelector('.coll-table');
      await clean(`list-${width}`);
      await page.click('a:has-text("Small and modern")');
      const [out = '', gone = ''] = inPlex.children;
      world.plex.collections.takeOut(inPlex, out);
      world.plex.collections.takeOut(inPlex, gone);
      world.plex.collections.rename(inPlex, 'Renamed in Plex');
      await page.click('.head a:has-text("Preview")');
      await page.waitForSelector('#look:has-text("they stay out")');
      await page.click('.head button:has-text("Sync now")');
      await page.waitForSelector('#places:has-text("Renamed in Plex")');
      await clean(`collection-${width}`);
      await page.click('button:has-text("Put in again")');
      await page.waitForSelector('.taken', { state: 'detached' });
      expect(inPlex.children).to.include(out).and.to.include(gone);
      world.plex.collections.delete(inPlex);
      await page.click('.head button:has-text("Sync now")');
      await page.waitForSelector('#places .badge:has-text("Deleted in Plex")');
      await clean(`deleted-${width}`);
      await page.click('button:has-text("Create again")');
      await page.waitForSelector('#places .badge:has-text("In step")');
      await page.check('input[name="inPlex"][value="true"]');
      await page.click('button:has-text("Delete Small and modern")');
      await page.waitForURL(/\/collections$/);
      expect(world.plex.collections.list()).to.deep.equal([]);
    });
  }

  it('work without scripts, from a view of the library to a name that is in use', async () => {
    const [first = ''] = world.plex.items().map(({ ratingKey }) => ratingKey);
    world.plex.collections.make('1', 'Theirs', [first]);
    await open(360, false);
    const go = async (selector: string): Promise<void> => {
      await Promise.all([page.waitForEvent('domcontentloaded'), page.click(selector)]);
    };
    await page.goto(`${world.web.url}/library?codec=vc1`);
    await page.click('summary:has-text("Saved")');
    await go('a:has-text("Make a collection in Plex of this view")');
    await page.fill('#coll-name', 'Theirs');
    await go('button:has-text("Show what it would hold")');
    expect(await page.textContent('#look')).to.contain('There is a collection called Theirs already');
    await go('button:has-text("Make it in Plex")');
    expect(world.plex.collections.titled('Theirs').children).to.deep.equal([first]);
    await go('button:has-text("Use the one that is there")');
    expect(world.plex.collections.titled('Theirs').children.length).to.be.above(1);
    await page.fill('#coll-name', 'Ours now');
    await go('button:has-text("Save")');
    expect(await page.textContent('h1')).to.equal('Ours now');
    await go('.head button:has-text("Sync now")');
    await go('button:has-text("Stop following here")');
    await page.check('input[name="inPlex"][value="true"]');
    await go('button:has-text("Delete Ours now")');
    expect(world.plex.collections.titled('Theirs').children).to.include(first);
    expect(await page.isVisible('h3:has-text("No collection yet")')).to.equal(true);
  });
});
