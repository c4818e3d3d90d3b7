import { expect } from 'chai';
import type { Page } from 'playwright-core';
import { listenTo, seriousIn, signIn, startBrowser, WITH_WIDTH, type RealBrowser } from '../support/browser.js';
import { EditablePlex } from '../support/editable.js';
import { startWeb, type WebTest } from '../support/web.js';

describe('edits in Plex in a browser', function () {
  this.timeout(180_000);
  let world: EditablePlex;
  let web: WebTest;
  let browser: RealBrowser;
  let page: Page;
  let heard: string[];

  before(async () => {
    [world, browser] = await Promise.all([EditablePlex.start(130), startBrowser()]);
    web = await startWeb({ prepare: (context) => world.prepare(context) });
    page = await (await browser.open({ viewport: { width: 1440, height: 900 } })).newPage();
    heard = listenTo(page);
    await signIn(page, web.url);
  });
  after(async () => {
    await browser.close();
    await web.stop();
    await world.stop();
  });
  beforeEach(() => {
    for (const item of world.plex.items()) Object.assign(item, { labels: [], details: undefined });
    world.plex.edits.deaf.clear();
    world.plex.edits.reached.length = 0;
  });
  afterEach(() => {
    expect(heard.splice(0)).to.deep.equal([]);
  });

  /** Nothing sideways and nothing axe calls serious, on a wide screen and on a phone. */
  async function check(what: string): Promise<void> {
    for (const width of [1440, 360]) {
      await page.setViewportSize({ width, height: 900 });
      expect(await seriousIn(page, width === 1440 ? [] : WITH_WIDTH), `${what} at ${width}`).to.deep.equal([]);
      expect(await page.evaluate('document.documentElement.scrollWidth - innerWidth'), what).to.equal(0);
    }
    await page.setViewportSize({ width: 1440, height: 900 });
  }
  const labelled = (label: string): number => world.plex.items().filter(({ labels }) => labels.includes(label)).length; // prettier-ignore

  it('go from ticked titles over the preview to the outcome of each', async () => {
    const [first, second] = world.plex.items();
    if (first) first.labels = ['Old', 'Keep'];
    if (second) second.labels = ['Watch with the children', 'Old'];
    world.plex.edits.deaf.add('studio');
    await page.goto(`${web.url}/library?sort=title`);
    for (const title of ['Film 0 (1950)', 'Film 1 (1951)', 'Film 10 (1960)'])
      await page.check(`input[aria-label="Select ${title}"]`);
    await page.click('#bulk button:has-text("Edit in Plex")');
    await page.waitForURL(/\/library\/edit\/edit-[^/]+$/);
    await page.waitForSelector('p:has-text("3 titles, all in the same way")');
    await page.click('button:has-text("Show what would change")');
    await page.waitForSelector('#form-error:has-text("Nothing is filled in")');
    await page.selectOption('select[name="edit[labels][mode]"]', 'replace');
    await page.fill('#e-summary', 'A film to be seen twice.\nAt least.');
    await page.click('button:has-text("Show what would change")');
    await page.waitForSelector('.err:has-text("Name at least one")');
    expect(await page.inputValue('#e-summary')).to.equal('A film to be seen twice.\nAt least.');
    expect(heard.splice(0).every((text) => text.includes('422'))).to.equal(true);
    await page.fill('#e-labels', 'keep, Summer');
    await page.fill('#e-studio', 'A24');
    await check('form');
    await page.click('button:has-text("Show what would change")');
    await page.waitForURL(/\/preview$/);
    await page.waitForSelector('.edit-counts li:has-text("3 would change")');
    const row = page.locator('.edits tr:has-text("Film 0 (1950)") .changes li:has-text("Labels")');
    expect(await row.locator('del').allTextContents()).to.deep.equal(['without Old']);
    expect(await row.locator('ins').allTextContents()).to.deep.equal(['new Summer']);
    await check('preview');
    expect(world.edits).to.equal(0);
    await page.click('button:has-text("Edit 3 titles in Plex")');
    await page.waitForURL(/\/result$/);
    await page.waitForSelector('h2:has-text("Done")');
    expect(await page.locator('.badge:has-text("Not taken")').count()).to.equal(3);
    expect(world.plex.items()[0]?.labels).to.deep.equal(['Keep', 'Summer']);
    expect(new Set(world.plex.edits.reached).size).to.equal(3);
    await check('result');
    await page.goto(`${web.url}/library/edit`);
    await check('edits');
  });

  it('take everything that matches, say how far they are, and never queue it', async () => {
    let go = (): void => undefined;
    const gate = new Promise<void>((resolve) => (go = resolve));
    const plain = world.server.metadata.edit.bind(world.server.metadata);
    let isHeld = true;
    world.server.metadata.edit = async function* (...args) {
      for await (const outcomes of plain(...args)) {
        yield outcomes;
        if (isHeld) await gate;
        isHeld = false;
      }
    };
    await page.goto(`${web.url}/library?sort=title`);
    await page.check('#titles [data-row]:first-child .pick input');
    await page.check('[data-pick-everything]');
    await page.click('#bulk button:has-text("Edit in Plex")');
    await page.waitForURL(/\/library\/edit\/edit-/);
    await page.fill('#e-labels', 'Everybody');
    await page.click('button:has-text("Show what would change")');
    await page.click('button:has-text("Edit 130 titles in Plex")');
    await page.waitForSelector('h2:has-text("Editing")');
    await page.waitForSelector('p:has-text("100 of 130 titles")');
    await check('running');
    go();
    await page.waitForSelector('h2:has-text("Done")');
    await page.waitForSelector('.tabs a:has-text("Changed 130")');
    expect(labelled('Everybody')).to.equal(130);
    expect(web.asked.filter((what) => what !== 'identity')).to.deep.equal([]);
    world.server.metadata.edit = plain;
  });

  it('work without scripts too, on a phone, with what failed done once more', async () => {
    const plain = await (
      await browser.open({ javaScriptEnabled: false, viewport: { width: 360, height: 740 } })
    ).newPage();
    await signIn(plain, web.url);
    await plain.goto(`${web.url}/library?sort=title`);
    await plain.check('input[aria-label="Select Film 0 (1950)"]');
    await Promise.all([
      plain.waitForURL(/\/library\/edit\/edit-/),
      plain.click('#bulk button:has-text("Edit in Plex")'),
    ]);
    await plain.fill('#e-title', 'Nothing at All');
    await plain.fill('#e-genres', 'Drama');
    await Promise.all([plain.waitForURL(/\/preview$/), plain.click('button:has-text("Show what would change")')]);
    world.plex.edits.refuse = () => ({ status: 500 });
    await Promise.all([plain.waitForURL(/\/result$/), plain.click('button:has-text("Edit it in Plex")')]);
    while ((await plain.locator('h2:has-text("Done")').count()) === 0) await plain.click('a:has-text("Refresh")');
    expect(await plain.textContent('.edits td.wide')).to.contain('an error of its own (500)');
    world.plex.edits.refuse = () => null;
    await Promise.all([plain.waitForURL(/\/preview$/), plain.click('button:has-text("Try the rest again")')]);
    await Promise.all([plain.waitForURL(/\/result$/), plain.click('button:has-text("Edit it in Plex")')]);
    while ((await plain.locator('h2:has-text("Done")').count()) === 0) await plain.click('a:has-text("Refresh")');
    expect(world.plex.items()[0]).to.have.property('title', 'Nothing at All');
    expect(world.plex.items()[0]?.details).to.deep.include({ genres: ['Drama'], locked: ['title', 'genre'] });
    await plain.context().close();
  });
});
