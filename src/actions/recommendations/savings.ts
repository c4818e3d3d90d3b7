import { z } from 'zod';
import { addPromises, promiseRatio, type Outcome } from '../../domain/recommendations/outcomes.js';
import { codecName, resolutionName } from '../../domain/labels.js';
import { displayTitle } from '../../domain/library/library.js';
import { Confidence, Recommendation } from '../../domain/recommendations/recommendation.js';
import { Severity } from '../../domain/rules/rule.js';
import { action, type Context } from '../action.js';

const Kept = z.object({
  /** Files that were replaced and still are; bytes are of these. */
  jobs: z.int(),
  promisedBytes: z.number(),
  achievedBytes: z.number(),
  /** Achieved as a share of promised; null when nothing was promised yet. */
  ratio: z.number().nullable(),
  /** Failed and not tried again. */
  failed: z.int(),
  /** Left alone after all, such as when the result was not smaller. */
  skipped: z.int(),
  /** Replaced, and taken back by the owner. */
  restored: z.int(),
});

export const SavingsKept = z.object({
  total: Kept,
  /** Rules that had a job, the one that saved most first. */
  byRule: z.array(Kept.extend({ ruleId: z.string(), title: z.string() })),
});

const NOTHING: Outcome = { jobs: 0, promisedBytes: 0, achievedBytes: 0, failed: 0, skipped: 0, restored: 0 };

/** What each rule promised and what came of it. */
export async function keptSavings({ estimates, rules }: Context): Promise<z.infer<typeof SavingsKept>> {
  const all = [...(await estimates.promises())].filter(([, { jobs, failed, skipped, restored }]) =>
    [jobs, failed, skipped, restored].some((count) => count > 0),
  );
  const titles = new Map(rules.list().map(({ id, title }) => [id, title]));
  const total = all.reduce((sum, [, kept]) => addPromises(sum, kept), NOTHING);
  const byRule = all.map(([ruleId, kept]) => ({
    ruleId,
    title: titles.get(ruleId) ?? ruleId,
    ...kept,
    ratio: promiseRatio(kept),
  }));
  byRule.sort((a, b) => b.achievedBytes - a.achievedBytes || a.ruleId.localeCompare(b.ruleId));
  return { total: { ...total, ratio: promiseRatio(total) }, byRule };
}

/** What rules promised and what their jobs saved. */
export const showSavings = action(
  {
    summary: 'Compare what rules promised with what their jobs saved',
    input: z.object({}),
    output: SavingsKept,
  },
  (ctx) => keptSavings(ctx),
);

const Sum = z.object({ findings: z.int(), savesBytes: z.number() });

const Summary = Sum.extend({
  /** Files that open recommendations name one by one; each counts once, with its largest saving. */
  files: z.int(),
  lowBytes: z.number(),
  highBytes: z.number(),
  /** What carrying all of it out takes on this machine, one after the other. */
  seconds: z.number(),
  timeConfidence: Confidence,
  /** Of those that promise a saving: how many rest on finished jobs, in percent; null when none promises any. */
  learnedPercent: z.number().nullable(),
  byRule: z.array(Sum.extend({ ruleId: z.string(), title: z.string() })),
  bySeverity: z.array(Sum.extend({ severity: Severity })),
  top: z.array(Recommendation.extend({ title: z.string() })),
});

const TOP = 10;

/** Everything that is open in figures. Cost: one pass over what is open for the top ten, the rest is kept up to date. */
export const showSummary = action(
  { summary: 'Sum up the open recommendations', input: z.object({}), output: Summary },
  async ({ estimates, rules, store }) => {
    const open = await estimates.open(TOP);
    const titles = new Map(rules.list().map(({ id, title }) => [id, title]));
    const titleOf = ({ itemId, group }: Recommendation): string => {
      if (group) return `${group.files} files in ${codecName(group.codec)} ${resolutionName(group.resolution)}`;
      const item = store.library.find(itemId);
      return item ? displayTitle(item) : itemId;
    };
    const { findings, files, savesBytes, lowBytes, highBytes, seconds, timeConfidence, learned, promising } = open;
    return {
      findings,
      files,
      savesBytes,
      lowBytes,
      highBytes,
      seconds,
      timeConfidence,
      learnedPercent: promising > 0 ? Math.round((learned / promising) * 1000) / 10 : null,
      byRule: [...open.byRule]
        .map(([ruleId, sum]) => ({ ruleId, title: titles.get(ruleId) ?? ruleId, ...sum }))
        .sort((a, b) => b.savesBytes - a.savesBytes || b.findings - a.findings || a.ruleId.localeCompare(b.ruleId)),
      bySeverity: (['high', 'medium', 'low'] as const).map((severity) => ({
        severity,
        ...(open.bySeverity.get(severity) ?? { findings: 0, savesBytes: 0 }),
      })),
      top: open.top.map((row) => ({ ...row, title: titleOf(row) })),
    };
  },
);
