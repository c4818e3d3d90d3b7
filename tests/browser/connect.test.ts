import { expect } from 'chai';
import type { BrowserContext, Page } from 'playwright-core';
import { listenTo, seriousIn, signIn, startBrowser, type RealBrowser } from '../support/browser.js';
import { DEAD, startAccountWorld } from '../support/plex-account.js';
import { PASSWORD } from '../support/web.js';

type World = Awaited<ReturnType<typeof startAccountWorld>>;

/** What axe, the console and the width of the page have against it. */
async function complaints(page: Page, heard: readonly string[]): Promise<string[]> {
  const wide = await page.evaluate<number>(
    'document.documentElement.scrollWidth - document.documentElement.clientWidth',
  );
  return [
    ...(await seriousIn(page)),
    ...(wide > 0 ? [`${wide} px too wide`] : []),
    // A refused form answers with its status; the browser notes that, and nothing else.
    ...heard.filter((text) => !/(status of|Status Error Code) (409|422|50\d)/.test(text)),
  ];
}

/** Through the setup up to the step that connects Plex. */
async function reachPlex(page: Page, world: World): Promise<void> {
  const token = /setup token: (\S+?)"/.exec(world.web.logged.join('\n'))?.[1] ?? '';
  await page.goto(world.web.url);
  await page.fill('#token', token);
  await page.click('button[type="submit"]');
  await page.fill('#password', PASSWORD);
  await page.click('button[type="submit"]');
  await page.waitForSelector('#plex-sign-in');
}

