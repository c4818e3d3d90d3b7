import { isFinished, type Job } from '../domain/jobs/job.js';
import { byRank } from '../domain/queue/rank.js';
import { mergedIn } from '../domain/recommendations/merge.js';
import type { Recommendation } from '../domain/recommendations/recommendation.js';
import type { Order } from './row-views.js';
import type { Store } from './store.js';

/** Words by which rows are found, for `Collection.by` and `Collection.tally`: the same functions make the same index. */
export const stateOf = ({ state }: { state: string }): string => state;

/** The title a row is about; null for a row about many. */
export const itemIdOf = ({ itemId }: { itemId: string }): string | null => (itemId === '' ? null : itemId);

/** The recommendations that this one stands for. Nearly every title has one, and costs next to nothing. */
export function mergedInto(
  { recommendations }: Pick<Store, 'recommendations'>,
  leader: Recommendation,
): Recommendation[] {
  const ofItem = recommendations.by(itemIdOf);
  return leader.group !== null || ofItem.count(leader.itemId) < 2 ? [] : mergedIn(leader, ofItem.of(leader.itemId));
}

/** The recommendation a job came from. */
export const recommendationIdOf = ({ recommendationId }: { recommendationId: string | null }): string | null =>
  recommendationId;

/** The jobs that wait, in the order in which they are begun. */
export const inQueue: Order<Job> = { holds: ({ state }) => state === 'queued', compare: byRank };

/** The file a job works on, as long as it has not ended. */
export const openSourceOf = ({ state, sourcePath }: Pick<Job, 'state' | 'sourcePath'>): string | null =>
  isFinished(state) ? null : sourcePath;
