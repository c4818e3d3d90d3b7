import { isFinished, type Job } from '../domain/job.js';

/** Words by which rows are found, for `Collection.by` and `Collection.tally`: the same functions make the same index. */
export const stateOf = ({ state }: { state: string }): string => state;

/** The title a row is about; null for a row about many. */
export const itemIdOf = ({ itemId }: { itemId: string }): string | null => (itemId === '' ? null : itemId);

/** The recommendation a job came from. */
export const recommendationIdOf = ({ recommendationId }: { recommendationId: string | null }): string | null =>
  recommendationId;

/** The file a job works on, as long as it has not ended. */
export const openSourceOf = ({ state, sourcePath }: Pick<Job, 'state' | 'sourcePath'>): string | null =>
  isFinished(state) ? null : sourcePath;

/** Of what was made, the minute (UTC) it was made in, such as `2026-03-01T12:30`. */
export const createdMinuteOf = ({ createdAt }: { createdAt: string }): string => createdAt.slice(0, MINUTE_CHARS);

const MINUTE_CHARS = 16;
const MINUTE_MS = 60_000;

/** Those minutes from this one on, as long as they have begun. */
export const minutesFrom = (startMs: number, endMs: number): string[] =>
  Array.from({ length: Math.floor(endMs / MINUTE_MS) - Math.floor(startMs / MINUTE_MS) + 1 }, (_, n) =>
    new Date(startMs + n * MINUTE_MS).toISOString().slice(0, MINUTE_CHARS),
  );
