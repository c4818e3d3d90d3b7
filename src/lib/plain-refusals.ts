import { z } from 'zod';

/** Issues of zod, raw or finished. */
type Issue = z.core.$ZodIssue | z.core.$ZodRawIssue;

const KINDS: Readonly<Record<string, string>> = {
  string: 'text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'a group of fields',
  record: 'a group of fields',
  date: 'a date',
  null: 'empty',
};
const FORMATS: Readonly<Record<string, string>> = {
  url: 'an address such as http://192.168.1.10:32400',
  email: 'an e-mail address',
  datetime: 'a date and time such as 2026-03-01T18:30:00Z',
  date: 'a date such as 2026-03-01',
};
/** More choices than these are not listed. */
const LISTED = 12;

/** What is wrong with a value, to be read after its name: zod's own words are for programmers. */
function plainWords(issue: Issue): string {
  switch (issue.code) {
    case 'invalid_type':
      return issue.input === undefined ? 'is missing' : `must be ${KINDS[issue.expected] ?? 'of another kind'}`;
    case 'too_small':
      return sizeWords(issue.origin, Number(issue.minimum), issue.inclusive !== false, 'least');
    case 'too_big':
      return sizeWords(issue.origin, Number(issue.maximum), issue.inclusive !== false, 'most');
    case 'not_multiple_of':
      return `must be a multiple of ${String(issue.divisor)}`;
    case 'invalid_format':
      return `must be ${FORMATS[String(issue.format)] ?? 'written in another way'}`;
    case 'invalid_value':
      return choiceWords(issue.values.map(String));
    case 'unrecognized_keys':
      return `has unknown fields:  ${issue.keys.join(', ')}`;
    case 'invalid_union': {
      const [first] = branchOf(issue) ?? [];
      return first?.message ?? 'is not one of the choices';
    }
    default:
      return 'is not possible';
  }
}

function choiceWords(values: readonly string[]): string {
  if (values.length === 1) return `must be ${values[0] ?? ''}`;
  return values.length === 0 || values.length > LISTED
    ? 'is not one of the choices'
    : `must be one of ${values.join(', ')}`;
}

function sizeWords(origin: unknown, limit: number, isInclusive: boolean, end: 'least' | 'most'): string {
  const many = (one: string, more: string): string => `${limit} ${limit === 1 ? one : more}`;
  if (origin === 'string') {
    if (end === 'least' && limit <= 1) return 'must not be empty';
    return `must have at ${end} ${many('character', 'characters')}`;
  }
  if (origin === 'array' || origin === 'set' || origin === 'map')
    return `must have at ${end} ${many('entry', 'entries')}`;
  if (isInclusive) return `must be at ${end} ${limit}`;
  return `must be ${end === 'least' ? 'more' : 'less'} than ${limit}`;
}

/** Of the ways a value may be meant, the one that it comes nearest to; null when it is none at all. */
function branchOf(issue: { errors?: unknown }): readonly z.core.$ZodIssue[] | null {
  const branches = (issue.errors ?? []) as readonly (readonly z.core.$ZodIssue[])[];
  return (
    branches.find(([first]) => first !== undefined && (first.code !== 'invalid_type' || first.path.length > 0)) ?? null
  );
}

z.config({ customError: plainWords });

/** As much of a JSON schema as names a field and its range. */
interface About {
  title?: string;
  type?: string;
  minimum?: number;
  maximum?: number;
  exclusiveMinimum?: number;
  properties?: Record<string, About>;
  additionalProperties?: About | boolean;
  items?: About;
  anyOf?: About[];
  oneOf?: About[];
  allOf?: About[];
}

const schemas = new WeakMap<z.ZodType, About>();

function aboutOf(schema: z.ZodType): About {
  const known = schemas.get(schema);
  if (known) return known;
  const about = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }) as About;
  schemas.set(schema, about);
  return about;
}

/** What a schema says about the field at a path; null for one it does not know. */
function fieldAt(about: About | undefined, path: readonly PropertyKey[]): About | null {
  if (about === undefined) return null;
  const [step, ...rest] = path;
  if (step === undefined) return about;
  const next =
    typeof step === 'number'
      ? about.items
      : (about.properties?.[String(step)] ??
        (typeof about.additionalProperties === 'object' ? about.additionalProperties : undefined));
  const found = fieldAt(next, rest);
  if (found !== null) return found;
  for (const one of [...(about.anyOf ?? []), ...(about.oneOf ?? []), ...(about.allOf ?? [])]) {
    const deeper = fieldAt(one, path);
    if (deeper !== null) return deeper;
  }
  return null;
}

