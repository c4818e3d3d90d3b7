import { editHelpers } from './edit-helpers.js';
import { libraryHelpers } from './library-helpers.js';
import { reviewHelpers } from './review-helpers.js';
import { workerHelpers } from './worker-helpers.js';
import { channelsName, codecName, hdrName, pictureName } from '../domain/labels.js';
import { Hdr } from '../domain/library/media.js';
import { remoteOf } from '../domain/settings/disk.js';
import { formatBitrate, formatBytes, formatDuration } from '../lib/units.js';

const ifNumber =
  (format: (value: number) => string) =>
  (value: unknown): string =>
    typeof value === 'number' && Number.isFinite(value) ? format(value) : '';

const two = (n: number): string => String(n).padStart(2, '0');

function toDate(value: unknown): Date | null {
  const date = typeof value === 'string' || typeof value === 'number' ? new Date(value) : null;
  return date === null || Number.isNaN(date.getTime()) ? null : date;
}

/** `2026-03-01`, in the machine's time zone; empty for what is no date. */
function formatDay(value: unknown): string {
  const date = toDate(value);
  return date ? `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}` : '';
}

function formatDate(value: unknown): string {
  const date = toDate(value);
  return date ? `${formatDay(value)} ${two(date.getHours())}:${two(date.getMinutes())}` : '';
}

/** How far away a moment is: `12 min ago`, `in 3 days`. */
function formatDistance(value: unknown): string {
  const date = toDate(value);
  if (!date) return '';
  const seconds = Math.round((date.getTime() - Date.now()) / 1000);
  const size = Math.abs(seconds);
  if (size < 45) return seconds > 0 ? 'in a moment' : 'just now';
  const days = Math.round(size / 86_400);
  const text =
    size < 5400
      ? `${Math.max(1, Math.round(size / 60))} min`
      : size < 36 * 3600
        ? `${Math.round(size / 3600)} h`
        : `${days} ${days === 1 ? 'day' : 'days'}`;
  return seconds > 0 ? `in ${text}` : `${text} ago`;
}

/** A codec in words; what a preset copies is no codec. */
const formatCodec = (value: unknown): string =>
  value === 'copy' ? 'copied' : typeof value === 'string' ? codecName(value) : '';

const formatHdr = (value: unknown): string => {
  const { data } = Hdr.safeParse(value);
  return data === undefined ? '' : hdrName(data);
};

/** The resolution class of a video or of what is made of one; empty where its size is not known. */
function formatPicture(video: unknown): string {
  const { width = 0, height = 0 } = (video ?? {}) as { width?: number; height?: number };
  return width > 0 && height > 0 ? pictureName({ width, height }) : '';
}

/** A small stable number out of a text, for colours. */
function numberOf(text: unknown, below: number): number {
  let hash = 7;
  for (const letter of String(text).replace(/ \u00b7 S\d.*$/, '')) hash = (hash * 31 + letter.charCodeAt(0)) >>> 0;
  return ((hash ^ (hash >>> 13)) >>> 0) % below;
}

interface Look {
  tone: string;
  icon: string;
  word: string;
}
const STATES: Record<string, Look> = {
  queued: { tone: '', icon: 'clock', word: 'Waiting' },
  blocked: { tone: '', icon: 'ban', word: 'Blocked' },
  running: { tone: 'info', icon: 'play', word: 'Running' },
  verified: { tone: 'warn', icon: 'swap', word: 'Ready to replace' },
  replacing: { tone: 'info', icon: 'swap', word: 'Replacing' },
  done: { tone: 'ok', icon: 'check', word: 'Replaced' },
  failed: { tone: 'bad', icon: 'warn', word: 'Failed' },
  cancelled: { tone: '', icon: 'x', word: 'Cancelled' },
  skipped: { tone: '', icon: 'minus', word: 'Skipped' },
  ready: { tone: 'warn', icon: 'swap', word: 'Ready to replace' },
  waiting: { tone: '', icon: 'clock', word: 'Waiting' },
  excluded: { tone: '', icon: 'lock', word: 'Excluded' },
  suggested: { tone: 'info', icon: 'sparkle', word: 'Recommended' },
  nothing: { tone: '', icon: 'minus', word: 'Nothing to do' },
  kept: { tone: '', icon: 'shield', word: 'Kept' },
  restored: { tone: 'ok', icon: 'undo', word: 'Restored' },
  purged: { tone: '', icon: 'trash', word: 'Deleted' },
  lost: { tone: 'bad', icon: 'warn', word: 'Lost' },
};

