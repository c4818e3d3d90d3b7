import { codecName } from '../domain/labels.js';
import { encoderNamed, ENCODERS, HARDWARE_FAMILIES } from '../domain/presets/encoders.js';
import { ENCODED_CODECS, type EncodedCodec } from '../domain/presets/video-target.js';
import { formatDuration, formatLineSpeed } from '../lib/units.js';

interface Look {
  tone: string;
  icon: string;
  word: string;
}

const LOOKS: Readonly<Record<string, Look>> = {
  unconfirmed: { tone: 'warn', icon: 'lock', word: 'Unconfirmed host key' },
  checking: { tone: 'info', icon: 'flask', word: 'Being tested' },
  online: { tone: 'ok', icon: 'check-circle', word: 'Ready' },
  offline: { tone: 'bad', icon: 'ban', word: 'Offline' },
  paused: { tone: '', icon: 'pause', word: 'Paused' },
  draining: { tone: 'warn', icon: 'stop', word: 'Finishing' },
  disabled: { tone: 'bad', icon: 'alert', word: 'Out of service' },
};

/** A worker's state in a word, a colour and a picture. */
function workerLook(worker: unknown): Look {
  const { state = '', running = 0, hostKey, isOpen } = (worker ?? {}) as { state?: string; running?: number; hostKey?: string | null; isOpen?: boolean }; // prettier-ignore
  if (state === 'unconfirmed' && hostKey) return { tone: 'bad', icon: 'lock', word: 'Host key changed' };
  if (state === 'online' && running > 0) return { tone: 'info', icon: 'play', word: 'Encoding' };
  if (state === 'online' && isOpen === false) return { tone: '', icon: 'clock', word: 'Outside its hours' };
  return LOOKS[state] ?? { tone: '', icon: 'info', word: state };
}

type Row = Partial<Record<string, unknown>>;
const rowsIn = (list: unknown): Row[] => (Array.isArray(list) ? (list as Row[]) : []);
const numberIn = (row: Row | undefined, field: string): number | null => {
  const value = row?.[field];
  return typeof value === 'number' && Number.isFinite(value) ? value : null;
};

/** So many measurements fit beside each other. */
const BARS = 40;
const BAR_HEIGHT = 26;

/** A bar for each measurement in a 160 by 26 picture, the latest at the right. `most` is the full height; without it, twice the largest. */
function bars(history: unknown, field: unknown, most: unknown): string {
  const rows = rowsIn(history).slice(-BARS);
  const values = rows.map((row) => numberIn(row, String(field)));
  const full = typeof most === 'number' && most > 0 ? most : 2 * Math.max(1, ...values.map((value) => value ?? 0));
  const start = BARS - rows.length;
  return values
    .map((value, at) => {
      if (value === null) return '';
      const height = Math.max(1, Math.round((Math.min(value, full) / full) * BAR_HEIGHT));
      return `M${(start + at) * 4} ${BAR_HEIGHT - height}h3v${height}h-3z`;
    })
    .join('');
}

/** Measurements between 0 and 100 as a line in a 600 by 110 picture, with gaps where nothing was known. */
function percentPath(history: unknown, field: unknown): string {
  const rows = rowsIn(history).slice(-BARS);
  let isDown = false;
  return rows
    .map((row, at) => {
      const value = numberIn(row, String(field));
      const move = isDown ? 'L' : 'M';
      isDown = value !== null;
      if (value === null) return '';
      const x = Math.round(((BARS - rows.length + at) / (BARS - 1)) * 6000) / 10;
      return `${move}${x} ${Math.round((107 - Math.min(100, value) * 1.04) * 10) / 10}`;
    })
    .join('');
}

const DAYS = ['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun'];

/** The days of the week with those that are chosen; Sunday is 0 and comes last. */
function weekdays(chosen: unknown): { number: number; label: string; isOn: boolean }[] {
  const on = new Set(
    [chosen]
      .flat()
      .filter((day) => day !== '' && day !== undefined)
      .map(Number),
  );
  return DAYS.map((label, at) => ({ label, number: (at + 1) % 7, isOn: on.has((at + 1) % 7) }));
}

/** A fingerprint in pieces, so that the ends can be made to stand out; together they are the fingerprint. */
function fingerprint(text: unknown): { head: string; start: string; middle: string; end: string } {
  const [head = '', hash = ''] = (typeof text === 'string' ? text : '').split(/(?<=^[^:]*:)/);
  const body = hash === '' ? head : hash;
  return {
    head: hash === '' ? '' : head,
    start: body.slice(0, 8),
    middle: body.slice(8, -6),
    end: body.slice(8).slice(-6),
  };
}

interface TestedEncoder {
  name: string;
  works: boolean;
  tenBit: boolean;
  error: string | null;
}
/** What encodes: the processor, or a way to a graphics card. */
const PROCESSOR = { id: 'cpu', title: 'Processor' };
const WAYS = [PROCESSOR, ...HARDWARE_FAMILIES];
type Way = (typeof WAYS)[number];

