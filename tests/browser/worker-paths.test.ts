import { expect } from 'chai';
import type { Page } from 'playwright-core';
import { PASSWORD } from '../support/web.js';
import { seriousIn, sidewaysIn, signIn, visitPreview, WITH_THEME, WITH_WIDTH, type Visit } from '../support/browser.js';

const FOUND = {
  ...{ lookedFor: 8, lookAlikes: 0, isComplete: true },
  suggestions: [
    { here: '/data/films', there: '/mnt/nas/Media/Films in a folder with a long name', agreed: 3, of: 4 },
    { here: '/data/tv', there: '/mnt/nas/Media/Series', agreed: 4, of: 4 },
  ],
};
const NOTHING = { suggestions: [], lookedFor: 8, lookAlikes: 2, isComplete: false };

describe('shared folders in a browser', function () {
  this.timeout(180_000);
  let visit: Visit;
  let page: Page;
  before(async () => {
    visit = await visitPreview();
    page = visit.page;
  });
  after(() => visit.close());
  const finds = (found: typeof FOUND | typeof NOTHING): void => {
    visit.web.context.fleet.shared.find = () => Promise.resolve(found);
  };
  const isFine = async (on: Page = page): Promise<void> => {
    for (const [width, theme] of [[1440, 'dark'], [360, 'light']] as const) {
      await on.setViewportSize({ width, height: 900 });
      await on.evaluate(`document.documentElement.dataset.theme = '${theme}'`);
      expect(await seriousIn(on, width === 1440 ? [] : [...WITH_THEME, ...WITH_WIDTH]), theme).to.deep.equal([]);
      expect(await sidewaysIn(on), String(width)).to.equal(0);
      if (process.env['SHOTS']) await on.screenshot({ path: `${process.env['SHOTS']}-${theme}-${Date.now()}.png`, fullPage: true });
    }
  }; // prettier-ignore

  it('are found, proved and used without another page', async () => {
    finds(FOUND);
    await page.goto(`${visit.web.url}/workers/w-attic`);
    await page.click('button:has-text("Find shared folders")');
    const first = page.locator('.found:has-text("/data/films")');
    await first.waitFor();
    expect(await first.textContent()).to.contain('3 of 4 films');
    await isFine();
    await first.locator('button:has-text("Verify and use it")').click();
    await page.locator('.found .note:has-text("It is a shared folder")').waitFor();
    expect(await page.locator('.found').count(), 'the other one is still offered').to.equal(2);
    await page.locator('.shared-list:has-text("/data/films"):has-text("Checked")').waitFor();
    expect(visit.web.context.fleet.remote('w-attic').pathMappings[0]).to.include({ here: '/data/films' });
    expect(visit.heard.splice(0)).to.deep.equal([]);
  });

  it('that are not there are said so, with what to look at', async () => {
    finds(NOTHING);
    await page.goto(`${visit.web.url}/workers/w-attic`);
    await page.click('button:has-text("Find shared folders")');
    const note = page.locator('#found .note');
    await note.waitFor();
    expect(await note.textContent())
      .to.contain('8 films')
      .and.contain('2 files of the same name and size hold other data');
    await isFine();
  });

  it('are found and used without scripts', async () => {
    finds(FOUND);
    const plain = await (await visit.browser.open({ javaScriptEnabled: false })).newPage();
    await signIn(plain, visit.web.url, PASSWORD);
    await plain.goto(`${visit.web.url}/workers/w-closet`);
    await plain.click('button:has-text("Find shared folders")');
    await plain.locator('.found:has-text("/data/tv") button').click();
    await plain.locator('.note:has-text("It is a shared folder")').waitFor();
    await plain.click('a:has-text("To closet")');
    await plain.locator('.shared-list:has-text("/mnt/nas/Media/Series")').waitFor();
    await plain.close();
  });
});
