import { recipeHash } from '../presets/recipe.js';
import { audioSavingBytes } from './audio-savings.js';
import { NOTHING_LEARNED, type Learned } from './learned-savings.js';
import { resolutionOf, type MediaFile, type VideoStream } from '../library/media.js';
import type { Preset } from '../presets/preset.js';
import type { Confidence, SavingBasis } from './recommendation.js';

/** An expected saving, the range the true figure most likely lies in, and how sure that is. */
export interface SavingRange {
  savesBytes: number;
  lowBytes: number;
  highBytes: number;
  confidence: Confidence;
}

export interface Saving extends SavingRange {
  basis: SavingBasis;
  /** How many finished jobs it was learned from; 0 for any other basis. */
  samples: number;
}

/** Names of codecs come from outside and may be those of what every object has, so they are looked up in maps. */
const byCodec = (shares: Record<string, number>): ReadonlyMap<string, number> => new Map(Object.entries(shares));

/**
 * Share of the video that remains after encoding at equal quality, from one codec to another. Figures commonly published
 * for the codec generations: each takes about half of what the one before needs.
 */
const REMAINS: Record<string, ReadonlyMap<string, number>> = {
  hevc: byCodec({
    h264: 0.55,
    mpeg4: 0.4,
    msmpeg4v3: 0.4,
    msmpeg4v2: 0.4,
    mpeg2video: 0.3,
    mpeg1video: 0.25,
    vc1: 0.45,
    wmv3: 0.45,
    h263: 0.35,
    theora: 0.45,
  }),
  av1: byCodec({ h264: 0.45, hevc: 0.8, mpeg4: 0.35, mpeg2video: 0.25, vc1: 0.4, wmv3: 0.4 }),
  h264: byCodec({ mpeg4: 0.65, mpeg2video: 0.5, mpeg1video: 0.4, vc1: 0.85, wmv3: 0.85, msmpeg4v3: 0.65 }),
};

/** Bits per pixel and frame that a codec needs at constant quality 23 for ordinary film. */
const BITS_PER_PIXEL: Record<string, number> = { h264: 0.075, hevc: 0.045, av1: 0.038 };

/** When nothing else is known. */
const FALLBACK_SAVING = 0.4;

/** A picture with half the pixels needs more than half of the bits: "the power of .75" (Ozer, after Waggoner). */
const PIXEL_POWER = 0.75;

/** Each step of constant quality is worth about 12 % of the bit rate (6 steps double it) around the reference of 23. */
const qualityFactor = (quality: number): number => 2 ** ((23 - quality) / 6);

/**
 * What encoding a file with a preset will save, by the best that is known: the mean of three or more finished jobs of its
 * kind (`learned`); else the ratio of the codec pair, bounded from above by what the target codec needs at this
 * resolution; else that alone; else 40 %. Sound that is encoded anew is counted by its bit rates. A remux saves nothing.
 */
export function estimateSaving(file: MediaFile, preset: Preset, learned: Learned = NOTHING_LEARNED): Saving {
  const { codec } = preset.video;
  if (codec === 'copy' || !file.video) return soundOnly(file, preset);
  const ratio = learned.ratioOf({
    fromCodec: file.video.codec,
    toCodec: codec,
    resolution: resolutionOf(file.video),
    recipe: recipeHash(preset),
  });
  if (ratio === null) return estimateUnlearned(file, file.video, preset);
  const bytes = (remains: number): number => Math.round(file.sizeBytes * (1 - remains));
  return {
    savesBytes: bytes(ratio.remains),
    lowBytes: bytes(ratio.mostRemains),
    highBytes: bytes(ratio.leastRemains),
    confidence: ratio.confidence,
    basis: 'learned',
    samples: ratio.samples,
  };
}

