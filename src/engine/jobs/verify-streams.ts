import type { Check } from '../../domain/jobs/job.js';
import type { MasteringMetadata, Probe, ProbedStream } from '../../domain/jobs/probe.js';
import type { EncodePlan } from '../../domain/presets/plan.js';
import { outputStreams, type OutputStream } from '../../domain/presets/plan-output.js';

/** A stream of the plan and the stream of the result that should be it. */
export interface Pair {
  expected: OutputStream;
  actual: ProbedStream;
}

const KINDS = ['video', 'audio', 'subtitle', 'attachment', 'cover'] as const;
/** Difference in one figure of mastering metadata that rounding may cause, in x265's units. */
const MASTERING_ROUNDING = 2;

/** What the header of the result says against the plan. Pure; nothing here reads a file. */
export function checkStreams(plan: EncodePlan, source: Probe, output: Probe): { checks: Check[]; pairs: Pair[] } {
  const expected = outputStreams(plan);
  const counts = checkCounts(expected, output);
  if (counts.some(({ ok }) => !ok)) return { checks: counts, pairs: [] };
  const pairs = KINDS.flatMap((kind) => pairUp(kind, expected, output));
  const video = pairs.find(({ actual }) => actual.kind === 'video');
  return {
    pairs,
    checks: [
      check('container', output.container === plan.container, `${output.container}, planned ${plan.container}`),
      ...counts,
      ...pairs.flatMap((pair) => checkStream(plan, pair)),
      ...(video ? checkVideo(plan, source, output, video) : [check('video', false, 'there is none')]),
      check('chapters', output.chapters === plan.chapters, `${output.chapters}, planned ${plan.chapters}`),
    ],
  };
}

export const check = (name: string, ok: boolean, detail: string): Check => ({ name, ok, detail });

/** MP4 keeps chapters in a data stream of their own; all other kinds are counted. */
function checkCounts(expected: readonly OutputStream[], output: Probe): Check[] {
  return KINDS.flatMap((kind) => {
    const wanted = expected.filter(({ planned }) => planned.source.kind === kind).length;
    const found = output.streams.filter((stream) => stream.kind === kind).length;
    return wanted === 0 && found === 0
      ? []
      : [check(`${kind} streams`, found === wanted, `${found}, planned ${wanted}`)];
  });
}

function pairUp(kind: ProbedStream['kind'], expected: readonly OutputStream[], output: Probe): Pair[] {
  const actual = output.streams.filter((stream) => stream.kind === kind);
  return expected
    .filter(({ planned }) => planned.source.kind === kind)
    .flatMap((one, n) => {
      const found = actual[n];
      return found ? [{ expected: one, actual: found }] : [];
    });
}

function checkStream(plan: EncodePlan, { expected, actual }: Pair): Check[] {
  const { planned } = expected;
  const name = `${actual.kind} ${actual.index}`;
  if (actual.kind === 'attachment') {
    const wanted = planned.source.filename;
    return [
      check(`${name} name`, actual.filename === wanted, `${actual.filename ?? 'none'}, planned ${wanted ?? 'none'}`),
    ];
  }
  const codec = check(`${name} codec`, actual.codec === planned.codec, `${actual.codec}, planned ${planned.codec}`);
  if (actual.kind === 'cover') return [codec];
  const language = check(
    `${name} language`,
    actual.language === expected.language,
    `${actual.language ?? 'none'}, planned ${expected.language ?? 'none'}`,
  );
  const checks = [codec, language, checkFlags(plan, expected, actual, name)];
  if (actual.kind !== 'audio') return checks;
  const channels = planned.channels ?? planned.source.channels;
  return [
    ...checks,
    check(`${name} channels`, actual.channels === channels, `${actual.channels ?? '?'}, planned ${channels ?? '?'}`),
  ];
}

