import { z } from 'zod';
import { formatBytes, formatDuration, formatLineSpeed } from '../../lib/units.js';
import { isInside } from '../settings/paths.js';
import { TransferMode, type Line, type WorkerPath } from './worker.js';

/** What has to go to a worker and come back. */
export interface FilesOfJob {
  /** Where this machine sees the source. */
  sourcePath: string;
  /** Where the result is to lie on this machine, when it is not beside the source. */
  outputPath?: string;
  /** What still has to be copied of the source: 0 where the worker has it from an earlier try. */
  sourceBytes: number;
  /** As the plan expects it; rather too large than too small. */
  outputBytes: number;
  /** Where the source lies when that is another machine: it is fetched from there first, and the result put back. */
  storage?: Storage | null;
  /** Why the files cannot be encoded while they are copied (`streamProblem`); null when they can. */
  streamProblem: string | null;
}

/** A machine on which films lie. */
interface Storage {
  name: string;
  /** All of the source: it is needed here for comparing too. */
  sourceBytes: number;
  line: Line | null;
  maxMbps: number | null;
}

/** What is known of the way to a worker. */
export interface WayToWorker {
  /** This machine: there is no way to go. */
  isLocal: boolean;
  pathMappings: readonly WorkerPath[];
  /** `up` is what goes to the worker; null when it was not measured. */
  line: Line | null;
  /** The owner's limit, each way; null: none. */
  maxMbps: number | null;
  /** Null when nobody knows. */
  scratchFreeBytes: number | null;
}

/** One way for the files of a job. */
export const Way = z.object({
  /** Null where nothing has to be moved. */
  mode: TransferMode.nullable(),
  possible: z.boolean(),
  /** What it adds to the time of the encode. */
  seconds: z.number().nonnegative(),
  /** For the owner: what it costs, or why it cannot be. */
  why: z.string(),
});
export type Way = z.infer<typeof Way>;

const MP4_FAMILY: ReadonlySet<string> = new Set(['mp4', 'mov', 'm4v']);
/** Read nearly in one go, but for their index. Others (AVI, WMV) may have to be jumped about in all the time. */
const READ_IN_ORDER: ReadonlySet<string> = new Set([
  ...['mkv', 'webm', 'matroska', 'ts', 'mpegts', 'm2ts', 'mpeg', 'mpg'],
  ...MP4_FAMILY,
]);
/**
 * With a line that breaks, the encode is lost: streaming has to save more than this part of it, and more than a moment. Hours
 * of encoding are not put at risk for the minutes that copying takes.
 */
const STREAM_RISK = 0.05;
const STREAM_RISK_SEC = 5;

/** For a line that nobody measured, Mbit/s: the slowest cable in use at home. Too slow a guess costs less than too fast a one. */
const ASSUMED_MBPS = 100;
/** Connecting, asking for the size and the room, opening, closing, comparing: so many answers are waited for per file. */
const ROUND_TRIPS = 10;
/** A disk that is filled to its last byte fails whatever else runs there. Bytes. */
const ROOM_MARGIN_BYTES = 1e9;

/** In the order of their preference where they cost the same: the fewer bytes are moved, the less can go wrong. */
const MODES = ['shared', 'stream', 'transfer'] as const;

/** Why a file cannot be encoded while it is copied, or null. Containers of the source and of the result. */
export function streamProblem(source: string, output: string): string | null {
  if (MP4_FAMILY.has(output)) return 'an MP4 is rewritten at its end';
  return READ_IN_ORDER.has(source) ? null : `a file of the kind ${source} cannot be read in order`;
}

/** Every way the files could go, the best first. The first one that is possible is the one to take; there may be none. */
export function waysFor(files: FilesOfJob, to: WayToWorker, encodeSec: number): Way[] {
  const pulled = files.storage ? pull(files, files.storage) : null;
  if (to.isLocal) {
    return [
      pulled ?? { mode: null, possible: true, seconds: 0, why: 'on this machine: nothing has to be transferred' },
    ];
  }
  const ways = MODES.map((mode) => afterPull(WAYS[mode](files, to, encodeSec), pulled));
  const cost = ({ mode, seconds }: Way): number =>
    seconds + (mode === 'stream' ? Math.max(STREAM_RISK_SEC, STREAM_RISK * encodeSec) : 0);
  // The sort is stable: equal ones stay in the order of preference.
  return ways.sort((a, b) => Number(b.possible) - Number(a.possible) || cost(a) - cost(b));
}

