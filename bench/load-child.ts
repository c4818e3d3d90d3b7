// Two hundred browsers that read page after page of the program at an address, in a process of their own; and two that
// ask for a health check and for a file meanwhile.
import { Agent, get, type IncomingMessage } from 'node:http';
import { once } from 'node:events';
import { answer } from './child.js';

const [url = '', sessions = '[]', file = '', clients = '0', seconds = '0'] = process.argv.slice(2);
const cookies = JSON.parse(sessions) as string[];

/** What people look at, the more often the more they do. */
const PAGES = [
  ...['/', '/', '/library', '/library', '/library?codec=h264&resolution=1080', '/library?q=number%2077&facets=true'],
  ...['/library?page=7&sort=-addedAt', '/library/01234567-500', '/library/01234567-777', '/recommendations'],
  ...['/recommendations', '/recommendations?group=none', '/recommendations?group=none&page=3&sort=saving'],
  ...['/queue', '/queue', '/quarantine', '/analytics', '/rules', '/settings/safety', '/health', '/workers', '/shell'],
];
/** Nobody reads a page in less time than nothing. */
const MOST_THINK_MS = 500;

const pages: number[] = [];
const pings: number[] = [];
const files: number[] = [];
const wrong = new Map<string, number>();
const endsAt = performance.now() + Number(seconds) * 1000;
let seed = 1;
const random = (): number => (seed = (seed * 16_807) % 2_147_483_647) / 2_147_483_647;
const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

await Promise.all([
  ...Array.from({ length: Number(clients) }, (_, at) => readOn(cookies[at % cookies.length] ?? '')),
  askOn('/ping', pings),
  askOn(file, files),
]);
answer({ pages, pings, files, wrong: [...wrong] });

/** One browser: a page, a look at it, the next page. */
async function readOn(cookie: string): Promise<void> {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  await pause(random() * MOST_THINK_MS);
  while (performance.now() < endsAt) {
    const page = PAGES[Math.floor(random() * PAGES.length)] ?? '/';
    await ask(page, pages, agent, cookie);
    await pause(random() * MOST_THINK_MS);
  }
  agent.destroy();
}

async function askOn(path: string, times: number[]): Promise<void> {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  while (performance.now() < endsAt) {
    await ask(path, times, agent);
    await pause(50);
  }
  agent.destroy();
}

async function ask(path: string, times: number[], agent: Agent, cookie = ''): Promise<void> {
  const start = performance.now();
  const headers = { 'Accept-Encoding': 'gzip', ...(cookie === '' ? {} : { Cookie: cookie }) };
  const [response] = (await once(get(url + path, { agent, headers }), 'response')) as [IncomingMessage];
  response.resume();
  await once(response, 'end');
  times.push(performance.now() - start);
  if (response.statusCode === 200) return;
  const what = `${path} ${String(response.statusCode)}`;
  wrong.set(what, (wrong.get(what) ?? 0) + 1);
}
