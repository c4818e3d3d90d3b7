import { expect } from 'chai';
import { appendFile, mkdir, mkdtemp, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { BrowserContext, Page } from 'playwright-core';
import {
  seriousIn,
  sidewaysIn,
  signIn,
  startBrowser,
  visitPreview,
  WITH_THEME,
  WITH_WIDTH,
  type RealBrowser,
  type Visit,
} from '../support/browser.js';
import { SEEN_KEY } from '../support/played-workers.js';
import { Sshd } from '../support/sshd.js';
import { Stage } from '../support/stage.js';
import { TcpProxy } from '../support/tcp-proxy.js';

/** A folder of every program of this machine but ffmpeg, with a shell that looks for programs nowhere else. */
async function withoutFfmpeg(dir: string): Promise<string> {
  await mkdir(dir);
  const names = new Set([...(await readdir('/bin')), ...(await readdir('/usr/bin'))]);
  for (const name of names) if (name !== 'sh' && name !== 'ffmpeg') await symlink(join('/usr/bin', name), join(dir, name));
  const onlyPath = String.raw`sed 's#\$PATH:/[^ ]*#$PATH#'`;
  const shell = `#!/bin/sh\ntext=$(printf '%s' "$2" | /bin/${onlyPath})\nshift 2\nexec /bin/sh -c "$text" "$@"\n`;
  await writeFile(join(dir, 'sh'), shell, { mode: 0o755 });
  return dir;
} // prettier-ignore

describe('workers in a browser', function () {
  this.timeout(300_000);
  let visit: Visit;
  let page: Page;
  before(async () => {
    visit = await visitPreview();
    page = visit.page;
  });
  after(() => visit.close());
  const open = async (path: string, width = 1440): Promise<void> => {
    await page.setViewportSize({ width, height: 900 });
    await page.goto(visit.web.url + path);
  };
  const state = (id: string): string => visit.web.context.fleet.get(id).state;

  const PAGES = ['', '/new', '/compare', '/local', '/w-attic', '/w-loft', '/w-garage/setup', '/w-studio/setup'];
  for (const path of PAGES) {
    it(`show /workers${path} without a word from the browser, from axe, or sideways`, async () => {
      await open(`/workers${path}`);
      expect(await seriousIn(page), 'dark').to.deep.equal([]);
      expect(await sidewaysIn(page), 'wide').to.equal(0);
      await page.evaluate("document.documentElement.dataset.theme = 'light'");
      await page.setViewportSize({ width: 360, height: 800 });
      expect(await seriousIn(page, [...WITH_THEME, ...WITH_WIDTH]), 'light, on a phone').to.deep.equal([]);
      expect(await sidewaysIn(page), 'narrow').to.equal(0);
      expect(visit.heard.splice(0)).to.deep.equal([]);
    });
  }

  it('show why a job came to them and not another way, on its page and on theirs', async () => {
    await open('/workers/w-attic');
    const card = page.locator('section:has(#score-h)');
    expect(await card.textContent()).to.contain('Ninety Winters').and.contain('It has no free slot: 1 of 1 in use.');
    expect(await card.textContent()).to.contain('88.9 of 100').and.contain('31.4 of 35').and.contain('hevc_nvenc');
    await open('/workers/local');
    expect(await page.locator('section:has(#score-h)').textContent()).to.contain('88.9 of 100');
    await open('/queue/job-run', 360);
    await page.click('summary:has-text("Other ways for its files")');
    expect(await page.locator('.ways li').allTextContents()).to.have.length(3);
    expect(await page.locator('.ways li:has-text("Shared folder")').textContent()).to.contain('Not possible').and.contain('None holds this file');
    await page.click('summary:has-text("Its score: 88.9 of 100")');
    expect(await seriousIn(page)).to.deep.equal([]);
    expect(await sidewaysIn(page)).to.equal(0);
  }); // prettier-ignore

  it('show how quick their encoders are, and measure it on a click', async () => {
    await open('/workers/w-attic');
    expect(await page.locator('.matrix').textContent()).to.contain('287 fps');
    await open('/workers/compare');
    expect(await page.locator('tr:has-text("attic-gpu")').textContent()).to.contain('HEVC 287 fps');
    await visit.web.context.fleet.change('w-closet', { isPaused: false });
    await open('/workers/w-closet');
    expect(await page.locator('.matrix').textContent()).not.to.contain('fps');
    await page.click('button:has-text("Measure speed")');
    await page.waitForSelector('.matrix:has-text("24 fps")');
    expect(await seriousIn(page)).to.deep.equal([]);
    await visit.web.context.fleet.change('w-closet', { isPaused: true });
  });

  it('move with what is measured, without another page', async () => {
    await open('/workers');
    await page.evaluate("document.body.setAttribute('data-same', 'yes')");
    const card = page.locator('#w-w-attic');
    expect(await card.locator('.meterbox b').first().textContent()).to.equal('34 %');
    visit.web.played.machine('attic.lan').metrics = { cpuPercent: 77, gpuPercent: 5, temperatureC: 50 };
    // It is asked at once, as every fifteen seconds.
    await visit.web.context.fleet.enable('w-attic');
    await card.locator('.meterbox b:text-is("77 %")').waitFor();
    visit.web.context.bus.emit('job.progressed', { jobId: 'job-run', percent: 71.6, fps: 88, speed: 3, etaSec: 60, outputBytes: 1 });
    await card.locator('.work:has-text("71 %"):has-text("88 fps")').waitFor();
    expect(await page.evaluate("document.body.hasAttribute('data-same')")).to.equal(true);
  }); // prettier-ignore

  it('are paused, finished, resumed and given slots from their cards, by keyboard too', async () => {
    await open('/workers');
    const card = page.locator('#w-w-attic');
    const choose = async (what: string): Promise<void> => {
      await card.locator('summary[aria-label="More for attic-gpu"]').click();
      await card.locator(`.pop button:has-text("${what}")`).click();
    };
    await choose('Pause');
    await card.locator('.badge:has-text("Paused")').waitFor();
    expect(await card.locator('.note').textContent()).to.contain('1 job still in work go on').and.contain('Paused by you');
    await card.locator('.note button:has-text("Resume")').click();
    await card.locator('.badge:has-text("Encoding")').waitFor();
    await choose('Finish and stop');
    await card.locator('.badge:has-text("Finishing")').waitFor();
    expect(state('w-attic')).to.equal('draining');
    await card.locator('.note button:has-text("Resume")').focus();
    await page.keyboard.press('Enter');
    await card.locator('.note').waitFor({ state: 'detached' });
    await card.locator('[aria-label="One slot more for attic-gpu"]').click();
    await card.locator('output:text-is("3")').waitFor();
    await card.locator('summary:has-text("2 do not work")').focus();
    await page.keyboard.press('Enter');
    expect(await card.locator('.errors').textContent()).to.contain('this card has no AV1 encoder');
    await page.keyboard.press('Escape');
    expect(await card.locator('.errors').isVisible()).to.equal(false);
    const loft = page.locator('#w-w-loft');
    await loft.locator('button:has-text("Back into service")').click();
    await loft.locator('.badge:has-text("Ready")').waitFor();
  }); // prettier-ignore

  it('get a key that is made on the page, where what was typed stays', async () => {
    await open('/workers/new');
    await page.fill('#w-host', 'tower.lan');
    await page.click('button:has-text("Make the key now")');
    await page.waitForSelector('#authorize:has-text("ssh-ed25519 ")');
    expect(await page.inputValue('#w-host')).to.equal('tower.lan');
    expect(await page.textContent('main')).not.to.contain('PRIVATE KEY');
    expect(await sidewaysIn(page)).to.equal(0);
  });

  it('ask once more before a changed host key is trusted, and send nothing before', async () => {
    await open('/workers');
    const card = page.locator('#w-w-studio');
    await card.locator('.badge:has-text("Host key changed")').waitFor();
    expect(await card.locator('.print').textContent())
      .to.contain(SEEN_KEY)
      .and.contain('ssh-keygen -lf');
    await card.locator('button:has-text("They match")').click();
    await page.click('dialog#confirm button:has-text("Go back")');
    expect(state('w-studio')).to.equal('unconfirmed');
    await card.locator('button:has-text("They match")').click();
    await page.click('dialog#confirm button:has-text("Trust the new key")');
    await page.waitForURL(/w-studio\/setup$/);
    await page.waitForSelector('.checks .note.ok:has-text("studio is ready")');
    expect(visit.web.context.fleet.remote('w-studio').hostKey).to.equal(SEEN_KEY);
    await open('/workers');
    await page.locator('#w-w-garage button:has-text("They differ")').click();
    await page.click('dialog#confirm button:has-text("Remove it")');
    await page.locator('#w-w-garage').waitFor({ state: 'detached' });
  });
});

describe('a new worker over real SSH, in a browser', function () {
  this.timeout(300_000);
  let dir: string;
  let sshd: Sshd;
  let bare: Sshd;
  /** Between MediaFlow and `sshd`. */
  let proxy: TcpProxy;
  let stage: Stage;
  let browser: RealBrowser;
  let context: BrowserContext;
  let page: Page;
  before(async () => {
    dir = await mkdtemp(join(tmpdir(), 'mediaflow-bare-'));
    [sshd, bare, browser, stage] = await Promise.all([
      Sshd.start(),
      withoutFfmpeg(join(dir, 'bin')).then((path) => Sshd.start({ path })),
      startBrowser(),
      Stage.set({ webhook: false }),
    ]);
    proxy = await TcpProxy.start(sshd);
    await stage.startApp({ workers: { heartbeatMs: 300, patienceMs: 3000, pollMs: 200 } });
    await stage.api('PUT', '/api/settings', { setup: { finishedAt: new Date().toISOString() } }).catch(() => undefined);
  });
  after(async () => {
    await browser.close();
    await stage.strike();
    await proxy.close();
    await Promise.all([sshd.close(), bare.close()]);
    await rm(dir, { recursive: true, force: true });
  });
  afterEach(async function () {
    if (this.currentTest?.state === 'failed')
      console.log(await page.textContent('main'), stage.logged.slice(-5).join(''));
    await context.close();
  });

  const visit = async (width: number, script = true): Promise<void> => {
    context = await browser.open({ viewport: { width, height: 900 }, javaScriptEnabled: script });
    page = await context.newPage();
    await signIn(page, stage.url);
    await page.goto(`${stage.url}/workers/new`);
  };
  const fill = async (machine: Sshd, name: string): Promise<void> => {
    await page.fill('#w-host', machine.host);
    await page.fill('#w-port', String(machine.port));
    await page.fill('#w-user', machine.username);
    await page.fill('#w-name', name);
    await page.click('summary:has-text("Work folder and slots")');
    await page.fill('#w-scratch', join(dir, 'scratch'));
  };
  const check = (id: string): string => `.proof[data-check="${id}"]`;

  it('is added with a key: fingerprint, checks, ready, and its figures are live; a new host key blocks it', async () => {
    await visit(1440);
    await fill(sshd, 'attic');
    await page.fill('#w-port', '1');
    await page.check('#in-key');
    await page.fill('#private-key', sshd.privateKey);
    await page.click('button:has-text("Next")');
    await page.waitForSelector('#form-error:has-text("refuses the connection")');
    // What was typed is still there, the key too.
    await page.fill('#w-port', String(proxy.port));
    await page.click('button:has-text("Next")');
    await page.waitForURL(/\/setup$/);
    expect(await page.textContent('.print code')).to.equal(await sshd.fingerprint());
    expect(await seriousIn(page)).to.deep.equal([]);
    await page.click('button:has-text("They match, trust it")');
    await page.waitForSelector('.checks .note.ok:has-text("attic is ready")', { timeout: 180_000 });
    for (const id of ['reach', 'signIn', 'folder', 'ffmpeg', 'encode', 'line']) await page.waitForSelector(`${check(id)}.ok`);
    expect(await page.textContent(check('encode'))).to.contain('libx265 in 8 and 10 bit');
    expect(await seriousIn(page)).to.deep.equal([]);
    await page.click('a:has-text("To the workers")');
    await page.waitForSelector('.worker:has-text("attic") .badge:has-text("Ready")');
    const card = page.locator('.worker', { hasText: 'attic' });
    expect(await card.locator('.meterbox').last().textContent()).to.match(/Work disk.*B/s);
    expect(await card.locator('.facts').textContent()).to.contain('Mbit/s');
    await sshd.stop();
    await sshd.changeHostKey();
    await sshd.listen();
    proxy.cut();
    await card.locator('.badge:has-text("Host key changed")').waitFor({ timeout: 90_000 });
    expect(await card.locator('.print').textContent()).to.contain(await sshd.fingerprint());
    await card.locator('button:has-text("They differ, remove it")').click();
    await page.click('dialog#confirm button:has-text("Remove it")');
    await card.waitFor({ state: 'detached' });
  }); // prettier-ignore

  it('is added without scripts on a phone: MediaFlow’s key is not let in yet, then there is no ffmpeg, and both say how to mend it', async () => {
    await visit(360, false);
    const go = async (selector: string): Promise<void> => {
      await Promise.all([page.waitForEvent('domcontentloaded'), page.click(selector)]);
    };
    await fill(bare, 'nuc');
    await go('button:has-text("Next")');
    expect(await page.textContent('.print code')).to.equal(await bare.fingerprint());
    await go('button:has-text("They match, trust it")');
    const command = await page.textContent('#authorize');
    expect(command).to.match(/echo 'ssh-ed25519 \S+ mediaflow' >> ~\/\.ssh\/authorized_keys/);
    await go('button:has-text("It is done, check")');
    expect(await page.textContent(`${check('signIn')}.bad`)).to.contain('does not let').and.contain(command);
    expect(await page.isVisible(`${check('reach')}.ok`)).to.equal(true);
    expect(await sidewaysIn(page)).to.equal(0);
    await appendFile(join(bare.dir, 'authorized_keys'), `${/ssh-ed25519 \S+/.exec(command ?? '')?.[0] ?? ''}\n`);
    await go('a:has-text("Try again")');
    await go('.checks button');
    expect(await page.textContent(`${check('ffmpeg')}.bad`)).to.contain('There is no ffmpeg on nuc').and.contain('sudo apt install ffmpeg');
    expect(await page.isVisible(`${check('folder')}.ok`)).to.equal(true);
    expect(await page.isVisible(`${check('line')} >> text=Not tried yet`)).to.equal(true);
    await go('a:has-text("Change address")');
    await page.check('.hours input[value="1"]', { force: true });
    await page.fill('#from-0', '22:00');
    await page.fill('#to-0', '06:00');
    await page.fill('#w-tags', 'small, upstairs');
    await go('form button:has-text("Save")');
    expect(await page.textContent('.worker footer')).to.contain('Works Mon 22:00 to 06:00').and.contain('small, upstairs');
    expect(await sidewaysIn(page)).to.equal(0);
  }); // prettier-ignore
});