/** `pageSize` is `Page size`. */
function nameOf(path: readonly PropertyKey[]): string {
  const word = path.filter((step) => typeof step === 'string').at(-1) ?? 'This';
  const text = word
    .replaceAll(/[_-]/g, ' ')
    .replace(/([a-z])([A-Z])/g, (_, a: string, b: string) => `${a} ${b.toLowerCase()}`);
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** The range in place of the one end of it that was passed. */
function withRange(issue: z.core.$ZodIssue, about: About | null): string {
  const { minimum, maximum, type } = about ?? {};
  const isNumber = (issue.code === 'too_small' || issue.code === 'too_big') && ['number', 'int'].includes(issue.origin);
  const isWrongKind =
    issue.code === 'invalid_type' && ['number', 'int'].includes(issue.expected) && issue.message !== 'is missing';
  // The ends of what a whole number can be are no range that anybody set.
  const isSet = (end: number | undefined): end is number =>
    end !== undefined && Math.abs(end) < Number.MAX_SAFE_INTEGER;
  if (!(isNumber || isWrongKind) || !isSet(minimum) || !isSet(maximum)) return issue.message;
  return `must be a ${type === 'integer' ? 'whole number' : 'number'} between ${minimum} and ${maximum}`;
}

/** What a field is called; in a row of a list also which row: `Hours, row 2, from`. */
function labelOf(schema: z.ZodType, path: readonly PropertyKey[]): string {
  const own = fieldAt(aboutOf(schema), path)?.title ?? nameOf(path);
  const row = path.findIndex((step) => typeof step === 'number');
  if (row < 1) return own;
  const list = path.slice(0, row);
  const name = fieldAt(aboutOf(schema), list)?.title ?? nameOf(list);
  const at = `${name}, row ${Number(path[row]) + 1}`;
  return row === path.length - 1 ? at : `${at}, ${own.charAt(0).toLowerCase()}${own.slice(1)}`;
}

/** A sentence out of the name of a field and what is wrong with it; a whole sentence stays as it is. */
export function fieldSentence(schema: z.ZodType, path: readonly PropertyKey[], text: string): string {
  const label = labelOf(schema, path);
  const sentence = /^[a-z]/.test(text) ? `${label} ${text}` : text;
  return /[.?]$/.test(sentence) ? sentence : `${sentence}.`;
}

/** What is wrong with each field, in a sentence that names it. The keys are paths such as `paths.mappings.0.to`. */
export function refusedFields(schema: z.ZodType, error: z.ZodError): Record<string, string> {
  const fields: Record<string, string> = {};
  const say = (path: readonly PropertyKey[], text: string): void => {
    const key = path.map(String).join('.');
    if (!Object.hasOwn(fields, key)) fields[key] = fieldSentence(schema, path, text);
  };
  const visit = (issues: readonly z.core.$ZodIssue[], above: readonly PropertyKey[]): void => {
    for (const issue of issues) {
      const path = [...above, ...issue.path];
      const branch = issue.code === 'invalid_union' ? branchOf(issue) : null;
      if (branch !== null) visit(branch, path);
      else if (issue.code === 'unrecognized_keys')
        for (const key of issue.keys) say([...path, key], 'is not known here');
      else say(path, withRange(issue, fieldAt(aboutOf(schema), path)));
    }
  };
  visit(error.issues, []);
  return fields;
}

/** Fields that are named in a message; the others stand by their fields. */
const NAMED = 3;

/** One message for all of them: what is wrong, and what to do. */
export function refusalMessage(fields: Readonly<Record<string, string>>): string {
  const sentences = [...new Set(Object.values(fields))];
  if (sentences.length <= 1) return `${sentences[0] ?? 'Something is missing.'} Correct it and try again.`;
  const more = sentences.length - NAMED;
  const rest = more > 0 ? ` ${more} more ${more === 1 ? 'field has' : 'fields have'} to be corrected.` : '';
  return `${sentences.slice(0, NAMED).join(' ')}${rest} Correct them and try again.`;
}
