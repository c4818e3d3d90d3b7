import { z } from 'zod';
import { formatDuration } from '../../lib/units.js';
import { chooseEncoder, type ChosenEncoder, type EncoderNeeds } from '../presets/encoder-choice.js';
import { Way, waysFor, type FilesOfJob, type WayToWorker } from './transfer-choice.js';
import { refusalOf, refusedInWords, withoutDot, type Refusal, type Standing } from './refusal.js';
import type { EncoderSupport, WorkerMetrics } from './worker.js';

/** What is asked of an encoder, and whether a graphics card may do it. */
interface EncodeNeed {
  needs: EncoderNeeds;
  preference: 'gpu' | 'cpu';
  /** A card failed it, and no processor is to take its place. */
  needsCard?: boolean;
}

/** What a job asks of a worker. */
export interface JobNeed {
  files: FilesOfJob;
  /** Null: nothing is encoded. */
  encode: EncodeNeed | null;
  /** The owner asked for this worker and no other. */
  wishedWorkerId: string | null;
  /** A worker has to have all of them. */
  tags: readonly string[];
  /** Workers that are not to try it again. */
  failedOn: readonly { workerId: string; why: string }[];
  /** Where an earlier try was cut off, and what of it can still be used: a share of the encode, 0 to 1, and the copied source. */
  halfDone: { workerId: string; share: number; hasSource: boolean } | null;
}

/** A worker as it is at this moment. */
export interface WorkerCandidate extends WayToWorker, Standing {
  /** What its test encodes showed; null before there were any. */
  encoders: readonly EncoderSupport[] | null;
  metrics: Pick<WorkerMetrics, 'cpuPercent' | 'gpuPercent'> | null;
  /** Seconds this job's encode takes there with one of the encoders; asked with null when nothing is encoded. */
  encodeSec: (encoder: string | null) => number;
}

/** One part of a score: points out of `max`. */
export const ScorePart = z.object({
  name: z.enum(['transfer', 'performance', 'load']),
  points: z.number(),
  max: z.number(),
  why: z.string(),
});
export type ScorePart = z.infer<typeof ScorePart>;

/** What was weighed when a worker was chosen: every way for the files, the one that is taken first, and its score. */
export const Weighed = z.object({ ways: z.array(Way), parts: z.array(ScorePart) });
export type Weighed = z.infer<typeof Weighed>;

/** How a worker would do a job. */
interface Offer {
  /** Null: nothing is encoded. */
  encoder: ChosenEncoder | null;
  encodeSec: number;
  way: Way;
  /** All that were weighed, `way` first. */
  ways: Way[];
  /** The encode and what the way of the files adds to it. Verifying comes on top. */
  totalSec: number;
}

/** A worker in the order of the choice: with an offer, or with a refusal. */
interface RankedWorker {
  id: string;
  name: string;
  /** 0 to 100; 0 when it is refused. */
  score: number;
  parts: ScorePart[];
  offer: Offer | null;
  refusal: Refusal | null;
}

/** Who shall do a job; `winner` is the first of the ranked that is not refused, or null. */
export interface WorkerChoice {
  ranked: RankedWorker[];
  winner: RankedWorker | null;
  /** One sentence for the owner: why this one, or why none. */
  why: string;
}

const POINTS = { transfer: 35, performance: 30, load: 35 } as const;
/**
 * What as many seconds as the quickest worker needs in all cost in points. A second costs the same whether it is spent on
 * copying or on encoding, so the two parts together rank by the time until the job is done. At 15, neither part is used
 * up before a worker needs twice as long, and then it has lost what load can make good at most.
 */
const POINTS_PER_BEST = 15;
/** Points of load that a free slot is worth by itself; the rest, no more than `POINTS_PER_BEST`, is for being idle. */
const FREE_SLOT_POINTS = POINTS.load - POINTS_PER_BEST;
/** Nobody waits for a job this short: below it, differences are measured against it. Seconds. */
const SHORT_SEC = 30;
/** What is half done, or need not be encoded at all, stays where it is unless that takes so many times as long. */
const STAY_LIMIT = 2;

interface Seen {
  worker: WorkerCandidate;
  offer: Offer;
}
interface Scored extends Seen {
  ranked: RankedWorker;
}

/** Who shall do a job: every candidate in order, whatever order they are given in. `now` is read in local time. */
export function chooseWorker(need: JobNeed, candidates: readonly WorkerCandidate[], now: Date): WorkerChoice {
  const seen: Seen[] = [];
  const refused: RankedWorker[] = [];
  for (const worker of candidates) {
    const found = refusalOf(need, worker, now) ?? offerOf(need, worker);
    if ('kind' in found) {
      refused.push({ id: worker.id, name: worker.name, score: 0, parts: [], offer: null, refusal: found });
    } else seen.push({ worker, offer: found });
  }
  const scored = score(seen).sort(
    (a, b) => b.ranked.score - a.ranked.score || a.worker.running - b.worker.running || byName(a.ranked, b.ranked),
  );
  const stays = stayingOf(need, scored);
  const usable = stays ? [stays, ...scored.filter((each) => each !== stays)] : scored;
  const ranked = [...usable.map((each) => each.ranked), ...refused.sort(byName)];
  const [winner] = usable;
  if (!winner) return { ranked, winner: null, why: nobody(refused) };
  return { ranked, winner: winner.ranked, why: explain(need, ranked, winner === stays) };
}

function byName(a: { id: string; name: string }, b: { id: string; name: string }): number {
  // Not by language: the order must be the same on every machine.
  if (a.name !== b.name) return a.name < b.name ? -1 : 1;
  return a.id < b.id ? -1 : 1;
}

