/** Longer than any expression that a person writes. */
const MAX_LENGTH = 100;
const MONTHS = 'jan feb mar apr may jun jul aug sep oct nov dec'.split(' ');
const WEEKDAYS = 'sun mon tue wed thu fri sat'.split(' ');

interface Field {
  name: string;
  from: number;
  to: number;
  /** Names of the values, the first for `from`. */
  names: readonly string[];
}

const field = (name: string, from: number, to: number, names: readonly string[] = []): Field => ({
  ...{ name, from, to, names },
});
const FIELDS = [
  field('minute', 0, 59),
  field('hour', 0, 23),
  field('day', 1, 31),
  field('month', 1, 12, MONTHS),
  field('weekday', 0, 7, WEEKDAYS),
];
const SECOND = field('second', 0, 59);

/**
 * Why a text is no cron expression, or null when it is one: five fields (six with seconds), each of numbers, ranges, lists
 * and steps within its own limits. What is outside of them is never expanded: `0-9999999` as a minute takes seconds.
 */
export function whyNoCron(text: string): string | null {
  if (text.length > MAX_LENGTH) return `it is longer than ${MAX_LENGTH} characters`;
  const parts = text.trim().toLowerCase().split(/\s+/);
  const fields = parts.length === 6 ? [SECOND, ...FIELDS] : FIELDS;
  if (parts.length !== fields.length) return 'it needs minute hour day month weekday';
  for (const [at, known] of fields.entries()) {
    const part = parts[at] ?? '';
    if (!part.split(',').every((element) => isElement(element, known))) return `"${part}" is no ${known.name}`;
  }
  return null;
}

/** `*`, `5`, `mon`, `1-5`, each but the single value also with a step such as `/2`. */
function isElement(element: string, known: Field): boolean {
  const [range = '', step, ...more] = element.split('/');
  if (more.length > 0) return false;
  if (step !== undefined && !(/^\d{1,2}$/.test(step) && Number(step) >= 1 && Number(step) <= known.to)) return false;
  if (range === '*') return true;
  const values = range.split('-');
  if (values.length > 2 || (step !== undefined && values.length < 2)) return false;
  return values.every((value) => isValue(value, known));
}

const isValue = (value: string, { from, to, names }: Field): boolean =>
  names.includes(value) || (/^\d{1,2}$/.test(value) && Number(value) >= from && Number(value) <= to);
