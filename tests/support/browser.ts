import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AxeBuilder } from '@axe-core/playwright';
import { chromium, type BrowserContext, type BrowserContextOptions, type Page } from 'playwright-core';
import { startPreview } from './preview.js';
import { PASSWORD, type WebTest } from './web.js';

const CHROMIUM = '/usr/bin/chromium';
/** Longer than a page takes on a machine that does much else. */
const PATIENCE_MS = 90_000;
const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

export interface RealBrowser {
  /** A window of its own: cookies and storage are shared with nobody. */
  open(options?: BrowserContextOptions): Promise<BrowserContext>;
  close(): Promise<void>;
}

/** The installed Chromium with an empty profile. */
export async function startBrowser(): Promise<RealBrowser> {
  const dir = await mkdtemp(join(tmpdir(), 'mediaflow-chromium-'));
  const first = await chromium.launchPersistentContext(dir, { executablePath: CHROMIUM, args: FLAGS, headless: true });
  const browser = first.browser();
  return {
    async open(options) {
      if (!browser) throw new Error('Chromium did not start');
      // Nothing breathes or glides: fewer frames to paint, and nothing to wait for.
      const context = await browser.newContext({ reducedMotion: 'reduce', ...options });
      context.setDefaultTimeout(PATIENCE_MS);
      return context;
    },
    async close() {
      await first.close();
      await rm(dir, { recursive: true, force: true });
    },
  };
}

/** What htmx says of every request that a newer one replaced, or that a page left behind: nothing is wrong then. Of one that fails it says more. */
const GIVEN_UP = /^htmx:(?:afterRequest|sendAbort)\b/;
/** A picture that Plex takes long to give is drawn instead. */
const PICTURE = /\/poster(?:\?|$)/;

/** What a page complains about from now on: errors of its scripts and of the console, among them breaches of the security policy. */
export function listenTo(page: Page, kinds: readonly string[] = ['error']): string[] {
  const heard: string[] = [];
  page.on('console', (message) => {
    if (!kinds.includes(message.type()) || GIVEN_UP.test(message.text())) return;
    if (!PICTURE.test(message.location().url)) heard.push(message.text());
  });
  page.on('pageerror', (error) => heard.push(error.message));
  return heard;
}

/** Signs in as a person does. */
export async function signIn(page: Page, url: string, password = PASSWORD): Promise<void> {
  await page.goto(`${url}/sign-in`);
  await page.fill('input[name="password"]', password);
  await page.click('button[type="submit"]');
  await page.waitForURL((to) => !to.pathname.endsWith('/sign-in'));
}

/** A signed-in window over the preview, and what its browser complained about. */
export interface Visit {
  web: WebTest;
  browser: RealBrowser;
  page: Page;
  /** Errors of the console and of scripts since somebody last took them; a breach of the security policy is one. */
  heard: string[];
  close(): Promise<void>;
}

/** Starts the preview and a browser, and signs in on a wide screen. */
export async function visitPreview(): Promise<Visit> {
  const [web, browser] = await Promise.all([startPreview(), startBrowser()]);
  const context = await browser.open({ viewport: { width: 1440, height: 900 } });
  const page = await context.newPage();
  const heard = listenTo(page);
  await signIn(page, web.url);
  return {
    web,
    browser,
    page,
    heard,
    async close() {
      await browser.close();
      await web.stop();
    },
  };
}

/** Rules of axe for what changes with the width of a page, and with its theme: all others were asked when it was first looked at. */
export const WITH_WIDTH = ['target-size', 'scrollable-region-focusable'];
export const WITH_THEME = ['color-contrast'];

/** Advice beyond WCAG whose breach is as bad: a panel without a name, an order of the keyboard made by hand. */
const BESIDE_WCAG = ['accesskeys', 'aria-dialog-name', 'label-title-only', 'tabindex'];

/** What axe finds serious or critical on a page, of WCAG 2.2 AA and some advice, or of these rules alone. */
export async function seriousIn(page: Page, only: readonly string[] = []): Promise<string[]> {
  const runOnly: Parameters<AxeBuilder['options']>[0]['runOnly'] =
    only.length > 0 ? { type: 'rule', values: [...only] } : ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'];
  const rules = only.length > 0 ? {} : Object.fromEntries(BESIDE_WCAG.map((id) => [id, { enabled: true }]));
  // Without frames there is nothing to merge in a window of its own, which is most of the time axe takes.
  const axe = new AxeBuilder({ page }).setLegacyMode(true).options({ resultTypes: ['violations'], runOnly, rules });
  const { violations } = await axe.analyze();
  return violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .flatMap(({ id, nodes }) =>
      nodes.map(({ html, failureSummary }) => `${id}: ${html.slice(0, 200)}\n${failureSummary ?? ''}`),
    );
}

/** By how many pixels a page can be scrolled sideways. */
export const sidewaysIn = (page: Page): Promise<number> =>
  page.evaluate('document.documentElement.scrollWidth - document.documentElement.clientWidth');