function offerOf({ files, encode, halfDone }: JobNeed, worker: WorkerCandidate): Offer | Refusal {
  if (worker.encoders === null) return { kind: 'encoder', why: 'has not been tested yet' };
  const chosen = encode && chooseEncoder(encode.needs, worker.encoders, encode.preference);
  if (chosen?.encoder === null) return { kind: 'encoder', why: `cannot encode it: ${withoutDot(chosen.why)}` };
  if (encode?.needsCard && !chosen?.isHardware)
    return { kind: 'encoder', why: 'has no graphics card that can encode it, and another card was to try' };
  const done = halfDone?.workerId === worker.id ? halfDone : null;
  const encodeSec = worker.encodeSec(chosen?.encoder ?? null) * (1 - (done?.share ?? 0));
  const ways = waysFor(done?.hasSource ? { ...files, sourceBytes: 0 } : files, worker, encodeSec);
  const [way] = ways;
  if (!way?.possible) return { kind: 'room', why: `cannot get the files (${ways.map(({ why }) => why).join('; ')})` };
  return { encoder: chosen, encodeSec, way, ways, totalSec: encodeSec + way.seconds };
}

function score(seen: readonly Seen[]): Scored[] {
  const best = Math.max(SHORT_SEC, Math.min(...seen.map(({ offer }) => offer.totalSec)));
  const leastWaySec = Math.min(...seen.map(({ offer }) => offer.way.seconds));
  const leastEncodeSec = Math.min(...seen.map(({ offer }) => offer.encodeSec));
  const forTime = (max: number, sec: number): number => Math.max(0, max - (POINTS_PER_BEST * sec) / best);
  return seen.map(({ worker, offer }) => {
    const { encoder, encodeSec, way } = offer;
    const load = loadOf(worker, encoder);
    const takes = `${encoder === null ? 'the work' : `encoding with ${encoder.encoder}`} takes about ${inWords(encodeSec)}`;
    const quicker = encodeSec > leastEncodeSec ? `; the quickest needs ${inWords(leastEncodeSec)}` : '';
    const parts = [
      part('transfer', forTime(POINTS.transfer, way.seconds - leastWaySec), way.why),
      part('performance', forTime(POINTS.performance, encodeSec - leastEncodeSec), takes + quicker),
      part('load', FREE_SLOT_POINTS + POINTS_PER_BEST * (1 - load.busy), load.why),
    ];
    const total = round(parts.reduce((sum, { points }) => sum + points, 0));
    return { worker, offer, ranked: { id: worker.id, name: worker.name, score: total, parts, offer, refusal: null } };
  });
}

const round = (points: number): number => Math.round(points * 10) / 10;
const part = (name: ScorePart['name'], points: number, why: string): ScorePart => ({
  name,
  points: round(points),
  max: POINTS[name],
  why,
});

/** How busy a worker is, 0 to 1: by its slots or by what encodes, whichever is scarcer. */
function loadOf(
  { running, slots, metrics }: WorkerCandidate,
  encoder: ChosenEncoder | null,
): { busy: number; why: string } {
  const isHardware = encoder?.isHardware ?? false;
  const percent = (isHardware ? metrics?.gpuPercent : metrics?.cpuPercent) ?? null;
  const busy = Math.min(1, Math.max(running / slots, (percent ?? 0) / 100));
  const measured =
    percent === null ? '' : `, its ${isHardware ? 'graphics card' : 'processor'} at ${Math.round(percent)} %`;
  return { busy, why: `${running} of ${slots} ${slots === 1 ? 'slot' : 'slots'} in use${measured}` };
}

/** The one that keeps the job although others may be better: it has half of it, or only here nothing is moved for nothing. */
function stayingOf({ halfDone, encode }: JobNeed, scored: readonly Scored[]): Scored | null {
  const best = Math.max(SHORT_SEC, Math.min(...scored.map(({ offer }) => offer.totalSec)));
  const near = scored.filter(({ offer }) => offer.totalSec <= STAY_LIMIT * best);
  const holder = near.find(({ worker }) => worker.id === halfDone?.workerId);
  return holder ?? (encode === null ? near.find(({ worker }) => worker.isLocal) : undefined) ?? null;
}

function nobody(refused: readonly RankedWorker[]): string {
  const known = refused.flatMap(({ name, refusal }) => (refusal ? [{ name, refusal }] : []));
  return known.length === 0 ? 'There is no worker.' : `No worker can take it now: ${refusedInWords(known)}.`;
}

function explain({ wishedWorkerId, halfDone }: JobNeed, ranked: readonly RankedWorker[], stays: boolean): string {
  const [winner, next] = ranked;
  if (!winner?.offer) return '';
  const { totalSec } = winner.offer;
  const done = `${winner.name}: done in about ${inWords(totalSec)}`;
  if (wishedWorkerId !== null) return `${done}; you chose it`;
  const isHolder = halfDone?.workerId === winner.id;
  const held = halfDone && halfDone.share > 0 ? `${Math.round(halfDone.share * 100)} % of it` : 'its files';
  const because = !stays
    ? ''
    : isHolder
      ? `; it has ${held} already`
      : '; nothing is encoded, so nothing has to be transferred';
  if (!next?.offer) return `${done}${because}${next ? '; no other worker can take it now' : ''}`;
  const other = inWords(next.offer.totalSec);
  if (other === inWords(totalSec)) return `${done}${because}; ${next.name} would need as long`;
  const butBusier = !stays && next.offer.totalSec < totalSec ? ', but is busier' : '';
  return `${done}${because}; ${next.name} would need ${other}${butBusier}`;
}

const inWords = (seconds: number): string => formatDuration(seconds * 1000);
