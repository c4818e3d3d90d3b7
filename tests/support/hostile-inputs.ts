/** As much of a JSON schema as is needed to fill it in. */
export interface Schema {
  type?: string | string[];
  properties?: Record<string, Schema>;
  required?: string[];
  items?: Schema;
  anyOf?: Schema[];
  oneOf?: Schema[];
  enum?: unknown[];
  const?: unknown;
  default?: unknown;
  minimum?: number;
  exclusiveMinimum?: number;
  additionalProperties?: Schema | boolean;
  $ref?: string;
}

interface Operation {
  requestBody?: { content: { 'application/json': { schema: Schema } } };
  parameters: { name: string; in: string }[];
}

/** One text of one door, and a body around it that is otherwise as the schema asks. */
export interface InputField {
  method: string;
  path: string;
  field: string;
  requestWith: (value: string) => { path: string; body: object };
}

/** Always the same numbers for the same seed. */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

// prettier-ignore
const FIXED = [
  '', ' ', '\0', '\n', '\r\n\r\n', '\u2028', '\uD800', '\uFEFF', '\u202Efdp', '\x1b[31m', 'null', 'undefined', 'NaN', 'true', '-1', '0', '1e309', '9'.repeat(400),
  '__proto__', 'constructor', 'prototype', 'toString', 'hasOwnProperty', '{}', '[]', '{"__proto__":{"x":1}}', '[object Object]', '../../../../etc/passwd',
  '/proc/nothing/here', '..%2f..%2fetc%2fpasswd', '/ssh:nobody/x', '/ssh:../x', '\\\\host\\share', 'C:\\x', '~', '-rf', '--help', '$(id)', '`id`', ';id', '|id', '%00', '%n%s%x',
  "' OR 1=1 --", '"; DROP TABLE x', '<script>alert(1)</script>', '"><img src=x onerror=alert(1)>', '{{constructor.constructor("x")()}}', '{{{x}}}', '${7*7}', 'javascript:alert(1)',
  'file:///etc/passwd', 'http://127.0.0.1:1', 'http://169.254.169.254/', 'http://[fe80::1]/', 'http://u:p@127.0.0.1:1', 'http://127.0.0.1:99999', '//evil.example', '/.//evil.example',
  '0-9999999 * * * *', '0-99999999999 * * * *', '*/1 '.repeat(25), '* * * * * * * *', `${'1,'.repeat(5000)}1 * * * *`, '2026-13-45', '9999999999999-01-01', '24:61', '\u0660\u0661:00',
  'a'.repeat(5000), 'a'.repeat(100_000), `${'a'.repeat(50_000)}!`, 'a '.repeat(50_000), ' '.repeat(100_000), '\t'.repeat(50_000), ','.repeat(100_000), '/'.repeat(100_000),
  'a.'.repeat(50_000), '('.repeat(50_000), '%25'.repeat(30_000), '&a=b'.repeat(20_000), 'q=a&'.repeat(900), '\u0300'.repeat(50_000), '👩‍👩‍👧‍👦'.repeat(5000), 'ﷺ'.repeat(30_000), '-----BEGIN '.repeat(5000),
  'SHA256:'.repeat(5000), '0x'.repeat(30_000), '1-'.repeat(30_000), 'codec=hevc,'.repeat(300), 'sort=-sizeBytes&page=99999999999', 'page=1e99', 'pageSize=-1', 'minSizeBytes=NaN',
];
const PIECES = [
  ...Array.from('aA0 \n\t,;:/\\.@#?&=%+*()[]{}<>|~^$!\'"`-_'),
  '\0',
  '\u0301',
  '\u202E',
  'é',
  '日',
  '🎬',
  '..',
  '//',
  '%2e',
  '{{',
  '}}',
  '\\u0000',
];

