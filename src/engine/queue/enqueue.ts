import { invalid } from '../../domain/errors.js';
import { attemptId, isFinished, MAX_ATTEMPTS, type Job } from '../../domain/jobs/job.js';
import { EXCLUDED_REASON } from '../../domain/library/excluded-items.js';
import { presetOfJob } from '../../domain/presets/merge.js';
import { LeftOut } from '../../domain/recommendations/left-out.js';
import { displayTitle, type LibraryItem } from '../../domain/library/library.js';
import type { MediaFile } from '../../domain/library/media.js';
import { entryRank } from '../../domain/queue/rank.js';
import { localRootOf } from '../../domain/settings/paths.js';
import { mergedInto, openSourceOf } from '../../store/row-keys.js';
import type { QueueParts } from '../jobs/parts.js';

/** What a job is made of. */
export interface JobWish {
  itemId: string;
  fileId?: string;
  presetId: string;
  /** What is done together with it, see `presetOfJob`. */
  alsoPresetIds?: readonly string[];
  ruleId?: string;
  recommendationId?: string;
  /** Where it enters the queue, see `Job.score`. */
  score?: number;
  expectedSavesBytes?: number;
  /** This worker and no other. */
  workerId?: string;
  /** Only workers with all of these tags; by itself, those that the settings of its rules name. */
  workerTags?: readonly string[];
  /** The owner insists: earlier failures with this preset do not count. */
  force?: boolean;
}

/** Between a rule's 0 and 100: what the owner asks for by hand goes before what rules found. */
const BY_HAND = 100;

/** What nobody knows of a job before it was planned. */
const BLANK = {
  ...{ state: 'queued', stage: null, percent: 0, attempt: 1, postponed: 0 },
  ...{ workerId: null, whyWorker: null, weighed: null, transferMode: null, encoder: null },
  ...{ failedOn: [], prefersCpu: false, needsCard: false, leftOn: null, streamBroke: false },
  ...{ targetPath: null, outputPath: null, sizeAfterBytes: null, outputSha256: null, outputVideoCodec: null },
  ...{ streamsBefore: [], streamsAfter: [], encodeMs: null, fingerprint: null },
  ...{ planNotes: [], commands: [], checks: [], waitsFor: null, quarantineId: null, error: null },
  ...{ approvedToReplace: false, serverBefore: null, nextTryAt: null, clearedAt: null },
  ...{ startedAt: null, finishedAt: null },
} satisfies Partial<Job>;

/** The only maker of jobs. */
export class Enqueue {
  readonly #parts: Pick<QueueParts, 'store' | 'bus' | 'now' | 'newId' | 'presets'>;
  #sequence = 0;

  constructor(parts: Pick<QueueParts, 'store' | 'bus' | 'now' | 'newId' | 'presets'>) {
    this.#parts = parts;
  }

  /**
   * Queues a job. Throws `not_found`, `invalid`, `path_unmapped`, `file_missing`, `too_many_attempts`, or `conflict`
   * when there is already one for the file. Nothing is awaited before the row is in memory: two clicks make one job.
   */
  async job(request: JobWish): Promise<Job> {
    const { store, bus } = this.#parts;
    const draft = this.check(request);
    await store.jobs.put(draft);
    bus.emit('job.changed', draft);
    bus.emit('queue.changed', {});
    return draft;
  }

  /**
   * The job that `job` would queue now, or what it would throw; nothing is stored. `busy`: what `busyPaths` gave, for
   * whoever asks about many.
   */
  check(request: JobWish, busy?: ReadonlyMap<string, Job>): Job {
    const draft = this.draft(request);
    const open = busy ? busy.get(draft.sourcePath) : this.openJobAt(draft.sourcePath);
    if (open) throw new LeftOut('has-job', `There is already a job for this file, and it is ${open.state}.`);
    if (request.force !== true) this.#refuseLoop(draft);
    return draft;
  }

  /** The unfinished job of each file, by where the file lies. */
  busyPaths(): Map<string, Job> {
    const open = this.#parts.store.jobs.where(({ state }) => !isFinished(state));
    return new Map(open.map((job) => [job.sourcePath, job]));
  }

  /** The unfinished job of the file that lies here; null when there is none. */
  openJobAt(sourcePath: string): Job | null {
    return this.#parts.store.jobs.by(openSourceOf).of(sourcePath)[0] ?? null;
  }

