import type { z } from 'zod';

/** Whether a value is just what a schema would make of it: nothing missing, nothing more, and in the same order. */
export type ExactFit = (value: unknown) => boolean;

const never: ExactFit = () => false;

/**
 * Reads off a schema how to tell, without making anything, that parsing a value would only copy it: parsing a library
 * item makes five kilobytes of garbage. Says no whenever it does not know; then the schema itself has to look.
 */
export function exactFitOf(schema: z.core.$ZodType): ExactFit {
  const { def } = (schema as z.core.$ZodTypes)._zod;
  if (def.type === 'number') return numberOf(def);
  if (def.checks !== undefined && def.checks.length > 0) return never;
  const isPlain = Object.keys(def).every((name) => name === 'type' || name === 'checks');
  if (def.type === 'string' && isPlain) return (value) => typeof value === 'string';
  if (def.type === 'boolean' && isPlain) return (value) => typeof value === 'boolean';
  if (def.type === 'enum') return among(new Set<unknown>(Object.values(def.entries)));
  if (def.type === 'nullable') return orNull(exactFitOf(def.innerType));
  // Only what is missing is filled in, and nothing that fits is that.
  if (def.type === 'default') return exactFitOf(def.innerType);
  if (def.type === 'array') return listOf(exactFitOf(def.element));
  if (def.type === 'object' && def.catchall === undefined) return objectOf(def.shape);
  return never;
}

const among =
  (entries: ReadonlySet<unknown>): ExactFit =>
  (value) =>
    entries.has(value);

const orNull =
  (fits: ExactFit): ExactFit =>
  (value) =>
    value === null || fits(value);

/** Not by `every`, which passes over holes. */
function listOf(fits: ExactFit): ExactFit {
  return (value) => {
    if (!Array.isArray(value)) return false;
    for (const entry of value) if (!fits(entry)) return false;
    return true;
  };
}

function numberOf(def: z.core.$ZodNumberDef): ExactFit {
  if (def.coerce) return never;
  const format = 'format' in def ? [def] : [];
  const fits = [...format, ...(def.checks ?? []).map(({ _zod }) => _zod.def)].map(numberCheckOf);
  if (fits.includes(never)) return never;
  return (value) => {
    if (!Number.isFinite(value)) return false;
    for (const check of fits) if (!check(value)) return false;
    return true;
  };
}

function numberCheckOf(check: object): ExactFit {
  if ('format' in check && check.format === 'safeint') return Number.isSafeInteger;
  if (!('check' in check && 'value' in check && 'inclusive' in check)) return never;
  const bound = check.value as number;
  const isOnBound = (value: unknown): boolean => value === bound && check.inclusive === true;
  if (check.check === 'greater_than') return (value) => (value as number) > bound || isOnBound(value);
  if (check.check === 'less_than') return (value) => (value as number) < bound || isOnBound(value);
  return never;
}

function objectOf(shape: z.core.$ZodShape): ExactFit {
  const names = Object.keys(shape);
  const parts = Object.values(shape).map((part) => {
    const { def } = (part as z.core.$ZodTypes)._zod;
    const mayLack = def.type === 'optional';
    return { mayLack, fits: exactFitOf(mayLack ? def.innerType : part) };
  });
  return (value) => {
    if (typeof value !== 'object' || value === null) return false;
    let at = 0;
    for (const name in value) {
      while (name !== names[at] && parts[at]?.mayLack) at++;
      if (name !== names[at] || !parts[at]?.fits(value[name as keyof typeof value])) return false;
      at++;
    }
    while (parts[at]?.mayLack) at++;
    return at === names.length;
  };
}
