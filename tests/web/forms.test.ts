import { load } from 'cheerio';
import { expect } from 'chai';
import fc from 'fast-check';
import { addFormRows, formPages, formsIn, isFilledIn, ITEM, sentBy, type Control } from '../support/forms.js';
import { poison, PROBE } from '../support/hostile-rows.js';
import { startPreview } from '../support/preview.js';
import { Browser, PASSWORD, startWeb, type WebTest } from '../support/web.js';

/** Pages that show what stands in their address. */
const HOSTILE_PAGES = [
  ...['/library?q=', '/library?sectionId=', '/recommendations?q=', '/recommendations?view=', '/quarantine?state=', '/sign-in?next='],
  ...['/queue/jobs?state=', '/setup?step=', '/analytics?x=', '/library/', '/queue/', '/tags/', '/nothing/'],
].map((path) => path + encodeURIComponent(PROBE)); // prettier-ignore

/** What can be typed into one line, or several. */
const line = fc.string({
  unit: fc.constantFrom('a', 'Z', '09', ' ', '.', ',;', '=', '&', '<b>', '"', "'", '%2', '/', '+', 'é', '𝕏'),
  maxLength: 12,
});
const lines = fc.array(line, { maxLength: 3 }).map((texts) => texts.join('\n'));

/** A form as somebody could have filled it in. */
function filledIn(controls: readonly Control[]): fc.Arbitrary<Control[]> {
  const radios = new Map<string, number[]>();
  for (const [at, { kind, name }] of controls.entries())
    if (kind === 'radio') radios.set(name, [...(radios.get(name) ?? []), at]);
  const filled = controls.map((control) => {
    if (control.kind === 'checkbox') return fc.boolean().map((isChosen) => ({ ...control, isChosen }));
    if (control.kind === 'select') return fc.constantFrom(...control.choices).map((value) => ({ ...control, value }));
    if (control.kind === 'textarea') return lines.map((value) => ({ ...control, value }));
    return ['hidden', 'radio'].includes(control.kind)
      ? fc.constant(control)
      : line.map((value) => ({ ...control, value }));
  });
  const chosen = fc.tuple(...[...radios.values()].map((places) => fc.constantFrom(...places)));
  return fc
    .tuple(fc.tuple(...filled), chosen)
    .map(([all, places]) =>
      all.map((control, at) => (control.kind === 'radio' ? { ...control, isChosen: places.includes(at) } : control)),
    );
}

/** What a person reads, rows that nobody filled in aside: they may be fewer. */
const readable = (controls: readonly Control[]): [string, string][] =>
  sentBy(controls.filter(isFilledIn)).filter(([name, value]) => !(/\[\d+\]/.test(name) && value === ''));

