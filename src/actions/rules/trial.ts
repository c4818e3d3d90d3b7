import { z } from 'zod';
import { EVERYTHING } from '../../domain/library/filter.js';
import { displayTitle } from '../../domain/library/library.js';
import type { Context } from '../action.js';
import { fromForm } from './options.js';

/** A title that is tried against. */
export const About = z.object({ id: z.string(), title: z.string() });
export type About = z.infer<typeof About>;

/** What trying a rule showed. */
export const Tried = z.object({
  id: z.string(),
  title: z.string(),
  matches: z.int(),
  looked: z.int(),
  savesBytes: z.number(),
  samples: z.array(
    z.object({
      itemId: z.string(),
      title: z.string(),
      reason: z.string(),
      savesBytes: z.number(),
      /** How long it takes on this machine; null when nothing would be encoded. */
      seconds: z.number().nullable(),
    }),
  ),
  /** The one title that was looked at, and why the rule says no to it as it is set now; null when it says yes. */
  about: About.nullable(),
  whyNot: z.string().nullable(),
  /** Other titles that the words fit. */
  others: z.array(About),
  /** Words that fit no title. */
  unknownWords: z.string().nullable(),
});
export type Tried = z.infer<typeof Tried>;

/** So many titles that fit the words are named. */
const NAMED = 6;

/** Runs one rule with these options over the library, or over one title. Changes nothing. Throws `not_found`, `invalid`, `rule_failed`. */
export async function tryOut(
  ctx: Context,
  request: { id: string; options?: Record<string, unknown>; itemId?: string; words?: string },
): Promise<Tried> {
  const { id, options, words = '' } = request;
  const rule = ctx.rules.get(id);
  const found = words === '' ? [] : await titlesLike(ctx, words);
  const itemId = found[0]?.id ?? (words === '' ? request.itemId : undefined);
  const nothing = { id, title: rule.title, about: null, whyNot: null, others: [], unknownWords: null };
  if (words !== '' && itemId === undefined)
    return { ...nothing, matches: 0, looked: 0, savesBytes: 0, samples: [], unknownWords: words };
  const { samples, ...sums } = await ctx.analyzer.try({
    ruleId: id,
    ...(options === undefined ? {} : { options: fromForm(rule, options) }),
    ...(itemId === undefined ? {} : { itemId }),
  });
  const presets = new Map(ctx.presets.list().map((preset) => [preset.id, preset]));
  return {
    ...nothing,
    ...sums,
    samples: samples.map(({ itemId: sampleId, fileId, title, reason, presetId, savesBytes }) => {
      const file = ctx.store.library.find(sampleId)?.files.find((one) => one.id === fileId);
      const preset = presets.get(presetId ?? '');
      const seconds = file && preset ? ctx.estimates.seconds(file, preset).seconds : null;
      return { itemId: sampleId, title, reason, savesBytes, seconds };
    }),
    about: itemId === undefined ? null : { id: itemId, title: displayTitle(ctx.store.library.get(itemId)) },
    whyNot: itemId !== undefined && sums.matches === 0 ? await whyNot(ctx, id, itemId, options !== undefined) : null,
    others: found.slice(1),
  };
}

async function titlesLike({ search, store }: Context, words: string): Promise<About[]> {
  const filter = { ...EVERYTHING, q: words };
  const { ids } = await search.find({ filter, sort: 'title', page: 1, pageSize: NAMED });
  return ids.flatMap((id) => {
    const item = store.library.find(id);
    return item ? [{ id, title: displayTitle(item) }] : [];
  });
}

/** The rule's own words. They are about its saved options: with others only that it says no is certain. */
async function whyNot({ analyzer }: Context, ruleId: string, itemId: string, isWithOthers: boolean): Promise<string> {
  const decision = (await analyzer.decide(itemId)).find((one) => one.ruleId === ruleId);
  if (decision?.whyNot !== undefined && decision.finding === null) return decision.whyNot;
  return isWithOthers && decision?.finding ? 'With the saved options it would be recommended.' : 'It does not say why.';
}
