import { z } from 'zod';
import { Choices } from '../domain/choices.js';
import { displayTitle, LibraryItem, Section } from '../domain/library.js';
import { isFinished, Job } from '../domain/job.js';
import { resolutionOf } from '../domain/media.js';
import { QuarantineEntry } from '../domain/quarantine.js';
import { Recommendation } from '../domain/recommendation.js';
import { Finding } from '../domain/rule.js';
import { Run } from '../domain/run.js';
import type { Store } from '../store/store.js';
import { action } from './action.js';
import { latestFirst } from './jobs.js';
import { listOf, pageOf, Paging } from './paging.js';

const LibraryRow = LibraryItem.extend({
  displayTitle: z.string(),
  sizeBytes: z.number(),
  bitrateKbps: z.number().nullable(),
  resolution: z.string().nullable(),
});
type LibraryRow = z.infer<typeof LibraryRow>;

const LibrarySort = z.enum([
  'title',
  '-title',
  'sizeBytes',
  '-sizeBytes',
  'addedAt',
  '-addedAt',
  'bitrateKbps',
  '-bitrateKbps',
  'plays',
  '-plays',
]);

function toRow(item: LibraryItem): LibraryRow {
  const [first] = item.files;
  return {
    ...item,
    displayTitle: displayTitle(item),
    sizeBytes: item.files.reduce((sum, file) => sum + file.sizeBytes, 0),
    bitrateKbps: first?.video?.bitrateKbps ?? first?.bitrateKbps ?? null,
    resolution: first?.video ? resolutionOf(first.video) : null,
  };
}

/** Largest first with a leading minus; equal rows by title, so that pages never overlap. */
function compareBy(sort: z.infer<typeof LibrarySort>): (a: LibraryRow, b: LibraryRow) => number {
  const sign = sort.startsWith('-') ? -1 : 1;
  const key = sort.replace('-', '') as 'title' | 'sizeBytes' | 'addedAt' | 'bitrateKbps' | 'plays';
  const byTitle = (a: LibraryRow, b: LibraryRow): number =>
    a.displayTitle.localeCompare(b.displayTitle) || a.id.localeCompare(b.id);
  if (key === 'title') return (a, b) => sign * byTitle(a, b);
  if (key === 'addedAt') return (a, b) => sign * a.addedAt.localeCompare(b.addedAt) || byTitle(a, b);
  return (a, b) => sign * ((a[key] ?? 0) - (b[key] ?? 0)) || byTitle(a, b);
}

/** What is about to happen to an item: a job that is not ended, or else the best recommendation. */
const Next = z.object({
  kind: z.enum(['job', 'recommendation']),
  id: z.string(),
  state: z.string(),
  percent: z.number(),
  savesBytes: z.number().nullable(),
  score: z.number().nullable(),
});
type Next = z.infer<typeof Next>;

function nextFor(store: Store, itemIds: ReadonlySet<string>): (itemId: string) => Next | null {
  const found = new Map<string, Next>();
  for (const row of store.recommendations.values()) {
    const best = found.get(row.itemId);
    if (row.state !== 'open' || !itemIds.has(row.itemId) || (best?.score ?? -1) >= row.priority) continue;
    found.set(row.itemId, {
      kind: 'recommendation',
      id: row.id,
      state: row.state,
      percent: 0,
      savesBytes: row.savesBytes,
      score: row.priority,
    });
  }
  for (const job of store.jobs.values()) {
    if (!itemIds.has(job.itemId) || isFinished(job.state)) continue;
    found.set(job.itemId, {
      kind: 'job',
      id: job.id,
      state: job.state,
      percent: job.percent,
      savesBytes: job.expectedSavesBytes,
      score: null,
    });
  }
  return (itemId) => found.get(itemId) ?? null;
}

