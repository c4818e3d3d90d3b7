import type { Job } from '../../domain/job.js';

/** What the queue looks like when it is asked why nothing runs. */
export interface QueueLook {
  isPaused: boolean;
  isDryRun: boolean;
  running: number;
  waiting: readonly Job[];
  blocked: readonly Job[];
  verified: readonly Job[];
  /** Streams the media server encodes right now, when that holds the queue back; else 0. */
  viewers: number;
  /** The store or the worker cannot be used. */
  trouble: string | null;
}

const count = (n: number, one: string, many: string): string => (n === 1 ? `1 ${one}` : `${n} ${many}`);

/** Why nothing runs, in sentences with the way out. Empty when something runs, or when nothing waits. */
export function whyNothingRuns(look: QueueLook): string[] {
  if (look.running > 0) return [];
  const reasons: string[] = [];
  const waiting = count(look.waiting.length, 'job waits', 'jobs wait');
  if (look.trouble !== null) reasons.push(look.trouble);
  if (look.isPaused && look.waiting.length > 0) reasons.push(`The queue is paused and ${waiting}. Resume it to go on.`);
  else if (look.viewers > 0 && look.waiting.length > 0) {
    reasons.push(
      `Plex is transcoding for ${count(look.viewers, 'viewer', 'viewers')}, so ${waiting}. It goes on when they are done.`,
    );
  }
  reasons.push(...blockedReasons(look));
  const byOwner = look.verified.filter(({ approvedToReplace }) => !approvedToReplace);
  if (byOwner.length > 0) {
    reasons.push(`${count(byOwner.length, 'verified result waits', 'verified results wait')} for your yes.`);
  }
  for (const why of new Set(look.verified.filter((job) => job.approvedToReplace).map(({ waitsFor }) => waitsFor))) {
    if (why) reasons.push(why);
  }
  return reasons;
}

function blockedReasons({ blocked, isDryRun }: QueueLook): string[] {
  if (isDryRun && blocked.length > 0) {
    const planned = count(blocked.length, 'job is', 'jobs are');
    return [`Dry run is on: ${planned} planned, and no file is touched. Turn it off under Settings, Safety.`];
  }
  const causes = new Map<string, number>();
  for (const { waitsFor } of blocked) if (waitsFor) causes.set(waitsFor, (causes.get(waitsFor) ?? 0) + 1);
  return [...causes].map(([why, n]) => `${count(n, 'job waits', 'jobs wait')}: ${why}`);
}
