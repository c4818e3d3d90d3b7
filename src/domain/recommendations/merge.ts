import type { Presets } from '../presets/presets.js';
import type { Recommendation } from './recommendation.js';

/** Whether it asks for jobs, of one file or of many. */
export const asksForJobs = ({ kind, presetId }: Pick<Recommendation, 'kind' | 'presetId'>): boolean =>
  presetId !== null && (kind === 'transcode' || kind === 'remux');

/** Whether approving it would make a job for its one file, so that it can be done together with others. */
export const wantsJob = (row: Recommendation): boolean => row.group === null && row.keep === null && asksForJobs(row);

/** Whether it is in front of the owner now: by itself, or behind another one of its file that is. */
export const standsOpen = (
  { state, mergedInto }: Recommendation,
  find: (id: string) => Recommendation | null,
): boolean => state === 'open' || (state === 'merged' && mergedInto !== null && find(mergedInto)?.state === 'open');

/** Those that this one stands for, of all recommendations of its file. */
export const mergedIn = (leader: Recommendation, ofFile: readonly Recommendation[]): Recommendation[] =>
  ofFile.filter(
    ({ state, mergedInto, fileId }) => state === 'merged' && mergedInto === leader.id && fileId === leader.fileId,
  );

/** What a job for this one does beside its own preset, each preset once. */
export const alsoPresetsOf = (leader: Recommendation, merged: readonly Recommendation[]): string[] => [
  ...new Set(merged.flatMap(({ presetId }) => (presetId === null || presetId === leader.presetId ? [] : [presetId]))),
];

/**
 * Makes one of all that is open for one file: the recommendation that changes most stands for the others, and a job for it does
 * what they ask for as well. An encode goes before new sound, and that before a new container; then the larger saving. Whatever
 * the owner decides about the one that stands is decided about those merged into it. Returns the rows that change.
 */
export function mergeOfFile(ofFile: readonly Recommendation[], presets: Presets, at: string): Recommendation[] {
  if (ofFile.length < 2 && ofFile[0]?.state !== 'merged') return [];
  const byId = new Map(ofFile.map((row) => [row.id, row]));
  const changed: Recommendation[] = [];
  const together: Recommendation[] = [];
  for (const row of ofFile) {
    if (row.state !== 'open' && (row.state !== 'merged' || isDecided(byId.get(row.mergedInto ?? '')))) continue;
    if (wantsJob(row)) together.push(row);
    else if (row.state === 'merged') changed.push({ ...row, state: 'open', mergedInto: null, changedAt: at });
  }
  const [leader, ...others] = together.sort(comparer(presets));
  if (!leader) return changed;
  if (leader.state !== 'open') changed.push({ ...leader, state: 'open', mergedInto: null, changedAt: at });
  for (const row of others) {
    if (row.state === 'merged' && row.mergedInto === leader.id) continue;
    changed.push({ ...row, state: 'merged', mergedInto: leader.id, note: null, changedAt: at });
  }
  return changed;
}

/** The owner, or a job, has the last word on it, and so on those merged into it. */
function isDecided(leader: Recommendation | undefined): boolean {
  if (!leader) return false;
  const { state, jobId } = leader;
  return state === 'snoozed' || state === 'dismissed' || state === 'approved' || (state === 'closed' && jobId !== null);
}

function comparer(presets: Presets): (a: Recommendation, b: Recommendation) => number {
  const all = presets.list();
  const rank = ({ kind, presetId }: Recommendation): number => {
    if (kind === 'remux') return 2;
    return all.find(({ id }) => id === presetId)?.video.codec === 'copy' ? 1 : 0;
  };
  return (a, b) =>
    rank(a) - rank(b) || b.savesBytes - a.savesBytes || b.priority - a.priority || (a.id < b.id ? -1 : 1);
}
