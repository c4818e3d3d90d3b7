import { z } from 'zod';

/** One input of a form, ready to be drawn. */
export interface Field {
  name: string;
  label: string;
  help: string;
  kind: 'text' | 'number' | 'checkbox' | 'select' | 'password' | 'pairs';
  /** The rows of `pairs`. */
  pairs: readonly object[];
  choices: readonly string[];
  /** What people call a choice, where that is not its own text. */
  labels: Readonly<Record<string, string>>;
  value: string | number | boolean;
  required: boolean;
  /** The environment variable that holds it, or null. */
  locked: string | null;
}

/** As much of a JSON schema as a form needs. */
const Property = z.looseObject({
  type: z.string().optional(),
  title: z.string().optional(),
  description: z.string().optional(),
  enum: z.array(z.union([z.string(), z.number()])).optional(),
  labels: z.record(z.string(), z.string()).optional(),
  secret: z.boolean().optional(),
  items: z.looseObject({ type: z.string().optional(), required: z.array(z.string()).optional() }).optional(),
});
type Property = z.infer<typeof Property>;
const ObjectSchema = z.looseObject({
  properties: z.record(z.string(), Property.catch({})).optional(),
  required: z.array(z.string()).optional(),
});

function kindOf({ secret, enum: choices, type, items }: Property): Field['kind'] {
  if (secret) return 'password';
  if (choices) return 'select';
  if (type === 'boolean') return 'checkbox';
  if (type === 'array' && items?.type === 'object') return 'pairs';
  return type === 'number' || type === 'integer' ? 'number' : 'text';
}

/** Draws a form from a JSON schema: order, labels, help and choices are the schema's. Properties without a title are not drawn. */
export function toFields(
  schema: Record<string, unknown>,
  values: Record<string, unknown>,
  locked: Record<string, string> = {},
): Field[] {
  const { properties = {}, required = [] } = ObjectSchema.parse(schema);
  return Object.entries(properties)
    .filter(([, property]) => property.title !== undefined)
    .map(([name, property]) => {
      const kind = kindOf(property);
      return {
        name,
        kind,
        pairs: pairsOf(values[name]),
        label: property.title ?? name,
        help: property.description ?? '',
        choices: (property.enum ?? []).map(String),
        labels: property.labels ?? {},
        value: kind === 'password' ? '' : toText(values[name]),
        required: required.includes(name),
        locked: locked[name] ?? null,
      };
    });
}

const pairsOf = (value: unknown): object[] =>
  Array.isArray(value) ? value.filter((row): row is object => typeof row === 'object' && row !== null) : [];

/** Lists become text: `a, b` for texts, `a=b; c=d` for pairs. */
function toText(value: unknown): Field['value'] {
  if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') return value;
  if (!Array.isArray(value)) return '';
  const isPairs = value.some((entry) => typeof entry === 'object');
  return value
    .map((entry: unknown) => (typeof entry === 'object' && entry ? Object.values(entry).join('=') : String(entry)))
    .join(isPairs ? '; ' : ', ');
}

const parsed = new WeakMap<z.ZodType, Record<string, Property>>();

function propertiesOf(schema: z.ZodType): Record<string, Property> {
  const known = parsed.get(schema);
  if (known) return known;
  const json = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' });
  const { properties = {} } = ObjectSchema.parse(json);
  parsed.set(schema, properties);
  return properties;
}

/** The reverse: what a form posts (all texts) becomes what the schema expects. What the schema does not know stays as it came. */
export function fromForm(schema: z.ZodType, body: Record<string, unknown>): Record<string, unknown> {
  const properties = propertiesOf(schema);
  return Object.fromEntries(
    Object.entries(body).map(([name, raw]) => {
      const property = Object.hasOwn(properties, name) ? properties[name] : undefined;
      return [name, property ? fromText(property, raw) : raw];
    }),
  );
}

function fromText(property: Property, raw: unknown): unknown {
  if (property.type === 'boolean') {
    // A check box sends "false" from its hidden twin and "true" after it when ticked.
    const last: unknown = Array.isArray(raw) ? raw.at(-1) : raw;
    return last === 'true' || last === 'on' ? true : last === 'false' ? false : last;
  }
  // Rows that nobody filled in are not there.
  if (Array.isArray(raw) && property.type === 'array') {
    return withoutEmptyRows(raw);
  }
  if (typeof raw !== 'string') return raw;
  if (property.type === 'number' || property.type === 'integer') return raw.trim() === '' ? undefined : Number(raw);
  if (property.type === 'array') return fromList(property, raw);
  return raw;
}

function fromList({ items }: Property, raw: string): unknown {
  if (items?.type !== 'object') return split(raw, ',');
  const [first = 'from', second = 'to'] = items.required ?? [];
  return split(raw, ';').map((pair) => {
    const at = pair.indexOf('=');
    return { [first]: pair.slice(0, Math.max(0, at)).trim(), [second]: pair.slice(at + 1).trim() };
  });
}

const withoutEmptyRows = (rows: readonly unknown[]): unknown[] =>
  rows.filter((row) => typeof row !== 'object' || Object.values(row ?? {}).some((text) => text !== ''));

const split = (text: string, separator: string): string[] =>
  text
    .split(separator)
    .map((part) => part.trim())
    .filter(Boolean);

/** The rows that were typed, a blank one at the end aside, in the place of those a page would draw. */
export function withTypedRows(data: object, typed: Record<string, unknown>): object {
  const rows = new Map(
    Object.entries(typed).flatMap(([name, value]) => (isRows(value) ? [[name, trimmed(value)]] : [])),
  );
  const given = Object.fromEntries([...rows].filter(([name]) => Object.hasOwn(data, name)));
  const { fields } = data as { fields?: unknown };
  if (!Array.isArray(fields)) return { ...data, ...given };
  const drawn = (fields as Field[]).map((field) => {
    const pairs = rows.get(field.name);
    return field.kind === 'pairs' && field.locked === null && pairs ? { ...field, pairs } : field;
  });
  return { ...data, ...given, fields: drawn };
}

const isRows = (value: unknown): value is object[] =>
  Array.isArray(value) && value.length > 0 && value.every((row) => typeof row === 'object' && row !== null);

function trimmed(rows: readonly object[]): object[] {
  const last = rows.findLastIndex((row) => Object.values(row).some((text) => text !== ''));
  return rows.slice(0, last + 1);
}
