import type { Worker, WorkerState } from './worker.js';
import { changeInWords, isOpen, nextChange, pastInWords, wallClockOf } from './working-hours.js';

/** What decides whether a worker takes anything at all just now. */
export interface Standing extends Pick<Worker, 'id' | 'name' | 'tags' | 'hours' | 'disabledReason' | 'lastSeenAt'> {
  state: WorkerState;
  /** How many jobs it runs at a time. */
  slots: number;
  /** Jobs it has in hand. */
  running: number;
  /** Streams that Plex transcodes on that machine, when that holds the worker back; else 0. */
  viewers: number;
}

type Away = Exclude<WorkerState, 'online'>;
/** Told apart so that help can be offered for each. */
export type RefusalKind =
  'wish' | 'tags' | 'failed-there' | 'hours' | 'viewers' | 'no-slots' | 'busy' | 'encoder' | 'room' | Away;

/** Why a worker cannot take a job. `why` goes after its name: `is offline since 14:02`. */
export interface Refusal {
  kind: RefusalKind;
  why: string;
}

/** `gpu-1 is offline since 14:02; tower and attic are paused`. */
export function refusedInWords(refused: readonly { name: string; refusal: Refusal }[]): string {
  const byWhy = new Map<string, string[]>();
  for (const { name, refusal } of refused) byWhy.set(refusal.why, [...(byWhy.get(refusal.why) ?? []), name]);
  return [...byWhy]
    .map(([why, names]) => {
      const said = names.length > 1 ? why.replace(/^is /, 'are ').replace(/^has /, 'have ') : why;
      return `${namesInWords(names)} ${said}`;
    })
    .join('; ');
}

/** `a`, `a and b`, `a, b and c`. */
export const namesInWords = (names: readonly string[]): string =>
  names.length < 2 ? names.join('') : `${names.slice(0, -1).join(', ')} and ${names.at(-1) ?? ''}`;

/** What a job asks of its worker, whatever its file is. */
interface OfJob {
  /** The owner asked for this worker and no other. */
  wishedWorkerId: string | null;
  /** A worker has to have all of them. */
  tags: readonly string[];
  /** Workers that are not to try it again. */
  failedOn: readonly { workerId: string; why: string }[];
}

/** Why a worker does not take a job, as far as that can be told without looking at the file. Null: it may. */
export function refusalOf(need: OfJob, worker: Standing, now: Date): Refusal | null {
  const { wishedWorkerId, tags, failedOn } = need;
  if (wishedWorkerId !== null && wishedWorkerId !== worker.id)
    return { kind: 'wish', why: 'is not the worker you chose for it' };
  if (worker.state !== 'online') return { kind: worker.state, why: stateInWords(worker.state, worker, now) };
  const has = new Set(worker.tags.map((tag) => tag.toLowerCase()));
  const missing = tags.filter((tag) => !has.has(tag.toLowerCase()));
  if (missing.length > 0) return { kind: 'tags', why: `is not tagged ${namesInWords(missing)}` };
  const failed = failedOn.find(({ workerId }) => workerId === worker.id);
  if (failed) return { kind: 'failed-there', why: `has failed with it before: ${withoutDot(failed.why)}` };
  if (worker.slots === 0) return { kind: 'no-slots', why: 'has 0 slots' };
  const at = wallClockOf(now);
  if (!isOpen(worker.hours, at)) {
    const opens = nextChange(worker.hours, at);
    return { kind: 'hours', why: `is outside its hours${opens ? ` until ${changeInWords(opens, at)}` : ''}` };
  }
  if (worker.viewers > 0) {
    const viewers = worker.viewers === 1 ? '1 viewer' : `${worker.viewers} viewers`;
    return { kind: 'viewers', why: `is paused while Plex is transcoding for ${viewers} there` };
  }
  if (worker.running >= worker.slots)
    return { kind: 'busy', why: `has no free slot: ${worker.running} of ${worker.slots} in use` };
  return null;
}

function stateInWords(state: Away, { lastSeenAt, disabledReason }: Standing, now: Date): string {
  switch (state) {
    case 'offline':
      return lastSeenAt === null ? 'is offline' : `is offline since ${pastInWords(new Date(lastSeenAt), now)}`;
    case 'disabled':
      return `is out of service${disabledReason === null ? '' : `: ${withoutDot(disabledReason)}`}`;
    case 'unconfirmed':
      return 'is not confirmed yet';
    case 'checking':
      return 'is being tested';
    case 'paused':
      return 'is paused';
    case 'draining':
      return 'is finishing what it has and takes nothing new';
  }
}

/** Without its full stop: more of the sentence follows. */
export const withoutDot = (sentence: string): string => sentence.replace(/\.$/, '');
