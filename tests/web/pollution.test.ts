import { expect } from 'chai';
import { routes } from '../../src/web/routes.js';
import { API_KEY, Browser, startWeb, type WebTest } from '../support/web.js';

const VALUE = 'polluted-by-a-request';
/** Names that lead out of an object into what all objects share, as JSON and as a form or query writes them. */
const BAD = `{"polluted":"${VALUE}"}`;
const inEach = (value: string): string =>
  `{${['plex', 'safety', 'options', 'mappings', 'fields', 'hours', 'query'].map((name) => `"${name}":${value}`).join()}}`;
const JSON_BODIES = [
  `{"__proto__":${BAD},"constructor":{"prototype":${BAD}}}`,
  `{"__proto__.polluted":"${VALUE}","constructor.prototype.polluted":"${VALUE}"}`,
  inEach(`{"__proto__":${BAD}}`),
  inEach(`{"constructor":{"prototype":${BAD}}}`),
  inEach(`[{"__proto__":${BAD}}]`),
];
const PAIRS = [
  '__proto__[polluted]', '__proto__.polluted', 'constructor[prototype][polluted]', 'constructor.prototype.polluted', 'options[__proto__][polluted]',
  'mappings[0][__proto__][polluted]', 'mappings[__proto__][polluted]', 'hours[constructor][prototype][polluted]', 'plex[__proto__][polluted]', '[__proto__][polluted]',
]; // prettier-ignore

describe('names that lead into what all objects share', () => {
  let web: WebTest;
  before(async () => {
    web = await startWeb();
  });
  after(() => web.stop());

  const shared = (): string[] =>
    [Object.prototype, Array.prototype, Function.prototype].flatMap((prototype) =>
      Object.getOwnPropertyNames(prototype),
    );

  it('change nothing through any door, as JSON, form or query', async () => {
    const before = shared();
    const browser = new Browser(web.url);
    await browser.signIn();
    const query = PAIRS.map((name) => `${encodeURIComponent(name)}=${VALUE}`).join('&');
    let doors = 0;
    for (const { method, page, api, session } of routes) {
      if (session !== undefined) continue;
      const [pagePath, apiPath] = [page, api].map((path) => path?.replace(/:\w+/g, '__proto__'));
      doors++;
      if (method === 'get') {
        await browser.get(`${apiPath ?? pagePath ?? ''}?${query}`, { 'HX-Request': 'true' });
        continue;
      }
      if (apiPath) {
        for (const body of method === 'delete' ? ['{}'] : JSON_BODIES) {
          const answer = await fetch(`${web.url}${apiPath}?${query}`, {
            method: method.toUpperCase(),
            headers: { 'X-Api-Key': API_KEY, 'Content-Type': 'application/json' },
            body,
          });
          await answer.arrayBuffer();
        }
      }
      if (pagePath)
        await browser.post(
          `${pagePath}?${query}`,
          PAIRS.map((name): [string, string] => [name, VALUE]),
        );
    }
    expect(doors).to.be.greaterThan(100);
    expect(shared()).to.deep.equal(before);
    expect(({} as { polluted?: unknown }).polluted).to.equal(undefined);
    expect(JSON.stringify(web.context.store.settings.value)).not.to.contain(VALUE);
  });
});