/** So many hostile texts: known ones first, the rest put together by chance. */
export function hostileValues(count: number, random: () => number): string[] {
  const values = FIXED.slice(0, count);
  while (values.length < count) {
    const length = Math.ceil(2 ** (random() * 13));
    const some = Array.from(
      { length: 1 + Math.floor(random() * 4) },
      () => PIECES[Math.floor(random() * PIECES.length)],
    );
    values.push(some.join('').repeat(Math.ceil(length / some.length)));
  }
  return values;
}

/** Every text of every PUT and POST of an OpenAPI document, in its path and in its body. */
export function fieldsOf(document: {
  paths: Record<string, Record<string, Operation>>;
  components: { schemas: Record<string, Schema> };
}): InputField[] {
  const open = (schema: Schema): Schema =>
    schema.$ref === undefined ? schema : (document.components.schemas[schema.$ref.split('/').at(-1) ?? ''] ?? {});
  return Object.entries(document.paths).flatMap(([template, operations]) =>
    ['put', 'post'].flatMap((method) => {
      const operation = operations[method];
      if (!operation) return [];
      const schema = operation.requestBody?.content['application/json'].schema ?? {};
      const inPath = operation.parameters.filter((parameter) => parameter.in === 'path').map(({ name }) => name);
      const pathWith = (name: string, value: string): string =>
        template.replace(/\{(\w+)\}/g, (_, part: string) => (part === name ? encodeURIComponent(fit(value)) : 'none'));
      const base = sampleOf(schema, open) as object;
      const fields = inPath.map((field): InputField => ({
        method,
        path: template,
        field,
        requestWith: (value) => ({ path: pathWith(field, value), body: base }),
      }));
      for (const at of textsIn(schema, open))
        fields.push({
          method,
          path: template,
          field: at.join('.'),
          requestWith: (value) => ({ path: pathWith('', ''), body: withText(base, at, value) as object }),
        });
      return fields;
    }),
  );
}

/** What fits into an address, and is no lone half of a character. */
const fit = (value: string): string => value.slice(0, 1000).replace(/[\uD800-\uDFFF]/g, '') || '-';

const kindsOf = (schema: Schema): Schema[] => schema.anyOf ?? schema.oneOf ?? [schema];

function textsIn(given: Schema, open: (schema: Schema) => Schema, depth = 5): (string | 0)[][] {
  if (depth === 0) return [];
  return kindsOf(open(given)).flatMap((kind) => {
    const schema = open(kind);
    const below = (key: string | 0, part: Schema): (string | 0)[][] =>
      textsIn(part, open, depth - 1).map((at) => [key, ...at]);
    if (schema.type === 'string') return [[]];
    if (schema.items) return below(0, schema.items);
    const named = Object.entries(schema.properties ?? {}).flatMap(([name, part]) => below(name, part));
    const { additionalProperties: free } = schema;
    return typeof free === 'object' ? [...named, ...below('any', free)] : named;
  });
}

/** The least that a schema takes. */
function sampleOf(given: Schema, open: (schema: Schema) => Schema): unknown {
  const schema = open(given);
  if (schema.default !== undefined) return schema.default;
  if (schema.const !== undefined) return schema.const;
  if (schema.enum) return schema.enum[0];
  if (schema.anyOf || schema.oneOf) return sampleOf(kindsOf(schema)[0] ?? {}, open);
  switch ([schema.type].flat()[0]) {
    case 'string':
      return 'x';
    case 'number':
    case 'integer':
      return Math.max(1, schema.minimum ?? 1);
    case 'boolean':
      return false;
    case 'array':
      return [];
    case 'null':
      return null;
    default:
      return Object.fromEntries(
        (schema.required ?? []).map((name) => [name, sampleOf(schema.properties?.[name] ?? {}, open)]),
      );
  }
}

function withText(base: unknown, [key, ...rest]: readonly (string | 0)[], value: string): unknown {
  if (key === undefined) return value;
  if (key === 0) return [withText(Array.isArray(base) ? base[0] : undefined, rest, value)];
  const object =
    typeof base === 'object' && base !== null && !Array.isArray(base) ? (base as Record<string, unknown>) : {};
  return { ...object, [key]: withText(object[key], rest, value) };
}
