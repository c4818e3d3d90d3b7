import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium, type BrowserContext, type BrowserContextOptions, type Page } from 'playwright-core';
import { PASSWORD } from './web.js';

const CHROMIUM = '/usr/bin/chromium';
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
    open: (options) => {
      if (!browser) throw new Error('Chromium did not start');
      // Nothing breathes or glides: fewer frames to paint, and nothing to wait for.
      return browser.newContext({ reducedMotion: 'reduce', ...options });
    },
    async close() {
      await first.close();
      await rm(dir, { recursive: true, force: true });
    },
  };
}

/** Signs in as a person does. */
export async function signIn(page: Page, url: string, password = PASSWORD): Promise<void> {
  await page.goto(`${url}/sign-in`);
  await page.fill('input[name="password"]', password);
  await page.click('button[type="submit"]');
  await page.waitForURL((to) => !to.pathname.endsWith('/sign-in'));
}
