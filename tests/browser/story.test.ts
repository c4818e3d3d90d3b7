import { expect } from 'chai';
import type { Page } from 'playwright-core';
import { listenTo, seriousIn, startBrowser, type RealBrowser } from '../support/browser.js';
import { Clips } from '../support/clips.js';
import { sha256Of, Stage } from '../support/stage.js';

const PASSWORD = 'correct horse battery staple';
const NAME = 'Films/Harbour Nine (2004)/Harbour Nine (2004).mkv';
/** Long enough to be seen on its way. */
const OLD = [
  ...['-f', 'lavfi', '-i', 'testsrc2=s=640x360:r=25:d=8', '-f', 'lavfi', '-i', 'sine=f=440:d=8'],
  ...['-c:v', 'mpeg4', '-q:v', '2', '-c:a', 'aac'],
];
/** Nothing for a rule to find. */
const MODERN = [
  ...['-f', 'lavfi', '-i', 'testsrc2=s=640x360:r=25:d=1', '-f', 'lavfi', '-i', 'sine=f=440:d=1'],
  ...['-c:v', 'libx265', '-preset', 'ultrafast', '-x265-params', 'log-level=error', '-c:a', 'aac', '-f', 'matroska'],
];

describe('an owner at the browser', function () {
  this.timeout(400_000);
  let browser: RealBrowser;
  let clips: Clips;
  let stage: Stage;
  let path: string;
  let original: string;

  before(async () => {
    browser = await startBrowser();
    clips = await Clips.open();
  });
  after(async () => {
    await browser.close();
    await clips.close();
  });

  /** A fresh installation that knows nothing, beside a Plex with one old film. */
  beforeEach(async () => {
    const nothing = { MEDIAFLOW_PLEX_URL: '', MEDIAFLOW_PLEX_TOKEN: '', MEDIAFLOW_PATH_MAPPINGS: '' };
    stage = await Stage.set({ env: { ...nothing, MEDIAFLOW_ADMIN_PASSWORD: '' } });
    // Nothing else on this machine is called so: the setup looks for it everywhere.
    const only = `Films/Only ${stage.dir.slice(-6)} (2001)`;
    await stage.add(`${only}/Only.mkv`, await clips.make('modern.mkv', MODERN));
    path = await stage.add(NAME, await clips.make('story.mkv', OLD));
    original = await sha256Of(path);
    await stage.plex.scan();
    await stage.startApp();
  });
  afterEach(() => stage.strike());

  const setupToken = (): string => /setup token: ([\w-]+)/.exec(stage.logged.join('\n'))?.[1] ?? 'none';
  const submit = (page: Page): Promise<void> => page.click('main form button.primary, .setup-main form button.primary');

  /** From the first page to the dashboard, with a wrong turn at every step that can refuse. */
  async function setUp(page: Page): Promise<void> {
    await page.goto(stage.url);
    await page.fill('#token', 'not the token');
    await submit(page);
    expect(await page.textContent('main')).to.contain('That is not the setup token');
    await page.fill('#token', setupToken());
    await submit(page);
    await page.fill('#password', 'short');
    await submit(page);
    expect(await page.textContent('main')).to.contain('needs at least 12 characters');
    await page.fill('#password', PASSWORD);
    await submit(page);
    await page.click('.by-hand summary');
    await page.fill('#plex-url', stage.plex.url);
    await page.fill('#plex-token', 'wrong');
    await page.click('.by-hand button[type="submit"]');
    await page.waitForSelector('.by-hand[open]');
    expect(await page.textContent('main')).to.match(/token/i);
    await page.fill('#plex-url', stage.plex.url);
    await page.fill('#plex-token', stage.plex.token);
    await page.click('.by-hand button[type="submit"]');
    expect(await page.inputValue('#from-0'), 'found by its files').to.equal('/share/Media');
    expect(await page.inputValue('#to-0')).to.equal(stage.media);
    expect(await page.textContent('main')).to.match(/2 of 2 files that Plex lists there were found/);
    await page.fill('#to-0', '/not/there');
    await submit(page);
    expect(await page.textContent('main'), 'a folder that is not there').to.contain('/not/there is not there');
    await page.fill('#to-0', stage.dir);
    await submit(page);
    expect(await page.textContent('main'), 'a folder of something else').to.contain('None of 2 files');
    await page.fill('#to-0', stage.media);
    await submit(page);
    await page.waitForSelector('#worker-h');
    expect(await page.textContent('main')).to.match(/HEVC[^]*Works, in 10 bit too/);
    await page.click('button.btn.primary:has-text("Continue")');
    await page.check('input[name="dryRun"][value="false"]');
    await submit(page);
    await submit(page);
    await page.waitForURL(`${stage.url}/`);
  }

  const quicker = (): Promise<unknown> =>
    stage.api('PUT', '/api/settings', { plex: { settleSec: 0, verifyTimeoutSec: 60 } });

  it('walks setup, review, queue with live progress and restore', async () => {
    const page = await (await browser.open({ viewport: { width: 1440, height: 900 } })).newPage();
    const heard = listenTo(page);
    await setUp(page);
    await quicker();

    await page.goto(`${stage.url}/recommendations`);
    await page.waitForSelector('text=Harbour Nine (2004)');
    expect(await seriousIn(page)).to.deep.equal([]);
    await page.click('.rec-acts >> text=Approve');
    await page.waitForSelector('text=Nothing to decide');

    await page.goto(`${stage.url}/queue`);
    await page.waitForSelector('article[data-job]');
    const seen = new Set<string>();
    await stage.until('the percent moves without a reload', async () => {
      const percent = await page.textContent('[data-job-percent]', { timeout: 1000 }).catch(() => null);
      if (percent !== null) seen.add(percent.trim());
      return seen.size >= 3;
    });
    expect(await seriousIn(page)).to.deep.equal([]);
    await page.waitForSelector('text=Ready to replace', { timeout: 240_000 });
    expect(await sha256Of(path)).to.equal(original);
    await page.click('main >> button:has-text("Replace")');
    await stage.jobThat(({ state }) => state === 'done');
    expect(await sha256Of(path)).not.to.equal(original);

    await page.goto(`${stage.url}/quarantine`);
    await page.click('main >> button:has-text("Restore")');
    await page.click('dialog[open] >> text=Restore it');
    await page.waitForSelector('text=No original is kept');
    expect(await sha256Of(path)).to.equal(original);
    // A refused form is answered with its status; that is what the browser reports here.
    expect(heard.filter((text) => !/status of (4|502)/.test(text))).to.deep.equal([]);
  });

  it('walks the same way without scripts', async () => {
    const context = await browser.open({ javaScriptEnabled: false, viewport: { width: 360, height: 800 } });
    const page = await context.newPage();
    await setUp(page);
    await quicker();

    await stage.until('the film is suggested', async () => {
      await page.goto(`${stage.url}/recommendations`);
      return (await page.content()).includes('Harbour Nine (2004)');
    });
    await page.click('.rec-acts >> text=Approve');
    await stage.until('the result waits', async () => {
      await page.goto(`${stage.url}/queue`);
      return (await page.content()).includes('Ready to replace');
    });
    await page.click('main >> button:has-text("Replace")');
    await stage.jobThat(({ state }) => state === 'done');
    expect(await sha256Of(path)).not.to.equal(original);

    await page.goto(`${stage.url}/quarantine`);
    await page.click('main >> button:has-text("Restore")');
    expect(await page.textContent('main')).to.contain('No original is kept');
    expect(await sha256Of(path)).to.equal(original);

    await page.goto(`${stage.url}/sign-in`);
    await context.clearCookies();
    await page.goto(`${stage.url}/queue`);
    await page.fill('input[name="password"]', PASSWORD);
    await page.click('button[type="submit"]');
    expect(page.url()).to.equal(`${stage.url}/queue`);
  });
});
