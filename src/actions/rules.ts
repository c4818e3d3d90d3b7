import { z } from 'zod';
import { RuleInfo, RuleSetting } from '../domain/rule.js';
import { action, type Context } from './action.js';
import { listOf, pageOf } from './paging.js';

const Mode = RuleSetting.shape.mode;

/** A list of a form has one empty entry, so that none can be said too. */
const TagIds = z
  .union([z.string(), z.array(z.string())])
  .transform((ids) => [...new Set([ids].flat().filter((id) => id !== ''))]);

/** One option of a rule, ready to be drawn as an input. */
const OptionField = z.object({
  name: z.string(),
  label: z.string(),
  help: z.string(),
  kind: z.enum(['text', 'number', 'checkbox', 'select', 'list']),
  value: z.string(),
  checked: z.boolean(),
  choices: z.array(z.string()),
});
type OptionField = z.infer<typeof OptionField>;

const RuleRow = RuleInfo.extend({
  mode: Mode,
  options: z.record(z.string(), z.json()),
  onlyTags: z.array(z.string()),
  exceptTags: z.array(z.string()),
  /** Every tag there is, with how the rule uses it. */
  tags: z.array(z.object({ id: z.string(), name: z.string(), only: z.boolean(), except: z.boolean() })),
  fields: z.array(OptionField),
  findings: z.int(),
  savesBytes: z.number(),
});

/** What of a JSON schema an option may use. */
const OptionSchema = z.looseObject({
  type: z.string().optional(),
  title: z.string().optional(),
  description: z.string().optional(),
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

function toFields(rule: RuleInfo, options: Record<string, unknown>, presetIds: string[]): OptionField[] {
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
    };
  });
}

/** Texts of a form become what the schema expects; values that came as JSON stay as they are. */
function fromForm(rule: RuleInfo, raw: Record<string, unknown>): Record<string, unknown> {
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

function toRow({ store, presets }: Context, rule: RuleInfo): z.infer<typeof RuleRow> {
  const setting = store.rules.find(rule.id);
  const options = { ...rule.defaults, ...setting?.options };
  const { onlyTags = [], exceptTags = [] } = setting ?? {};
  const open = store.recommendations.where((row) => row.ruleId === rule.id && row.state === 'open');
  return {
    ...rule,
    mode: setting?.mode ?? 'recommend',
    options,
    onlyTags,
    exceptTags,
    tags: store.tags
      .where(() => true)
      .sort((a, b) => a.name.localeCompare(b.name))
      .map(({ id, name }) => ({ id, name, only: onlyTags.includes(id), except: exceptTags.includes(id) })),
    fields: toFields(
      rule,
      options,
      presets.list().map(({ id }) => id),
    ),
    findings: open.length,
    savesBytes: open.reduce((sum, row) => sum + row.savesBytes, 0),
  };
}

/** Every rule with how it is set and what it found. */
export const listRules = action({ summary: 'List the rules', input: z.object({}), output: listOf(RuleRow) }, (ctx) => {
  const rows = ctx.rules.list().map((rule) => toRow(ctx, rule));
  return Promise.resolve(pageOf(rows, { page: 1, pageSize: Math.max(1, rows.length) }));
});

/** One rule. Throws `not_found`. */
export const showRule = action(
  { summary: 'Show one rule', input: z.object({ id: z.string() }), output: RuleRow },
  (ctx, { id }) => Promise.resolve(toRow(ctx, ctx.rules.get(id))),
);

/** Switches a rule and sets its options; what is left out stays. Throws `invalid` with a message per option. */
export const saveRule = action(
  {
    summary: 'Switch a rule and set its options',
    input: z.object({
      id: z.string(),
      mode: Mode.optional(),
      options: z.record(z.string(), z.json()).optional(),
      /** Ids of tags; `onlyTags` narrows the rule down, `exceptTags` keeps it away. */
      onlyTags: TagIds.optional(),
      exceptTags: TagIds.optional(),
    }),
    output: RuleRow,
  },
  async (ctx, { id, mode, options, onlyTags, exceptTags }) => {
    const rule = ctx.rules.get(id);
    const known = ctx.store.rules.find(id);
    for (const tag of [...(onlyTags ?? []), ...(exceptTags ?? [])]) ctx.store.tags.get(tag);
    const checked = await ctx.rules.parseOptions(id, {
      ...rule.defaults,
      ...known?.options,
      ...fromForm(rule, options ?? {}),
    });
    await ctx.store.rules.put({
      id,
      mode: mode ?? known?.mode ?? 'recommend',
      options: checked,
      onlyTags: onlyTags ?? known?.onlyTags ?? [],
      exceptTags: exceptTags ?? known?.exceptTags ?? [],
    });
    ctx.bus.emit('rule.changed', { ids: [id] });
    return toRow(ctx, rule);
  },
);

/** What a rule would find with these options. Changes nothing. */
export const tryRule = action(
  {
    summary: 'Try a rule against the library or one item',
    input: z.object({
      id: z.string(),
      options: z.record(z.string(), z.json()).optional(),
      itemId: z.string().optional(),
    }),
    output: z.object({
      title: z.string(),
      matches: z.int(),
      looked: z.int(),
      savesBytes: z.number(),
      samples: z.array(z.object({ itemId: z.string(), title: z.string(), reason: z.string() })),
    }),
  },
  async ({ analyzer, rules }, { id, options, itemId }) => {
    const rule = rules.get(id);
    const result = await analyzer.try({
      ruleId: id,
      ...(options === undefined ? {} : { options: fromForm(rule, options) }),
      ...(itemId ? { itemId } : {}),
    });
    return { title: rule.title, ...result };
  },
);