  /** The job a request would make; nothing is stored. Throws `not_found`, `invalid`, `path_unmapped`, `file_missing`, `conflict`. */
  draft(request: JobWish): Job {
    const { store, now, newId, presets } = this.#parts;
    const item = store.library.get(request.itemId);
    if (store.excluded.find(item.id))
      throw new LeftOut('excluded', `${EXCLUDED_REASON} Include it again on its page first.`);
    const file = chooseFile(item, request.fileId);
    const sourcePath = this.#localPathOf(item, file);
    const alsoPresetIds = [...(request.alsoPresetIds ?? [])];
    const preset = presetOfJob({ presetId: request.presetId, alsoPresetIds }, presets);
    const score = request.score ?? BY_HAND;
    const createdAt = now().toISOString();
    return {
      ...BLANK,
      id: newId('job'),
      itemId: item.id,
      fileId: file.id,
      title: displayTitle(item),
      ruleId: request.ruleId ?? null,
      recommendationId: request.recommendationId ?? null,
      presetId: request.presetId,
      alsoPresetIds,
      preset,
      wishedWorkerId: request.workerId ?? null,
      workerTags: [...(request.workerTags ?? this.#tagsOfRules(request))],
      score,
      rank: entryRank(score, createdAt, this.#sequence++),
      sourcePath,
      serverPath: file.path,
      sizeBeforeBytes: file.sizeBytes,
      expectedSavesBytes: request.expectedSavesBytes ?? null,
      createdAt,
    };
  }

  /** What the rules that speak for a job ask of its worker. */
  #tagsOfRules({ ruleId, recommendationId }: JobWish): string[] {
    const { store } = this.#parts;
    const row = recommendationId === undefined ? undefined : store.recommendations.find(recommendationId);
    const ids = [ruleId, ...(row ? mergedInto(store, row).map((merged) => merged.ruleId) : [])];
    const tags = ids.flatMap((id) => (id === undefined ? [] : (store.rules.find(id)?.workerTags ?? [])));
    return [...new Set(tags)];
  }

  #localPathOf(item: LibraryItem, file: MediaFile): string {
    const { store } = this.#parts;
    if (item.state === 'missing') {
      const message = 'Plex no longer lists this title. Sync the library, then try again.';
      throw new LeftOut('missing', message, 'file_missing');
    }
    const frozen = store.sections.find(item.sectionId)?.frozen;
    if (frozen) throw new LeftOut('frozen', `Nothing in this library is touched until it is back: ${frozen}`);
    if (file.localPath === null || localRootOf(file.localPath, store.settings.value.paths.mappings) === null) {
      const message = `No path mapping covers ${file.path}. Add one under Settings, Paths.`;
      throw new LeftOut('unmapped', message, 'path_unmapped');
    }
    return file.localPath;
  }

  #refuseLoop({ sourcePath, sizeBeforeBytes, presetId }: Job): void {
    const attempt = this.#parts.store.attempts.find(attemptId(sourcePath, sizeBeforeBytes, presetId));
    if (!attempt || (!attempt.isFinal && attempt.failures < MAX_ATTEMPTS)) return;
    const why = attempt.isFinal ? 'This was tried before' : `This failed ${attempt.failures} times`;
    const message = `${why}: ${attempt.message} Retry it by hand if you want it tried again.`;
    throw new LeftOut('tried', message, 'too_many_attempts');
  }
}

/** The asked file, or the largest that may be replaced. Throws `invalid`. */
function chooseFile(item: LibraryItem, fileId: string | undefined): MediaFile {
  if (fileId !== undefined) {
    const file = item.files.find(({ id }) => id === fileId);
    if (!file) throw invalid(`${displayTitle(item)} has no file ${fileId}. Plex may have seen a new one: sync first.`);
    refuseUnusable(file);
    return file;
  }
  const usable = item.files.filter(({ optimized, stackedParts }) => !optimized && stackedParts === 1);
  const [largest] = usable.sort((a, b) => b.sizeBytes - a.sizeBytes);
  const file = largest ?? item.files[0];
  if (!file) throw new LeftOut('gone', `${displayTitle(item)} has no file yet.`, 'invalid');
  refuseUnusable(file);
  return file;
}

function refuseUnusable({ optimized, stackedParts }: MediaFile): void {
  if (optimized)
    throw new LeftOut(
      'unusable',
      'This is an optimized version that Plex made for small devices. Choose the original.',
      'invalid',
    );
  if (stackedParts > 1) {
    const message = 'This title consists of several files that belong together. They are skipped.';
    throw new LeftOut('unusable', message, 'invalid');
  }
}
