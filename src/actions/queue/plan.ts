import { z } from 'zod';
import { totalTime, type TimeEstimate } from '../../domain/recommendations/encode-time.js';
import { AppError } from '../../domain/errors.js';
import { LEFT_OUT_WORDS, LeftOut, LeftOutReason } from '../../domain/recommendations/left-out.js';
import type { MediaFile } from '../../domain/library/media.js';
import { presetOfJob } from '../../domain/presets/merge.js';
import type { Preset } from '../../domain/presets/preset.js';
import { Confidence, COVERED_NOTE, type Recommendation } from '../../domain/recommendations/recommendation.js';
import { totalSaving, type SavingRange } from '../../domain/recommendations/savings.js';
import { EventLoopYield } from '../../lib/event-loop-yield.js';
import type { Context } from '../action.js';
import { canBeApproved } from '../recommendations/approve.js';
import { alsoPresetIds, defaultPresetId, proposalsFor } from '../presets/choice.js';
import type { JobWish } from '../../engine/queue/enqueue.js';

/** A job that would be made, with what it would bring. */
export interface PlannedJob {
  wish: JobWish & { expectedSavesBytes: number };
  saving: SavingRange;
  time: TimeEstimate | null;
  /** The recommendation that asks for it; null when the owner does. */
  recommendation: Recommendation | null;
  localPath: string;
}

/** What an answer to a selection does: computed once, shown in the question, and carried out. */
export interface QueuePlan {
  jobs: PlannedJob[];
  /** Recommendations whose surplus copy goes to quarantine. */
  copies: Recommendation[];
  leftOut: { id: string; reason: LeftOutReason }[];
}

/** How long a question waits for the disks that know about hard links, milliseconds. */
const PATIENCE_MS = 1500;

/** The plan in figures, for a question and for totals. */
export const PlanFigures = z.object({
  jobs: z.int(),
  copies: z.int(),
  presets: z.array(z.object({ id: z.string(), title: z.string(), count: z.int() })),
  savesBytes: z.number(),
  lowBytes: z.number(),
  highBytes: z.number(),
  confidence: Confidence,
  /** How long the encodes take one after the other; verifying comes on top. */
  seconds: z.number(),
  timeConfidence: Confidence,
  workerTitle: z.string(),
  /** What is left out and why, the most frequent reason first. */
  leftOut: z.array(z.object({ reason: LeftOutReason, words: z.string(), count: z.int() })),
  leftOutCount: z.int(),
});
export type PlanFigures = z.infer<typeof PlanFigures>;

/**
 * What queueing these items would do: with this preset, or with what is recommended for each and else the default preset.
 * `versions`: the files that are meant, of items of which not all are; the first unless another is recommended.
 */
export async function planItems(
  ctx: Context,
  itemIds: readonly string[],
  presetId: string,
  versions: ReadonlyMap<string, readonly string[]> = new Map(),
): Promise<QueuePlan> {
  const planner = new Planner(ctx);
  const proposals = proposalsFor(ctx, new Set(itemIds), versions);
  const usual = defaultPresetId(ctx);
  for (const itemId of itemIds) {
    const proposal = proposals.get(itemId);
    const preset = presetId === '' ? (proposal?.presetId ?? usual) : presetId;
    const isProposed = proposal?.presetId === preset;
    const fileId = proposal?.fileId ?? versions.get(itemId)?.[0];
    const also = presetId === '' ? (proposal?.alsoPresetIds ?? []) : [];
    const wish = { itemId, presetId: preset, alsoPresetIds: also, ...(fileId === undefined ? {} : { fileId }) };
    planner.add(itemId, wish, isProposed ? proposal.recommendation : null);
    await planner.breathe();
  }
  return planner.finish();
}

