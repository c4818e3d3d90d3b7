import { AppError, conflict, toAppError } from '../../domain/errors.js';
import type { Events } from '../../domain/events.js';
import type { Job } from '../../domain/jobs/job.js';
import type { Recommendation } from '../../domain/recommendations/recommendation.js';
import type { Subject } from '../../domain/rules/rule.js';
import type { Bus } from '../../lib/bus.js';
import type { Store } from '../../store/store.js';

export interface GroupQueueParts {
  store: Store;
  bus: Bus<Events>;
  now: () => Date;
  enqueue: {
    job(request: {
      itemId: string;
      fileId: string;
      presetId: string;
      alsoPresetIds?: readonly string[];
      ruleId: string;
      recommendationId: string;
      score: number;
      expectedSavesBytes: number;
    }): Promise<Job>;
  };
}

export interface QueuedGroup {
  items: Job[];
  /** Why some were not queued, the most frequent reason first. */
  refused: { message: string; count: number }[];
}

/** How many jobs are made side by side, so that they share their trips to the disk. */
const WIDTH = 16;

/** Queues every file of a group that a recommendation is about, and goes on past those that cannot be queued. */
export class GroupQueue {
  readonly #parts: GroupQueueParts;

  constructor(parts: GroupQueueParts) {
    this.#parts = parts;
  }

  /**
   * `members`: the files as they are now, the largest goes first. Throws `conflict` when the recommendation was decided
   * before, `invalid` when it is about no group or has no preset, and the reason when not one file could be queued.
   */
  async queue(row: Recommendation, presetId: string | null, members: readonly Subject[]): Promise<QueuedGroup> {
    if (row.state !== 'open' && row.state !== 'snoozed') throw conflict(`This recommendation was already ${row.state}`);
    if (row.group === null || presetId === null)
      throw new AppError('invalid', 'This recommendation is not about a group of files that can be queued.');
    // Taken in this turn: a second click finds it and is refused.
    await this.#change(row.id, { state: 'approved', snoozedUntil: null, note: null });
    const queued = await this.#queueAll(row, presetId, members);
    const [worst] = queued.refused;
    if (queued.items.length > 0) {
      const rest = queued.refused.reduce((sum, { count }) => sum + count, 0);
      await this.#change(row.id, {
        note: rest === 0 ? `${queued.items.length} jobs queued.` : `${queued.items.length} jobs queued, ${rest} not.`,
      });
      return queued;
    }
    await this.#change(row.id, { state: row.state, snoozedUntil: row.snoozedUntil, note: row.note });
    throw conflict(worst ? `Nothing was queued: ${worst.message}` : 'None of these files can be queued at the moment.');
  }

  async #queueAll(row: Recommendation, presetId: string, members: readonly Subject[]): Promise<QueuedGroup> {
    const items: Job[] = [];
    const refused = new Map<string, number>();
    const total = members.reduce((sum, { file }) => sum + file.sizeBytes, 0);
    const largestFirst = [...members].sort((a, b) => b.file.sizeBytes - a.file.sizeBytes);
    for (let start = 0; start < largestFirst.length; start += WIDTH) {
      const some = largestFirst.slice(start, start + WIDTH);
      const results = await Promise.allSettled(
        some.map(({ item, file }) =>
          this.#parts.enqueue.job({
            itemId: item.id,
            fileId: file.id,
            presetId,
            ruleId: row.ruleId,
            recommendationId: row.id,
            score: row.priority,
            expectedSavesBytes: Math.round((row.savesBytes * file.sizeBytes) / Math.max(1, total)),
          }),
        ),
      );
      for (const result of results) {
        if (result.status === 'fulfilled') items.push(result.value);
        else {
          const { message } = toAppError(result.reason);
          refused.set(message, (refused.get(message) ?? 0) + 1);
        }
      }
    }
    const reasons = [...refused].map(([message, count]) => ({ message, count }));
    return { items, refused: reasons.sort((a, b) => b.count - a.count) };
  }

  async #change(id: string, values: Partial<Recommendation>): Promise<void> {
    const { store, bus, now } = this.#parts;
    await store.recommendations.patch(id, { ...values, changedAt: now().toISOString() });
    bus.emit('recommendation.changed', { ids: [id] });
  }
}
