import { expect } from 'chai';
import { routes } from '../../src/web/routes.js';
import { raw } from '../support/raw-http.js';
import { API_KEY, startWeb, type WebTest } from '../support/web.js';

interface Parameter {
  name: string;
  in: string;
  required: boolean;
  schema: object;
}
interface Operation {
  operationId: string;
  summary: string;
  parameters: Parameter[];
  responses: Record<string, { description: string; content?: Record<string, { schema: object }> }>;
  security?: object[];
}
interface Document {
  openapi: string;
  info: { title: string; version: string };
  paths: Record<string, Record<string, Operation>>;
  components: { schemas: Record<string, object>; securitySchemes: Record<string, object> };
}

describe('the OpenAPI document', () => {
  let web: WebTest;
  let document: Document;
  before(async () => {
    web = await startWeb();
    const { text } = await raw(`${web.url}/api/openapi.json`, { headers: { 'X-Api-Key': API_KEY } });
    document = JSON.parse(text) as Document;
  });
  after(() => web.stop());

  it('is closed to strangers', async () => {
    expect((await raw(`${web.url}/api/openapi.json`)).status).to.equal(401);
  });

  it('describes every API route, once, with an answer and an id of its own', () => {
    expect(document.openapi).to.match(/^3\.1\./);
    expect(document.info).to.include({ title: 'MediaFlow', version: '1.2.3' });
    const described = Object.entries(document.paths).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => `${method} ${path}`),
    );
    const mounted = routes.flatMap(({ api, method }) =>
      api === null ? [] : [`${method} ${api.replace(/:(\w+)/g, '{$1}')}`],
    );
    expect(described.sort()).to.deep.equal(mounted.sort());
    const operations = Object.values(document.paths).flatMap((methods) => Object.values(methods));
    const ids = operations.map(({ operationId }) => operationId);
    expect(new Set(ids).size).to.equal(ids.length);
    for (const { summary, responses, operationId } of operations) {
      expect(summary, operationId).to.match(/\S{3}/);
      expect(Object.values(responses['200']?.content ?? {})[0]?.schema, operationId).to.be.an('object');
      expect(responses['default']?.content, operationId).to.have.property('application/json');
    }
  });

  it('states every status with which wrong requests are refused', async () => {
    const seen = new Map<string, number>();
    for (const { api, method } of routes) {
      if (api === null) continue;
      const url = `${web.url}${api.replace(/:(\w+)/g, 'nothing-has-this-id')}`;
      const operation = document.paths[api.replace(/:(\w+)/g, '{$1}')]?.[method];
      const ask = async (headers: Record<string, string>, body?: string): Promise<void> => {
        const sent = body === undefined ? headers : { ...headers, 'Content-Length': String(Buffer.byteLength(body)) };
        const options = { method: method.toUpperCase(), headers: sent, ...(body === undefined ? {} : { body }) };
        const { status } = await raw(url, options);
        if (status >= 400)
          expect(Object.keys(operation?.responses ?? {}), `${method} ${api} ${status}`).to.include(String(status));
        seen.set(`${status}`, (seen.get(`${status}`) ?? 0) + 1);
      };
      await ask({});
      if (method === 'get') continue;
      const json = { 'X-Api-Key': API_KEY, 'Content-Type': 'application/json' };
      await ask(json, 'no JSON');
      await ask(json, '{"id":{},"name":7,"expected":"many","itemIds":{},"slots":-1}');
    }
    expect([...seen.keys()]).to.include.members(['401', '403', '404', '422']);
  });

  it('declares every path parameter, and no reference leads nowhere', () => {
    for (const [path, methods] of Object.entries(document.paths)) {
      const inPath = Array.from(path.matchAll(/\{(\w+)\}/g), ([, name]) => name);
      for (const operation of Object.values(methods)) {
        const declared = operation.parameters.filter((one) => one.in === 'path');
        expect(
          declared.map(({ name }) => name),
          path,
        ).to.have.members(inPath);
        expect(
          declared.every(({ required }) => required),
          path,
        ).to.equal(true);
      }
    }
    const text = JSON.stringify(document);
    for (const [, pointer = ''] of text.matchAll(/"\$ref":"#([^"]+)"/g)) {
      let at: unknown = document;
      for (const step of pointer.split('/').slice(1)) {
        at = (at as Record<string, unknown> | undefined)?.[
          decodeURIComponent(step).replaceAll('~1', '/').replaceAll('~0', '~')
        ];
      }
      expect(at, pointer).to.be.an('object');
    }
  });

  it('says which doors take a key', () => {
    expect(document.components.securitySchemes)
      .to.have.property('apiKey')
      .that.includes({ in: 'header', name: 'X-Api-Key' });
    expect(document.paths['/api/access/api-key']?.['post']?.security).to.deep.equal([{ session: [] }]);
  });

  it('is listed for people on /docs', async () => {
    const { status, text } = await raw(`${web.url}/docs`, { headers: { 'X-Api-Key': API_KEY } });
    expect(status).to.equal(200);
    const said = text.replaceAll(/<\/?(?:span|wbr)>/g, '');
    expect(said).to.contain('/api/transcode/jobs/{id}/cancel').and.contain('/api/openapi.json');
  });
});
