import { z } from 'zod';
import { displayTitle } from '../../domain/library/library.js';
import { standsOpen } from '../../domain/recommendations/merge.js';
import { RuleInfo, RuleSetting } from '../../domain/rules/rule.js';
import { action, type Context } from '../action.js';
import { canBeApproved } from '../recommendations/approve.js';
import { listOf, pageOf } from '../paging.js';
import { fromForm, OptionField, toFields } from './options.js';
import { About, Tried, tryOut } from './trial.js';

const Mode = RuleSetting.shape.mode;

/** A list of a form has one empty entry, so that none can be said too. */
const TagIds = z
  .union([z.string(), z.array(z.string())])
  .transform((ids) => [...new Set([ids].flat().filter((id) => id !== ''))]);

/** Tags of workers are written by hand, with commas between. */
const WorkerTags = z
  .union([z.string(), z.array(z.string())])
  .transform((given) => [
    ...new Set(
      [given]
        .flat()
        .flatMap((text) => text.split(','))
        .map((tag) => tag.trim()),
    ),
  ])
  .transform((tags) => tags.filter((tag) => tag !== ''))
  .pipe(z.array(z.string().max(60, 'A tag has at most 60 characters')).max(20));

const RuleRow = RuleInfo.extend({
  mode: Mode,
  options: z.record(z.string(), z.json()),
  onlyTags: z.array(z.string()),
  exceptTags: z.array(z.string()),
  /** Tags that a worker has to have for its jobs; and those that any worker has now. */
  workerTags: z.array(z.string()),
  knownWorkerTags: z.array(z.string()),
  /** Every tag there is, with how the rule uses it. */
  tags: z.array(z.object({ id: z.string(), name: z.string(), only: z.boolean(), except: z.boolean() })),
  fields: z.array(OptionField),
  findings: z.int(),
  savesBytes: z.number(),
  /** Whether its findings can be queued at all, and how many of them would be now if it were automatic. */
  canQueue: z.boolean(),
  wouldQueue: z.int(),
});

/** What is open for each rule, in one pass; what is merged into another counts as found, but is not queued by itself. */
function openByRule({ store }: Context): ReadonlyMap<string, OpenOfRule> {
  const byRule = new Map<string, OpenOfRule>();
  for (const row of store.recommendations.values()) {
    if (!standsOpen(row, (leaderId) => store.recommendations.find(leaderId))) continue;
    const sum = byRule.get(row.ruleId) ?? { findings: 0, savesBytes: 0, wouldQueue: 0 };
    sum.findings++;
    sum.savesBytes += row.savesBytes;
    // A surplus copy is moved by the owner's click only, whatever the mode.
    if (row.state === 'open' && row.keep === null && canBeApproved(row)) sum.wouldQueue++;
    byRule.set(row.ruleId, sum);
  }
  return byRule;
}

interface OpenOfRule {
  findings: number;
  savesBytes: number;
  wouldQueue: number;
}

function toRow(
  { store, presets }: Context,
  rule: RuleInfo,
  open: OpenOfRule = { findings: 0, savesBytes: 0, wouldQueue: 0 },
): z.infer<typeof RuleRow> {
  const setting = store.rules.find(rule.id);
  const options = { ...rule.defaults, ...setting?.options };
  const { onlyTags = [], exceptTags = [], workerTags = [] } = setting ?? {};
  return {
    ...rule,
    mode: setting?.mode ?? 'recommend',
    options,
    onlyTags,
    exceptTags,
    workerTags,
    knownWorkerTags: [...new Set([...store.workers.values()].flatMap(({ tags }) => tags))].sort(),
    tags: store.tags
      .where(() => true)
      .sort((a, b) => a.name.localeCompare(b.name))
      .map(({ id, name }) => ({ id, name, only: onlyTags.includes(id), except: exceptTags.includes(id) })),
    fields: toFields(
      rule,
      options,
      presets.list().map(({ id }) => id),
    ),
    ...open,
    // A rule without a preset to choose may still name one itself; only its findings show that.
    canQueue: 'preset' in rule.defaults || open.wouldQueue > 0 || (rule.origin === 'user' && open.findings === 0),
  };
}

/** Every rule with how it is set and what it found: those that cannot run first, then by what they would save. */
export const listRules = action({ summary: 'List the rules', input: z.object({}), output: listOf(RuleRow) }, (ctx) => {
  const open = openByRule(ctx);
  const rows = ctx.rules.list().map((rule) => toRow(ctx, rule, open.get(rule.id)));
  const weight = ({ problem }: RuleInfo): number => (problem === null ? 1 : 0);
  rows.sort((a, b) => weight(a) - weight(b) || b.savesBytes - a.savesBytes || b.findings - a.findings);
  return Promise.resolve(pageOf(rows, { page: 1, pageSize: Math.max(1, rows.length) }));
});

/** One rule. With a title, also what the rule says about it. Throws `not_found`. */
export const showRule = action(
  {
    summary: 'Show one rule',
    input: z.object({ id: z.string(), itemId: z.string().optional() }),
    output: RuleRow.extend({ about: About.nullable(), tried: Tried.nullable() }),
  },
  async (ctx, { id, itemId }) => {
    const rule = ctx.rules.get(id);
    const row = toRow(ctx, rule, openByRule(ctx).get(id));
    if (!itemId) return { ...row, about: null, tried: null };
    const item = ctx.store.library.get(itemId);
    const tried = rule.problem === null ? await tryOut(ctx, { id, itemId }) : null;
    return { ...row, about: { id: itemId, title: displayTitle(item) }, tried };
  },
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
      /** Its jobs run only on workers with all of these tags. */
      workerTags: WorkerTags.optional(),
    }),
    output: RuleRow,
  },
  async (ctx, { id, mode, options, onlyTags, exceptTags, workerTags }) => {
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
      workerTags: workerTags ?? known?.workerTags ?? [],
    });
    ctx.bus.emit('rule.changed', { ids: [id] });
    return toRow(ctx, rule, openByRule(ctx).get(id));
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
      /** Words of a title, for whoever does not know its id; the first that matches is meant. */
      words: z.string().trim().max(200).default(''),
    }),
    output: Tried,
  },
  (ctx, { id, options, itemId, words }) =>
    tryOut(ctx, { id, words, ...(options ? { options } : {}), ...(itemId ? { itemId } : {}) }),
);