/** What approving these recommendations would do. Of several about one file only the one that saves most makes a job. */
export async function planApproval(ctx: Context, ids: readonly string[], presetId = ''): Promise<QueuePlan> {
  const { store, analyzer } = ctx;
  const planner = new Planner(ctx);
  const groups: Recommendation[] = [];
  const best = new Map<string, Recommendation>();
  for (const id of ids) {
    const row = store.recommendations.find(id);
    const reason = row ? whyNotDecided(row) : 'gone';
    if (reason !== null) planner.leave(id, reason);
    else if (row?.keep) planner.copies.push(row);
    else if (row?.group) groups.push(row);
    else if (row) {
      const key = `${row.itemId}.${row.fileId}`;
      const other = best.get(key);
      if (other) planner.leave((other.savesBytes < row.savesBytes ? other : row).id, 'covered');
      if (!other || other.savesBytes < row.savesBytes) best.set(key, row);
    }
  }
  for (const row of best.values()) {
    const preset = presetId || (row.presetId ?? '');
    const wish = { ...wishOf(row, preset, row), alsoPresetIds: alsoPresetIds(ctx, row, preset) };
    planner.add(row.id, wish, preset === row.presetId ? row : null, row);
    await planner.breathe();
  }
  for (const row of groups) {
    const preset = presetId || (row.presetId ?? '');
    const members = analyzer.membersOf(row.group ?? { codec: '', resolution: '' }, row.ruleId);
    const total = members.reduce((sum, { file }) => sum + file.sizeBytes, 0);
    for (const { item, file } of members) {
      const share = total > 0 ? file.sizeBytes / total : 0;
      const part = {
        ...row,
        savesBytes: Math.round(row.savesBytes * share),
        savesLowBytes: Math.round(row.savesLowBytes * share),
        savesHighBytes: Math.round(row.savesHighBytes * share),
      };
      const wish = wishOf(row, preset, { itemId: item.id, fileId: file.id });
      planner.add(`${item.id}.${file.id}`, wish, preset === row.presetId ? part : null, row);
      await planner.breathe();
    }
  }
  return planner.finish();
}

const wishOf = (
  { id, ruleId, priority: score }: Recommendation,
  presetId: string,
  { itemId, fileId }: { itemId: string; fileId: string },
): JobWish => ({ itemId, fileId, presetId, ruleId, recommendationId: id, score });

/** Why approving a recommendation does nothing; null when it does. */
function whyNotDecided(row: Recommendation): LeftOutReason | null {
  if (row.state === 'closed' && row.note === COVERED_NOTE) return 'has-job';
  if (row.state !== 'open' && row.state !== 'snoozed') return 'decided';
  return canBeApproved(row) ? null : 'informs';
}

/** Takes in one wish after the other, asking the only maker of jobs what it would say to each. */
class Planner {
  readonly copies: Recommendation[] = [];
  readonly #ctx: Context;
  readonly #busy: ReturnType<Context['enqueue']['busyPaths']>;
  readonly #loopYield = new EventLoopYield();
  readonly #jobs = new Map<string, PlannedJob & { id: string }>();
  readonly #leftOut: QueuePlan['leftOut'] = [];

  constructor(ctx: Context) {
    this.#ctx = ctx;
    this.#busy = ctx.enqueue.busyPaths();
  }

  leave(id: string, reason: LeftOutReason): void {
    this.#leftOut.push({ id, reason });
  }

