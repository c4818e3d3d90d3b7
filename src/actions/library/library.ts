import { z } from 'zod';
import {
  FACETS,
  LibraryFilter,
  LibrarySort,
  sizeOf,
  type Facet,
  type FacetCounts,
} from '../../domain/library/filter.js';
import { ExcludedItem } from '../../domain/library/excluded-items.js';
import { displayTitle, LibraryItem } from '../../domain/library/library.js';
import { ItemStatus } from '../../domain/library/item-status.js';
import { Job } from '../../domain/jobs/job.js';
import { resolutionOf } from '../../domain/library/media.js';
import { QuarantineEntry } from '../../domain/replace/quarantine.js';
import { Recommendation } from '../../domain/recommendations/recommendation.js';
import { Finding } from '../../domain/rules/rule.js';
import type { ItemSituation } from '../../engine/library/search.js';
import { itemIdOf } from '../../store/row-keys.js';
import { action, type Context } from '../action.js';
import { latestFirst, simulate, Simulated } from '../jobs/jobs.js';
import { liveJob } from '../jobs/live-job.js';
import { frameOf, listOf, Paging } from '../paging.js';
import { defaultPresetId, PresetWish, proposalsFor } from '../presets/choice.js';

export const LibraryRow = LibraryItem.extend({
  displayTitle: z.string(),
  /** Of the files that match, together. */
  sizeBytes: z.number(),
  /** This and `resolution` are of the first of `matchedFileIds`. */
  bitrateKbps: z.number().nullable(),
  resolution: z.string().nullable(),
  /** The files that match the filter, the largest first; without a filter all of them. */
  matchedFileIds: z.array(z.string()),
  /** How many versions the item has; the parts of one count as one. */
  versions: z.int(),
});
export type LibraryRow = z.infer<typeof LibraryRow>;

/** A row of a library list; `matchedIds` are those of its files that match, null for all. */
export function toRow(item: LibraryItem, matchedIds: readonly string[] | null = null): LibraryRow {
  const matched = item.files.filter(({ id }) => matchedIds?.includes(id) ?? true);
  const sorted = matched.toSorted((a, b) => b.sizeBytes - a.sizeBytes);
  const [shown] = sorted;
  return {
    ...item,
    displayTitle: displayTitle(item),
    sizeBytes: sizeOf({ files: matched }),
    bitrateKbps: shown?.video?.bitrateKbps ?? shown?.bitrateKbps ?? null,
    resolution: shown?.video ? resolutionOf(shown.video) : null,
    matchedFileIds: sorted.map(({ id }) => id),
    versions: Math.round(item.files.reduce((sum, { stackedParts }) => sum + 1 / stackedParts, 0)),
  };
}

/** What is about to happen to an item: a job that is not ended, or else the best recommendation. */
const Next = z.object({
  kind: z.enum(['job', 'recommendation']),
  id: z.string(),
  state: z.string(),
  percent: z.number(),
  /** Of a job that runs. */
  stage: z.string().nullable(),
  savesBytes: z.number().nullable(),
  score: z.number().nullable(),
  /** What it is or would be encoded with. */
  presetId: z.string().nullable(),
});
type Next = z.infer<typeof Next>;

function nextOf(ctx: Context, { job, recommendation }: ItemSituation): Next | null {
  if (job) {
    const { id, state, stage, expectedSavesBytes: savesBytes, presetId } = job;
    return { kind: 'job', id, state, percent: liveJob(ctx, job).percent, stage, savesBytes, score: null, presetId };
  }
  if (!recommendation) return null;
  const { id, state, savesBytes, priority: score, presetId } = recommendation;
  return { kind: 'recommendation', id, state, percent: 0, stage: null, savesBytes, score, presetId };
}

/** What stands about an item beside it: the last word with its reason, and what comes next. */
const Situation = z.object({ status: ItemStatus, next: Next.nullable() });

