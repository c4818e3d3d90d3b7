// The library's first page over a library of so many titles, as the server sends it to a browser.
import { once } from 'node:events';
import { get, type IncomingMessage } from 'node:http';
import type { LibraryItem } from '../src/domain/library/library.js';
import { Browser, startWeb } from '../tests/support/web.js';
import { answer } from './child.js';
import { manyItems } from './items.js';

const [count = '0'] = process.argv.slice(2);
const TAGS = 40;
const AT_ONCE = 2000;

const web = await startWeb({
  prepare: async ({ store }) => {
    const items = manyItems(Number(count)).map(asPeopleHaveIt);
    for (let start = 0; start < items.length; start += AT_ONCE)
      await store.library.putMany(items.slice(start, start + AT_ONCE));
    const createdAt = new Date(0).toISOString();
    await store.tags.putMany(
      Array.from({ length: TAGS }, (_, n) => ({
        id: `tag-${n}`,
        name: `A tag of mine, number ${n}`,
        color: 'blue' as const,
        category: '',
        createdAt,
      })),
    );
    return {};
  },
});
const browser = new Browser(web.url);
await browser.signIn();
const sizes = { plain: await sizeAs('identity'), gzip: await sizeAs('gzip'), br: await sizeAs('br') };
await web.stop();
answer(sizes);

/** Every other title is an episode, as in most libraries; its row's menu is the longer one. */
function asPeopleHaveIt(item: LibraryItem, n: number): LibraryItem {
  if (n % 2 === 0) return item;
  const place = { season: 1 + (n % 9), episode: 1 + (n % 24) };
  return { ...item, type: 'episode', show: `The series of number ${n % 997}`, tags: [`tag-${n % TAGS}`], ...place };
}

/** Bytes on the wire. Throws when the page is refused or comes in another encoding. */
async function sizeAs(encoding: string): Promise<number> {
  const asked = get(`${web.url}/library`, { headers: { Cookie: browser.cookie, 'Accept-Encoding': encoding } });
  const [response] = (await once(asked, 'response')) as [IncomingMessage];
  const came = response.headers['content-encoding'] ?? 'identity';
  if (response.statusCode !== 200 || came !== encoding) throw new Error(`${String(response.statusCode)} as ${came}`);
  let bytes = 0;
  for await (const piece of response as AsyncIterable<Buffer>) bytes += piece.length;
  return bytes;
}