/** Tested encoders by codec and by what encodes. */
function encoderTable(encoders: unknown, speeds: unknown): { ways: string[]; rows: { title: string; cells: { way: string; encoder: TestedEncoder | null; fps: number | null }[] }[] } {
  const all = (Array.isArray(encoders) ? encoders : []) as TestedEncoder[];
  const find = (codec: EncodedCodec, way: Way): TestedEncoder | null => {
    const row = ENCODERS.find((one) => one.codec === codec && (one.hardware?.id ?? 'cpu') === way.id);
    return all.find(({ name }) => name === row?.name) ?? null;
  };
  const ways = WAYS.filter((way) => ENCODED_CODECS.some((codec) => find(codec, way) !== null));
  return {
    ways: ways.map(({ title }) => title),
    rows: ENCODED_CODECS.map((codec) => ({
      title: codecName(codec),
      cells: ways.map((way) => {
        const encoder = find(codec, way);
        const speed = rowsIn(speeds).find((row) => row['encoder'] === encoder?.name);
        return { way: way.title, encoder, fps: numberIn(speed, 'fps') };
      }),
    })),
  };
} // prettier-ignore

/** Of each codec the quickest encoder that was measured. */
function quickest(speeds: unknown): { title: string; fps: number }[] {
  const fpsOf = (codec: EncodedCodec): number =>
    Math.max(
      0,
      ...rowsIn(speeds)
        .filter(({ encoder }) => encoderNamed(String(encoder))?.codec === codec)
        .map((row) => numberIn(row, 'fps') ?? 0),
    );
  return ENCODED_CODECS.map((codec) => ({ title: codecName(codec), fps: fpsOf(codec) })).filter(({ fps }) => fps > 0);
}

/** What helps on a card: each codec with what encodes it best, and how much does not work. */
function encoderWords(encoders: unknown): {
  works: { title: string; by: string; bits: string }[];
  failing: TestedEncoder[];
} {
  const all = (Array.isArray(encoders) ? encoders : []) as TestedEncoder[];
  const works = all
    .filter((encoder) => encoder.works)
    .map(({ name, tenBit }) => {
      const row = encoderNamed(name);
      const by = row === undefined ? name : (row.hardware?.title ?? PROCESSOR.title);
      return { title: row === undefined ? name : codecName(row.codec), by, bits: tenBit ? '8 + 10 bit' : '8 bit' };
    });
  return { works, failing: all.filter((encoder) => !encoder.works) };
}

/** How long ago a worker was heard of, in the words of a heartbeat. */
function heartbeat(at: unknown): string {
  const ms = typeof at === 'string' ? Date.now() - Date.parse(at) : Number.NaN;
  if (!Number.isFinite(ms)) return 'never seen';
  const seconds = Math.max(0, Math.round(ms / 1000));
  if (seconds < 3) return 'seen just now';
  if (seconds < 120) return `seen ${seconds} s ago`;
  if (seconds < 7200) return `seen ${Math.round(seconds / 60)} min ago`;
  if (seconds < 48 * 3600) return `seen ${Math.round(seconds / 3600)} h ago`;
  return `seen ${Math.round(seconds / 86_400)} days ago`;
}

function hasGpu(worker: unknown): boolean {
  const { capabilities, metrics } = (worker ?? {}) as { capabilities?: { gpus?: unknown[] } | null; metrics?: { gpuPercent?: number | null } | null }; // prettier-ignore
  return (capabilities?.gpus?.length ?? 0) > 0 || typeof metrics?.gpuPercent === 'number';
}

const WAY_WORDS: Readonly<Record<string, string>> = {
  shared: 'Shared folder',
  stream: 'Streamed',
  transfer: 'Copied',
  pull: 'Downloaded from remote storage',
};

/** As it is, but with a capital letter. */
const sentence = (text: unknown): string => String(text).replace(/^./, (first) => first.toUpperCase());

/** All points of a score. */
const scoreTotal = (parts: unknown): number =>
  Math.round(rowsIn(parts).reduce((sum, part) => sum + (numberIn(part, 'points') ?? 0), 0) * 10) / 10;

/** What templates about workers may call. */
export const workerHelpers = {
  workerLook,
  bars,
  percentPath,
  weekdays,
  fingerprint,
  encoderTable,
  encoderWords,
  quickest,
  heartbeat,
  hasGpu,
  scoreTotal,
  sentence,
  /** Without the name of the way, which stands above it. */
  wayWhy: (why: unknown): string =>
    sentence(String(why).replace(/^(shared folder|streamed|copied|remote storage): /, '')),
  wayWord: (mode: unknown): string => WAY_WORDS[String(mode)] ?? 'In place',
  /** What a way adds to the encode. */
  wayTime: (seconds: unknown): string =>
    typeof seconds === 'number' && seconds > 0 ? formatDuration(seconds * 1000) : 'nothing',
  mbps: (value: unknown): string => (typeof value === 'number' ? formatLineSpeed(value) : ''),
};