function situationOf(ctx: Context, item: LibraryItem, matchedIds?: readonly string[]): z.infer<typeof Situation> {
  const found = ctx.search.situation(item, matchedIds);
  return { status: found.status, next: nextOf(ctx, found) };
}

/** How many of the titles that match have this value; for a chosen value also when none has. */
const FacetCount = z.object({ value: z.string(), label: z.string(), count: z.int(), isChosen: z.boolean() });
type FacetCount = z.infer<typeof FacetCount>;
const Facets = z.object(Object.fromEntries(FACETS.map((name) => [name, z.array(FacetCount)])) as FacetShape);
type FacetShape = Record<Facet, z.ZodArray<typeof FacetCount>>;

export const LibraryQuery = Paging.extend({
  ...LibraryFilter.shape,
  sort: LibrarySort.default('-sizeBytes'),
  facets: z.coerce.boolean().default(false),
});
export type LibraryQuery = z.infer<typeof LibraryQuery>;

export const LibraryPage = listOf(LibraryRow.extend(Situation.shape)).extend({
  /** Bytes of every file that matches. */
  sizeBytes: z.number(),
  facets: Facets.nullable(),
});

/** A page of rows, its neighbours' links, and how many titles each further choice would leave. */
export async function findPage(ctx: Context, query: LibraryQuery): Promise<z.infer<typeof LibraryPage>> {
  const { store, search } = ctx;
  const found = await search.find({ ...query, filter: query });
  const rows = found.ids.map((id) => store.library.find(id)).filter((row) => row !== null);
  return {
    ...frameOf(found.total, query, queryOf(query)),
    items: rows.map((item) => {
      const row = toRow(item, found.matched.get(item.id) ?? null);
      return { ...row, ...situationOf(ctx, item, row.matchedFileIds) };
    }),
    sizeBytes: found.sizeBytes,
    facets: found.facets && labelled(ctx, found.facets, query),
  };
}

/** What of a query is not as it would be anyway, for an address. */
export function queryOf({ sort, ...query }: LibraryFilter & { sort: LibrarySort }): Record<string, string> {
  const asked: Record<string, string> = {};
  for (const name of Object.keys(LibraryFilter.shape) as (keyof LibraryFilter)[]) {
    const value = query[name];
    const text = Array.isArray(value) ? value.join(',') : String(value ?? '');
    if (text !== '') asked[name] = text;
  }
  return { ...asked, sort };
}

/** Names instead of ids where people know them by name. */
function labelled({ store, rules }: Context, counts: FacetCounts, filter: LibraryFilter): z.infer<typeof Facets> {
  const titles = new Map(rules.list().map(({ id, title }) => [id, title]));
  const labelOf = (name: Facet, value: string): string => {
    if (name === 'sectionId') return store.sections.find(value)?.title ?? value;
    if (name === 'tag') return store.tags.find(value)?.name ?? value;
    return name === 'ruleId' ? (titles.get(value) ?? value) : value;
  };
  const all = FACETS.map((name): [Facet, FacetCount[]] => {
    const counted = new Set(counts[name].map(({ value }) => value));
    const absent = filter[name].filter((value) => !counted.has(value)).map((value) => ({ value, count: 0 }));
    return [
      name,
      [...counts[name], ...absent].map(({ value, count }) => ({
        value,
        label: labelOf(name, value),
        count,
        isChosen: filter[name].includes(value),
      })),
    ];
  });
  return Object.fromEntries(all) as z.infer<typeof Facets>;
}

/** The library, filtered, sorted and cut into pages. */
export const listLibrary = action(
  { summary: 'List library items', input: LibraryQuery, output: LibraryPage },
  findPage,
);

