import { groupOf } from '../../domain/rules/facts.js';
import { OpenFindings } from '../../domain/recommendations/open-findings.js';
import type { Recommendation } from '../../domain/recommendations/recommendation.js';
import { stateOf } from '../../store/row-keys.js';
import type { Context } from '../action.js';

/** Recommendations, and what they would free together; each file counts once, with its largest saving. */
export interface Recommended {
  count: number;
  savesBytes: number;
}

/** How many wait for a decision; known without looking at any of them. */
export const openCount = ({ recommendations }: Context['store']): number => recommendations.tally(stateOf).of('open');

/** What waits for a decision. Every page asks here, and the menu for its number. */
export async function openRecommended({
  store,
  estimates,
}: Pick<Context, 'store' | 'estimates'>): Promise<Recommended> {
  const { savesBytes } = await estimates.open(0);
  return { count: openCount(store), savesBytes };
}

/** Answers are kept until a recommendation changes, or until so much time went by that others fall out of the window. */
const KEPT_MS = 60_000;
const ANSWERS = new WeakMap<Context['store'], { sinceMs: number; recommended: Recommended } | null>();

/** What was recommended since a moment, whatever was decided about it; what did not hold up is left out. */
export function recommendedSince({ store, bus }: Pick<Context, 'store' | 'bus'>, since: string): Recommended {
  const sinceMs = Date.parse(since);
  const kept = ANSWERS.get(store);
  if (kept && Math.abs(sinceMs - kept.sinceMs) < KEPT_MS) return kept.recommended;
  if (kept === undefined) bus.on('recommendation.changed', () => ANSWERS.set(store, null));
  const rows = store.recommendations.where(({ createdAt, state }) => createdAt >= since && state !== 'closed');
  const recommended = together(store, rows);
  ANSWERS.set(store, { sinceMs, recommended });
  return recommended;
}

/** Adds up with the sums that keep what is open, so that both always agree about the same rows. */
function together({ library }: Context['store'], rows: readonly Recommendation[]): Recommended {
  const findings = new OpenFindings();
  for (const row of rows) {
    const file = library.find(row.itemId)?.files.find(({ id }) => id === row.fileId);
    const group = row.group ? `${row.group.codec}/${row.group.resolution}` : file ? groupOf(file) : null;
    findings.set(row.id, { row, group, work: null });
  }
  const { findings: count, savesBytes } = findings.sums();
  return { count, savesBytes };
}
