import { expect } from 'chai';
import type { Locator, Page } from 'playwright-core';
import { SETTINGS_TABS } from '../../src/actions/settings/settings.js';
import type { LibraryCollection } from '../../src/domain/collections/collection.js';
import { visitPreview, type Visit } from '../support/browser.js';
import { addFormRows, formPages, formsIn, isFilledIn } from '../support/forms.js';
import { raw } from '../support/raw-http.js';
import { rowOf, writtenForms } from '../support/view-forms.js';
import { Browser, PASSWORD, startWeb, type WebTest } from '../support/web.js';
import { CASES, ELSEWHERE, FIRST_START, NOTHING_TO_REFUSE, type Filling, type FormCase } from './forms-cases.js';

/** As much of a form as the functions that run in the browser use. */
interface SeenInBrowser {
  elements: Iterable<{ name: string; type: string; value: string; checked: boolean }>;
  noValidate: boolean;
  requestSubmit: (button: unknown) => void;
  querySelector: (selector: string) => unknown;
}

const KNOWN = new Set([
  ...[CASES, FIRST_START(''), NOTHING_TO_REFUSE, ELSEWHERE].flatMap(Object.keys).map((row) => row.split(',')[0] ?? ''),
  // One view draws every tab.
  ...(SETTINGS_TABS.every((tab) => CASES[`/settings/${tab}`]) ? ['/settings/:x'] : []),
]);

const aCollection = (id: string, name: string, createdAt: string): LibraryCollection => ({
  ...{ id, name, createdAt, filterId: 'modern', query: '', keepInStep: true, places: [], error: null },
});

/** What the pages need besides what shows every form. */
async function addRows({ context }: WebTest): Promise<void> {
  await addFormRows(context);
  const createdAt = context.now().toISOString();
  await context.store.filters.put({
    id: 'evenings',
    name: 'Long ones',
    query: 'codec=h264',
    isDefault: false,
    createdAt,
  });
  await context.store.collections.put(aCollection('other', 'Other', createdAt));
  // No collection was made there yet, and whatever is asked is done.
  const collections = { list: () => Promise.resolve([]), create: () => Promise.resolve({ ratingKey: '1', title: '' }) };
  Object.assign(context.server(), { collections });
}

/** Fills in the controls of a form as a person does. */
async function fill(form: Locator, filling: Filling): Promise<void> {
  for (const [name, value] of Object.entries(filling)) {
    const control = form.locator(`[name="${name}"]:not([type="hidden"])`);
    if (Array.isArray(value)) {
      for (const box of await control.all())
        await box.setChecked((value as string[]).includes((await box.getAttribute('value')) ?? ''), { force: true });
    } else if (typeof value === 'boolean') await control.setChecked(value, { force: true });
    else if ((await control.first().getAttribute('type')) === 'radio')
      await form.locator(`[name="${name}"][value="${value as string}"]`).check({ force: true });
    else if ((await form.locator(`select[name="${name}"]`).count()) > 0) await control.selectOption(value as string);
    else await control.fill(value as string);
  }
}

/** What the form holds of what was filled in. */
const heldBy = (form: Locator, names: string[]): Promise<Record<string, unknown>> =>
  form.evaluate(
    ({ elements }: SeenInBrowser, asked: string[]) =>
      Object.fromEntries(
        asked.map((name): [string, unknown] => {
          const all = [...elements].filter((one) => one.name === name && one.type !== 'hidden');
          const ticked = all.filter((one) => one.checked).map((one) => one.value);
          if (all[0]?.type === 'radio') return [name, ticked[0]];
          if (all[0]?.type === 'checkbox') return [name, all.length > 1 ? ticked : all[0].checked];
          return [name, all[0]?.value];
        }),
      ),
    names,
  );

/** Sends it as its main button does, also what the browser itself would not let pass. */
const send = (form: Locator): Promise<void> =>
  form.evaluate((own: SeenInBrowser) => {
    own.noValidate = true;
    own.requestSubmit(own.querySelector('button[type=submit]:not([formaction])'));
  });

