import { expect } from 'chai';
import type { Locator, Page } from 'playwright-core';
import type { Context } from '../../src/actions/action.js';
import { routes } from '../../src/web/routes.js';
import { visitPreview, type Visit } from '../support/browser.js';
import { addFormRows, formPages, formsIn, isFilledIn } from '../support/forms.js';
import { raw } from '../support/raw-http.js';
import { Browser } from '../support/web.js';

/** Control -> what is typed, ticked or chosen; a list is a row of boxes. */
type Filling = Readonly<Record<string, string | boolean | readonly string[]>>;

interface FormCase {
  page: string;
  /** Where it posts to, when that is not the page itself. */
  action?: string;
  /** All of it differs from what the form holds; something in it is wrong. */
  wrong: Filling;
  right: Filling;
  stored: (context: Context) => unknown;
  expected: unknown;
}

const DRAFT = '/library/edit/edit-draft';
const settings =
  (group: 'safety' | 'plex' | 'queue' | 'intel' | 'paths' | 'security', ...names: string[]) =>
  ({ store }: Context): unknown =>
    Object.fromEntries(names.map((name) => [name, store.settings.value[group][name as never]]));

const CASES: Readonly<Record<string, FormCase>> = {
  '/settings/safety': {
    page: '/settings/safety',
    wrong: { dryRun: true, replace: 'automatic', minSavingPercent: '23.5', quarantineDays: '0', skipHardLinks: false, verifyDecode: false }, // prettier-ignore
    right: { quarantineDays: '45' },
    stored: ({ store }) => store.settings.value.safety,
    expected: { dryRun: true, replace: 'automatic', minSavingPercent: 23.5, quarantineDays: 45, skipHardLinks: false, verifyDecode: false }, // prettier-ignore
  },
  '/settings/plex': {
    page: '/settings/plex',
    wrong: { syncCron: 'every day', fullSyncCron: '10 3 * * *', settleSec: '12', verifyTimeoutSec: '99' },
    right: { syncCron: '*/20 * * * *' },
    stored: settings('plex', 'syncCron', 'fullSyncCron', 'settleSec', 'verifyTimeoutSec'),
    expected: { syncCron: '*/20 * * * *', fullSyncCron: '10 3 * * *', settleSec: 12, verifyTimeoutSec: 99 },
  },
  '/settings/queue': {
    page: '/settings/queue',
    wrong: { concurrency: '99', workDir: '/data/work', yieldToViewers: false, hardwareFallback: 'fail', minAgeSec: '30' }, // prettier-ignore
    right: { concurrency: '3' },
    stored: settings('queue', 'concurrency', 'workDir', 'yieldToViewers', 'hardwareFallback', 'minAgeSec'),
    expected: { concurrency: 3, workDir: '/data/work', yieldToViewers: false, hardwareFallback: 'fail', minAgeSec: 30 },
  },
  '/settings/intel': {
    page: '/settings/intel',
    wrong: { autoAnalyzeOnSync: false, analyzeCron: 'never' },
    right: { analyzeCron: '0 5 * * 0' },
    stored: settings('intel', 'autoAnalyzeOnSync', 'analyzeCron'),
    expected: { autoAnalyzeOnSync: false, analyzeCron: '0 5 * * 0' },
  },
  '/settings/paths': {
    page: '/settings/paths',
    wrong: { 'mappings[0][to]': 'films', 'mappings[2][from]': '/share/Extra', 'mappings[2][to]': '/data/extra', quarantineDir: '/data/kept' }, // prettier-ignore
    right: { 'mappings[0][to]': '/data/films' },
    stored: settings('paths', 'mappings', 'quarantineDir'),
    expected: {
      mappings: [
        { from: '/share/Media', to: '/data/films' },
        { from: '/share/TV', to: '/data/tv' },
        { from: '/share/Extra', to: '/data/extra' },
      ],
      quarantineDir: '/data/kept',
    },
  },
  '/settings/security': {
    page: '/settings/security',
    wrong: { sessionDays: '999', allowedHosts: 'media.example, den.example', trustedProxies: '10.0.0.1' },
    right: { sessionDays: '60' },
    stored: ({ store }) => store.settings.value.security,
    expected: { sessionDays: 60, allowedHosts: ['media.example', 'den.example'], trustedProxies: ['10.0.0.1'] },
  },
  '/library/filters': {
    page: '/library?codec=h264',
    action: '/library/filters',
    wrong: { name: '  ' },
    right: { name: 'Evenings' },
    stored: ({ store }) => store.filters.where(({ name }) => name === 'Evenings').map(({ query }) => query),
    expected: ['codec=h264&sort=-sizeBytes'],
  },
  '/library/edit/:id': {
    page: DRAFT,
    wrong: {
      'edit[titleSort][value]': 'Hollow',
      'edit[summary][value]': 'Two\nlines',
      'edit[studio][clear]': true,
      'edit[studio][lock]': 'unlock',
      'edit[genres][mode]': 'replace',
      'edit[labels][tags]': 'seen, "kept"',
    },
    right: { 'edit[genres][tags]': 'Drama, Thriller' },
    stored: ({ store }) => {
      const { titleSort, summary, studio, genres, labels } = store.edits.get('edit-draft').edit;
      return { titleSort: titleSort.value, summary: summary.value, studio, genres, labels: labels.tags };
    },
    expected: {
      titleSort: 'Hollow',
      summary: 'Two\nlines',
      studio: { value: '', clear: true, lock: 'unlock' },
      genres: { mode: 'replace', tags: ['Drama', 'Thriller'], lock: 'auto' },
      labels: ['seen', '"kept"'],
    },
  },
};