  /** `figures`: a recommendation that has the saving already, with this very preset. */
  add(id: string, wish: JobWish, figures: Recommendation | null, asker: Recommendation | null = null): void {
    try {
      const { sourcePath, fileId } = this.#ctx.enqueue.check(wish, this.#busy);
      if (this.#jobs.has(sourcePath)) {
        this.leave(id, 'covered');
        return;
      }
      const file = this.#ctx.store.library.find(wish.itemId)?.files.find((one) => one.id === fileId) ?? null;
      // A recommendation about one version says nothing of the others.
      const known = figures !== null && (figures.group !== null || figures.fileId === fileId) ? figures : null;
      const saving = this.#savingOf(file, wish, known);
      const expectedSavesBytes = saving.savesBytes;
      this.#jobs.set(sourcePath, {
        ...{ id, saving, recommendation: asker, localPath: sourcePath },
        time: this.#timeOf(file, wish),
        wish: { ...wish, expectedSavesBytes },
      });
    } catch (error) {
      if (error instanceof LeftOut) this.leave(id, error.reason);
      else if (error instanceof AppError && !error.isRetriable) this.leave(id, 'gone');
      else throw error;
    }
  }

  async breathe(): Promise<void> {
    if (this.#loopYield.isDue) await this.#loopYield.pause();
  }

  /** Leaves out what hard links keep from freeing anything, as the job itself would. */
  async finish(): Promise<QueuePlan> {
    const { store, countLinks } = this.#ctx;
    const { skipHardLinks } = store.settings.value.safety;
    const links = skipHardLinks ? await countLinks([...this.#jobs.keys()], PATIENCE_MS) : new Map<string, number>();
    const jobs = [...this.#jobs.values()].filter(({ id, localPath }) => {
      const isLinked = (links.get(localPath) ?? 1) > 1;
      if (isLinked) this.leave(id, 'hard-links');
      return !isLinked;
    });
    return { jobs, copies: this.copies, leftOut: this.#leftOut };
  }

  #savingOf(file: MediaFile | null, wish: JobWish, known: Recommendation | null): SavingRange {
    if (known !== null && (wish.alsoPresetIds ?? []).length === 0) {
      const { savesBytes, savesLowBytes: lowBytes, savesHighBytes: highBytes, confidence } = known;
      return { savesBytes, lowBytes, highBytes, confidence };
    }
    const preset = this.#presetOf(wish);
    if (!file || !preset) return { savesBytes: 0, lowBytes: 0, highBytes: 0, confidence: 'low' };
    return this.#ctx.estimates.saving(file, preset);
  }

  #presetOf({ presetId, alsoPresetIds = [] }: JobWish): Preset | null {
    const { presets } = this.#ctx;
    return presets.list().some(({ id }) => id === presetId) ? presetOfJob({ presetId, alsoPresetIds }, presets) : null;
  }

  #timeOf(file: MediaFile | null, wish: JobWish): TimeEstimate | null {
    const preset = this.#presetOf(wish);
    return file && preset ? this.#ctx.estimates.seconds(file, preset) : null;
  }
}

/** A plan added up. */
export function figuresOf(ctx: Pick<Context, 'presets'>, { jobs, copies, leftOut }: QueuePlan): PlanFigures {
  const titles = new Map(ctx.presets.list().map(({ id, title }) => [id, title]));
  const saved = copies.map(({ savesBytes }): SavingRange => ({
    savesBytes,
    lowBytes: savesBytes,
    highBytes: savesBytes,
    confidence: 'high',
  }));
  const time = totalTime(jobs.flatMap((job) => job.time ?? []));
  return {
    jobs: jobs.length,
    copies: copies.length,
    presets: countBy(jobs, ({ wish }) => wish.presetId).map(([id, count]) => ({
      id,
      title: titles.get(id) ?? id,
      count,
    })),
    ...totalSaving([...jobs.map(({ saving }) => saving), ...saved]),
    seconds: Math.round(time.seconds),
    timeConfidence: time.confidence,
    workerTitle: 'this machine',
    leftOut: countBy(leftOut, ({ reason }) => reason).map(([reason, count]) => ({
      ...{ reason, count },
      words: LEFT_OUT_WORDS[reason],
    })),
    leftOutCount: leftOut.length,
  };
}

/** How often each key occurs, the most frequent first. */
function countBy<T, Key>(all: readonly T[], keyOf: (one: T) => Key): [Key, number][] {
  const counts = new Map<Key, number>();
  for (const one of all) counts.set(keyOf(one), (counts.get(keyOf(one)) ?? 0) + 1);
  return [...counts].sort((a, b) => b[1] - a[1]);
}