/** Sends what is right, and waits for the page that it leads to. */
async function sendAndArrive(page: Page, form: Locator): Promise<void> {
  // The page before may still be loading: its end is not the arrival of the next one.
  await page.evaluate("document.documentElement.id = 'page-before'");
  const action = await form.evaluate((own: { action: string }) => own.action);
  const answered = page.waitForResponse((answer) => {
    const request = answer.request();
    const isOwn = request.isNavigationRequest() || (request.method() === 'POST' && answer.url() === action);
    return answer.status() < 400 && isOwn;
  });
  await send(form);
  const answer = await answered;
  const isLeaving = answer.request().isNavigationRequest() || answer.headers()['hx-redirect'] !== undefined;
  if (!isLeaving) return;
  await page.waitForSelector('html:not(#page-before)', { state: 'attached' });
  await page.waitForLoadState();
}

/** What is folded is opened, so that a person can reach it. */
const unfold = (page: Page): Promise<void> =>
  page.evaluate("for (const one of document.querySelectorAll('details')) one.open = true");

/** Fills it in with something wrong, is refused, corrects that, saves, and looks at what is stored. */
async function tryOut(page: Page, { url, context }: WebTest, one: FormCase): Promise<void> {
  const { page: path, action = path, wrong, right, emptied = [], stored, expected } = one;
  const names = Object.keys(wrong);
  const form = page.locator(`form[action="${action}"]`).filter({ has: page.locator(`[name="${names[0] ?? ''}"]`) }).first(); // prettier-ignore
  await page.goto(url + path);
  await unfold(page);
  await fill(form, wrong);
  await send(form);
  await page.waitForSelector('#form-error, .note.bad[role="alert"], .toast.bad', { state: 'attached' });
  await page.waitForLoadState();
  await unfold(page);
  const kept = await heldBy(form, names);
  const typed = names.map((name) => [name, emptied.includes(name) ? '' : wrong[name]]);
  expect(kept, 'after the refusal').to.deep.equal(Object.fromEntries(typed));
  await fill(form, right);
  await sendAndArrive(page, form);
  expect(await stored(context, page), 'stored').to.deep.equal(expected);
}