describe('connecting Plex in a browser', function () {
  this.timeout(180_000);
  let browser: RealBrowser;
  let world: World;
  let context: BrowserContext;
  let page: Page;
  let heard: string[];

  before(async () => {
    browser = await startBrowser();
  });
  after(() => browser.close());
  afterEach(async () => {
    await context.close();
    await world.stop();
  });
  const open = async (options: { width: number; script?: boolean; password?: string | null }): Promise<void> => {
    world = await startAccountWorld({ password: options.password === undefined ? null : options.password });
    context = await browser.open({
      viewport: { width: options.width, height: 900 },
      javaScriptEnabled: options.script ?? true,
    });
    page = await context.newPage();
    heard = listenTo(page, ['error', 'warning']);
  };
  const clean = async (what: string): Promise<void> => {
    expect(await complaints(page, heard), what).to.deep.equal([]);
  };

  for (const width of [1440, 360]) {
    it(`takes one click, one answer in the pop-up and one more click, ${width} px wide`, async () => {
      await open({ width });
      await reachPlex(page, world);
      await clean('before');
      const [popUp] = await Promise.all([page.waitForEvent('popup'), page.click('#plex-sign-in')]);
      await popUp.waitForURL(/\/auth#\?clientID=/);
      expect(popUp.url()).to.contain(world.plexTv.latestPin().code);
      await page.waitForSelector('#plex-wait');
      await clean('waiting');
      await popUp.click('button:has-text("Sign in")');
      await page.waitForSelector('.server');
      expect(popUp.isClosed(), 'the window has done its work').to.equal(true);
      expect(await page.locator('.server').count()).to.equal(2);
      const den = page.locator('.server', { hasText: 'Den' });
      expect(await den.locator('.ways li').count()).to.equal(4);
      expect(await den.locator('.ways li.ok').count()).to.equal(2);
      const ways = await den.textContent();
      for (const text of ['another server answers there', 'relay', world.den.url]) expect(ways).to.contain(text);
      expect(await page.locator('.server', { hasText: 'Attic' }).textContent()).to.contain('Shared by Kim');
      await clean('the servers');
      await page.click('button:has-text("Connect Den")');
      await page.waitForSelector('#to-0');
      expect(world.web.context.store.settings.value.plex.serverName).to.equal('Den');
    });
  }

  it('says what to do when it is refused, expired, or plex.tv slows us down', async () => {
    await open({ width: 1440 });
    await reachPlex(page, world);
    const [popUp] = await Promise.all([page.waitForEvent('popup'), page.click('#plex-sign-in')]);
    await popUp.click('button:has-text("Refuse")');
    await page.waitForSelector('.note.warn:has-text("refused or cancelled")');
    await clean('refused');
    await Promise.all([page.waitForEvent('popup'), page.click('#plex-sign-in')]);
    await page.waitForSelector('#plex-wait');
    world.plexTv.expire();
    world.later(901);
    await page.waitForSelector('.note.warn:has-text("not finished in time")');
    world.plexTv.fault = 429;
    world.plexTv.retryAfter = '45';
    await page.click('#plex-sign-in');
    await page.waitForSelector('#form-error:has-text("asks us to slow down")');
    await clean('too many requests');
    world.plexTv.fault = null;
    world.later(46);
    await page.click('#plex-sign-in');
    await page.waitForSelector('#plex-wait');
  });

  it('works without scripts: a link in a new tab, and "I have signed in"', async () => {
    await open({ width: 360, script: false });
    await reachPlex(page, world);
    const submit = async (selector: string): Promise<void> => {
      await Promise.all([page.waitForEvent('domcontentloaded'), page.click(selector)]);
    };
    await submit('#plex-sign-in');
    await submit('#plex-check');
    expect(await page.isVisible('#plex-wait'), 'not yet').to.equal(true);
    const [tab] = await Promise.all([context.waitForEvent('page'), page.click('#plex-open')]);
    await tab.click('button:has-text("Sign in")');
    world.later(2);
    await submit('#plex-check');
    await submit('a:has-text("Find my servers")');
    expect(await page.locator('.server').count()).to.equal(2);
    await submit('button:has-text("Connect Den")');
    expect(await page.isVisible('#to-0')).to.equal(true);
  });

  for (const script of [true, false])
    it(`keeps an address that was typed for a server nobody reaches, ${script ? 'with' : 'without'} scripts`, async () => {
      await open({ width: 1440, script });
      await reachPlex(page, world);
      await page.click('#plex-sign-in');
      await page.waitForSelector('#plex-wait');
      world.plexTv.approve();
      world.plexTv.devices = world.plexTv.devices.map((device) =>
        device.name === 'Den' ? { ...device, connections: [{ uri: DEAD, local: true }] } : device,
      );
      world.later(2);
      if (!script) {
        await page.click('#plex-check');
        await page.click('a:has-text("Find my servers")');
      }
      const den = page.locator('.server', { hasText: 'Den' });
      const address = den.locator('input[name="url"]');
      await address.fill('den.local:32400');
      await den.locator('button:has-text("Connect Den")').click();
      await page.waitForSelector('#form-error');
      expect(await address.inputValue()).to.equal('den.local:32400');
      await address.fill(world.den.url);
      await den.locator('button:has-text("Connect Den")').click();
      await page.waitForSelector('#to-0');
      expect(world.web.context.store.settings.value.plex.url).to.equal(world.den.url);
    });

  it('links a revoked token anew in the settings, and shows what is on the way', async () => {
    await open({ width: 1440, password: PASSWORD });
    await signIn(page, world.web.url);
    await page.goto(`${world.web.url}/settings/plex`);
    await Promise.all([page.waitForEvent('popup'), page.click('#plex-sign-in')]);
    await page.waitForSelector('#plex-wait');
    const token = world.plexTv.approve();
    await page.waitForSelector('.server');
    await clean('the settings');
    await page.click('button:has-text("Connect Den")');
    await page.waitForSelector('.said:has-text("Connected to Den")');
    world.plexTv.revoke(token);
    world.later(601);
    await page.click('a:has-text("Find my servers")');
    await page.waitForSelector('.note.bad:has-text("no longer accepts our sign-in")');
    await clean('revoked');
    await Promise.all([page.waitForEvent('popup'), page.click('#plex-sign-in')]);
    await page.waitForSelector('#plex-wait');
    world.plexTv.approve();
    await page.waitForSelector('a:has-text("Find my servers")');
    await page.goto(`${world.web.url}/settings/events`);
    await clean('events from Plex');
    await page.click('button:has-text("Add it")');
    await page.waitForSelector('.said:has-text("sends its events")');
    expect(world.plexTv.webhooks).to.have.length(1);
    await page.setViewportSize({ width: 320, height: 700 });
    await clean('narrow');
  });
});