function lookOf(state: unknown, code: unknown): Look {
  if (state === 'skipped' && code === 'dry_run') return { tone: 'info', icon: 'flask', word: 'Planned only' };
  if (state === 'skipped' && code === 'not_smaller') return { tone: '', icon: 'minus', word: 'Not smaller' };
  return STATES[String(state)] ?? { tone: '', icon: 'info', word: String(state) };
}

const SETUP_STEPS = ['token', 'admin', 'plex', 'paths', 'worker', 'safety', 'ready'];

const STAGES: readonly string[] = ['prepare', 'encode', 'verify', 'replace'];
/** Of a job whose files go to a worker and come back, by the way they take. */
const STAGES_OF_WAY: Readonly<Record<string, readonly string[]>> = {
  transfer: ['prepare', 'upload', 'encode', 'download', 'verify', 'replace'],
  stream: ['prepare', 'encode', 'download', 'verify', 'replace'],
};

/** What lies on another machine is fetched before anything else. */
const withFetch = (names: readonly string[], path: unknown): readonly string[] =>
  typeof path === 'string' && remoteOf(path) !== null ? names.toSpliced(1, 0, 'fetch') : names;

/** The steps of a job with where it stands. */
function stagesOf(job: unknown): { name: string; isDone: boolean; isAt: boolean }[] {
  const { state, stage, transferMode, sourcePath } = (job ?? {}) as {
    state?: string;
    stage?: string | null;
    transferMode?: string | null;
    sourcePath?: string;
  };
  const names = withFetch(STAGES_OF_WAY[transferMode ?? ''] ?? STAGES, sourcePath);
  const at = names.findIndex((name) => name === stage);
  const now =
    state === 'replacing' || state === 'verified'
      ? names.length - 1
      : state === 'done'
        ? names.length
        : Math.max(0, at);
  return names.map((name, n) => ({
    name: name.charAt(0).toUpperCase() + name.slice(1),
    isDone: n < now,
    isAt: n === now && (state === 'running' || state === 'replacing'),
  }));
}

interface Moving {
  stage?: string | null;
  percent?: number;
  progress?: { percent?: number } | null;
}

/** How far a job is, percent: the live figure, or else the stored one. */
const reachedBy = (job: unknown): number => {
  const { progress, percent } = (job ?? {}) as Moving;
  return progress?.percent ?? percent ?? 0;
};

/** Whether there is nothing to count yet: a job that looks at its file has no percentage. */
const isPreparing = (job: unknown): boolean => {
  const { stage, progress } = (job ?? {}) as Moving;
  return stage === 'prepare' && (progress ?? null) === null;
};

/** How many are given as a line from the left to the right of a 600 by 110 picture. */
function linePath(values: unknown): string {
  const list = Array.isArray(values) ? (values as number[]) : [];
  if (list.length < 2) return '';
  const [low, high] = [Math.min(...list), Math.max(...list)];
  const range = high - low || 1;
  return list
    .map((value, at) => {
      const x = Math.round((at / (list.length - 1)) * 6000) / 10;
      const y = Math.round((104 - ((value - low) / range) * 92) * 10) / 10;
      return `${at === 0 ? 'M' : 'L'}${x} ${y}`;
    })
    .join('');
}

/** A ribbon as thick as the numbers, from the left to the right of a 1200 by 56 picture. */
function flowPath(...values: unknown[]): string {
  const list = values.slice(0, -1).map(Number);
  const most = Math.max(1, ...list);
  const half = list.map((value) => Math.max(1, (value / most) * 26));
  const width = 1200 / list.length;
  const edge = (sign: 1 | -1, order: number[]): string =>
    order
      .map((at) => {
        const y = (28 - sign * (half[at] ?? 1)).toFixed(1);
        const [from, to] = sign === 1 ? [at * width, (at + 1) * width] : [(at + 1) * width, at * width];
        const [start, end] = [from + (to - from) * (at === 0 && sign === 1 ? 0 : 0.3), to - (to - from) * 0.3];
        return `L${start.toFixed(0)} ${y}L${end.toFixed(0)} ${y}`;
      })
      .join('');
  const order = list.map((_, at) => at);
  const first = (28 - (half[0] ?? 1)).toFixed(1);
  const [last = 0] = order.slice(-1);
  const right = `L1200 ${(28 - (half[last] ?? 1)).toFixed(1)}L1200 ${(28 + (half[last] ?? 1)).toFixed(1)}`;
  const left = `L0 ${(28 + (half[0] ?? 1)).toFixed(1)}Z`;
  return `M0 ${first}${edge(1, order)}${right}${edge(-1, order.toReversed())}${left}`;
}

