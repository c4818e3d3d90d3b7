import { z } from 'zod';
import { isWhole, Run } from '../../domain/recommendations/run.js';
import { Settings } from '../../domain/settings/settings.js';
import { action, type Context } from '../action.js';
import { canBeApproved } from './approve.js';
import { frameOf, Paging } from '../paging.js';
import {
  queryOf,
  ReviewFilter,
  ReviewGrouping,
  ReviewSort,
  ReviewState,
} from '../../domain/recommendations/review-query.js';
import { chipsOf, Choice, facetsOf, type Given, type Names } from './review-facets.js';
import type { Entry } from '../../engine/recommendations/review-index.js';
import { RecommendationRow, toRows } from './review-rows.js';
import type { Found, FoundGroup } from '../../engine/recommendations/review-search.js';

const View = Settings.shape.review.unwrap().shape.view.unwrap();

/** Where there are several groups, each shows its best, and a link leads to the rest. */
const SHOWN_OF_GROUP = 5;
const GROUPS_OF_PAGE = 10;
const ROWS_OF_PAGE = 25;

const Group = z.object({
  /** Empty when nothing is grouped. */
  title: z.string(),
  /** Query string that shows this group alone. */
  query: z.string(),
  /** What is sent to select the whole group. */
  selector: z.string(),
  count: z.int(),
  approvable: z.int(),
  /** Rows that are not shown here. */
  more: z.int(),
  savesBytes: z.number(),
  items: z.array(RecommendationRow),
});

/** What a rule has open, and what came of what it promised before. */
const Summary = z.object({
  ruleId: z.string(),
  title: z.string(),
  findings: z.int(),
  savesBytes: z.number(),
  promisedBytes: z.number(),
  achievedBytes: z.number(),
  jobs: z.int(),
});

/** Recommendations to decide about: grouped, filtered, with what all of them would bring. */
export const showReview = action(
  {
    summary: 'Review recommendations',
    input: Paging.extend({
      pageSize: z.coerce.number().int().min(1).max(100).default(ROWS_OF_PAGE),
      ...ReviewFilter.shape,
      sort: ReviewSort.default('priority'),
      group: ReviewGrouping.default('rule'),
      view: View.optional(),
    }),
    output: z.object({
      state: ReviewState,
      filter: ReviewFilter,
      sort: ReviewSort,
      group: ReviewGrouping,
      view: View,
      /** The whole view as a query string, without page; and the same without group, without sort, and with another look. */
      query: z.string(),
      counts: z.record(ReviewState, z.int()),
      total: z.int(),
      approvable: z.int(),
      savesBytes: z.number(),
      lowBytes: z.number(),
      highBytes: z.number(),
      /** How long all of it takes on this machine; null when it is too much to add up. */
      seconds: z.number().nullable(),
      workerTitle: z.string(),
      summary: z.array(Summary),
      groups: z.array(Group),
      previous: z.string().nullable(),
      next: z.string().nullable(),
      facets: z.record(z.string(), z.array(Choice)),
      chips: z.array(z.object({ label: z.string(), query: z.string() })),
      groupings: z.array(z.object({ title: z.string(), query: z.string(), isChosen: z.boolean() })),
      otherView: z.object({ view: View, query: z.string() }),
      presets: z.array(z.object({ id: z.string(), title: z.string() })),
      lastAnalysis: Run.nullable(),
      /** Titles in the library and rules that are on: why there may be nothing to decide. */
      titles: z.int(),
      rulesOn: z.int(),
    }),
  },
  async (ctx, { page, pageSize, sort, group, view: asked, ...filter }) => {
    const found = await ctx.review.find({ filter, sort, group });
    const view = await rememberView(ctx, asked);
    const given = { ...filter, sort, group };
    const shown = await groupsOf(ctx, found, { page, pageSize }, given);
    const titles = new Map(ctx.rules.list().map(({ id, title }) => [id, title]));
    const otherView = view === 'cards' ? ('table' as const) : ('cards' as const);
    return {
      ...shown,
      state: filter.state,
      filter,
      sort,
      group,
      view,
      query: queryOf(given),
      counts: found.counts,
      total: found.entries.length,
      approvable: countApprovable(found.entries),
      savesBytes: found.savesBytes,
      lowBytes: found.lowBytes,
      highBytes: found.highBytes,
      ...(await timeOf(ctx, found)),
      summary: await summaryOf(ctx, titles),
      facets: facetsOf(ctx, found, filter, titles),
      chips: chipsOf(ctx, given, titles),
      groupings: GROUPINGS.map(([id, title]) => ({
        title,
        query: queryOf({ ...given, group: id }),
        isChosen: id === group,
      })),
      otherView: { view: otherView, query: `${queryOf(given)}&view=${otherView}`.replace(/^&/, '') },
      presets: ctx.presets.list().map(({ id, title }) => ({ id, title })),
      lastAnalysis: lastAnalysisOf(ctx),
      titles: ctx.store.library.size,
      rulesOn: ctx.rules.list().filter(({ id }) => ctx.store.rules.find(id)?.mode !== 'off').length,
    };
  },
);

/** So many rows are added up for a page that narrows the list down; more would hold it up. */
const MOST_TO_TIME = 500;

