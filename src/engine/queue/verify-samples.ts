import type { Check } from '../../domain/job.js';
import { loudness, pictureDistance, thumbnails } from '../../ffmpeg/samples.js';
import { check, type Pair } from './verify-streams.js';

interface Compared {
  sourcePath: string;
  outputPath: string;
  durationSec: number;
  ffmpeg: string;
  signal: AbortSignal;
}

/** A sample every so many seconds, within these bounds. */
const SAMPLE_EVERY_SEC = 5;
const PICTURE_SAMPLES = { least: 4, most: 8 };
const AUDIO_SAMPLES = { least: 2, most: 6 };
/** The source is looked at a few pictures before and after, because times are rounded on the way. */
const NEIGHBOURS = 2;
/** Mean difference of small pictures, of 255. The worst honest encodes stay below 6, another picture is far above. */
const PICTURE_LIMIT = 12;
/** With this many samples one may be unlike: it may have fallen on a cut. */
const PICTURES_FOR_A_MISS = 6;
const AUDIO_SAMPLE_SEC = 2;
/** dB. Quieter is silence. */
const SILENCE_DB = -70;
/** dB. Mixing down and encoding change loudness by less. */
const LOUDNESS_LIMIT_DB = 15;

/** Looks at pictures of source and result at the same times: black, green, frozen or foreign ones are found. */
export async function checkPicture({ expected, actual }: Pair, compared: Compared): Promise<Check> {
  const { sourcePath, outputPath, durationSec, ffmpeg, signal } = compared;
  const frameSec = 1 / (expected.planned.source.fps ?? 25);
  const distances: number[] = [];
  for (const share of spread(durationSec, PICTURE_SAMPLES)) {
    const atSec = durationSec * share;
    const beforeSec = Math.max(0, atSec - (NEIGHBOURS + 0.5) * frameSec);
    const from = { stream: expected.planned.source.index, atSec: beforeSec, count: 2 * NEIGHBOURS + 1 };
    const to = { stream: actual.index, atSec: Math.max(0, atSec - 0.5 * frameSec), count: 1 };
    const originals = await thumbnails(sourcePath, from, { ffmpeg, signal });
    const [result] = await thumbnails(outputPath, to, { ffmpeg, signal });
    if (originals.length === 0 || !result) {
      return check('picture', false, `no picture could be decoded at ${atSec.toFixed(1)} s`);
    }
    distances.push(Math.min(...originals.map((original) => pictureDistance(original, result))));
  }
  const alike = distances.filter((distance) => distance <= PICTURE_LIMIT).length;
  const worst = Math.max(...distances).toFixed(1);
  const detail = `${alike} of ${distances.length} samples alike, worst difference ${worst} of 255`;
  const misses = distances.length >= PICTURES_FOR_A_MISS ? 1 : 0;
  return check('picture', alike >= distances.length - misses, detail);
}

/** Listens to source and result at the same times: sound that fell silent or became noise is found. */
export async function checkSound({ expected, actual }: Pair, compared: Compared): Promise<Check> {
  const { sourcePath, outputPath, durationSec, ffmpeg, signal } = compared;
  const name = `audio ${actual.index} sound`;
  const differences: number[] = [];
  for (const share of spread(durationSec, AUDIO_SAMPLES)) {
    const at = { atSec: Math.max(0, durationSec * share - AUDIO_SAMPLE_SEC / 2), lengthSec: AUDIO_SAMPLE_SEC };
    const before = await loudness(sourcePath, { stream: expected.planned.source.index, ...at }, { ffmpeg, signal });
    const after = await loudness(outputPath, { stream: actual.index, ...at }, { ffmpeg, signal });
    // Where the source itself has nothing there is nothing to compare.
    if (before === null) continue;
    if (after === null) return check(name, false, `no sound could be decoded at ${at.atSec.toFixed(1)} s`);
    differences.push(Math.abs(Math.max(before, SILENCE_DB) - Math.max(after, SILENCE_DB)));
  }
  if (differences.length === 0) return check(name, false, 'no sound of the source could be decoded to compare with');
  const worst = Math.max(...differences);
  return check(name, worst <= LOUDNESS_LIMIT_DB, `${differences.length} samples, at most ${worst.toFixed(1)} dB apart`);
}

/** Shares of the running time, away from both ends; more of them for longer films. */
function spread(durationSec: number, { least, most }: { least: number; most: number }): number[] {
  const count = Math.min(most, Math.max(least, Math.floor(durationSec / SAMPLE_EVERY_SEC)));
  return Array.from({ length: count }, (_, n) => (n + 0.5) / count);
}
