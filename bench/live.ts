import { once } from 'node:events';
import type { Page } from 'playwright-core';
import { WebSocket } from 'ws';
import { signIn, startBrowser } from '../tests/support/browser.js';
import { Clips } from '../tests/support/clips.js';
import { Stage } from '../tests/support/stage.js';
import { figure, median, timed, type Figure } from './figure.js';

const ROUNDS = 12;
const OLD = ['-f', 'lavfi', '-i', 'testsrc2=s=320x180:r=25:d=1', '-c:v', 'mpeg4', '-q:v', '2'];
/** New Year's night. */
const NEVER = '0 0 1 1 *';

/** A title changed in Plex until it is on an open page of the library, over Plex's notification socket alone. */
export async function benchLive(): Promise<Figure[]> {
  const clips = await Clips.open();
  const stage = await Stage.set({ webhook: false });
  const browser = await startBrowser();
  try {
    await stage.add('Films/Round (2000)/Round (2000).mkv', await clips.make('round.mkv', OLD));
    await stage.plex.scan();
    await stage.startApp();
    await stage.api('PUT', '/api/settings', { plex: { syncCron: NEVER, fullSyncCron: NEVER } });
    await stage.until('it is connected', () => stage.app?.context.notifications.status().caughtUpAt !== null);
    const page = await (await browser.open({ viewport: { width: 1440, height: 900 } })).newPage();
    await signIn(page, stage.url, stage.env['MEDIAFLOW_ADMIN_PASSWORD']);
    await page.goto(`${stage.url}/library`);
    await page.waitForSelector('text=Round');
    const key = stage.plex.items()[0]?.ratingKey ?? '';
    const [each, bare]: [number[], number[]] = [[], []];
    for (let round = 0; round < ROUNDS; round++) {
      each.push(await timed(() => changed(stage, page, key, `Round the ${round}th`)));
      bare.push(await timed(() => heard(stage, key, `Bare the ${round}th`)));
      await page.waitForSelector(`text=Bare the ${round}th`);
    }
    const value = Math.max(...each);
    return [
      figure({
        id: 'live-page',
        what: `a title changed in Plex until it is on the open page (longest of ${ROUNDS}; median ${median(each).toFixed(0)} ms)`,
        value,
        unit: 'ms',
        yardstick: 'a bare WebSocket that hears of it and reads the title',
        yardstickValue: median(bare),
        goal: '<= 3000 ms',
        holds: value <= 3000,
      }),
    ];
  } finally {
    await browser.close();
    await stage.strike();
    await clips.close();
  }
}

async function changed({ plex }: Stage, page: Page, key: string, title: string): Promise<void> {
  plex.touch(key, { title });
  await page.waitForSelector(`text=${title}`);
}

async function heard({ plex }: Stage, key: string, title: string): Promise<void> {
  const headers = { 'X-Plex-Token': plex.token, Accept: 'application/json' };
  const socket = new WebSocket(`${plex.url.replace('http', 'ws')}/:/websockets/notifications`, { headers });
  await once(socket, 'open');
  const news = once(socket, 'message');
  plex.touch(key, { title });
  await news;
  await (await fetch(`${plex.url}/library/metadata/${key}`, { headers })).text();
  socket.close();
}