/** How long everything that matches takes. All that is open is known at any time; a part of it is counted while it is small. */
async function timeOf({ estimates }: Context, { entries, counts }: Found) {
  const [first] = entries;
  if (first?.row.state === 'open' && entries.length === counts.open)
    return { seconds: (await estimates.open(0)).seconds, workerTitle: 'this machine' };
  if (entries.length === 0 || entries.length > MOST_TO_TIME || entries.some(({ row }) => row.group !== null))
    return { seconds: null, workerTitle: '' };
  const { seconds, workerTitle } = await estimates.forRecommendations(entries.map(({ row }) => row.id));
  return { seconds, workerTitle };
}

/** Every rule that has something open or kept a promise, the most worthwhile first. */
async function summaryOf({ estimates }: Context, titles: Names): Promise<z.infer<typeof Summary>[]> {
  const [{ byRule }, promises] = await Promise.all([estimates.open(0), estimates.promises()]);
  const rows = [...new Set([...byRule.keys(), ...promises.keys()])].map((ruleId) => {
    const open = byRule.get(ruleId);
    const kept = promises.get(ruleId);
    return {
      ruleId,
      title: titles.get(ruleId) ?? ruleId,
      findings: open?.findings ?? 0,
      savesBytes: open?.savesBytes ?? 0,
      promisedBytes: kept?.promisedBytes ?? 0,
      achievedBytes: kept?.achievedBytes ?? 0,
      jobs: kept?.jobs ?? 0,
    };
  });
  return rows
    .filter(({ findings, jobs }) => findings > 0 || jobs > 0)
    .sort((a, b) => b.savesBytes - a.savesBytes || b.findings - a.findings);
}

const GROUPINGS: readonly [ReviewGrouping, string][] = [
  ['rule', 'By rule'],
  ['show', 'By series'],
  ['season', 'By season'],
  ['none', 'All'],
];

/** Lists are kept until something changes, and so is how many of one can be approved. */
const APPROVABLE = new WeakMap<readonly Entry[], number>();

function countApprovable(entries: readonly Entry[]): number {
  const known = APPROVABLE.get(entries);
  if (known !== undefined) return known;
  let count = 0;
  for (const { row } of entries) if (canBeApproved(row)) count++;
  APPROVABLE.set(entries, count);
  return count;
}

/** How the page looks is kept for the next time; whoever opens an address that says it, wants it. */
async function rememberView(
  { store }: Context,
  asked: z.infer<typeof View> | undefined,
): Promise<z.infer<typeof View>> {
  const { view } = store.settings.value.review;
  if (asked !== undefined && asked !== view) await store.settings.change({ review: { view: asked } });
  return asked ?? view;
}

/** The groups of this page with their rows. A single group is paged by rows, several by groups. */
async function groupsOf(ctx: Context, found: Found, paging: Paging, given: Given) {
  const isPlain = found.groups.length < 2;
  const [only] = found.groups;
  const start = (paging.page - 1) * paging.pageSize;
  const parts = isPlain
    ? [{ group: only ?? null, entries: found.entries.slice(start, start + paging.pageSize), count: found.entries.length }] // prettier-ignore
    : found.groups
        .slice((paging.page - 1) * GROUPS_OF_PAGE, paging.page * GROUPS_OF_PAGE)
        .map((group) => ({ group, entries: group.entries.slice(0, SHOWN_OF_GROUP), count: group.entries.length }));
  const rows = await toRows(
    ctx,
    parts.flatMap(({ entries }) => entries.map(({ row }) => row)),
  );
  const byId = new Map(rows.map((row) => [row.id, row]));
  const query = Object.fromEntries(new URLSearchParams(queryOf(given)));
  const frame = isPlain
    ? frameOf(found.entries.length, paging, query)
    : frameOf(found.groups.length, { page: paging.page, pageSize: GROUPS_OF_PAGE }, query);
  return {
    previous: frame.previous,
    next: frame.next,
    groups: parts
      .filter(({ entries }) => entries.length > 0)
      .map(({ group, entries, count }) => ({
        title: group ? titleOf(ctx, group) : '',
        query: group ? queryOf({ ...given, ...narrowed(group) }) : queryOf(given),
        selector: `${count} ${queryOf({ ...given, ...(group ? narrowed(group) : {}) })}`,
        count,
        approvable: countApprovable(group?.entries ?? found.entries),
        more: isPlain ? 0 : count - entries.length,
        savesBytes: group?.savesBytes ?? found.savesBytes,
        items: entries.flatMap(({ row }) => byId.get(row.id) ?? []),
      })),
  };
}

/** The filter of a group alone. */
function narrowed({ narrow }: FoundGroup): Partial<ReviewFilter> {
  const { season, leadRuleId, about, ...rest } = narrow;
  return {
    ...rest,
    ...(leadRuleId === undefined ? {} : { leadRuleId: [leadRuleId] }),
    ...(about === undefined ? {} : { about: [about] }),
    ...(season === undefined ? {} : { season: Number(season) }),
  };
}

function titleOf({ rules }: Context, { narrow }: FoundGroup): string {
  const { leadRuleId, show, season, about } = narrow;
  if (leadRuleId !== undefined) return rules.list().find(({ id }) => id === leadRuleId)?.title ?? leadRuleId;
  if (about !== undefined) return about === 'group' ? 'Many files at once' : 'Films';
  return season === undefined ? (show ?? '') : `${show ?? ''}, season ${season}`;
}

function lastAnalysisOf({ store }: Context): Run | null {
  let last: Run | null = null;
  for (const run of store.runs.values()) {
    if (run.kind === 'analysis' && isWhole(run) && run.startedAt > (last?.startedAt ?? '')) last = run;
  }
  return last;
}
