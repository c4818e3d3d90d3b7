import { z } from 'zod';
import { action } from '../actions/action.js';
import { sayLimits } from './bounds.js';
import { headingOf } from './errors.js';
import type { Route } from './route.js';

const ErrorBody = z.object({
  error: z.object({ code: z.string(), message: z.string(), fields: z.record(z.string(), z.string()) }),
});

type Json = Record<string, unknown>;

/** Parts that a schema refers to (those that hold themselves, such as "any JSON"), by name; in one document they are written once. */
class Shared {
  readonly #names = new Map<string, string>();
  readonly schemas: Record<string, Json> = {};

  schemaOf(schema: z.ZodType, io: 'input' | 'output'): Json {
    const { $defs = {}, ...json } = z.toJSONSchema(schema, {
      io,
      unrepresentable: 'any',
      ...(io === 'input' ? { override: sayLimits } : {}),
    }) as Json & { $defs?: Json };
    const names = Object.entries($defs).map(([local, part]) => [local, this.#nameOf(JSON.stringify(part))] as const);
    const refer = (part: unknown): Json =>
      names.reduce<Json>(
        (text, [local, name]) =>
          JSON.parse(JSON.stringify(text).replaceAll(`"#/$defs/${local}"`, `"#/components/schemas/${name}"`)) as Json,
        part as Json,
      );
    for (const [local, name] of names) this.schemas[name] = refer($defs[local]);
    const whole = refer(json);
    return Object.fromEntries(Object.entries(whole).filter(([name]) => name !== '$schema'));
  }

  #nameOf(content: string): string {
    const name = this.#names.get(content) ?? `Part${this.#names.size + 1}`;
    this.#names.set(content, name);
    return name;
  }
}

const REFUSED = { 'application/json': { schema: { $ref: '#/components/schemas/Error' } } };

/**
 * With which statuses a request may be refused, as far as its contract tells; what else an action throws is the default. Of
 * Plex and of workers any action may need an answer, and any may find MediaFlow starting or stopping.
 */
function refusalsOf(
  { method, access }: Pick<Route, 'method' | 'access'>,
  { hasInput, hasId }: { hasInput: boolean; hasId: boolean },
): number[] {
  const changes = method !== 'get';
  return [
    // A wrong key or password; too many of them.
    ...(access === 'public' ? [] : [401, 429]),
    // Another site, or a key that may not do it.
    ...(changes || access === 'person' ? [403] : []),
    ...(hasId ? [404] : []),
    // Not possible in its present state; a body that is too large.
    ...(changes ? [409, 413] : []),
    ...(changes || hasInput || hasId ? [422] : []),
    ...[500, 502, 503],
  ].sort((a, b) => a - b);
}

/** `/api/library/items/:id` -> `/api/library/items/{id}` */
const toTemplate = (path: string): string => path.replace(/:(\w+)/g, '{$1}');

function operationOf({ action, method, access }: Route, path: string, shared: Shared): Json {
  const input = shared.schemaOf(action.input, 'input');
  const properties = (input['properties'] ?? {}) as Record<string, Json>;
  const required = (input['required'] ?? []) as string[];
  const inPath = Array.from(path.matchAll(/:(\w+)/g), ([, name = '']) => name);
  // The door fills in where the caller reached us.
  const others = Object.entries(properties).filter(([name]) => !inPath.includes(name) && name !== 'origin');
  const parameters = [
    ...inPath.map((name) => ({ name, in: 'path', required: true, schema: properties[name] ?? { type: 'string' } })),
    ...(method === 'get'
      ? others.map(([name, schema]) => ({ name, in: 'query', required: required.includes(name), schema }))
      : []),
  ];
  const body = {
    type: 'object',
    properties: Object.fromEntries(others),
    required: required.filter((name) => !inPath.includes(name)),
  };
  const output = shared.schemaOf(action.output, 'output');
  const answer = output['type'] === 'string' ? 'text/plain' : 'application/json';
  return {
    summary: action.summary,
    operationId:
      method +
      path
        .split(/\W+/)
        .map((word) => word.charAt(0).toUpperCase() + word.slice(1))
        .join(''),
    tags: [path.split('/')[2] ?? 'api'],
    parameters,
    ...(method === 'get' || others.length === 0
      ? {}
      : { requestBody: { content: { 'application/json': { schema: body } } } }),
    responses: {
      200: { description: 'Done', content: { [answer]: { schema: output } } },
      ...Object.fromEntries(
        refusalsOf({ method, access }, { hasInput: others.length > 0, hasId: inPath.length > 0 }).map((status) => [
          status,
          { description: headingOf(status), content: REFUSED },
        ]),
      ),
      default: { description: 'Refused', content: REFUSED },
    },
    ...(access === 'public' ? { security: [] } : access === 'person' ? { security: [{ session: [] }] } : {}),
  };
}

/** The OpenAPI 3.1 document of every row that has an API path. */
export function openApi(routes: readonly Route[], version: string, urlBase: string): Json {
  const paths: Record<string, Json> = {};
  const shared = new Shared();
  for (const route of routes) {
    if (route.api === null) continue;
    const template = toTemplate(route.api);
    paths[template] = { ...paths[template], [route.method]: operationOf(route, route.api, shared) };
  }
  return {
    openapi: '3.1.0',
    info: { title: 'MediaFlow', version },
    servers: [{ url: urlBase || '/' }],
    security: [{ apiKey: [] }, { session: [] }],
    paths,
    components: {
      schemas: { Error: shared.schemaOf(ErrorBody, 'output'), ...shared.schemas },
      securitySchemes: {
        apiKey: { type: 'apiKey', in: 'header', name: 'X-Api-Key' },
        session: { type: 'apiKey', in: 'cookie', name: 'mediaflow.sid' },
      },
    },
  };
}

const ApiLine = z.object({ method: z.string(), path: z.string(), summary: z.string(), input: z.string() });

const apiLines = (routes: readonly Route[]): z.infer<typeof ApiLine>[] =>
  routes.flatMap(({ api, method, action }) => {
    if (api === null) return [];
    const { properties = {}, required = [] } = new Shared().schemaOf(action.input, 'input') as {
      properties?: Record<string, unknown>;
      required?: string[];
    };
    const names = Object.keys(properties)
      .filter((name) => name !== 'origin')
      .map((name) => (required.includes(name) ? name : `${name}?`));
    return [{ method: method.toUpperCase(), path: toTemplate(api), summary: action.summary, input: names.join(', ') }];
  });

/** The same for people, as a row like any other. */
export const docsPage = (routes: readonly Route[]): Route => ({
  method: 'get',
  page: '/docs',
  api: null,
  action: action(
    { summary: 'The page of the API', input: z.object({}), output: z.object({ lines: z.array(ApiLine) }) },
    () => ({ lines: apiLines(routes) }),
  ),
  view: 'settings/api-docs',
  access: 'owner',
});
