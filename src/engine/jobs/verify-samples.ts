import type { Check } from '../../domain/jobs/job.js';
import { pictureDistance, sampleFile, type Sample } from '../../ffmpeg/samples.js';
import { toneMapFilters } from '../../ffmpeg/tone-map.js';
import { check, type Pair } from './verify-streams.js';

export interface Compared {
  sourcePath: string;
  outputPath: string;
  sourceContainer: string;
  outputContainer: string;
  durationSec: number;
  /** The result is SDR where the source is HDR: the source is looked at through the same conversion. */
  toneMap: boolean;
  ffmpeg: string;
  signal: AbortSignal;
}

/** A sample every so many seconds, within these bounds. */
const SAMPLE_EVERY_SEC = 5;
const SAMPLES = { least: 2, most: 8 };
/** With this many samples one picture may be unlike: it may have fallen on a cut. */
const SAMPLES_FOR_A_MISS = 6;
/** The source is looked at a few pictures before and after, because times are rounded on the way. */
const NEIGHBOURS = 2;
/** Mean difference of small pictures, of 255. Honest encodes stay below 2, the same film half a second on is above 8. */
const PICTURE_LIMIT = 6;
const SOUND_SEC = 2;
/** dB. Quieter is silence. */
const SILENCE_DB = -70;
/** dB. Mixing down and encoding change loudness by less. */
const LOUDNESS_LIMIT_DB = 15;

/**
 * Looks at and listens to source and result at the same times: black, green, frozen or foreign pictures are found, and
 * sound that fell silent or became noise.
 */
export async function checkSamples(pairs: readonly Pair[], compared: Compared): Promise<Check[]> {
  const video = pairs.find(({ actual }) => actual.kind === 'video');
  const audio = pairs.filter(({ actual }) => actual.kind === 'audio');
  const samples: { atSec: number; source: Sample; output: Sample }[] = [];
  for (const atSec of momentsOf(compared.durationSec)) {
    samples.push({ atSec, ...(await sampleBoth(atSec, video, audio, compared)) });
  }
  return [
    ...(video ? [checkPictures(samples)] : []),
    ...audio.map(({ actual }, n) =>
      checkLoudness(
        `audio ${actual.index} sound`,
        samples.map(({ atSec, source, output }) => ({ atSec, before: source.loudness[n], after: output.loudness[n] })),
      ),
    ),
  ];
}

/** Away from both ends; more of them in longer films. */
function momentsOf(durationSec: number): number[] {
  const count = Math.min(SAMPLES.most, Math.max(SAMPLES.least, Math.floor(durationSec / SAMPLE_EVERY_SEC)));
  return Array.from({ length: count }, (_, n) => (durationSec * (n + 0.5)) / count);
}

async function sampleBoth(
  atSec: number,
  video: Pair | undefined,
  audio: readonly Pair[],
  compared: Compared,
): Promise<{ source: Sample; output: Sample }> {
  const { ffmpeg, signal } = compared;
  const frameSec = 1 / (video?.expected.planned.source.fps ?? 25);
  const picture = (pair: Pair | undefined, index: (pair: Pair) => number, neighbours: number) =>
    pair
      ? { stream: index(pair), fromSec: Math.max(0, atSec - (neighbours + 0.5) * frameSec), count: 2 * neighbours + 1 }
      : null;
  const inSource = ({ expected }: Pair): number => expected.planned.source.index;
  const inOutput = ({ actual }: Pair): number => actual.index;
  const moment = (index: (pair: Pair) => number, neighbours: number, filters: readonly string[]) => ({
    atSec,
    video: picture(video, index, neighbours),
    filters,
    audio: { streams: audio.map(index), lengthSec: SOUND_SEC },
  });
  const convert = compared.toneMap && video ? toneMapFilters(video.expected.planned.source, 'yuv420p') : [];
  const { sourcePath, sourceContainer, outputPath, outputContainer } = compared;
  const [source, output] = await Promise.all([
    sampleFile(sourcePath, moment(inSource, NEIGHBOURS, convert), { ffmpeg, signal, container: sourceContainer }),
    sampleFile(outputPath, moment(inOutput, 0, []), { ffmpeg, signal, container: outputContainer }),
  ]);
  return { source, output };
}

function checkPictures(samples: readonly { atSec: number; source: Sample; output: Sample }[]): Check {
  const distances: number[] = [];
  for (const { atSec, source, output } of samples) {
    const [result] = output.pictures;
    if (source.pictures.length === 0 || !result) {
      return check('picture', false, `no picture could be decoded at ${atSec.toFixed(1)} s`);
    }
    distances.push(Math.min(...source.pictures.map((original) => pictureDistance(original, result))));
  }
  const alike = distances.filter((distance) => distance <= PICTURE_LIMIT).length;
  const misses = distances.length >= SAMPLES_FOR_A_MISS ? 1 : 0;
  const worst = Math.max(...distances).toFixed(1);
  const detail = `${alike} of ${distances.length} samples alike, worst difference ${worst} of 255`;
  return check('picture', alike >= distances.length - misses, detail);
}

interface LoudnessPair {
  atSec: number;
  before: number | null | undefined;
  after: number | null | undefined;
}

function checkLoudness(name: string, samples: readonly LoudnessPair[]): Check {
  const differences: number[] = [];
  for (const { atSec, before, after } of samples) {
    // Where the source itself has nothing there is nothing to compare.
    if (before === null || before === undefined) continue;
    if (after === null || after === undefined) {
      return check(name, false, `no sound could be decoded at ${atSec.toFixed(1)} s`);
    }
    differences.push(Math.abs(Math.max(before, SILENCE_DB) - Math.max(after, SILENCE_DB)));
  }
  if (differences.length === 0) return check(name, false, 'no sound of the source could be decoded to compare with');
  const worst = Math.max(...differences);
  return check(name, worst <= LOUDNESS_LIMIT_DB, `${differences.length} samples, at most ${worst.toFixed(1)} dB apart`);
}
