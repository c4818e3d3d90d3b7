import { z } from 'zod';
import { durationOf, Run } from '../../domain/recommendations/run.js';
import { action, type Context } from '../action.js';
import { listOf, pageOf, Paging } from '../paging.js';
import { keptSavings, SavingsKept } from './savings.js';

const HistoryRow = Run.omit({ kind: true, removed: true, ruleIds: true, durationMs: true }).extend({
  /** The library of Plex it was about; null for all of them. */
  sectionTitle: z.string().nullable(),
  /** The rules that were asked, when it were not all. */
  ruleTitles: z.array(z.string()),
  /** How many runs over single titles are summed here. */
  runs: z.int().positive(),
  /** Recommendations that no longer held. */
  closed: z.int(),
  savesBytes: z.int(),
  /** Null while it runs. */
  durationMs: z.int().nullable(),
});

/** The analyses, newest first, and what came of what they promised. */
export const listRuns = action(
  {
    summary: 'List the analyses, newest first',
    input: Paging.extend({ sectionId: z.string().optional() }),
    output: listOf(HistoryRow).extend({
      sectionId: z.string(),
      /** Libraries that can be analyzed by themselves. */
      sections: z.array(z.object({ id: z.string(), title: z.string() })),
      kept: SavingsKept,
    }),
  },
  async (ctx, { page, pageSize, sectionId }) => {
    const { store, rules } = ctx;
    const runs = store.runs.where((run) => run.kind === 'analysis' && (!sectionId || run.sectionId === sectionId));
    runs.sort((a, b) => b.startedAt.localeCompare(a.startedAt) || b.id.localeCompare(a.id));
    const titles = new Map(rules.list().map(({ id, title }) => [id, title]));
    const cut = pageOf(runs, { page, pageSize }, { sectionId });
    return {
      ...cut,
      items: cut.items.map((run) => toRow(ctx, run, titles)),
      sectionId: sectionId ?? '',
      sections: store.sections.where(({ enabled }) => enabled).map(({ id, title }) => ({ id, title })),
      kept: await keptSavings(ctx),
    };
  },
);

function toRow({ store }: Context, run: Run, titles: ReadonlyMap<string, string>): z.infer<typeof HistoryRow> {
  const { sectionId, ruleIds = [], runs = 1, removed, savesBytes = 0 } = run;
  return {
    ...run,
    sectionTitle: sectionId === null ? null : (store.sections.find(sectionId)?.title ?? sectionId),
    ruleTitles: ruleIds.map((id) => titles.get(id) ?? id),
    runs,
    closed: removed,
    savesBytes,
    durationMs: durationOf(run),
  };
}

/** Runs every rule that is on over the library. Throws `conflict` while an analysis runs, `not_found` for no such library. */
export const analyze = action(
  {
    summary: 'Analyze everything, or one library of Plex',
    input: z.object({ sectionId: z.string().optional() }),
    output: Run,
  },
  ({ analyzer }, { sectionId }) => analyzer.library('owner', sectionId === '' ? null : sectionId),
);
