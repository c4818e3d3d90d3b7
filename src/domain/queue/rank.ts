// Where a job stands in the queue is its `rank`, a fractional index: ranks are compared as text, the lowest goes first, and
// between any two there is room for another. So a move writes one row, whatever else waits. What rules think of a job, its
// `score`, decides only where it enters.

import { BASE_62_DIGITS, generateKeyBetween } from 'fractional-indexing';

interface Ranked {
  id: string;
  rank: string;
}

/** Keys of the library whose integer part has 13 digits begin with this letter. */
const HEAD = 'm';
const LARGEST_SCORE = 1000;
/** Scores that differ by less enter in order of their creation. */
const SCORE_STEP = 0.1;
const SCORE_DIGITS = 3;
/** Milliseconds in seven digits reach until the year 2081. */
const TIME_DIGITS = 7;
const SEQUENCE_DIGITS = 3;
const BASE = BASE_62_DIGITS.length;

/** Moved to the top, a job goes before whatever may still enter; moved to the bottom, after it. */
const BEFORE_ALL = `${HEAD}${'0'.repeat(SCORE_DIGITS + TIME_DIGITS + SEQUENCE_DIGITS)}`;
const AFTER_ALL = `${HEAD}${'z'.repeat(SCORE_DIGITS + TIME_DIGITS + SEQUENCE_DIGITS)}`;

function digits(value: number, count: number): string {
  let text = '';
  for (let rest = Math.floor(value); text.length < count; rest = Math.floor(rest / BASE))
    text = BASE_62_DIGITS.charAt(rest % BASE) + text;
  return text;
}

/**
 * The rank with which a job enters: a higher `score` goes first, equal ones in order of creation. `sequence` tells jobs apart
 * that were made in the same millisecond. Nothing about other jobs has to be known.
 */
export function entryRank(score: number, createdAt: string, sequence = 0): string {
  const clamped = Math.min(LARGEST_SCORE, Math.max(-LARGEST_SCORE, score));
  // One, not zero: keys below every entry are left for what is moved to the top.
  const band = 1 + Math.round((LARGEST_SCORE - clamped) / SCORE_STEP);
  const createdMs = Math.max(0, Date.parse(createdAt) || 0);
  const order = sequence % BASE ** SEQUENCE_DIGITS;
  return `${HEAD}${digits(band, SCORE_DIGITS)}${digits(createdMs, TIME_DIGITS)}${digits(order, SEQUENCE_DIGITS)}`;
}

/** The order of the queue, for whoever asks: dispatcher, pages and API. */
export function byRank(a: Ranked, b: Ranked): number {
  if (a.rank !== b.rank) return a.rank < b.rank ? -1 : 1;
  return a.id === b.id ? 0 : a.id < b.id ? -1 : 1;
}

export type MoveTo = 'top' | 'up' | 'down' | 'bottom';

/** The new rank of a job that is moved within `waiting`, which is in order; its old one where it stands there already. */
export function movedRank(waiting: readonly Ranked[], jobId: string, where: MoveTo): string {
  const from = waiting.findIndex(({ id }) => id === jobId);
  const job = waiting[from];
  if (!job) throw new RangeError(`${jobId} does not wait`);
  const rankAt = (at: number): string | null => waiting[at]?.rank ?? null;
  switch (where) {
    case 'top':
      return from === 0 ? job.rank : between(null, lower(rankAt(0), BEFORE_ALL));
    case 'bottom':
      return from === waiting.length - 1 ? job.rank : between(higher(rankAt(waiting.length - 1), AFTER_ALL), null);
    case 'up':
      return from === 0 ? job.rank : between(rankAt(from - 2), rankAt(from - 1));
    case 'down':
      return from === waiting.length - 1 ? job.rank : between(rankAt(from + 1), rankAt(from + 2));
  }
}

const lower = (a: string | null, b: string): string => (a !== null && a < b ? a : b);
const higher = (a: string | null, b: string): string => (a !== null && a > b ? a : b);

/** What a job has whose rank is not known: it goes last. */
export const LAST_RANK = AFTER_ALL;

/** Between two ranks; equal ones, which only two jobs of one millisecond can have, are passed on one side. */
function between(low: string | null, high: string | null): string {
  if (low !== null && high !== null && low >= high) return generateKeyBetween(low, null);
  return generateKeyBetween(low, high);
}
