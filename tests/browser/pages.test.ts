import { expect } from 'chai';
import type { BrowserContext, Page } from 'playwright-core';
import { PASSWORD, startWeb, type WebTest } from '../support/web.js';
import {
  listenTo,
  seriousIn,
  sidewaysIn,
  signIn,
  startBrowser,
  WITH_THEME,
  WITH_WIDTH,
  type RealBrowser,
} from '../support/browser.js';
import { startPreview } from '../support/preview.js';

const ITEM = '/library/01234567-103';
const PAGES: Record<string, string> = {
  dashboard: '/',
  library: '/library?pageSize=8&codec=h264,mpeg4&maxPlays=10',
  'an empty library': '/library?q=zzzz',
  'a film': ITEM,
  'tags of a film': `${ITEM}/tags`,
  'a plan': `${ITEM}/plan?presetId=balanced`,
  recommendations: '/recommendations?pageSize=4',
  'no recommendations': '/recommendations?state=closed',
  queue: '/queue',
  'a running job': '/queue/job-run',
  'a verified job': '/queue/job-ready',
  'a done job': '/queue/job-done-0',
  'a failed job': '/queue/job-broken',
  quarantine: '/quarantine',
  'an original in quarantine': '/quarantine/q-0',
  rules: '/rules',
  'a rule': '/rules/codec-modernization',
  analytics: '/analytics',
  tags: '/tags',
  'a tag': '/tags/film-club',
  presets: '/presets',
  'safety settings': '/settings/safety',
  'Plex settings': '/settings/plex',
  'events from Plex': '/settings/events',
  'queue settings': '/settings/queue',
  'path settings': '/settings/paths',
  'security settings': '/settings/security',
  health: '/health',
  API: '/docs',
};
/** These are looked at on a phone and in the light too. */
const TWICE = ['queue', 'library', 'analytics', 'tags', 'a tag', 'a film', 'Plex settings'];

/** What went wrong on a page without anybody asking. */
const watch = (page: Page): string[] => listenTo(page, ['error', 'warning']);