/** Downloaded from remote storage, and put back there. */
function pull({ outputBytes }: FilesOfJob, { name, sourceBytes, line, maxMbps }: Storage): Way {
  // `up` is what goes to that machine.
  const [back, there] = legsOf({ sourceBytes: outputBytes, outputBytes: sourceBytes }, { line, maxMbps });
  const seconds = there.seconds + back.seconds + startSec({ line });
  const why = `remote storage: downloading ${there.what} from ${name} and uploading ${back.what} take ${inWords(there.seconds + back.seconds)} more than encoding`;
  return { mode: 'pull', possible: true, seconds, why };
}

/** What goes on to a worker was fetched before. */
const afterPull = (way: Way, pulled: Way | null): Way =>
  pulled === null ? way : { ...way, seconds: way.seconds + pulled.seconds, why: `${pulled.why}, then ${way.why}` };

const WAYS: Readonly<Record<(typeof MODES)[number], (files: FilesOfJob, to: WayToWorker, encodeSec: number) => Way>> = {
  shared: ({ sourcePath, outputPath = sourcePath }, { pathMappings }) => {
    const mode = 'shared';
    const holding = pathMappings.filter(({ here }) => isInside(sourcePath, here) && isInside(outputPath, here));
    if (holding.some(({ provedAt, problem }) => provedAt !== null && problem === null))
      return { mode, possible: true, seconds: 0, why: 'shared folder: nothing has to be transferred' };
    const [unproved] = holding;
    const why = unproved
      ? `shared folder: ${unproved.here} is not verified${unproved.problem === null ? '' : `: ${unproved.problem}`}`
      : 'shared folder: none holds this file';
    return { mode, possible: false, seconds: 0, why };
  },

  stream: (files, to, encodeSec) => {
    const mode = 'stream';
    const [there, back] = legsOf(files, to);
    // Both directions and the encoder work at once, so the slowest of the three is all one waits for.
    const slower = there.seconds >= back.seconds ? there : back;
    const seconds = Math.max(0, slower.seconds - encodeSec) + startSec(to);
    const room = roomFor(files.outputBytes, to);
    const problem = files.streamProblem ?? room.problem;
    if (problem !== null) return { mode, possible: false, seconds, why: `streamed: ${problem}` };
    const copying = `copying ${slower.what} takes ${inWords(slower.seconds)}`;
    const why = `streamed: ${copying} and encoding ${inWords(encodeSec)}, at the same time${room.doubt}`;
    return { mode, possible: true, seconds, why };
  },

  transfer: (files, to) => {
    const mode = 'transfer';
    const [there, back] = legsOf(files, to);
    const copySec = there.seconds + back.seconds;
    const seconds = copySec + startSec(to);
    const room = roomFor(files.sourceBytes + files.outputBytes, to);
    if (room.problem !== null) return { mode, possible: false, seconds, why: `copied: ${room.problem}` };
    const both =
      files.sourceBytes === 0
        ? `downloading ${back.what} takes`
        : `uploading ${there.what} and downloading ${back.what} take`;
    return {
      mode,
      possible: true,
      seconds,
      why: `copied: ${both} ${inWords(copySec)} more than encoding${room.doubt}`,
    };
  },
};

/** One direction. */
interface Leg {
  seconds: number;
  what: string;
}

function legsOf(
  { sourceBytes, outputBytes }: Pick<FilesOfJob, 'sourceBytes' | 'outputBytes'>,
  { line, maxMbps }: Pick<WayToWorker, 'line' | 'maxMbps'>,
): [there: Leg, back: Leg] {
  const leg = (bytes: number, measuredMbps: number | undefined): Leg => {
    const lineMbps = measuredMbps ?? ASSUMED_MBPS;
    const mbps = Math.min(lineMbps, maxMbps ?? Infinity);
    const origin = mbps < lineMbps ? ' (your limit)' : measuredMbps === undefined ? ' (assumed, not measured)' : '';
    return { seconds: (bytes * 8) / (mbps * 1e6), what: `${formatBytes(bytes)} at ${formatLineSpeed(mbps)}${origin}` };
  };
  return [leg(sourceBytes, line?.upMbps), leg(outputBytes, line?.downMbps)];
}

/** What is waited for apart from the bytes, for two files. */
const startSec = ({ line }: Pick<WayToWorker, 'line'>): number => (2 * ROUND_TRIPS * (line?.latencyMs ?? 0)) / 1000;

function roomFor(bytes: number, { scratchFreeBytes }: WayToWorker): { problem: string | null; doubt: string } {
  if (scratchFreeBytes === null) return { problem: null, doubt: '; its free space is not known' };
  const needed = bytes + ROOM_MARGIN_BYTES;
  if (scratchFreeBytes >= needed) return { problem: null, doubt: '' };
  return {
    problem: `it needs ${formatBytes(needed)} of free space and has ${formatBytes(scratchFreeBytes)}`,
    doubt: '',
  };
}

const inWords = (seconds: number): string => formatDuration(seconds * 1000);
