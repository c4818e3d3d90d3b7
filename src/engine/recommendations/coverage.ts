import type { Events } from '../../domain/events.js';
import { isFinished, type Job } from '../../domain/jobs/job.js';
import type { Presets } from '../../domain/presets/presets.js';
import { COVERED_NOTE, type Recommendation } from '../../domain/recommendations/recommendation.js';
import { mergeOfFile, wantsJob } from '../../domain/recommendations/merge.js';
import type { RuleRunner } from '../../domain/rules/rule.js';
import { EventLoopYield } from '../../lib/event-loop-yield.js';
import type { Bus } from '../../lib/bus.js';
import type { Log } from '../../lib/log.js';
import { itemIdOf } from '../../store/row-keys.js';
import type { Store } from '../../store/store.js';
import { outOfReach } from './rule-scope.js';
import { close, isWaiting, recommendationId } from './upkeep.js';

export interface CoverageParts {
  store: Store;
  bus: Bus<Events>;
  log: Log;
  now: () => Date;
  rules: Pick<RuleRunner, 'list'>;
  presets: Presets;
}

const DONE = 'Done: the file was replaced.';

const fileKey = ({ itemId, fileId }: { itemId: string; fileId: string }): string => `${itemId}.${fileId}`;

/** Whether a recommendation was closed because of a job that another recommendation, or the owner, asked for. */
const isCoveredBy = (row: Recommendation, job: Job): boolean =>
  row.state === 'closed' && row.jobId === job.id && job.recommendationId !== row.id;

/**
 * Keeps one live recommendation for each file: what several rules say of it is one, and while there is a job for a file, whatever
 * else is recommended for it is closed with that reason, and it is back when the job leads to nothing.
 */
export class Coverage {
  readonly #parts: CoverageParts;
  /** File -> its job that is not finished. */
  readonly #open = new Map<string, Job>();
  #stopListening: (() => void)[] = [];
  #checking: Promise<void> = Promise.resolve();
  #isStopped = false;

  constructor(parts: CoverageParts) {
    this.#parts = parts;
  }

