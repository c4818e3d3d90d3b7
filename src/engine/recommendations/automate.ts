import { toAppError } from '../../domain/errors.js';
import { isFinished } from '../../domain/jobs/job.js';
import type { MediaFile } from '../../domain/library/media.js';
import { alsoPresetsOf, asksForJobs } from '../../domain/recommendations/merge.js';
import type { Recommendation } from '../../domain/recommendations/recommendation.js';
import type { Subject } from '../../domain/rules/rule.js';
import type { Log } from '../../lib/log.js';
import { mergedInto } from '../../store/row-keys.js';
import { GroupQueue, type GroupQueueParts } from './group-queue.js';

export type AutomationParts = GroupQueueParts & { log: Log };

/** How many jobs are made side by side, so that they share their trips to the disk. */
const WIDTH = 16;
const REFUSED = 'Not queued by itself: ';

/** Queues what rules set to `automatic` found. One job a file; what is refused is noted, and nothing is tried in a loop. */
export class Automation {
  readonly #parts: AutomationParts;
  readonly #groups: GroupQueue;
  readonly #waiting = new Set<string>();
  readonly #waitingGroups = new Map<string, readonly Subject[]>();
  #running: Promise<void> | null = null;
  #isStopped = false;

  constructor(parts: AutomationParts) {
    this.#parts = parts;
    this.#groups = new GroupQueue(parts);
  }

