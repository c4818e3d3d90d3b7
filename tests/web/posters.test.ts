import { expect } from 'chai';
import { load } from 'cheerio';
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { THUMB } from '../../src/demo/plex/artwork.js';
import { PlexServer } from '../../src/plex/server.js';
import { anItem } from '../support/builders.js';
import { raw } from '../support/raw-http.js';
import { API_KEY, Browser, startWeb, type WebTest } from '../support/web.js';

const KEY = { 'X-Api-Key': API_KEY };
const SERVER_ID = '0123456789abcdef0123456789abcdef01234567';

describe('posters over HTTP', () => {
  let web: WebTest;
  let plex: Server;
  let seen: string[];
  let answer: (res: ServerResponse) => void;
  const good = (res: ServerResponse): void => {
    res.writeHead(200, { 'Content-Type': 'image/jpeg' }).end(THUMB);
  };

  beforeEach(async () => {
    seen = [];
    answer = good;
    plex = createServer((req, res) => {
      if (req.url === '/identity') {
        res.setHeader('Content-Type', 'application/json');
        res.end(JSON.stringify({ MediaContainer: { machineIdentifier: SERVER_ID } }));
        return;
      }
      seen.push(req.url ?? '');
      answer(res);
    });
    await new Promise<void>((resolve) => plex.listen(0, '127.0.0.1', resolve));
    const url = `http://127.0.0.1:${(plex.address() as AddressInfo).port}`;
    const server = new PlexServer({ url, token: 'T0KEN-CANARY', clientId: 'c', version: '1', timeoutMs: 200 });
    web = await startWeb({
      prepare: async ({ store }) => {
        await store.library.putMany([
          anItem({ id: '01234567-1', thumb: '/library/metadata/1/thumb/10' }),
          anItem({ id: '01234567-2', thumb: null }),
          anItem({ id: '01234567-3', thumb: '/library/metadata/3/thumb/10' }),
          anItem({ id: '01234567-4', thumb: '/library/metadata/3/thumb/10' }),
          anItem({ id: '01234567-5', thumb: 'http://127.0.0.1/evil' }),
        ]);
        return {
          server: () => server,
          analyzer: { decide: () => Promise.resolve([]) } as never,
        };
      },
    });
  });
  afterEach(async () => {
    await web.stop();
    plex.closeAllConnections();
    await new Promise((resolve) => plex.close(resolve));
  });
  const ask = (path: string, headers: Record<string, string> = KEY) => raw(web.url + path, { headers });

  it('answers the picture to the owner, by session and by key', async () => {
    const { status, headers, text } = await ask('/library/01234567-1/poster?size=large');
    expect(status).to.equal(200);
    expect(headers).to.include({
      'content-type': 'image/jpeg',
      'content-length': String(THUMB.length),
      'cache-control': 'private, max-age=3600',
      'x-content-type-options': 'nosniff',
    });
    expect(headers.etag).to.match(/^"[0-9a-f]{32}"$/);
    expect(JSON.stringify(headers) + text).not.to.contain('CANARY');
    const browser = new Browser(web.url);
    await browser.signIn();
    expect((await browser.get('/library/01234567-1/poster')).response.status).to.equal(200);
    expect(seen.map((url) => new URL(url, 'http://plex').searchParams.get('width'))).to.deep.equal(['600', '240']);
  });

  it('answers nobody else', async () => {
    const { status, text } = await ask('/library/01234567-1/poster', {});
    expect(status).to.equal(401);
    expect(text).not.to.contain('<html');
    expect(seen).to.deep.equal([]);
  });

  it('answers 304 to who has it, and to HEAD without the picture', async () => {
    const { headers } = await ask('/library/01234567-1/poster');
    const again = await ask('/library/01234567-1/poster', { ...KEY, 'If-None-Match': String(headers.etag) });
    expect(again.status).to.equal(304);
    expect(again.text).to.equal('');
    const head = await raw(`${web.url}/library/01234567-1/poster`, { method: 'HEAD', headers: KEY });
    expect(head.headers.etag).to.equal(headers.etag);
    expect(seen).to.have.length(1);
  });

  it('asks Plex once for many who look at once, and once for episodes of one show', async () => {
    const all = await Promise.all(
      Array.from({ length: 30 }, (_, at) => ask(`/library/01234567-${3 + (at % 2)}/poster?size=small`)),
    );
    expect(new Set(all.map(({ status }) => status))).to.deep.equal(new Set([200]));
    expect(seen).to.have.length(1);
  });

  it('reads a new one when Plex has a new one', async () => {
    await ask('/library/01234567-1/poster');
    await web.context.store.library.patch('01234567-1', { thumb: '/library/metadata/1/thumb/11' });
    await ask('/library/01234567-1/poster');
    expect(seen.map((url) => new URL(url, 'http://plex').searchParams.get('url'))).to.deep.equal([
      '/library/metadata/1/thumb/10',
      '/library/metadata/1/thumb/11',
    ]);
  });

  it('takes an item id and a size, nothing else', async () => {
    const statuses: Record<string, number> = {
      '/library/01234567-2/poster': 404,
      '/library/01234567-5/poster': 404,
      '/library/no-such-item/poster': 404,
      '/library/..%2f..%2fsecret.key/poster': 404,
      '/library/%2e%2e/poster': 404,
      '/library/%00/poster': 404,
      '/library/http%3A%2F%2F127.0.0.1%2Fx/poster': 404,
      '/library/__proto__/poster': 404,
      '/library/01234567-1/poster?size=huge': 422,
      '/library/01234567-1/poster?size=../../x': 422,
      '/library/01234567-1/poster?size=small&size=large': 422,
    };
    for (const [path, status] of Object.entries(statuses)) expect((await ask(path)).status, path).to.equal(status);
    expect(seen).to.deep.equal([]);
    await ask('/library/01234567-1/poster?url=http://127.0.0.1/x&thumb=/etc/passwd&path=/x');
    expect(seen).to.have.length(1);
    expect(seen[0]).to.contain(encodeURIComponent('/library/metadata/1/thumb/10')).and.not.to.contain('passwd');
  });

  it('says in a word what is wrong with Plex, and lets nothing of its answer through', async () => {
    const troubles: [string, number, (res: ServerResponse) => void][] = [
      ['HTML', 502, (res) => res.writeHead(200, { 'Content-Type': 'text/html' }).end('<html>CANARY')],
      ['HTML that says it is a picture', 502, (res) => res.writeHead(200, { 'Content-Type': 'image/png' }).end('<html>CANARY')],
      ['404', 404, (res) => res.writeHead(404).end('CANARY')],
      ['500', 503, (res) => res.writeHead(500).end('CANARY')],
      ['a redirect', 502, (res) => res.writeHead(302, { Location: 'http://127.0.0.1/CANARY' }).end()],
      ['silence', 504, () => undefined],
    ]; // prettier-ignore
    for (const [at, [name, status, how]] of troubles.entries()) {
      await web.context.store.library.patch('01234567-1', { thumb: `/library/metadata/1/thumb/${100 + at}` });
      answer = how;
      const said = await ask('/library/01234567-1/poster');
      expect(said.status, name).to.equal(status);
      expect(said.headers['content-type'], name).to.contain('text/plain');
      expect(said.headers['cache-control'], name).to.equal('no-store');
      expect(said.text, name).not.to.contain('CANARY').and.not.to.contain('<');
    }
    expect(web.logged.join('')).not.to.contain('CANARY');
  });

  it('is drawn over the painted poster on the page of an item, which stands alone when there is none', async () => {
    const browser = new Browser(web.url);
    await browser.signIn();
    const posterOf = async (id: string) => load((await browser.get(`/library/${id}`)).text)('.item-head .poster');
    const photo = await posterOf('01234567-1');
    expect(photo.find('svg rect').length).to.equal(1);
    expect(photo.find('img').attr()).to.include({
      src: '/library/01234567-1/poster?size=small',
      alt: '',
      loading: 'lazy',
    });
    expect((await posterOf('01234567-2')).is('svg')).to.equal(true);
  });
});