  /** Begins to follow jobs, and corrects what changed while nobody did. */
  start(): void {
    const { store, bus, log } = this.#parts;
    this.#isStopped = false;
    for (const job of store.jobs.where(({ state }) => !isFinished(state))) this.#open.set(fileKey(job), job);
    this.#stopListening = [
      bus.on('job.changed', (job) => this.#follow(job)),
      bus.on('recommendation.changed', ({ ids }) =>
        this.#change(ids.flatMap((id) => this.#settled(store.recommendations.find(id)))),
      ),
    ];
    this.#checking = this.#checkAll().catch((error: unknown) => {
      log.error({ err: error }, 'Which recommendations are covered by jobs could not be checked');
    });
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    for (const stop of this.#stopListening) stop();
    await this.#checking;
    this.#open.clear();
  }

  /** Resolves when everything that stood at the start was looked at. */
  async settled(): Promise<void> {
    await this.#checking;
  }

  async #checkAll(): Promise<void> {
    const { store } = this.#parts;
    const loopYield = new EventLoopYield();
    for (const { id } of [...store.recommendations.values()]) {
      if (this.#isStopped) return;
      const row = store.recommendations.find(id);
      const covered = row && (this.#coveredNow(row) ?? this.#afterItsJob(row));
      await this.#change(covered ? [covered] : this.#mergedNow(row));
      if (loopYield.isDue) await loopYield.pause();
    }
  }

  #follow(job: Job): Promise<void> {
    const key = fileKey(job);
    const known = this.#open.get(key);
    if (!isFinished(job.state)) {
      this.#open.set(key, job);
      if (known?.id === job.id) return Promise.resolve();
      return this.#change(this.#rowsOf(job).map((row) => this.#coveredNow(row)));
    }
    if (known?.id === job.id) this.#open.delete(key);
    return this.#change(this.#rowsOf(job).map((row) => this.#after(row, job) ?? this.#released(row, job)));
  }

  /** All that rules say of the file, without a pass over everything. */
  #rowsOf({ itemId, fileId }: Job): Recommendation[] {
    const { rules, store } = this.#parts;
    return rules.list().flatMap(({ id }) => store.recommendations.find(recommendationId(itemId, fileId, id)) ?? []);
  }

  /** What changes about a row that was written: it is covered, or it is merged with others about its file. */
  #settled(row: Recommendation | null): Recommendation[] {
    const covered = row && this.#coveredNow(row);
    return covered ? [covered] : this.#mergedNow(row);
  }

  /** Nearly every file has one recommendation, and costs next to nothing here. */
  #mergedNow(row: Recommendation | null): Recommendation[] {
    if (row?.group !== null) return [];
    const { store, presets } = this.#parts;
    const ofItem = store.recommendations.by(itemIdOf);
    if (row.state !== 'merged' && ofItem.count(row.itemId) < 2) return [];
    const ofFile = ofItem.of(row.itemId).filter(({ fileId }) => fileId === row.fileId);
    return mergeOfFile(ofFile, presets, this.#at);
  }

  /** The row once it is covered; null when it is not to be. */
  #coveredNow(row: Recommendation): Recommendation | null {
    const job = isWaiting(row) && wantsJob(row) ? this.#open.get(fileKey(row)) : undefined;
    if (!job || job.recommendationId === row.id) return null;
    // Until when it was snoozed is kept for the day it comes back.
    return { ...close(row, COVERED_NOTE, this.#at), snoozedUntil: row.snoozedUntil, jobId: job.id };
  }

  #afterItsJob(row: Recommendation): Recommendation | null {
    const job = row.jobId === null ? null : this.#parts.store.jobs.find(row.jobId);
    return job && isFinished(job.state) ? this.#after(row, job) : null;
  }

  /** The row once the job that covered it has ended; null when nothing changes. */
  #after(row: Recommendation, job: Job): Recommendation | null {
    if (!isCoveredBy(row, job) || row.note !== COVERED_NOTE) return null;
    if (job.state === 'done') return { ...row, note: DONE, snoozedUntil: null, changedAt: this.#at };
    const { store } = this.#parts;
    const item = store.library.find(row.itemId);
    const whyNot = item ? outOfReach(store, row.ruleId, item) : 'The title is no longer in the library.';
    const isOff = store.rules.find(row.ruleId)?.mode === 'off';
    if (whyNot !== null || isOff)
      return {
        ...row,
        note: whyNot ?? 'The rule was switched off.',
        jobId: null,
        snoozedUntil: null,
        changedAt: this.#at,
      };
    const isSnoozed = row.snoozedUntil !== null && row.snoozedUntil > this.#at;
    return {
      ...row,
      state: isSnoozed ? 'snoozed' : 'open',
      note: null,
      jobId: null,
      snoozedUntil: isSnoozed ? row.snoozedUntil : null,
      changedAt: this.#at,
    };
  }

  /** What was to be done in a job that did not succeed stands by itself again; null for anything else. */
  #released(row: Recommendation, { state, recommendationId: leaderId }: Job): Recommendation | null {
    const isOfIt = row.state === 'merged' && row.mergedInto === leaderId;
    if (!isOfIt || (state !== 'failed' && state !== 'skipped')) return null;
    return { ...row, state: 'open', mergedInto: null, changedAt: this.#at };
  }

  get #at(): string {
    return this.#parts.now().toISOString();
  }

  async #change(changed: readonly (Recommendation | null)[]): Promise<void> {
    const { store, bus } = this.#parts;
    const rows = changed.filter((row) => row !== null);
    if (rows.length === 0) return;
    await store.recommendations.putMany(rows);
    bus.emit('recommendation.changed', { ids: rows.map(({ id }) => id) });
  }
}