/** The library, filtered, sorted and cut into pages. */
export const listLibrary = action(
  {
    summary: 'List library items',
    input: Paging.extend({
      q: z.string().trim().default(''),
      sectionId: Choices,
      codec: Choices,
      resolution: Choices,
      sort: LibrarySort.default('-sizeBytes'),
    }),
    output: listOf(LibraryRow.extend({ next: Next.nullable() })).extend({
      presets: z.array(z.object({ id: z.string(), title: z.string() })),
      /** Titles in the library, whatever the filter. */
      all: z.int(),
      lastSync: Run.nullable(),
      sizeBytes: z.number(),
      sections: z.array(Section),
      codecs: z.array(z.string()),
      filter: z.object({
        q: z.string(),
        sectionId: z.string(),
        codec: z.string(),
        resolution: z.string(),
        sort: LibrarySort,
      }),
    }),
  },
  ({ store, sync, presets }, { page, pageSize, q, sectionId, codec, resolution, sort }) => {
    const words = q.toLowerCase().split(/\s+/).filter(Boolean);
    const codecs = new Set<string>();
    const rows: LibraryRow[] = [];
    for (const item of store.library.values()) {
      for (const { video } of item.files) if (video) codecs.add(video.codec);
      if (sectionId.length > 0 && !sectionId.includes(item.sectionId)) continue;
      if (codec.length > 0 && !item.files.some(({ video }) => video && codec.includes(video.codec))) continue;
      if (resolution.length > 0 && !item.files.some(({ video }) => video && resolution.includes(resolutionOf(video)))) {
        continue;
      }
      const row = toRow(item);
      const text = `${row.displayTitle} ${item.tags.join(' ')} ${item.files.map(({ path }) => path).join(' ')}`;
      if (words.every((word) => text.toLowerCase().includes(word))) rows.push(row);
    }
    rows.sort(compareBy(sort));
    const cut = pageOf(rows, { page, pageSize }, { q, sectionId, codec, resolution, sort });
    const nextOf = nextFor(store, new Set(cut.items.map(({ id }) => id)));
    return Promise.resolve({
      ...cut,
      items: cut.items.map((row) => ({ ...row, next: nextOf(row.id) })),
      presets: presets.list().map((preset) => ({ id: preset.id, title: preset.title })),
      all: store.library.size,
      lastSync: sync.status().lastRun,
      sizeBytes: rows.reduce((sum, row) => sum + row.sizeBytes, 0),
      sections: store.sections.where(() => true),
      codecs: [...codecs].sort(),
      filter: {
        q,
        sectionId: sectionId.join(','),
        codec: codec.join(','),
        resolution: resolution.join(','),
        sort,
      },
    });
  },
);

/** One film or episode: files, what every rule says about it, and what was done. Throws `not_found`. */
export const showItem = action(
  {
    summary: 'Show one library item with streams, rule decisions and history',
    input: z.object({ id: z.string() }),
    output: LibraryRow.extend({
      decisions: z.array(
        z.object({
          fileId: z.string(),
          ruleId: z.string(),
          ruleTitle: z.string(),
          mode: z.string(),
          finding: Finding.nullable(),
        }),
      ),
      recommendations: z.array(Recommendation),
      jobs: z.array(Job),
      kept: z.array(QuarantineEntry),
      presets: z.array(z.object({ id: z.string(), title: z.string() })),
    }),
  },
  async ({ store, analyzer, rules, presets }, { id }) => {
    const item = store.library.get(id);
    const titles = new Map(rules.list().map((rule) => [rule.id, rule.title]));
    const decisions = await analyzer.decide(id);
    return {
      ...toRow(item),
      decisions: decisions.map(({ fileId, ruleId, finding }) => ({
        fileId,
        ruleId,
        ruleTitle: titles.get(ruleId) ?? ruleId,
        mode: store.rules.find(ruleId)?.mode ?? 'recommend',
        finding,
      })),
      recommendations: store.recommendations.where((row) => row.itemId === id),
      jobs: store.jobs.where((job) => job.itemId === id).sort(latestFirst),
      kept: store.quarantine.where((entry) => entry.itemId === id),
      presets: presets.list().map((preset) => ({ id: preset.id, title: preset.title })),
    };
  },
);

/** What a job with this preset would do to an item, before anybody asks for it. Nothing is written. Throws `not_found`. */
export const planItem = action(
  {
    summary: 'Plan a transcode of a library item without running it',
    input: z.object({ id: z.string(), presetId: z.string() }),
    output: z.object({
      id: z.string(),
      displayTitle: z.string(),
      sizeBytes: z.number(),
      preset: z.object({ id: z.string(), title: z.string(), description: z.string() }),
      presets: z.array(z.object({ id: z.string(), title: z.string() })),
      planNotes: z.array(z.string()),
      commands: z.array(z.string()),
      skipped: z.string().nullable(),
    }),
  },
  async ({ store, queue, presets }, { id, presetId }) => {
    const row = toRow(store.library.get(id));
    const preset = presets.get(presetId);
    return {
      id,
      displayTitle: row.displayTitle,
      sizeBytes: row.sizeBytes,
      preset: { id: preset.id, title: preset.title, description: preset.description },
      presets: presets.list().map((one) => ({ id: one.id, title: one.title })),
      ...(await queue.simulate({ itemId: id, presetId })),
    };
  },
);
