import { expect } from 'chai';
import express from 'express';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { z } from 'zod';
import { action } from '../../src/actions/action.js';
import type { Doors } from '../../src/web/doors.js';
import { mount } from '../../src/web/mount.js';
import { routes } from '../../src/web/routes.js';
import { raw } from '../support/raw-http.js';
import { API_KEY, Browser, mountedRoutes, startWeb, type WebTest } from '../support/web.js';

/** What the world may ask without proving anything. Add here only on purpose. */
const PUBLIC = [
  'GET /healthz', 'GET /ping', 'GET /readyz', 'GET /setup/token', 'GET /sign-in', 'POST /hooks/plex/:secret', 'POST /setup/token',
  'POST /sign-in', 'POST /sign-out',
]; // prettier-ignore

/** Answered before the app, so it is none of its routes. */
const WEBHOOK = 'POST /hooks/plex/:secret';

describe('the doors', () => {
  let web: WebTest;
  let mounted: string[];
  before(async () => {
    web = await startWeb();
    mounted = await mountedRoutes(web);
  });
  after(() => web.stop());

  it('mounts what the route table says and nothing else', () => {
    const expected = new Set(['GET /healthz', 'GET /ping', 'GET /readyz', 'GET /api/openapi.json', 'GET /docs']);
    for (const { method, page, api } of routes) {
      for (const path of [page, api]) if (path !== null) expected.add(`${method.toUpperCase()} ${path}`);
    }
    expect([...new Set(mounted)].sort()).to.deep.equal([...expected].sort());
  });

  it('leads every row to its own action', async () => {
    let reached: unknown;
    const nothing = z.object({});
    const spied = routes.map((route) => ({
      ...route,
      sends: undefined as never,
      needsSetup: undefined as never,
      isKept: undefined as never,
      access: 'public' as const,
      action: action({ summary: '', input: nothing, output: nothing }, () => {
        reached = route;
        return {};
      }),
    }));
    const limitSignIn: express.RequestHandler = (_req, _res, next) => {
      next();
    };
    const guard = {
      limitSignIn,
      allow: () => undefined,
      checkSource: () => undefined,
      become: () => Promise.resolve(),
    };
    const doors = { ctx: web.context, guard, routes: spied, onSession: () => undefined } as unknown as Doors;
    const app = express();
    mount(app, doors);
    // What comes after the action has nothing to draw with here.
    const end: express.ErrorRequestHandler = (_error, _req, res, next) => {
      if (res.headersSent) next();
      else res.status(500).end();
    };
    app.use(end);
    const server = app.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    try {
      for (const route of routes) {
        for (const path of [route.api, route.page]) {
          if (path === null) continue;
          reached = null;
          await raw(`http://127.0.0.1:${port}${path.replace(':tab', 'safety').replace(/:\w+/g, 'an-id-1')}`, {
            method: route.method.toUpperCase(),
          });
          const { method, page, api } = (reached ?? {}) as Partial<(typeof routes)[number]>;
          expect({ method, page, api }, `${route.method} ${path}`).to.deep.equal({
            method: route.method,
            page: route.page,
            api: route.api,
          });
        }
      }
    } finally {
      server.close();
    }
  });

  it('opens to strangers exactly the public list', async () => {
    const open: string[] = [];
    for (const door of new Set([...mounted, WEBHOOK])) {
      const [method = '', path = ''] = door.split(' ');
      const url = web.url + path.replace(/:\w+/g, 'x');
      const { status, headers } = await raw(url, { method, headers: { Accept: 'text/html', Origin: web.url } });
      const isTurnedAway = status === 401 || (status === 303 && (headers.location ?? '').includes('/sign-in'));
      if (!isTurnedAway) open.push(door);
    }
    expect(open.sort()).to.deep.equal(PUBLIC);
    expect(web.asked).to.deep.equal([]);
  });

  it('says 401 as JSON below /api', async () => {
    for (const { method, api } of routes) {
      if (api === null) continue;
      const { status, text } = await raw(web.url + api.replace(/:\w+/g, 'x'), { method: method.toUpperCase() });
      expect(status, `${method} ${api}`).to.equal(401);
      expect(JSON.parse(text)).to.have.nested.property('error.code', 'unauthorized');
    }
  });

  it('names every page only once and gives every view a file', () => {
    const doors = routes.flatMap(({ method, page, api }) =>
      [page, api].filter(Boolean).map((path) => `${method} ${path ?? ''}`),
    );
    expect(new Set(doors).size).to.equal(doors.length);
  });

  it('changes nothing on GET', async () => {
    const browser = new Browser(web.url);
    await browser.signIn();
    const { store } = web.context;
    const state = (): string =>
      JSON.stringify([
        store.settings.value, [...store.jobs.values()], [...store.recommendations.values()], [...store.rules.values()],
        [...store.quarantine.values()], [...store.library.values()], store.webhookCounts.value, web.context.access.webhookSecret,
      ]); // prettier-ignore
    const before = state();
    for (let round = 0; round < 2; round++) {
      for (const door of new Set(mounted)) {
        const [method, path = ''] = door.split(' ');
        if (method === 'GET') await browser.get(path.replace(/:\w+/g, 'safety'), { Accept: 'text/html' });
      }
    }
    expect(state()).to.equal(before);
    expect(web.asked.filter((what) => what !== 'identity')).to.deep.equal([]);
  });

  it('draws every page for the owner, whole and as a fragment', async () => {
    const browser = new Browser(web.url);
    await browser.signIn();
    for (const { method, page, view } of routes) {
      if (method !== 'get' || page === null || view === null || page.includes(':id') || page === '/setup/token')
        continue;
      const path = page.replace(':tab', 'safety');
      const whole = await browser.get(path, { Accept: 'text/html' });
      if (whole.response.status === 303) continue;
      expect(whole.response.status, path).to.equal(200);
      expect(whole.text, path).to.contain('<html').and.contain('</html>');
      const part = await browser.get(path, { 'HX-Request': 'true' });
      expect(part.response.status, path).to.equal(200);
      expect(part.text, path).not.to.contain('<html');
      expect(part.response.headers.get('vary'), path).to.match(/HX-Request/i);
    }
  });

  it('never lets a secret out', async () => {
    const { store, access } = web.context;
    await store.secrets.set('plexToken', 'PLEX-TOKEN-CANARY');
    const secrets = [
      'PLEX-TOKEN-CANARY',
      access.sessionSecret,
      store.secrets.find('adminPasswordHash') ?? 'no-hash',
      API_KEY,
    ];
    for (const door of new Set(mounted)) {
      const [method = '', path = ''] = door.split(' ');
      if (method !== 'GET') continue;
      for (const accept of ['text/html', 'application/json']) {
        const { text } = await raw(web.url + path.replace(/:\w+/g, 'plex'), {
          headers: { 'X-Api-Key': API_KEY, Accept: accept },
        });
        for (const secret of secrets) expect(text, door).not.to.contain(secret);
        // The webhook's address is a secret too; only a signed-in person sees it.
        expect(text, door).not.to.contain(access.webhookSecret);
      }
    }
    expect(web.logged.join('\n')).not.to.contain('PLEX-TOKEN-CANARY').and.not.to.contain(API_KEY);
  });
});