/** What the eye notices: which track plays by itself, and which subtitles are forced. */
function checkFlags(plan: EncodePlan, expected: OutputStream, actual: ProbedStream, name: string): Check {
  const wanted = new Set(expected.flags.filter((flag) => flag === 'default' || flag === 'forced'));
  const found = new Set(actual.flags.filter((flag) => flag === 'default' || flag === 'forced'));
  const ofKind = outputStreams(plan).filter(({ planned }) => planned.source.kind === actual.kind);
  const noneIsDefault = ofKind.every(({ flags }) => !flags.includes('default'));
  // MP4 has no way to say that no track of a kind is the first choice: the first one is.
  if (plan.container === 'mp4' && noneIsDefault && expected.position === 0) wanted.add('default');
  const list = (flags: ReadonlySet<string>): string => [...flags].sort().join(' and ') || 'none';
  return check(`${name} flags`, list(found) === list(wanted), `${list(found)}, planned ${list(wanted)}`);
}

function checkVideo(plan: EncodePlan, source: Probe, output: Probe, { expected, actual }: Pair): Check[] {
  const original = expected.planned.source;
  const size = `${actual.width ?? '?'}x${actual.height ?? '?'}`;
  const wantedHdr = plan.toneMap ? 'sdr' : source.hdr;
  const hdr = check('HDR', output.hdr === wantedHdr, `${output.hdr}, planned ${wantedHdr}`);
  return [
    check('picture size', size === `${plan.width}x${plan.height}`, `${size}, planned ${plan.width}x${plan.height}`),
    checkPixels(plan, original, actual),
    plan.toneMap ? checkBt709(actual) : checkColours(original, actual),
    hdr,
    ...(plan.isHdr10 ? [checkMastering(plan.mastering, output.mastering)] : []),
  ];
}

function checkPixels(plan: EncodePlan, original: ProbedStream, actual: ProbedStream): Check {
  const wanted = plan.pixelFormat ?? original.pixelFormat;
  // The same pixels with full range have an old name of their own.
  const plain = (format: string | null): string | null =>
    original.pixelFormat === 'yuvj420p' && format === 'yuvj420p' ? 'yuv420p' : format;
  const ok = actual.pixelFormat !== null && plain(actual.pixelFormat) === plain(wanted);
  return check('pixel format', ok, `${actual.pixelFormat ?? 'unknown'}, planned ${wanted ?? 'unknown'}`);
}

/** What the source says about its colours the result must say too. */
function checkColours(original: ProbedStream, actual: ProbedStream): Check {
  const names = ['colorPrimaries', 'colorTransfer', 'colorSpace'] as const;
  const isKnown = (value: string | null): boolean => value !== null && !['unknown', 'reserved', 'gbr'].includes(value);
  const wrong = names.filter((name) => isKnown(original[name]) && original[name] !== actual[name]);
  const tags = (stream: ProbedStream): string => names.map((name) => stream[name] ?? 'none').join(', ');
  return check('colours', wrong.length === 0, `${tags(actual)}; source ${tags(original)}`);
}

/** Tone-mapped video must say so: without it, players would take the new colours for the old. */
function checkBt709({ colorPrimaries, colorTransfer, colorSpace }: ProbedStream): Check {
  const tags = [colorPrimaries, colorTransfer, colorSpace];
  const ok = tags.every((tag) => tag === 'bt709');
  return check('colours', ok, `${tags.map((tag) => tag ?? 'none').join(', ')}; planned bt709`);
}

function checkMastering(wanted: MasteringMetadata | null, found: MasteringMetadata | null): Check {
  const numbers = (text: string | null | undefined): number[] => (text?.match(/\d+/g) ?? []).map(Number);
  const isClose = (one: string | null | undefined, other: string | null | undefined): boolean => {
    const [a, b] = [numbers(one), numbers(other)];
    return (
      a.length === b.length &&
      a.every((value, n) => Math.abs(value - (b[n] ?? NaN)) <= MASTERING_ROUNDING + value / 1e4)
    );
  };
  // `0,0` is how encoders write "unknown".
  const light = (text: string | null | undefined): string | null => (text === '0,0' ? null : (text ?? null));
  const ok = isClose(wanted?.display, found?.display) && isClose(light(wanted?.lightLevel), light(found?.lightLevel));
  const text = (data: MasteringMetadata | null): string => `${data?.display ?? 'none'} ${data?.lightLevel ?? 'none'}`;
  return check('HDR metadata', ok, `${text(found)}; planned ${text(wanted)}`);
}
