import { z } from 'zod';
import type { RuleInfo } from '../../domain/rules/rule.js';

/** One option of a rule, ready to be drawn as an input. */
export const OptionField = z.object({
  name: z.string(),
  label: z.string(),
  help: z.string(),
  kind: z.enum(['text', 'number', 'checkbox', 'select', 'list']),
  value: z.string(),
  checked: z.boolean(),
  choices: z.array(z.string()),
  /** Ends and step of a slider; null where the schema knows no ends, or so distant ones that a slider is of no use. */
  slider: z.object({ min: z.number(), max: z.number(), step: z.number() }).nullable(),
});
export type OptionField = z.infer<typeof OptionField>;

/** What of a JSON schema an option may use. */
const OptionSchema = z.looseObject({
  type: z.string().optional(),
  title: z.string().optional(),
  description: z.string().optional(),
  minimum: z.number().optional(),
  maximum: z.number().optional(),
  enum: z.array(z.union([z.string(), z.number()])).optional(),
});

function propertiesOf(rule: RuleInfo): [string, z.infer<typeof OptionSchema>][] {
  const properties = z.record(z.string(), OptionSchema).safeParse(rule.optionsSchema['properties']);
  return properties.success ? Object.entries(properties.data) : [];
}

function kindOf({ enum: choices, type }: z.infer<typeof OptionSchema>): OptionField['kind'] {
  if (choices) return 'select';
  if (type === 'boolean') return 'checkbox';
  if (type === 'array') return 'list';
  return type === 'number' || type === 'integer' ? 'number' : 'text';
}

/** Further apart, and a pixel of the slider is worth too much. */
const WIDEST = 10_000;

function sliderOf({ type, minimum, maximum, enum: choices }: z.infer<typeof OptionSchema>): OptionField['slider'] {
  if (choices || minimum === undefined || maximum === undefined || (type !== 'number' && type !== 'integer'))
    return null;
  const width = maximum - minimum;
  if (width <= 0 || width > WIDEST) return null;
  return { min: minimum, max: maximum, step: type === 'integer' ? 1 : width <= 2 ? 0.05 : width <= 20 ? 0.1 : 0.5 };
}

/** The options of a rule as inputs, with these values in them. */
export function toFields(rule: RuleInfo, options: Record<string, unknown>, presetIds: string[]): OptionField[] {
  return propertiesOf(rule).map(([name, schema]) => {
    const value = options[name];
    return {
      name,
      label: schema.title ?? name,
      help: schema.description ?? '',
      kind: name === 'preset' && presetIds.length > 0 ? ('select' as const) : kindOf(schema),
      value: Array.isArray(value) ? value.join(', ') : String((value as string | number | boolean | undefined) ?? ''),
      checked: value === true,
      choices: name === 'preset' ? presetIds : (schema.enum ?? []).map(String),
      slider: sliderOf(schema),
    };
  });
}

/** Texts of a form become what the schema expects; values that came as JSON stay as they are. */
export function fromForm(rule: RuleInfo, raw: Record<string, unknown>): Record<string, unknown> {
  const options = new Map(Object.entries(raw));
  for (const [name, schema] of propertiesOf(rule)) {
    const kind = kindOf(schema);
    const value = raw[name];
    // A check box sends "false" from its hidden twin and "true" after it when ticked.
    if (kind === 'checkbox' && Array.isArray(value)) options.set(name, value.at(-1) === 'true');
    if (typeof value !== 'string') continue;
    if (kind === 'checkbox') options.set(name, value === 'true' || value === 'on');
    else if (kind === 'list')
      options.set(
        name,
        value
          .split(',')
          .map((text) => text.trim())
          .filter(Boolean),
      );
    else if (kind === 'number' && value.trim() === '') options.delete(name);
    else if (kind === 'number') options.set(name, Number(value));
  }
  return Object.fromEntries(options);
}