/** Those that need to know nothing but what they are given. */
const plainHelpers = {
  eq: (a: unknown, b: unknown) => a === b,
  or: (...all: unknown[]) => all.slice(0, -1).find(Boolean) ?? false,
  and: (...all: unknown[]) => all.slice(0, -1).every(Boolean),
  not: (value: unknown) => !value,
  gt: (a: unknown, b: unknown) => Number(a) > Number(b),
  has: (list: unknown, value: unknown) => typeof list === 'string' && list.split(',').includes(String(value)),
  join: (...parts: unknown[]) => parts.slice(0, -1).map(String).join(''),
  bytes: ifNumber(formatBytes),
  exactBytes: ifNumber((value) => `${Math.round(value).toLocaleString('en-US')} bytes`),
  count: ifNumber((value) => Math.round(value).toLocaleString('en-US')),
  /** For a pip: `1.6k` for 1,658. */
  brief: ifNumber((value) => (value < 1000 ? String(Math.round(value)) : `${Math.floor(value / 100) / 10}k`)),
  /** Of a share: 0.934 is `93 %`. */
  percent: ifNumber((share) => `${Math.round(share * 100)} %`),
  whole: ifNumber((value) => String(Math.floor(value))),
  bitrate: ifNumber(formatBitrate),
  duration: ifNumber(formatDuration),
  left: ifNumber((sec) => `${formatDuration(sec * 1000)} left`),
  plural: (n: unknown, one: string, many: string) => `${Number(n).toLocaleString('en-US')} ${n === 1 ? one : many}`,
  smaller: (before: unknown, after: unknown) =>
    Number(before) > 0 && typeof after === 'number' ? `${Math.round((1 - after / Number(before)) * 100)} %` : '',
  less: (a: unknown, b: unknown) => Number(a) - Number(b),
  date: formatDate,
  day: formatDay,
  ago: formatDistance,
  codec: formatCodec,
  hdr: formatHdr,
  picture: formatPicture,
  channels: (n: unknown) => channelsName(Number(n)),
  /** The parts of a path, between which a line may break. */
  segments: (path: unknown) => String(path).split('/').filter(Boolean),
  /** The end of a path: what tells one episode from the next. */
  tail: (path: unknown) => (typeof path === 'string' ? (path.split('/').at(-1) ?? '') : ''),
  cap: (text: unknown) => String(text).charAt(0).toUpperCase() + String(text).slice(1).replaceAll('_', ' '),
  look: lookOf,
  stepNumber: (step: unknown) => SETUP_STEPS.indexOf(String(step)) + 1,
  stages: stagesOf,
  reached: reachedBy,
  isPreparing,
  linePath,
  flowPath,
  hue: (text: unknown) => numberOf(text, 10),
  shape: (text: unknown) => Math.floor(numberOf(text, 40) / 10),
  // 119.4 is the length of the ring's circle.
  ringDash: (score: unknown) => `${((Number(score) / 100) * 119.4).toFixed(1)} 119.4`,
};

/** What templates may call. Every result is text that gets escaped, or plain data. */
export function viewHelpers(urlBase: string): Record<string, (...args: never[]) => unknown> {
  // A path of ours and nothing else: no scheme, no other host.
  const url = (path: unknown): string => (typeof path === 'string' && /^\/(?![/\\])/.test(path) ? urlBase + path : '#');
  return {
    ...libraryHelpers,
    ...editHelpers,
    ...reviewHelpers,
    ...workerHelpers,
    url,
    /** `(href "/queue/" id "/log")`: what does not begin with a slash is a value and gets encoded. */
    href: (...parts: unknown[]) =>
      url(
        parts
          .slice(0, -1)
          .map((part) => (typeof part === 'string' && part.startsWith('/') ? part : encodeURIComponent(String(part))))
          .join(''),
      ),
    ...plainHelpers,
  };
}