describe('the pages in a browser', function () {
  this.timeout(180_000);
  let browser: RealBrowser;
  let web: WebTest;
  let context: BrowserContext;
  let page: Page;
  let heard: string[];

  before(async () => {
    browser = await startBrowser();
    web = await startPreview();
    context = await browser.open({ viewport: { width: 1440, height: 900 } });
    page = await context.newPage();
    heard = watch(page);
    await signIn(page, web.url);
  });
  after(async () => {
    await browser.close();
    await web.stop();
  });

  describe('show, without a word from the browser, from axe, or sideways', () => {
    for (const [name, path] of Object.entries(PAGES)) {
      it(name, async () => {
        heard.length = 0;
        await page.setViewportSize({ width: 1440, height: 900 });
        await page.goto(web.url + path);
        expect(await sidewaysIn(page), 'wide').to.equal(0);
        expect(await seriousIn(page)).to.deep.equal([]);
        if (TWICE.includes(name)) {
          await page.evaluate("document.documentElement.dataset.theme = 'light'");
          expect(await seriousIn(page, WITH_THEME), 'in the light').to.deep.equal([]);
          await page.setViewportSize({ width: 360, height: 800 });
          expect(await seriousIn(page, WITH_WIDTH), 'on a phone').to.deep.equal([]);
        }
        await page.setViewportSize({ width: 320, height: 700 });
        expect(await sidewaysIn(page), 'narrow').to.equal(0);
        expect(heard).to.deep.equal([]);
      });
    }

    it('sign-in, setup and error pages', async () => {
      const fresh = await startWeb({ password: null });
      const visitor = await (await browser.open({ viewport: { width: 320, height: 700 } })).newPage();
      const said = watch(visitor);
      const token = /setup token: (\S+?)"/.exec(fresh.logged.join('\n'))?.[1] ?? '';
      const check = async (what: string): Promise<void> => {
        expect(await sidewaysIn(visitor), what).to.equal(0);
        expect(await seriousIn(visitor), what).to.deep.equal([]);
      };
      await visitor.goto(fresh.url);
      await check('token');
      await visitor.fill('#token', token);
      await visitor.click('button[type="submit"]');
      await visitor.waitForSelector('#password');
      await check('password');
      await visitor.fill('#password', 'short');
      await visitor.click('button[type="submit"]');
      await visitor.waitForSelector('.err');
      await check('a refused password');
      await visitor.fill('#password', PASSWORD);
      await visitor.click('button[type="submit"]');
      await visitor.waitForSelector('#plex-sign-in');
      await check('Plex');
      await visitor.click('.by-hand summary');
      await visitor.fill('#plex-url', 'http://127.0.0.1:32400');
      await visitor.fill('#plex-token', 'token');
      await visitor.click('.by-hand button[type="submit"]');
      await visitor.waitForSelector('#to-0');
      await check('paths');
      await visitor.fill('#to-0', '/data');
      await visitor.click('button[type="submit"]');
      await visitor.waitForSelector('#worker-h');
      await check('worker');
      await visitor.click('button:has-text("Continue")');
      await visitor.waitForSelector('input[name="dryRun"]');
      await check('safety');
      await visitor.click('button[type="submit"]');
      await visitor.waitForSelector('#hook-url');
      await check('ready');
      await visitor.click('button[type="submit"]');
      await visitor.waitForSelector('.head h1');
      await check('an empty dashboard');
      // A refused form answers 422; the browser notes that, and nothing else.
      expect(said.filter((text) => !text.includes('422'))).to.deep.equal([]);
      await visitor.goto(`${fresh.url}/nothing-here`);
      await check('nothing here');
      await visitor.context().close();
      await fresh.stop();
    });
  });

  describe('answer in place', () => {
    beforeEach(async () => {
      await page.setViewportSize({ width: 1440, height: 900 });
    });
    /** A mark that a new page would not have. */
    const mark = (): Promise<unknown> => page.evaluate("document.body.setAttribute('data-same', 'yes')");
    const isSame = (): Promise<boolean> => page.evaluate("document.body.hasAttribute('data-same')");

    it('pauses and resumes with a word, and the strip offers the way out', async () => {
      await page.goto(`${web.url}/queue`);
      await mark();
      await page.click('.head .acts button');
      await page.waitForSelector('.toast:has-text("Paused")');
      await page.waitForSelector('#strips .is-warn:has-text("The queue is paused")');
      await page.reload();
      await mark();
      await page.click('#strips button:has-text("Resume")');
      await page.waitForSelector('.toast:has-text("running again")');
      await page.waitForSelector('#strips .strip', { state: 'detached' });
      expect(await isSame()).to.equal(true);
    });

    it('moves a job, and asks before it stops one', async () => {
      await page.goto(`${web.url}/queue`);
      await mark();
      const first = (): Promise<string | null> => page.textContent('.queue-table tbody tr:first-child a.clip');
      const was = await first();
      await page.click('.queue-table tbody tr:first-child [aria-label$=" down"]');
      await page.waitForSelector(`.queue-table tbody tr:first-child a.clip:not(:text-is("${was ?? ''}"))`);
      await page.click('[data-job="job-run"] button:has-text("Cancel")');
      await page.waitForSelector('dialog#confirm[open]:has-text("the original stays as it is")');
      await page.click('dialog#confirm button:has-text("Go back")');
      expect(web.context.store.jobs.get('job-run').state).to.equal('running');
      expect(await isSame()).to.equal(true);
    });

    it('hears the doorbell: figures are written, regions read again, what is being typed stays', async () => {
      await page.goto(`${web.url}/queue`);
      await mark();
      const figures = { jobId: 'job-run', percent: 71.6, fps: 88, speed: 3.1, etaSec: 600, outputBytes: 1 };
      // Until somebody is there to hear it.
      const telling = setInterval(() => {
        web.context.bus.emit('job.progressed', figures);
      }, 200);
      await page.waitForSelector('.now-pct:has-text("71")').finally(() => {
        clearInterval(telling);
      });
      expect(await page.textContent('.now-pct')).to.contain('10 min left');
      expect(await page.textContent('[data-job-fps]')).to.equal('88 fps');
      const job = web.context.store.jobs.get('job-wait-3');
      await web.context.store.jobs.put({ ...job, title: 'A title that was not there' });
      web.context.bus.emit('job.changed', job);
      await page.waitForSelector('text=A title that was not there');
      expect(await isSame()).to.equal(true);
    });

    it('hears what happened before it listened', async () => {
      const own = await context.newPage();
      let listen = (): void => undefined;
      const isSlow = new Promise<void>((resolve) => (listen = resolve));
      await own.route('**/socket.io/**', async (route) => {
        await isSlow;
        await route.continue();
      });
      await own.goto(`${web.url}/queue`);
      const job = await web.context.store.jobs.patch('job-wait-3', { title: 'Nobody told of this' });
      web.context.bus.emit('job.changed', job);
      // Those who listen hear of it, and it is over.
      await page.goto(`${web.url}/queue`);
      await page.waitForSelector('text=Nobody told of this');
      expect(await own.locator('text=Nobody told of this').count()).to.equal(0);
      listen();
      await own.waitForSelector('text=Nobody told of this');
      await own.close();
    });

    it('polls and says so while the line is down, and catches up when it is back', async () => {
      const own = await context.newPage();
      await own.clock.install();
      await own.route('**/socket.io/**', (route) => route.abort());
      await own.goto(`${web.url}/queue`);
      expect(await own.isVisible('#offline')).to.equal(false);
      await own.clock.fastForward(11_000);
      await own.waitForSelector('#offline:visible');
      const asked = own.waitForRequest(
        (request) => request.url().endsWith('/queue') && request.headers()['hx-request'] === 'true',
      );
      await own.clock.fastForward(17_000);
      await asked;
      await own.unroute('**/socket.io/**');
      await own.clock.runFor(30_000);
      await own.waitForSelector('#offline', { state: 'hidden' });
      await own.close();
    });

    it('filters the library as one types, and the address says how', async () => {
      await page.goto(`${web.url}/library`);
      await mark();
      await page.fill('#q', 'northline');
      await page.locator('#titles tbody tr').nth(11).waitFor({ state: 'detached' });
      expect(await page.locator('#titles tbody tr').count()).to.equal(11);
      expect(page.url()).to.contain('q=northline');
      await page.selectOption('#f-sort', 'title');
      await page.waitForURL(/sort=title/);
      expect(await isSame()).to.equal(true);
      await page.reload();
      expect(await page.inputValue('#q')).to.equal('northline');
    });

    it('counts what is ticked, and queues it', async () => {
      await page.goto(`${web.url}/library?q=harbour%20nine`);
      await page.check('th [data-pick-all]');
      expect(await page.textContent('[data-bulk-count]')).to.equal('10 selected');
      await page.uncheck('th [data-pick-all]');
      expect(await page.isVisible('#bulk')).to.equal(false);
      await page.check('tbody tr:nth-child(1) .pick input');
      await page.check('tbody tr:nth-child(2) .pick input');
      await page.click('#bulk button:has-text("Add to queue")');
      await page.click('dialog#question[open] button.primary');
      await page.waitForURL(/\/queue$/);
      expect(await page.textContent('.said')).to.contain('2 jobs queued.');
    });

    it('decides on recommendations, one with a job of its own included', async () => {
      await page.goto(`${web.url}/recommendations`);
      await mark();
      const blocked = page.locator('.rec', { hasText: 'The Salt Meridian' });
      await blocked.locator('button:has-text("Approve")').first().click();
      await page.waitForSelector('.toast:has-text("is queued")');
      const rec = page.locator('.rec', { hasText: 'Paper Harbour' });
      await rec.locator('summary:has-text("Dismiss")').click();
      await rec.locator('input[name="reason"]').fill('Not worth it');
      await rec.locator('.wide-pop button:has-text("Dismiss with it")').click();
      await page.waitForSelector('.toast:has-text("Dismissed")');
      await rec.waitFor({ state: 'detached' });
      expect(await isSame()).to.equal(true);
      const [row] = web.context.store.recommendations.where(({ note }) => note === 'Not worth it');
      expect(row?.state).to.equal('dismissed');
    });

    it('puts a tag on a film and takes it off, on the page of the film', async () => {
      const tags = (): string[] | undefined => web.context.store.library.find('01234567-101')?.tags;
      await page.goto(`${web.url}/library/01234567-101`);
      await mark();
      await page.selectOption('#add-tag', 'children');
      await page.click('#item-tags button:has-text("Add")');
      await page.waitForSelector('#item-tags .chip:has-text("For the children")');
      expect(tags()).to.deep.equal(['children']);
      await page.click('[aria-label="Remove the tag For the children"]');
      await page.waitForSelector('#item-tags:has-text("No tag yet")');
      expect(tags()).to.deep.equal([]);
      expect(await isSame()).to.equal(true);
    });

    it('shows the painted poster where the real one does not come, and nothing broken', async () => {
      const own = await context.newPage();
      await own.goto(`${web.url}/library/01234567-101`);
      const picture = "document.querySelector('.item-head .photo img')";
      expect(await own.evaluate(`${picture}.decode().then(() => ${picture}.naturalWidth)`)).to.be.above(0);
      // It lies over the painted one instead of below it.
      const boxOf = (part: string) => own.locator(`.item-head .photo ${part}`).boundingBox();
      expect(await boxOf('img')).to.deep.equal(await boxOf('svg'));
      await own.route('**/poster?*', (route) => route.fulfill({ status: 502, body: 'Plex is away' }));
      const refused = own.waitForEvent('requestfinished', (request) => request.url().includes('/poster?'));
      await own.reload();
      await refused;
      await own.waitForFunction(`${picture}.complete`);
      // An empty text draws nothing, neither icon nor frame.
      expect(await own.evaluate(`[${picture}.naturalWidth, ${picture}.alt]`)).to.deep.equal([0, '']);
      expect(await own.locator('.item-head .photo svg').isVisible()).to.equal(true);
      await own.close();
    });

    it('tries a rule with the options on the page, without saving them', async () => {
      await page.goto(`${web.url}/rules/codec-modernization`);
      await mark();
      await page.fill('#o-mbpsAt1080p', '3');
      await page.click('button:has-text("Try these options")');
      await page.waitForSelector('#try .try-num');
      expect(await isSame()).to.equal(true);
      expect(web.context.store.rules.find('codec-modernization')).to.equal(null);
    });

    it('asks Plex and proves a folder within the settings', async () => {
      await page.goto(`${web.url}/settings/plex`);
      await page.click('button:has-text("Test now")');
      await page.waitForSelector('#check .badge.ok:has-text("Den answered")');
      await page.goto(`${web.url}/settings/paths`);
      await page.fill('#folder', '/nowhere');
      await page.click('button:has-text("Test")');
      await page.waitForSelector('#proof .note.bad');
    });
  });

  describe('work with the keyboard, in both themes, and to the letter', () => {
    beforeEach(async () => {
      await page.setViewportSize({ width: 1440, height: 900 });
      await page.goto(`${web.url}/health`);
    });

    it('opens the pages of the menu with 1 to 8', async () => {
      const pages = [
        '/',
        '/library',
        '/recommendations',
        '/queue',
        '/quarantine',
        '/rules',
        '/presets',
        '/settings/safety',
      ];
      for (const [at, path] of pages.entries()) {
        await page.keyboard.press(String(at + 1));
        await page.waitForURL(web.url + path);
      }
    });

    it('lists the keys with ?, and keeps out of what is being typed', async () => {
      await page.keyboard.press('?');
      await page.waitForSelector('dialog#keys[open]');
      await page.keyboard.press('Escape');
      await page.waitForSelector('dialog#keys[open]', { state: 'detached' });
      await page.goto(`${web.url}/library`);
      await page.keyboard.press('/');
      await page.keyboard.type('4');
      expect(await page.inputValue('#q')).to.equal('4');
    });

    it('reaches the content first, and shows where the focus is', async () => {
      await page.keyboard.press('Tab');
      expect(await page.evaluate('document.activeElement.textContent')).to.equal('Skip to content');
      const outline = await page.evaluate('getComputedStyle(document.activeElement).outlineStyle');
      expect(outline).not.to.equal('none');
    });

    it('keeps the theme, so that the next page comes in it from the server', async () => {
      await page.click('.side [data-theme-switch]');
      expect(await page.getAttribute('html', 'data-theme')).to.equal('light');
      const html = await (await page.goto(`${web.url}/presets`))?.text();
      expect(html).to.contain('data-theme="light"');
      await page.click('.side [data-theme-switch]');
      expect(await page.getAttribute('html', 'data-theme')).to.equal('dark');
    });

    it('says how many settings are not saved', async () => {
      await page.goto(`${web.url}/settings/safety`);
      await page.fill('#f-minSavingPercent', '15');
      await page.waitForSelector('.savebar:has-text("1 change not saved")');
      await page.click('.savebar button:has-text("Discard")');
      await page.waitForSelector('.savebar:has-text("Nothing is changed")');
    });
  });

  describe('do without scripts', () => {
    let plain: Page;
    before(async () => {
      plain = await (
        await browser.open({ javaScriptEnabled: false, viewport: { width: 1440, height: 900 } })
      ).newPage();
      await signIn(plain, web.url);
    });
    const submit = async (selector: string): Promise<void> => {
      await Promise.all([plain.waitForEvent('domcontentloaded'), plain.click(selector)]);
    };

    it('pause, move, plan and queue', async () => {
      await plain.goto(`${web.url}/queue`);
      await submit('.head .acts button');
      expect(await plain.textContent('.said')).to.contain('Paused');
      await submit('.head .acts button:has-text("Resume")');
      expect(await plain.locator('#strips .strip').count()).to.equal(0);
      const first = await plain.textContent('.queue-table tbody tr:first-child a.clip');
      await submit('.queue-table tbody tr:first-child [aria-label$=" to the bottom"]');
      expect(await plain.textContent('.queue-table tbody tr:first-child a.clip')).not.to.equal(first);
      await plain.goto(`${web.url}/library?q=kestrel`);
      await submit('a:has-text("Kestrel")');
      await submit('button:has-text("Plan it")');
      expect(await plain.textContent('main')).to.contain('nothing was written');
      await submit('button:has-text("Add to queue")');
      expect(new URL(plain.url()).pathname).to.equal('/queue');
    });

    it('recommendations, rules and settings', async () => {
      await plain.goto(`${web.url}/recommendations`);
      const rec = plain.locator('.rec', { hasText: 'Saltwater Clocks' });
      await rec.locator('summary:has-text("Dismiss")').click();
      await rec.locator('input[name="reason"]').fill('By hand');
      await Promise.all([
        plain.waitForEvent('domcontentloaded'),
        rec.locator('.wide-pop button:has-text("Dismiss with it")').click(),
      ]);
      expect(await plain.textContent('.said')).to.contain('Dismissed');
      await plain.goto(`${web.url}/rules/codec-modernization`);
      await submit('button:has-text("Try these options")');
      expect(await plain.textContent('main')).to.contain('Nothing was saved');
      await plain.goto(`${web.url}/rules`);
      await submit('#rule-container-modernize button:has-text("Off")');
      expect(web.context.store.rules.find('container-modernize')?.mode).to.equal('off');
      await plain.goto(`${web.url}/settings/paths`);
      await plain.fill('#from-2', '/share/Extra');
      await plain.fill('#to-2', 'relative');
      await submit('.savebar button[type="submit"]');
      expect(await plain.textContent('main')).to.contain('every local folder must begin with /');
      await plain.fill('#to-2', '/data/extra');
      await submit('.savebar button[type="submit"]');
      expect(web.context.store.settings.value.paths.mappings).to.have.length(3);
    });

    it('restore, and delete for good only what was asked about', async () => {
      await plain.goto(`${web.url}/quarantine`);
      await submit('tbody tr:first-child button:has-text("Restore")');
      expect(web.asked.filter((what) => what.startsWith('restored'))).to.have.length(1);
      await submit('tbody tr:first-child a:has-text("Delete")');
      const exact = (await plain.textContent('button.danger'))?.trim() ?? '';
      expect(exact).to.match(/^Delete [\d,]{9,} bytes$/);
      await plain.check('.check input');
      await submit('button.danger');
      expect(web.asked.filter((what) => what.startsWith('purged'))).to.have.length(1);
    });

    it('make an API key that is shown once', async () => {
      await plain.goto(`${web.url}/settings/security`);
      await submit('button:has-text("Make a")');
      // The preview's key is held by the environment, and the page says so.
      expect(await plain.textContent('main')).to.contain('MEDIAFLOW_API_KEY');
    });
  });
});