describe('every form in a browser', function () {
  this.timeout(180_000);
  let visit: Visit;
  let page: Page;

  before(async () => {
    visit = await visitPreview();
    page = visit.page;
    await addRows(visit.web);
  });
  after(() => visit.close());

  it('is known here, whether a page draws it now or a view could', async () => {
    const owner = new Browser(visit.web.url);
    await owner.signIn();
    const drawn = new Set<string>();
    for (const path of formPages()) {
      const { text } = await raw(visit.web.url + path, { headers: { Cookie: owner.cookie } });
      for (const { action, controls } of formsIn(text)) if (controls.some(isFilledIn)) drawn.add(rowOf(action));
    }
    const written = writtenForms().filter((form) => form.isFilledIn);
    const found = new Set([...drawn, ...written.map(({ row }) => row)]);
    expect(drawn.size, 'drawn').to.be.above(20);
    expect(
      [...found].filter((row) => !KNOWN.has(row)),
      'new: say in forms-cases.ts how it is filled in, or why nothing in it can be refused',
    ).to.deep.equal([]);
    expect(
      [...KNOWN].filter((row) => !found.has(row)),
      'gone',
    ).to.deep.equal([]);
  });

  for (const [row, one] of Object.entries(CASES)) {
    it(`${row} keeps what was typed when it is refused, and stores exactly that`, () => tryOut(page, visit.web, one));
  }

  it('/collections goes back a step when its name was taken meanwhile, and keeps the rest', async () => {
    const { store, now } = visit.web.context;
    const plan = page.locator('form[action="/collections/new"]');
    const form = page.locator('form[action="/collections"]');
    await page.goto(`${visit.web.url}/collections/new?name=Fresh+air&filterId=modern&look=yes`);
    await form.locator('input[type="checkbox"]').setChecked(false);
    await store.collections.put(aCollection('taken', 'Fresh air', now().toISOString()));
    await send(form);
    await page.waitForSelector('#form-error');
    await page.waitForLoadState();
    const kept = [await plan.locator('#coll-name').inputValue(), await plan.locator('#coll-filter').inputValue()];
    expect(kept, 'after the refusal').to.deep.equal(['Fresh air', 'modern']);
    await fill(plan, { name: 'Fresh air, too' });
    await sendAndArrive(page, plan);
    await sendAndArrive(page, form);
    const [made] = store.collections.where(({ name }) => name === 'Fresh air, too');
    expect(made).to.include({ filterId: 'modern', keepInStep: false });
  });

  it('of the first start, of signing in and of passwords does so too', async () => {
    const web = await startWeb({ password: null });
    const window = await visit.browser.open({ viewport: { width: 1440, height: 900 } });
    try {
      const fresh = await window.newPage();
      const setupToken = /setup token: (\S+?)"/.exec(web.logged.join('\n'))?.[1] ?? '';
      for (const [row, one] of Object.entries(FIRST_START(setupToken))) {
        if (row === '/sign-in') await window.clearCookies();
        await tryOut(fresh, web, one).catch((error: unknown) => {
          throw new Error(`${row}: ${(error as Error).message}`, { cause: error });
        });
      }
      expect(await web.context.access.checkPassword(PASSWORD), 'the first password').to.equal(false);
    } finally {
      await window.close();
      await web.stop();
    }
  });

  it('asks before a page with a changed form is left, and not once it is saved or discarded', async () => {
    const asked: string[] = [];
    let isLeaving = false;
    page.on('dialog', (dialog) => {
      asked.push(dialog.type());
      void (isLeaving ? dialog.accept() : dialog.dismiss());
    });
    const days = '#f-quarantineDays';
    const leave = (): Promise<void> => page.click('.nav a[href="/library"]');
    await page.goto(`${visit.web.url}/settings/safety`);
    await page.click(days);
    await page.fill(days, '77');
    await leave();
    expect([page.url().endsWith('/settings/safety'), await page.inputValue(days)]).to.deep.equal([true, '77']);
    await page.click('button[type="reset"]');
    await leave();
    await page.waitForURL(/\/library$/);
    expect(asked, 'discarded').to.deep.equal(['beforeunload']);
    await page.goto(`${visit.web.url}/settings/safety`);
    await page.click(days);
    await page.fill(days, '78');
    await page.click('.savebar button[type="submit"]');
    await page.waitForSelector('.said');
    await leave();
    await page.waitForURL(/\/library$/);
    expect(asked, 'saved').to.deep.equal(['beforeunload']);
    isLeaving = true;
    await page.goto(`${visit.web.url}/settings/safety`);
    await page.click(days);
    await page.fill(days, '79');
    await leave();
    await page.waitForURL(/\/library$/);
    expect(asked, 'left').to.deep.equal(['beforeunload', 'beforeunload']);
    page.removeAllListeners('dialog');
  });

  it('asks before a title beside its list is left with something typed, whatever way that is', async () => {
    const ways: (() => Promise<unknown>)[] = [
      () => page.click('#drawer [data-close]'),
      () => page.click('#drawer [data-step="1"]'),
      () => page.mouse.click(100, 450),
      () => page.evaluate('history.back()'),
      () => page.click('#drawer .crumb a'),
      () => page.keyboard.press('Escape'),
      () => page.keyboard.press('j'),
    ];
    await page.goto(`${visit.web.url}/library`);
    await page.click('#titles [data-row]:nth-child(2) th a');
    await page.click('#drawer #exclude-menu summary');
    await page.fill('#exclude-reason', 'Lent to a friend');
    await page.click('#drawer h1');
    const here = page.url();
    const title = (await page.textContent('#drawer h1')) ?? '';
    for (const [at, way] of ways.entries()) {
      await way();
      await page.waitForSelector('#confirm[open]:has-text("not saved")');
      await page.click('#confirm [value="no"]');
      await page.waitForSelector('#confirm:not([open])', { state: 'attached' });
      const kept = [page.url(), await page.isVisible('#drawer[open]'), await page.inputValue('#exclude-reason')];
      expect(kept, `way ${at}`).to.deep.equal([here, true, 'Lent to a friend']);
    }
    await page.keyboard.press('j');
    await page.click('#confirm [value="yes"]');
    await page.waitForURL((to) => to.href !== here && /\/library\/[\w-]+$/.test(to.pathname));
    await page.locator('#drawer h1').filter({ hasNotText: title }).waitFor();
    expect(await page.inputValue('#exclude-reason')).to.equal('');
    await page.click('#drawer [data-close]');
    await page.waitForURL(/\/library$/);
  });
});
