import type { Check } from '../../domain/jobs/job.js';
import type { EncodePlan } from '../../domain/presets/plan.js';
import type { Probe } from '../../domain/jobs/probe.js';
import type { Measured } from '../../ffmpeg/measure.js';
import { check, type Pair } from './verify-streams.js';

/** Seconds. Two-second clips in all containers differ by up to 0.05; a lost ending is longer than this. */
const END_TOLERANCE_SEC = 0.3;
/** More than this between picture and sound is seen. */
const OFFSET_TOLERANCE_SEC = 0.1;
const GAP_TOLERANCE_SEC = 0.3;
/** Encoders add or leave out a few pictures at start and end. */
const FRAMES_TOLERANCE = 5;
const FRAMES_TOLERANCE_SHARE = 0.002;
/** Bytes; containers differ in what they write around the same packets. */
const REMUX_SLACK_SHARE = 0.02;
const REMUX_SLACK_BYTES = 256 * 1024;
/** An encode below this share of its source cannot hold the film. */
const TOO_SMALL_SHARE = 0.005;
const TOO_SMALL_REMUX_SHARE = 0.3;

const seconds = (value: number): string => `${value.toFixed(2)} s`;

/** The length that the header names. Streams that were left out may have been the longest, so this is the lenient gate. */
export function checkDuration(plan: EncodePlan, output: Probe): Check {
  const tolerance = Math.max(1, plan.durationSec * 0.005);
  const difference = Math.abs((output.durationSec ?? Number.NaN) - plan.durationSec);
  const found = output.durationSec === null ? 'unknown' : seconds(output.durationSec);
  return check('duration', difference <= tolerance, `${found}, source ${seconds(plan.durationSec)}`);
}

/** Whether the file is small enough to be worth it, and large enough to be true. */
export function checkSize(plan: EncodePlan, sizeBytes: number, minSavingPercent: number): Check[] {
  const source = plan.sourceSizeBytes;
  const isRemux = plan.preset.video.codec === 'copy';
  const limit = isRemux
    ? source + Math.max(source * REMUX_SLACK_SHARE, REMUX_SLACK_BYTES)
    : source * (1 - minSavingPercent / 100);
  const floor = source * (isRemux ? TOO_SMALL_REMUX_SHARE : TOO_SMALL_SHARE);
  const percent = ((1 - sizeBytes / source) * 100).toFixed(1);
  const figures = `${sizeBytes} bytes of ${source}, saves ${percent} %`;
  const wanted = isRemux
    ? `at most ${Math.round(limit)} bytes when only the container changes`
    : `at least ${minSavingPercent} % wanted`;
  return [
    check(
      'large enough',
      sizeBytes >= floor,
      `${figures}; less than ${Math.round(floor)} bytes cannot be the whole film`,
    ),
    check('smaller', isRemux ? sizeBytes <= limit : sizeBytes < source && sizeBytes <= limit, `${figures}; ${wanted}`),
  ];
}

/**
 * What the packets say: every picture and sound stream begins, ends, and goes on without holes as in the source, and
 * copied ones have as many packets.
 */
export function checkPackets(
  pairs: readonly Pair[],
  source: ReadonlyMap<number, Measured>,
  output: ReadonlyMap<number, Measured>,
): Check[] {
  const timed = pairs.filter(({ actual }) => actual.kind === 'video' || actual.kind === 'audio');
  const video = timed.find(({ actual }) => actual.kind === 'video');
  const starts = {
    source: source.get(video?.expected.planned.source.index ?? -1),
    output: output.get(video?.actual.index ?? -1),
  };
  const whole = timed.flatMap((pair) => {
    const before = source.get(pair.expected.planned.source.index);
    const after = output.get(pair.actual.index);
    const name = `${pair.actual.kind} ${pair.actual.index}`;
    if (!before || !after || !starts.source || !starts.output) {
      return [check(`${name} packets`, false, 'none with a time')];
    }
    return [
      ...checkSpan(name, before, after),
      checkOffset(name, before.startSec - starts.source.startSec, after.startSec - starts.output.startSec),
      ...checkCount(pair, name, before.packets, after.packets),
    ];
  });
  return [...whole, ...checkSubtitles(pairs, source, output)];
}

function checkSpan(name: string, before: Measured, after: Measured): Check[] {
  const [lengthBefore, lengthAfter] = [before.endSec - before.startSec, after.endSec - after.startSec];
  const gap = after.longestGapSec - before.longestGapSec;
  return [
    check(
      `${name} length`,
      Math.abs(lengthAfter - lengthBefore) <= END_TOLERANCE_SEC,
      `${seconds(lengthAfter)}, source ${seconds(lengthBefore)}`,
    ),
    check(
      `${name} holes`,
      gap <= GAP_TOLERANCE_SEC,
      `longest pause ${seconds(after.longestGapSec)}, source ${seconds(before.longestGapSec)}`,
    ),
  ];
}

function checkOffset(name: string, before: number, after: number): Check {
  const drift = Math.abs(after - before);
  return check(
    `${name} in step`,
    drift <= OFFSET_TOLERANCE_SEC,
    `${(drift * 1000).toFixed(0)} ms off against the picture`,
  );
}

/** Encoded sound has packets of another length; everything else keeps their number. */
function checkCount({ expected, actual }: Pair, name: string, before: number, after: number): Check[] {
  if (actual.kind === 'audio' && expected.planned.action === 'encode') return [];
  const tolerance = Math.max(FRAMES_TOLERANCE, before * FRAMES_TOLERANCE_SHARE);
  return [check(`${name} packets`, Math.abs(after - before) <= tolerance, `${after}, source ${before}`)];
}

/** Subtitles: a stream that has lines in the source may not come out empty or short of many. */
function checkSubtitles(
  pairs: readonly Pair[],
  source: ReadonlyMap<number, Measured>,
  output: ReadonlyMap<number, Measured>,
): Check[] {
  return pairs
    .filter(({ actual }) => actual.kind === 'subtitle')
    .map(({ expected, actual }) => {
      const before = source.get(expected.planned.source.index)?.packets ?? 0;
      const after = output.get(actual.index)?.packets ?? 0;
      // MP4 fills the pauses between lines with empty packets, which other containers do without.
      const isMp4Source = expected.planned.source.codec === 'mov_text' && actual.codec !== 'mov_text';
      const least = isMp4Source ? before * 0.4 : before * (1 - FRAMES_TOLERANCE_SHARE) - 1;
      return check(`subtitle ${actual.index} lines`, after >= Math.min(before, least), `${after}, source ${before}`);
    });
}
