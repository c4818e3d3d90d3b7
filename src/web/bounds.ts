import { z } from 'zod';

/** What a text of an input may hold at most unless its schema says otherwise: the longest path there is. */
const MAX_TEXT = 4096;
/** The same for lists, and for the names of an object. */
const MAX_ITEMS = 10_000;
/** Deeper than any input of ours; what is checked by calling itself could run out of stack. */
const MAX_DEPTH = 12;

interface Limits {
  text: number;
  items: number;
}

/** Writes the limits into a JSON schema, for `z.toJSONSchema`: what is not said there is said here. */
export function sayLimits({ jsonSchema }: { jsonSchema: z.core.JSONSchema.BaseSchema }): void {
  const isChoice = jsonSchema.enum !== undefined || jsonSchema.const !== undefined;
  if (jsonSchema.type === 'string' && !isChoice) jsonSchema.maxLength ??= MAX_TEXT;
  if (jsonSchema.type === 'array') jsonSchema.maxItems ??= MAX_ITEMS;
}

const known = new WeakMap<z.ZodType, Map<string, Limits>>();

/** The largest that a schema allows anywhere inside of each of its fields, and at least the usual. */
function limitsOf(schema: z.ZodType): Map<string, Limits> {
  const before = known.get(schema);
  if (before) return before;
  const { properties = {} } = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' });
  const largest = (text: string, name: string, usual: number): number =>
    Math.max(usual, ...Array.from(text.matchAll(new RegExp(`"${name}":(\\d+)`, 'g')), ([, digits]) => Number(digits)));
  const limits = new Map(
    Object.entries(properties).map(([name, property]) => {
      const text = JSON.stringify(property);
      return [name, { text: largest(text, 'maxLength', MAX_TEXT), items: largest(text, 'maxItems', MAX_ITEMS) }];
    }),
  );
  known.set(schema, limits);
  return limits;
}

/** Field -> why it is more than its schema takes in. Looked at before anything reads, expands or compares the values. */
export function tooMuch(schema: z.ZodType, given: Readonly<Record<string, unknown>>): Record<string, string> {
  const limits = limitsOf(schema);
  const found: Record<string, string> = {};
  for (const [name, value] of Object.entries(given)) {
    const reason = whyTooMuch(value, limits.get(name) ?? { text: MAX_TEXT, items: MAX_ITEMS }, MAX_DEPTH);
    if (reason !== null) found[name.slice(0, 100)] = reason;
  }
  return found;
}

function whyTooMuch(value: unknown, limits: Limits, depth: number): string | null {
  if (typeof value === 'string') return value.length > limits.text ? `has more than ${limits.text} characters` : null;
  if (typeof value !== 'object' || value === null) return null;
  if (depth === 0) return 'is nested too deeply';
  const parts: unknown[] = Array.isArray(value) ? value : Object.entries(value).flat();
  if (parts.length > limits.items * (Array.isArray(value) ? 1 : 2)) return `has more than ${limits.items} entries`;
  for (const part of parts) {
    const reason = whyTooMuch(part, limits, depth - 1);
    if (reason !== null) return reason;
  }
  return null;
}