/** Forms in which nothing can be wrong: they choose among what there is, or only ask. */
const CHOICES = [
  '/settings/paths/test',
  '/library/columns',
  '/library/queue/question',
  '/library/:id/tags',
  '/collections/:id/delete',
  '/recommendations/question',
];
/** Texts that may hold anything up to a length their input does not let pass. */
const FREE_TEXTS = ['/library/:id/exclude', '/recommendations/:id/dismiss'];
/** Saved in tests of their own; that they keep what was typed is tried with any values in `tests/web/forms.test.ts`. */
const ELSEWHERE: Readonly<Record<string, string>> = {
  '/settings/plex/connect': 'tests/browser/connect.test.ts',
  '/tags': 'tests/web/tags.test.ts',
  '/tags/:id': 'tests/web/tags.test.ts',
  '/collections/:id': 'tests/browser/collections.test.ts',
  '/workers': 'tests/browser/workers.test.ts',
  '/workers/:id': 'tests/web/workers.test.ts',
  '/rules/:id': 'tests/browser/review.test.ts',
};

/** As much of a form as the functions that run in the browser use. */
interface SeenInBrowser {
  elements: Iterable<{ name: string; type: string; value: string; checked: boolean }>;
  noValidate: boolean;
  requestSubmit: (button: unknown) => void;
  querySelector: (selector: string) => unknown;
}

/** The row of the table that a form posts to. */
function rowOf(action: string): string {
  const parts = action.split('/');
  const row = routes.find(({ method, page }) => {
    const names = page?.split('/') ?? [];
    return method === 'post' && names.length === parts.length && names.every((name, at) => name.startsWith(':') || name === parts[at]); // prettier-ignore
  });
  return row?.page ?? action;
}

describe('every form in a browser', function () {
  this.timeout(120_000);
  let visit: Visit;
  let page: Page;

  before(async () => {
    visit = await visitPreview();
    page = visit.page;
    await addFormRows(visit.web.context);
  });
  after(() => visit.close());

  it('is known here', async () => {
    const owner = new Browser(visit.web.url);
    await owner.signIn();
    const known = new Set([...Object.keys(CASES), ...CHOICES, ...FREE_TEXTS, ...Object.keys(ELSEWHERE)]);
    const found = new Set<string>();
    for (const path of formPages()) {
      const { text } = await raw(visit.web.url + path, { headers: { Cookie: owner.cookie } });
      for (const { action, controls } of formsIn(text)) if (controls.some(isFilledIn)) found.add(rowOf(action));
    }
    expect(
      [...found].filter((row) => !known.has(row)),
      'new: say above how it is filled in',
    ).to.deep.equal([]);
    expect(
      [...known].filter((row) => !found.has(row)),
      'gone',
    ).to.deep.equal([]);
  });

  const formAt = (action: string, name: string): Locator =>
    page.locator(`form[action="${action}"]`).filter({ has: page.locator(`[name="${name}"]`) }).first(); // prettier-ignore

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

  /** What is folded is opened, so that a person can reach it. */
  const unfold = (): Promise<void> =>
    page.evaluate("for (const one of document.querySelectorAll('details')) one.open = true");

  for (const [row, { page: path, action = path, wrong, right, stored, expected }] of Object.entries(CASES)) {
    it(`${row} keeps what was typed when it is refused, and stores exactly that`, async () => {
      const [first = ''] = Object.keys(wrong);
      await page.goto(visit.web.url + path);
      await unfold();
      await fill(formAt(action, first), wrong);
      await send(formAt(action, first));
      await page.waitForSelector('#form-error, .toast.bad', { state: 'attached' });
      await unfold();
      const names = Object.keys(wrong);
      const kept = await heldBy(formAt(action, first), names);
      expect(kept, 'after the refusal').to.deep.equal(Object.fromEntries(names.map((name) => [name, wrong[name]])));
      await fill(formAt(action, first), right);
      await Promise.all([page.waitForResponse((answer) => answer.request().method() === 'POST'), send(formAt(action, first))]); // prettier-ignore
      expect(stored(visit.web.context), 'stored').to.deep.equal(expected);
    });
  }
});