/** One film or episode: files, what every rule says about it, and what was done. Throws `not_found`. */
export const showItem = action(
  {
    summary: 'Show one library item with streams, rule decisions and history',
    input: z.object({ id: z.string() }),
    output: LibraryRow.extend({
      ...Situation.shape,
      decisions: z.array(
        z.object({
          fileId: z.string(),
          ruleId: z.string(),
          ruleTitle: z.string(),
          mode: z.string(),
          finding: Finding.nullable(),
          path: z.string(),
          /** Why there is no finding. */
          whyNot: z.string(),
        }),
      ),
      recommendations: z.array(Recommendation),
      jobs: z.array(Job.extend({ presetTitle: z.string() })),
      kept: z.array(QuarantineEntry),
      presets: z.array(z.object({ id: z.string(), title: z.string() })),
      /** What it is encoded with unless the owner says otherwise, and what a recommendation proposes, if one does. */
      presetId: z.string(),
      recommendedPresetId: z.string().nullable(),
      /** What the library it is in is called. */
      section: z.string(),
      /** Null unless the owner excluded it from processing. */
      excluded: ExcludedItem.nullable(),
    }),
  },
  async (ctx, { id }) => {
    const { store, analyzer, rules, presets } = ctx;
    const item = store.library.get(id);
    const proposed = proposalsFor(ctx, new Set([id])).get(id)?.presetId ?? null;
    const titles = new Map(rules.list().map((rule) => [rule.id, rule.title]));
    const presetTitles = new Map(presets.list().map((preset) => [preset.id, preset.title]));
    const decisions = await analyzer.decide(id);
    return {
      ...toRow(item),
      ...situationOf(ctx, item),
      section: store.sections.find(item.sectionId)?.title ?? item.sectionId,
      excluded: store.excluded.find(id),
      decisions: decisions.map(({ fileId, ruleId, finding, whyNot }) => ({
        fileId,
        ruleId,
        ruleTitle: titles.get(ruleId) ?? ruleId,
        mode: store.rules.find(ruleId)?.mode ?? 'recommend',
        finding,
        path: item.files.find((file) => file.id === fileId)?.path ?? '',
        whyNot: whyNot ?? 'Nothing to improve here.',
      })),
      recommendations: [...store.recommendations.by(itemIdOf).of(id)],
      jobs: store.jobs
        .by(itemIdOf)
        .of(id)
        .toSorted(latestFirst)
        .map((job) => ({ ...liveJob(ctx, job), presetTitle: presetTitles.get(job.presetId) ?? job.presetId })),
      kept: [...store.quarantine.by(itemIdOf).of(id)],
      presets: presets.list().map((preset) => ({ id: preset.id, title: preset.title })),
      presetId: proposed ?? defaultPresetId(ctx),
      recommendedPresetId: proposed,
    };
  },
);

/** What a job with this preset would do to an item, before anybody asks for it. Nothing is written. Throws `not_found`. */
export const planItem = action(
  {
    summary: 'Plan a transcode of a library item without running it',
    input: z.object({ id: z.string(), presetId: PresetWish, fileId: z.string().min(1).optional() }),
    output: z.object({
      id: z.string(),
      displayTitle: z.string(),
      sizeBytes: z.number(),
      preset: z.object({ id: z.string(), title: z.string(), description: z.string() }),
      presets: z.array(z.object({ id: z.string(), title: z.string() })),
      /** Name of the file that is planned, where the title has several. */
      path: z.string(),
      ...Simulated.shape,
    }),
  },
  async (ctx, { id, presetId, fileId }) => {
    const { store, presets } = ctx;
    const item = store.library.get(id);
    const { displayTitle, sizeBytes } = toRow(item);
    const plan = await simulate(ctx, { itemId: id, presetId, fileId });
    const preset = presets.get(plan.presetId);
    return {
      ...{ id, displayTitle, sizeBytes },
      path: item.files.find((file) => file.id === plan.fileId)?.path ?? '',
      preset: { id: preset.id, title: preset.title, description: preset.description },
      presets: presets.list().map((one) => ({ id: one.id, title: one.title })),
      ...plan,
    };
  },
);