  /** Returns at once. Recommendations that are not open, or whose rule is not automatic, are passed over. */
  consider(recommendationIds: Iterable<string>): void {
    if (this.#isStopped) return;
    for (const id of recommendationIds) this.#waiting.add(id);
    if (this.#waiting.size > 0) this.#running ??= this.#run();
  }

  /** The same for a recommendation about a group; `members` are its files as they are now. */
  considerGroup(id: string, members: readonly Subject[]): void {
    if (this.#isStopped) return;
    this.#waitingGroups.set(id, members);
    this.#running ??= this.#run();
  }

  /** Resolves when nothing waits to be considered. */
  async idle(): Promise<void> {
    while (this.#running) await this.#running;
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#waiting.clear();
    this.#waitingGroups.clear();
    await this.idle();
  }

  async #run(): Promise<void> {
    await Promise.resolve();
    try {
      while (this.#waiting.size + this.#waitingGroups.size > 0) {
        const ids = [...this.#waiting];
        this.#waiting.clear();
        await this.#queueAll(this.#choose(ids));
        const groups = [...this.#waitingGroups];
        this.#waitingGroups.clear();
        for (const [id, members] of groups) await this.#queueGroup(id, members);
      }
    } catch (error) {
      this.#parts.log.error({ err: error }, 'Queueing what automatic rules found failed');
    } finally {
      this.#running = null;
    }
  }

  async #queueAll(chosen: readonly Recommendation[]): Promise<void> {
    for (let start = 0; start < chosen.length && !this.#isStopped; start += WIDTH)
      await Promise.all(chosen.slice(start, start + WIDTH).map((row) => this.#queue(row.id)));
  }

  async #queueGroup(id: string, members: readonly Subject[]): Promise<void> {
    const row = this.#parts.store.recommendations.find(id);
    if (!row || !this.#isAutomatic(row) || this.#isStopped) return;
    const { own, busy } = this.#jobs();
    const free = members.filter(
      ({ item, file }) =>
        !busy.has(`${item.id}.${file.id}`) && !own.has(resultKey(file.localPath, file.sizeBytes, row.ruleId)),
    );
    if (free.length === 0) return;
    try {
      await this.#groups.queue(row, row.presetId, free);
    } catch (error) {
      await this.#note(row, error);
    }
  }

  /** The best one of every file, most worthwhile first. */
  #choose(ids: readonly string[]): Recommendation[] {
    const { store } = this.#parts;
    const rows = ids.map((id) => store.recommendations.find(id)).filter((row) => row !== null);
    const candidates = rows.filter((row) => this.#isAutomatic(row));
    if (candidates.length === 0) return [];
    const { own, busy } = this.#jobs();
    const best = new Map<string, Recommendation>();
    for (const row of candidates) {
      const file = this.#fileOf(row);
      const key = `${row.itemId}.${row.fileId}`;
      if (!file || busy.has(key) || own.has(resultKey(file.localPath, file.sizeBytes, row.ruleId))) continue;
      const other = best.get(key);
      if (!other || row.priority > other.priority) best.set(key, row);
    }
    return [...best.values()].sort((a, b) => b.priority - a.priority || a.id.localeCompare(b.id));
  }

  #isAutomatic(row: Recommendation): boolean {
    return asksForJobs(row) && row.state === 'open' && this.#parts.store.rules.find(row.ruleId)?.mode === 'automatic';
  }

  /** The file, when all that matters is known about it: a listing does not tell HDR, and nothing is queued on a guess. */
  #fileOf({ itemId, fileId }: Recommendation): MediaFile | null {
    const { store } = this.#parts;
    const item = store.library.find(itemId);
    if (item?.state !== 'present') return null;
    const section = store.sections.find(item.sectionId);
    if (section && (section.frozen !== null || !section.enabled)) return null;
    return item.files.find((file) => file.id === fileId && file.detailed) ?? null;
  }

  /**
   * `own`: what a rule had made already; a rule that matches its own result would encode the file again and again.
   * `busy`: files that have an open job.
   */
  #jobs(): { own: Set<string>; busy: Set<string> } {
    const [own, busy] = [new Set<string>(), new Set<string>()];
    for (const job of this.#parts.store.jobs.values()) {
      if (job.state === 'done') own.add(resultKey(job.targetPath, job.sizeAfterBytes, job.ruleId));
      else if (!isFinished(job.state)) busy.add(`${job.itemId}.${job.fileId}`);
    }
    return { own, busy };
  }

  async #queue(id: string): Promise<void> {
    const { store, bus, enqueue, now } = this.#parts;
    const row = store.recommendations.find(id);
    if (!row?.presetId || !this.#isAutomatic(row)) return;
    try {
      // The job is made first and in this turn: whoever clicks meanwhile finds it and is refused.
      const job = await enqueue.job({
        itemId: row.itemId,
        fileId: row.fileId,
        presetId: row.presetId,
        alsoPresetIds: this.#alsoPresetsOf(row),
        ruleId: row.ruleId,
        recommendationId: id,
        score: row.priority,
        expectedSavesBytes: row.savesBytes,
      });
      const at = now().toISOString();
      await store.recommendations.patch(id, { state: 'approved', jobId: job.id, note: null, changedAt: at });
      bus.emit('recommendation.changed', { ids: [id] });
    } catch (error) {
      await this.#note(row, error);
    }
  }

  /** Only of rules that are automatic as well: what another one asks for waits for the owner. */
  #alsoPresetsOf(row: Recommendation): string[] {
    const { store } = this.#parts;
    const automatic = mergedInto(store, row).filter(({ ruleId }) => store.rules.find(ruleId)?.mode === 'automatic');
    return alsoPresetsOf(row, automatic);
  }

  /** Says once why it was refused. A job that is already open for the file is no refusal. */
  async #note({ id }: Recommendation, error: unknown): Promise<void> {
    const { store, bus, log, now } = this.#parts;
    const { code, message } = toAppError(error);
    const row = store.recommendations.find(id);
    const note = `${REFUSED}${message}`.slice(0, 400);
    if (code === 'conflict' || row?.state !== 'open' || row.note === note) return;
    log.warn({ err: error, recommendation: id }, 'An automatic rule could not queue what it recommends');
    await store.recommendations.patch(id, { note, changedAt: now().toISOString() });
    bus.emit('recommendation.changed', { ids: [id] });
  }
}

const resultKey = (path: string | null, sizeBytes: number | null, ruleId: string | null): string =>
  `${path ?? ''}#${sizeBytes ?? ''}#${ruleId ?? ''}`;
