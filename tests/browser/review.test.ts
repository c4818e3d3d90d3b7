import { expect } from 'chai';
import type { Page } from 'playwright-core';
import type { Recommendation } from '../../src/domain/recommendations/recommendation.js';
import { seriousIn, sidewaysIn, signIn, visitPreview, WITH_WIDTH, type Visit } from '../support/browser.js';
import { HELD_TWICE } from '../support/preview-review.js';
import type { WebTest } from '../support/web.js';

const PAGES = {
  cards: '/recommendations?view=cards',
  table: '/recommendations?view=table',
  'by season': '/recommendations?view=cards&group=season',
  dismissed: '/recommendations?view=cards&state=dismissed',
  'nothing that matches': '/recommendations?q=zzzz',
  rules: '/rules',
  'a rule': '/rules/codec-modernization',
  'a rule about one title': '/rules/codec-modernization?itemId=01234567-103',
};

describe('the review in a browser', function () {
  this.timeout(180_000);
  let visit: Visit;
  let web: WebTest;
  let page: Page;
  let before0: Recommendation[];
  before(async () => {
    visit = await visitPreview();
    ({ web, page } = visit);
    before0 = [...web.context.store.recommendations.values()];
  });
  after(() => visit.close());
  beforeEach(async () => {
    const { store } = web.context;
    await store.recommendations.putMany(before0);
    await Promise.all([...store.excluded.values()].map(({ id }) => store.excluded.remove(id)));
    web.context.bus.emit('recommendation.changed', { ids: before0.map(({ id }) => id) });
    await page.setViewportSize({ width: 1440, height: 900 });
    await page.goto(`${web.url}/recommendations?view=cards&group=none&ruleId=codec-modernization`);
  });
  afterEach(() => {
    expect(visit.heard.splice(0)).to.deep.equal([]);
  });

  const rowOf = (id: string): Recommendation => web.context.store.recommendations.get(id);
  const idAt = async (nth: number): Promise<string> =>
    ((await page.locator('#recs [data-card]').nth(nth).getAttribute('id')) ?? '').replace('rec-', '');
  const gone = (id: string): Promise<void> => page.locator(`[id="rec-${id}"]`).waitFor({ state: 'detached' });
  const focused = (): Promise<string> => page.evaluate('document.activeElement.id');

  it('is decided with the keyboard, and the next card gets the focus', async () => {
    const ids = await Promise.all([0, 1, 2, 3].map(idAt));
    const [first = '', second = '', third = '', fourth = ''] = ids;
    await page.keyboard.press('j');
    await page.keyboard.press('j');
    await page.keyboard.press('k');
    expect(await focused()).to.equal(`title-${first}`);
    await page.keyboard.press('x');
    expect(await page.isChecked(`[id="pick-${first}"]`)).to.equal(true);
    await page.keyboard.press('x');
    await page.keyboard.press('d');
    await gone(first);
    expect(rowOf(first).state).to.equal('dismissed');
    await page.locator(`[id="title-${second}"]:focus`).waitFor();
    expect(await page.textContent('#review-said')).to.match(/\d+ left/);
    await page.keyboard.press('s');
    await gone(second);
    const days = (Date.parse(rowOf(second).snoozedUntil ?? '') - Date.now()) / 86_400_000;
    expect(Math.round(days)).to.equal(30);
    await page.locator(`[id="title-${third}"]:focus`).waitFor();
    await page.keyboard.press('n');
    await gone(third);
    expect(web.context.store.excluded.has(rowOf(third).itemId)).to.equal(true);
    await page.locator(`[id="title-${fourth}"]:focus`).waitFor();
    await page.locator(`[id="rec-${fourth}"][data-at]`).waitFor();
    await page.keyboard.press('o');
    await page.waitForURL(new RegExp(`/library/${rowOf(fourth).itemId}$`));
    await page.goto(`${web.url}/recommendations?view=cards&q=kestrel`);
    const last = await idAt(0);
    await page.keyboard.press('j');
    await page.keyboard.press('a');
    await gone(last);
    expect(rowOf(last).state).to.equal('approved');
    await page.waitForSelector('#review-said:has-text("Nothing is left on this page")', { state: 'attached' });
  });

  it('fits two recommendations on a phone, with filters, library and settings to match', async () => {
    const context = await visit.browser.open({ viewport: { width: 360, height: 740 } });
    const phone = await context.newPage();
    await signIn(phone, visit.web.url);
    const boxOf = async (selector: string) =>
      (await phone.locator(selector).first().boundingBox()) ?? expect.fail(selector);
    await phone.goto(`${visit.web.url}/recommendations?ruleId=codec-modernization`);
    const first = await boxOf('.rec');
    expect(first.y, 'the first begins in the upper half').to.be.lessThan(370);
    expect(2 * first.height, 'two fit a screen').to.be.lessThan(740 - 52 - 58);
    for (const words of ['Approve', 'Preset', 'Snooze', 'Dismiss', 'Exclude']) {
      const button = phone.locator('.rec').first().locator('.rec-acts .btn', { hasText: words }).first();
      const { width = 0, height = 0 } = (await button.boundingBox()) ?? {};
      expect(Math.min(width, height), words).to.be.at.least(44);
    }
    const sizes = `[...document.querySelector('.rec .rec-acts').querySelectorAll(':scope > .menu > summary, :scope form > button.btn')].map((own) => parseFloat(getComputedStyle(own).fontSize))`;
    expect(Math.min(...(await phone.evaluate<number[]>(sizes))), 'words can be read').to.be.at.least(11);
    expect(await phone.isVisible('#filters')).to.equal(false);
    await phone.click('.fold-button');
    expect(await phone.isVisible('#filters select[name="sort"]')).to.equal(true);
    await phone.selectOption('#filters select[name="sort"]', 'saving');
    await phone.waitForURL(/sort=saving/);
    expect(await phone.isVisible('#filters'), 'stays open while one chooses').to.equal(true);
    await phone.goto(`${visit.web.url}/library`);
    expect((await boxOf('#titles [data-row]')).y).to.be.lessThan(370);
    await phone.check('.pick-page input');
    const ticked = await phone.locator('#titles [data-row] input:checked').count();
    expect(ticked).to.equal(await phone.locator('#titles [data-row]').count());
    await phone.locator('#titles [data-row] .row-menu summary').first().click();
    await phone.waitForSelector('.row-menu[open] .pop a:has-text("Details")');
    const menu = await boxOf('.row-menu[open] .pop');
    expect(menu.x >= 0 && menu.x + menu.width <= 361, 'the menu of a row is on the screen').to.equal(true);
    expect(await sidewaysIn(phone)).to.equal(0);
    await phone.click('.row-menu[open] .pop a:has-text("Details")');
    await phone.waitForSelector('#item h1');
    const tabs: string[][] = [];
    for (const tab of ['safety', 'security']) {
      await phone.goto(`${visit.web.url}/settings/${tab}`);
      tabs.push(
        await phone.evaluate(
          `[...document.querySelectorAll('.subnav a')].sort((a, b) => a.getBoundingClientRect().x - b.getBoundingClientRect().x).map((a) => a.textContent.trim())`,
        ),
      );
      const { x, width } = await boxOf('.subnav [aria-current]');
      expect(x >= 0 && x + width <= 361, `${tab} can be seen`).to.equal(true);
    }
    expect(tabs[1]).to.deep.equal(tabs[0]);
    await context.close();
  });

  it('shows posters from Plex, keeps counts inside the menu and paths of the API whole', async () => {
    const { page, web } = visit;
    await page.goto(`${web.url}/recommendations`);
    expect(await page.locator('.rec img[src*="/poster"]').count()).to.be.greaterThan(0);
    expect(await page.locator('.dock img[src*="/poster"]').count()).to.be.greaterThan(0);
    // A large library's counts, in the widest digits.
    const outside = await page.evaluate(
      `(() => {
        document.getElementById('n-recommendations').textContent = '188,888';
        document.getElementById('n-queue').textContent = '2 / 188,888';
        return [...document.querySelectorAll('.nav a')].filter((a) => [...a.children].some((child) => child.getBoundingClientRect().right > a.getBoundingClientRect().right - 4 || child.getClientRects().length > 1 || child.scrollWidth > child.clientWidth + 1)).map((a) => a.textContent);
      })()`,
    );
    expect(outside).to.deep.equal([]);
    await page.goto(`${web.url}/docs`);
    const broken = await page.evaluate(
      `[...document.querySelectorAll('.docs th code span')].filter((part) => part.getClientRects().length > 1).map((part) => part.textContent)`,
    );
    expect(await page.locator('.docs th code span').count()).to.be.greaterThan(100);
    expect(broken).to.deep.equal([]);
    expect(await page.evaluate(`document.fonts.load('16px "Inter Variable"').then((fonts) => fonts.length)`)).to.equal(
      1,
    );
  });

  it('hears no keys while somebody types', async () => {
    const id = await idAt(0);
    await page.keyboard.press('j');
    await page.fill('#q', '');
    await page.focus('#q');
    await page.keyboard.type('d');
    await page.waitForURL(/q=d/);
    expect(rowOf(id).state).to.equal('open');
  });

  it('takes a decision back from its toast', async () => {
    const id = await idAt(0);
    for (const [menu, button, state] of [['dismiss', 'Good as it is', 'dismissed'], ['snooze', 'For a week', 'snoozed']]) {
      await page.click(`[id="${menu ?? ''}-${id}"] summary`);
      await page.click(`[id="${menu ?? ''}-${id}"] button:has-text("${button ?? ''}")`);
      await gone(id);
      expect(rowOf(id).state).to.equal(state);
      await page.click('.toast:last-child button:has-text("Undo")');
      await page.locator(`[id="rec-${id}"]`).waitFor();
      expect(rowOf(id)).to.include({ state: 'open', note: null, snoozedUntil: null });
    }
  }); // prettier-ignore

  it('keeps the reason, and lets the owner decide again', async () => {
    const id = await idAt(0);
    await page.click(`[id="dismiss-${id}"] summary`);
    await page.click(`[id="dismiss-${id}"] button:has-text("Good as it is")`);
    await gone(id);
    expect(rowOf(id).note).to.equal('Good as it is');
    await page.goto(`${web.url}/recommendations?state=dismissed`);
    await page.locator(`[id="rec-${id}"] button:has-text("Decide again")`).click();
    await gone(id);
    expect(rowOf(id).state).to.equal('open');
  });

  it('selects a whole group with what the page does not show, and says what it brings', async () => {
    await page.goto(`${web.url}/recommendations?view=cards`);
    const group = page.locator('[data-group]').first();
    const whole = group.locator('[data-pick-group]');
    const count = Number(await group.locator('header .badge').textContent());
    expect(count).to.be.above(await group.locator('[data-card]').count());
    await whole.check();
    await page.waitForSelector(`[data-bulk-count]:has-text("${count} selected")`);
    await page.waitForSelector('[data-bulk-sum]:has-text("frees about")');
    expect(await page.textContent('[data-bulk-sum]')).to.match(/frees about [\d.]+ GB, \d+ (h|days) on this machine/);
    await group.locator('[data-card] input[name="ids"]').first().uncheck();
    expect(await whole.isChecked()).to.equal(false);
    expect(await group.locator('[data-pick-group]:indeterminate').count()).to.equal(1);
    await page.waitForSelector('[data-bulk-count]:has-text("4 selected")');
    await whole.check();
    await page.waitForSelector('[data-bulk-approve]:text-matches("^Approve [0-9]+$")');
    await page.click('#bulk-dismiss summary');
    await page.fill('#bulk-why', 'Not this year');
    await page.click('#bulk-dismiss button');
    const question = page.locator('dialog#question[open]');
    await question.locator(`h1:has-text("Dismiss ${count} recommendations")`).waitFor();
    expect(await question.textContent()).to.match(/Reason: Not this year\..*they would free about [\d.]+ GB/s);
    await question.locator('button.primary').click();
    await page.waitForSelector(`.toast:has-text("${count} recommendations are dismissed")`);
    const notes = web.context.store.recommendations.where(({ note }) => note === 'Not this year');
    expect(notes).to.have.length(count);
  });

  it('asks with the numbers before it approves all that match, and refuses when they changed', async () => {
    await page.goto(`${web.url}/recommendations?view=cards&group=none&ruleId=duplicate-detection,container-modernize`);
    await page.check('#recs [data-card] input[name="ids"] >> nth=0');
    await page.check('[data-pick-everything]');
    await page.waitForSelector('[data-bulk-sum]:has-text("1 version to quarantine")');
    await page.click('#bulk button.primary');
    const question = page.locator('dialog#question[open]');
    await question.locator('h1:has-text("Approve 4?")').waitFor();
    expect(await question.textContent()).to.match(/3\s*and 1 version to quarantine.*Frees about.*Takes about.*Remux/s);
    const id = await idAt(0);
    await web.context.store.recommendations.patch(id, { state: 'closed' });
    web.context.bus.emit('recommendation.changed', { ids: [id] });
    // Time enough for the page to hear of it: what was asked must not become another question.
    await page.waitForTimeout(1500);
    await question.locator('button.primary').click();
    await page.waitForSelector('.toast:has-text("Nothing was done")');
    visit.heard.length = 0;
  });

  it('shows a batch as one card that queues its files after a question', async () => {
    await page.goto(`${web.url}/recommendations?view=cards&ruleId=batch-similar`);
    const card = page.locator('[data-card]');
    expect(await card.locator('[data-title]').getAttribute('href')).to.contain('/library?codec=h264&resolution=1080');
    await card.locator('button:has-text("Queue 26 files")').click();
    await page.click('dialog#question[open] button.primary');
    await card.waitFor({ state: 'detached' });
    expect(rowOf('group.h264-1080.batch-similar').state).to.equal('approved');
  });

  it('shows both copies of a duplicate, and moves the surplus one', async () => {
    await page.goto(`${web.url}/recommendations?view=cards&ruleId=duplicate-detection`);
    const card = page.locator('[data-card]', { hasText: HELD_TWICE });
    expect(await card.locator('.copy.stays').textContent()).to.contain('720p');
    expect(await card.locator('.copy.goes').textContent()).to.contain('HDTV');
    await card.locator('button:has-text("Move to quarantine")').click();
    await page.waitForSelector('.toast:has-text("is in quarantine")');
    await card.waitFor({ state: 'detached' });
  });

  it('takes no tick, no focus and no open menu away when something changes elsewhere', async () => {
    const [first, second, last] = [await idAt(0), await idAt(1), await idAt(9)];
    await page.check(`[id="pick-${first}"]`);
    await page.click(`[id="snooze-${second}"] summary`);
    await web.context.store.recommendations.patch(last, { state: 'closed' });
    web.context.bus.emit('recommendation.changed', { ids: [last] });
    await page.waitForTimeout(1500);
    expect(await page.locator(`[id="snooze-${second}"]`).getAttribute('open')).to.equal('');
    await page.keyboard.press('Escape');
    await page.focus(`[id="title-${second}"]`);
    await gone(last);
    expect(await page.isChecked(`[id="pick-${first}"]`)).to.equal(true);
    expect(await focused()).to.equal(`title-${second}`);
  });

  it('tries a rule as its slider moves, and saves nothing', async () => {
    await page.goto(`${web.url}/rules/codec-modernization`);
    const answer = async (): Promise<number> => Number(await page.textContent('#try .try-num'));
    await page.fill('#o-mbpsAt1080p', '5');
    await page.waitForSelector('#try .try-num');
    const many = await answer();
    const slider = page.locator('[data-slides="o-mbpsAt1080p"]');
    expect(await slider.inputValue()).to.equal('5');
    await slider.fill('24');
    expect(await page.inputValue('#o-mbpsAt1080p')).to.equal('24');
    await page.locator('#try .try-num', { hasNotText: String(many) }).waitFor();
    expect(await answer()).to.be.below(many);
    await page.fill('#about', 'Salt Meridian');
    await page.waitForSelector('.try-one:has-text("Yes")');
    await page.fill('#about', 'Under a Borrowed Moon');
    await page.waitForSelector('.try-one:has-text("No")');
    expect(web.context.store.rules.find('codec-modernization')).to.equal(null);
  });

  it('leads from a title to the rule that speaks about it', async () => {
    await page.goto(`${web.url}/library/01234567-103`);
    await page.click('a:has-text("Modernize old codecs")');
    await page.waitForSelector('.try-one:has-text("Yes")');
    expect(await page.textContent('.try-result')).to.contain('The Salt Meridian');
  });

  it('keeps a rule to tags, and lets go of them', async () => {
    await page.goto(`${web.url}/rules/codec-modernization`);
    await page.check('input[name="onlyTags"][value="film-club"]');
    await page.click('button:has-text("Save")');
    await page.waitForSelector('.said');
    expect(web.context.store.rules.get('codec-modernization').onlyTags).to.deep.equal(['film-club']);
    await page.uncheck('input[name="onlyTags"][value="film-club"]');
    await page.click('button:has-text("Save")');
    await page.waitForSelector('.said');
    expect(web.context.store.rules.get('codec-modernization').onlyTags).to.deep.equal([]);
    await web.context.store.rules.remove('codec-modernization');
    await page.goto(`${web.url}/rules/duplicate-detection`);
    expect(await page.locator('input[name="mode"][value="automatic"]').count()).to.equal(0);
  });

  it('works without scripts', async () => {
    const plain = await (await visit.browser.open({ javaScriptEnabled: false })).newPage();
    await signIn(plain, web.url);
    const submit = async (selector: string): Promise<void> => {
      await Promise.all([plain.waitForEvent('domcontentloaded'), plain.locator(selector).first().click()]);
    };
    await plain.goto(`${web.url}/recommendations?view=cards&group=none&ruleId=codec-modernization`);
    const idHere = async (): Promise<string> =>
      ((await plain.locator('[data-card]').first().getAttribute('id')) ?? '').replace('rec-', '');
    const dismissed = await idHere();
    await plain.click(`[id="dismiss-${dismissed}"] summary`);
    await submit(`[id="dismiss-${dismissed}"] button:has-text("Good as it is")`);
    expect(rowOf(dismissed)).to.include({ state: 'dismissed', note: 'Good as it is' });
    const left = await idHere();
    await submit(`[id="rec-${left}"] button:has-text("Exclude")`);
    expect(web.context.store.excluded.has(rowOf(left).itemId)).to.equal(true);
    await plain.goto(`${web.url}/recommendations?state=dismissed`);
    await submit(`[id="rec-${dismissed}"] button:has-text("Decide again")`);
    expect(rowOf(dismissed).state).to.equal('open');
    await plain.goto(`${web.url}/recommendations?ruleId=container-modernize`);
    await plain.check('[data-pick-group]');
    await plain.click('#bulk-snooze summary');
    await submit('#bulk-snooze button');
    expect(await plain.textContent('main h1')).to.equal('Snooze 3 recommendations for 30 days?');
    await submit('.question button.primary');
    expect(new URL(plain.url()).pathname).to.equal('/recommendations');
    expect(web.context.store.recommendations.where(({ ruleId, state }) => ruleId === 'container-modernize' && state === 'snoozed')).to.have.length(3);
    await plain.goto(`${web.url}/rules/codec-modernization`);
    await plain.fill('#about', 'Salt Meridian');
    await submit('button:has-text("Try these options")');
    expect(await plain.textContent('main')).to.match(/Yes\s*The Salt Meridian/);
  }); // prettier-ignore

  for (const [name, path] of Object.entries(PAGES)) {
    it(`is whole on a desk and on a phone: ${name}`, async () => {
      await page.goto(web.url + path);
      expect(await seriousIn(page), 'wide').to.deep.equal([]);
      expect(await sidewaysIn(page), 'wide').to.equal(0);
      await page.setViewportSize({ width: 360, height: 800 });
      expect(await sidewaysIn(page), 'narrow').to.equal(0);
      expect(await seriousIn(page, WITH_WIDTH), 'narrow').to.deep.equal([]);
      const low: string[] =
        await page.evaluate(`[...document.querySelectorAll('.rec-acts .btn, .group .btn, #filters .btn, .rule .btn, .rule .join button, #options .btn')]
        .filter((button) => button.checkVisibility() && button.getBoundingClientRect().height < 44)
        .map((button) => button.textContent.trim())`);
      expect(low, 'too low for a thumb').to.deep.equal([]);
    });
  }
});
