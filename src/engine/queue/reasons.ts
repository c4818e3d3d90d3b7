import type { Job } from '../../domain/jobs/job.js';
import { namesInWords, refusedInWords, type Refusal, type RefusalKind } from '../../domain/workers/refusal.js';

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
  /** What each worker says to the job that is next; a refusal of null: it would take it. Absent when they were not asked. */
  workers?: readonly WorkerLook[];
}

/** What one worker says to the job that is next. */
export interface WorkerLook {
  name: string;
  refusal: Refusal | null;
}

/** What the owner can do about each refusal; null: it passes by itself. */
const HELP: Readonly<Record<RefusalKind, ((names: string) => string) | null>> = {
  unconfirmed: (names) => `confirm ${names}`,
  offline: (names) => `reconnect ${names}`,
  disabled: (names) => `return ${names} to service`,
  paused: (names) => `resume ${names}`,
  draining: (names) => `let ${names} take jobs again`,
  encoder: () => 'choose another preset',
  room: (names) => `free some space on ${names}`,
  tags: (names) => `tag ${names}`,
  'no-slots': (names) => `give ${names} a slot`,
  wish: () => 'let any worker do it',
  'failed-there': () => 'retry the job',
  checking: null,
  hours: null,
  viewers: null,
  busy: null,
};

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
  } else if (look.workers && look.waiting.length > 0) reasons.push(...workerReasons(look.workers));
  reasons.push(...blockedReasons(look));
  const byOwner = look.verified.filter(({ approvedToReplace }) => !approvedToReplace);
  if (byOwner.length > 0) {
    reasons.push(`${count(byOwner.length, 'verified result waits', 'verified results wait')} for your approval.`);
  }
  for (const why of new Set(look.verified.filter((job) => job.approvedToReplace).map(({ waitsFor }) => waitsFor))) {
    if (why) reasons.push(why);
  }
  return reasons;
}

function workerReasons(workers: readonly WorkerLook[]): string[] {
  if (workers.length === 0) return ['There is no worker to take a job. Add one under Workers.'];
  const refused = workers.flatMap(({ name, refusal }) => (refusal ? [{ name, refusal }] : []));
  if (refused.length < workers.length) return [];
  const byKind = new Map<RefusalKind, string[]>();
  for (const { name, refusal } of refused) byKind.set(refusal.kind, [...(byKind.get(refusal.kind) ?? []), name]);
  const ways = [...byKind].flatMap(([kind, names]) => HELP[kind]?.(namesInWords(names)) ?? []);
  // Another worker would not be the one that was chosen.
  if (!byKind.has('wish')) ways.push('add a worker under Workers');
  const passes = [...byKind.keys()].some((kind) => HELP[kind] === null);
  const help = `${passes ? 'It goes on by itself later. ' : ''}${adviceOf(ways)}`;
  return [`No worker can take a job now: ${refusedInWords(refused)}. ${help}`];
}

function adviceOf(ways: readonly string[]): string {
  const text = ways.length < 2 ? ways.join('') : `${ways.slice(0, -1).join(', ')} or ${ways.at(-1) ?? ''}`;
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
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