/** A remux promises nothing, and that is certain; encoded sound is worth what its tracks lose. */
function soundOnly(file: MediaFile, preset: Preset): Saving {
  const bytes = file.video ? Math.min(file.sizeBytes, audioSavingBytes(file, preset)) : 0;
  if (bytes === 0) return { savesBytes: 0, lowBytes: 0, highBytes: 0, confidence: 'high', basis: 'exact', samples: 0 };
  return {
    savesBytes: bytes,
    lowBytes: Math.round(bytes * 0.75),
    highBytes: Math.min(file.sizeBytes, Math.round(bytes * 1.25)),
    confidence: file.audio.every(({ bitrateKbps }) => bitrateKbps !== null) ? 'medium' : 'low',
    basis: 'model',
    samples: 0,
  };
}

function estimateUnlearned(file: MediaFile, video: VideoStream, preset: Preset): Saving {
  const pair = REMAINS[preset.video.codec]?.get(video.codec) ?? null;
  const model = modelRemains(video, preset);
  const videoShare = video.bitrateKbps && file.bitrateKbps ? Math.min(1, video.bitrateKbps / file.bitrateKbps) : 0.9;
  const remains = Math.min(1, bestGuess(pair === null ? null : pair * shrinkOf(video, preset), model));
  const confidence: Confidence = pair !== null && model !== null ? 'medium' : 'low';
  const spread = confidence === 'medium' ? 0.25 : 0.5;
  // What the video does not take is the most that sound can lose.
  const sound = Math.min(file.sizeBytes * (1 - videoShare), audioSavingBytes(file, preset));
  const bytes = (share: number): number =>
    Math.round(file.sizeBytes * videoShare * (1 - Math.min(1, share)) + Math.floor(sound));
  return {
    savesBytes: bytes(remains),
    lowBytes: bytes(remains * (1 + spread)),
    highBytes: bytes(remains * (1 - spread)),
    confidence,
    basis: pair !== null ? 'pair' : model !== null ? 'model' : 'fallback',
    samples: 0,
  };
}

/** A file with far more bits than its picture needs shrinks by more than the pair alone says. */
function bestGuess(pair: number | null, model: number | null): number {
  if (pair === null && model === null) return 1 - FALLBACK_SAVING;
  if (pair === null || model === null) return pair ?? model ?? 1;
  return model < pair ? Math.sqrt(model * pair) : pair;
}

/** What scaling down to the preset's height leaves of the pixels, as a share; 1 when the picture is kept. */
export function pixelsLeft({ height }: { height: number }, { video: { maxHeight } }: Preset): number {
  return maxHeight === null || height <= maxHeight || height === 0 ? 1 : (maxHeight / height) ** 2;
}

const shrinkOf = (video: VideoStream, preset: Preset): number => pixelsLeft(video, preset) ** PIXEL_POWER;

/** Bit rate the target needs, as a share of what the file has; null when the file's own is unknown. */
function modelRemains(video: VideoStream, preset: Preset): number | null {
  const perPixel = BITS_PER_PIXEL[preset.video.codec];
  if (!video.bitrateKbps || perPixel === undefined || video.width === 0) return null;
  const perSecond = video.width * video.height * (video.fps ?? 24) * perPixel;
  const neededKbps = (perSecond * qualityFactor(preset.video.quality ?? 23) * shrinkOf(video, preset)) / 1000;
  return neededKbps / video.bitrateKbps;
}

/** Several savings as one: as certain as at least half of its bytes are. */
export function totalSaving(all: readonly SavingRange[]): SavingRange {
  const sum = { savesBytes: 0, lowBytes: 0, highBytes: 0 };
  const by = { high: 0, medium: 0, low: 0 };
  for (const { savesBytes, lowBytes, highBytes, confidence } of all) {
    sum.savesBytes += savesBytes;
    sum.lowBytes += lowBytes;
    sum.highBytes += highBytes;
    by[confidence] += savesBytes;
  }
  const isMostly = (part: number): boolean => sum.savesBytes > 0 && part >= sum.savesBytes / 2;
  return { ...sum, confidence: isMostly(by.high) ? 'high' : isMostly(by.high + by.medium) ? 'medium' : 'low' };
}