describe('a refused form', function () {
  this.timeout(180_000);
  let web: WebTest;
  let fresh: WebTest;
  let owner: Browser;
  before(async () => {
    [web, fresh] = await Promise.all([startPreview(), startWeb()]);
    await addFormRows(web.context);
    owner = new Browser(web.url);
    await owner.signIn();
  });
  after(async () => {
    await web.stop();
    await fresh.stop();
  });

  /** Refuses whatever is sent from this page, and looks whether it is still there. */
  async function keepsWhatWasTyped(browser: Browser, url: string, page: string, seen: Set<string>): Promise<void> {
    const { text } = await browser.get(page);
    for (const { action, controls } of formsIn(text)) {
      const what = `${action.replace(/\/[\w-]*\d[\w-]*/g, '/:id')} ${controls.map(({ name }) => name).join()}`;
      if (seen.has(what) || !controls.some(isFilledIn)) continue;
      seen.add(what);
      await fc.assert(
        fc.asyncProperty(filledIn(controls), async (filled) => {
          const { token } = browser;
          browser.token = 'of another session';
          const { response, text: again } = await browser.post(action, sentBy(filled), { Referer: url + page });
          browser.token = token;
          expect(response.status, what).to.equal(403);
          const same = formsIn(again).filter((form) => form.action === action);
          const kept = same.map((form) => readable(form.controls));
          expect(kept, `${page} ${what}`).to.deep.include(readable(filled));
        }),
        { numRuns: 2, endOnFailure: true },
      );
    }
  }

  it('of any page holds what was typed, whatever kind of field it is', async () => {
    const seen = new Set<string>();
    for (const page of formPages()) await keepsWhatWasTyped(owner, web.url, page, seen);
    expect([...seen].join('\n'))
      .to.contain('/settings/safety dryRun')
      .and.contain('/library/edit/')
      .and.contain('/rules/')
      .and.contain('/workers/')
      .and.contain('/tags/')
      .and.contain('/library/filters');
  });

  it('of the setup too', async () => {
    const browser = new Browser(fresh.url);
    await browser.signIn();
    await fresh.context.store.secrets.set('plexToken', 'a-token');
    await fresh.context.store.settings.change({
      plex: { url: 'http://192.168.1.10:32400', serverId: 'server-1' },
      paths: { mappings: [{ from: '/share/Films', to: '/data/films' }] },
      setup: { reached: 'ready' },
    });
    const seen = new Set<string>();
    for (const step of ['plex', 'paths', 'safety'])
      await keepsWhatWasTyped(browser, fresh.url, `/setup?step=${step}`, seen);
    expect(seen.size).to.equal(3);
  });

  it('of settings leaves switches on, and saves them so once the number is right', async () => {
    const browser = new Browser(fresh.url);
    await browser.signIn();
    const page = await browser.get('/settings/safety');
    const [form] = formsIn(page.text).filter(({ action }) => action === '/settings/safety');
    const with_ = (days: string, controls: readonly Control[] = []): [string, string][] =>
      sentBy(controls.map((control) => (control.name === 'quarantineDays' ? { ...control, value: days } : control)));
    const refused = await browser.post('/settings/safety', with_('0', form?.controls));
    expect(refused.response.status).to.equal(422);
    const [again] = formsIn(refused.text).filter(({ action }) => action === '/settings/safety');
    await browser.post('/settings/safety', with_('12', again?.controls));
    expect(fresh.context.store.settings.value.safety).to.include({
      quarantineDays: 12,
      dryRun: true,
      skipHardLinks: true,
      verifyDecode: true,
    });
  });

  it('or any other page shows texts of others as texts, whatever is in them', async () => {
    expect(await poison(web.context.store)).to.be.greaterThan(100);
    const showing: string[] = [];
    for (const page of [...formPages(), '/docs', ...HOSTILE_PAGES])
      for (const headers of [{}, { 'HX-Request': 'true' }]) {
        const { response, text } = await owner.get(page, headers);
        expect(response.status, page).to.be.lessThan(500);
        const $ = load(text);
        expect($('xss-probe').length, `${page}: an element of its own`).to.equal(0);
        for (const element of $('*').toArray()) {
          const own = Object.keys($(element).attr() ?? {});
          expect(
            own.filter((name) => /^on|^xss|["'<{]/.test(name)),
            `${page}: an attribute`,
          ).to.deep.equal([]);
          for (const name of ['href', 'src', 'action', 'hx-get', 'hx-post'])
            expect($(element).attr(name) ?? '', page).not.to.match(/^\s*(javascript|data|vbscript):/i);
        }
        if ($.text().includes(PROBE)) showing.push(page);
      }
    const all = new Set(showing);
    for (const page of ['/', '/library', '/queue', '/quarantine', '/recommendations', '/workers', '/tags', ITEM, '/analytics', '/rules/codec-modernization'])
      expect(all, 'the table reaches it').to.include(page); // prettier-ignore
  });

  describe('whose session ended meanwhile', () => {
    const page = '/settings/safety';

    /** A form of an owner who is signed out by the clock, with these days in it. */
    async function endedForm(days: string): Promise<{ browser: Browser; sent: [string, string][] }> {
      const browser = new Browser(fresh.url);
      await browser.signIn();
      const [form] = formsIn((await browser.get(page)).text).filter(({ action }) => action === page);
      const sent = sentBy(
        (form?.controls ?? []).map((control) =>
          control.name === 'quarantineDays' ? { ...control, value: days } : control,
        ),
      );
      const { sessions } = fresh.context.store;
      await sessions.removeMany(sessions.where(() => true).map(({ id }) => id));
      return { browser, sent };
    }
    const daysIn = (text: string): string | undefined =>
      formsIn(text)
        .find(({ action }) => action === page)
        ?.controls.find(({ name }) => name === 'quarantineDays')?.value;

    it('is there again after signing in, for its own browser and once, and nothing was done by itself', async () => {
      const { browser, sent } = await endedForm('77');
      const { response } = await browser.post(page, sent, { Referer: fresh.url + page });
      const to = response.headers.get('location') ?? '';
      expect(response.status).to.equal(303);
      expect(to).to.equal('/sign-in?next=%2Fsettings%2Fsafety&why=kept');
      const door = await browser.get(to);
      expect(door.text).to.contain('Your session ended.').and.contain('What you typed is kept');
      const other = new Browser(fresh.url);
      await other.signIn();
      expect(daysIn((await other.get(page)).text), 'for another browser').not.to.equal('77');
      const wrong = await browser.post('/sign-in', { password: 'not this one', next: page });
      expect(wrong.response.status).to.equal(401);
      const signedIn = await browser.post('/sign-in', { password: PASSWORD, next: page });
      expect(signedIn.response.headers.get('location')).to.equal(page);
      const again = await browser.get(page);
      expect(again.text).to.contain('this was not sent');
      expect(daysIn(again.text)).to.equal('77');
      expect(fresh.context.store.settings.value.safety.quarantineDays).not.to.equal(77);
      expect(daysIn((await browser.get(page)).text), 'a second time').not.to.equal('77');
      await browser.post(page, sent);
      expect(fresh.context.store.settings.value.safety.quarantineDays).to.equal(77);
    });

    it('is kept when htmx sends it, and a stale page of a new session holds it too', async () => {
      const { browser, sent } = await endedForm('78');
      const htmx = { Referer: fresh.url + page, 'HX-Request': 'true', 'HX-Current-URL': fresh.url + page };
      const { response } = await browser.post(page, sent, htmx);
      expect(response.status).to.equal(401);
      expect(response.headers.get('hx-redirect')).to.contain('why=kept');
      const stale = browser.token;
      await browser.signIn();
      browser.token = stale;
      const refused = await browser.post(page, sent, { Referer: fresh.url + page });
      expect(refused.response.status).to.equal(403);
      expect(daysIn(refused.text)).to.equal('78');
    });

    it('keeps no password, nothing from elsewhere, and nothing huge', async () => {
      const { browser } = await endedForm('1');
      const from = '/settings/security';
      const secrets = { currentPassword: PASSWORD, password: 'another good sentence' };
      const kept = await browser.post('/settings/security/password', secrets, { Referer: fresh.url + from });
      expect(kept.response.headers.get('location')).not.to.contain('sentence');
      await browser.get('/sign-in');
      await browser.post('/sign-in', { password: PASSWORD });
      const again = await browser.get(from);
      expect(again.text).to.contain('passwords and keys aside').and.not.contain('another good sentence');
      const { browser: victim, sent } = await endedForm('79');
      const foreign = await victim.post(page, sent, { Origin: 'https://evil.example', Referer: fresh.url + page });
      expect(foreign.response.headers.get('location')).not.to.contain('kept');
      const huge = await victim.post(page, [['workDir', 'x'.repeat(100_000)]], { Referer: fresh.url + page });
      expect(huge.response.headers.get('location')).not.to.contain('kept');
    });
  });
});
