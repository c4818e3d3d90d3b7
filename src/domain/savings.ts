import type { Preset } from './preset.js';
import type { Confidence } from './recommendation.js';
import type { MediaFile } from './media.js';

export interface Saving {
  savesBytes: number;
  /** The range the true figure most likely lies in. */
  lowBytes: number;
  highBytes: number;
  confidence: Confidence;
}

/**
 * Share of the video that remains after encoding at equal quality, from one codec to another. Figures commonly published
 * for the codec generations: each takes about half of what the one before needs.
 */
const REMAINS: Record<string, Record<string, number>> = {
  hevc: {
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
  },
  av1: { h264: 0.45, hevc: 0.8, mpeg4: 0.35, mpeg2video: 0.25, vc1: 0.4, wmv3: 0.4 },
  h264: { mpeg4: 0.65, mpeg2video: 0.5, mpeg1video: 0.4, vc1: 0.85, wmv3: 0.85, msmpeg4v3: 0.65 },
};

/** Bits per pixel and frame that a codec needs at constant quality 23 for ordinary film. */
const BITS_PER_PIXEL: Record<string, number> = { h264: 0.075, hevc: 0.045, av1: 0.038 };

/** When nothing else is known. */
const FALLBACK_SAVING = 0.4;

/** Each step of constant quality is worth about 12 % of the bit rate (6 steps double it) around the reference of 23. */
const qualityFactor = (quality: number): number => 2 ** ((23 - quality) / 6);

/**
 * What encoding a file with a preset will save: the ratio of the codec pair, bounded from above by what the target codec
 * needs at this resolution; 40 % when neither is known. Audio and the rest are taken to stay. A remux saves nothing.
 */
export function estimateSaving(file: MediaFile, preset: Preset): Saving {
  const { codec, quality } = preset.video;
  if (codec === 'copy' || !file.video) return { savesBytes: 0, lowBytes: 0, highBytes: 0, confidence: 'high' };
  const pair = REMAINS[codec]?.[file.video.codec] ?? null;
  const model = modelRemains(file, codec, quality ?? 23);
  const videoShare =
    file.video.bitrateKbps && file.bitrateKbps ? Math.min(1, file.video.bitrateKbps / file.bitrateKbps) : 0.9;
  const remains = Math.min(1, bestGuess(pair, model));
  const confidence: Confidence = pair !== null && model !== null ? 'medium' : 'low';
  const spread = confidence === 'medium' ? 0.25 : 0.5;
  const bytes = (share: number): number => Math.round(file.sizeBytes * videoShare * (1 - Math.min(1, share)));
  return {
    savesBytes: bytes(remains),
    lowBytes: bytes(remains * (1 + spread)),
    highBytes: bytes(remains * (1 - spread)),
    confidence,
  };
}

/** A file with far more bits than its picture needs shrinks by more than the pair alone says. */
function bestGuess(pair: number | null, model: number | null): number {
  if (pair === null && model === null) return 1 - FALLBACK_SAVING;
  if (pair === null || model === null) return pair ?? model ?? 1;
  return model < pair ? Math.sqrt(model * pair) : pair;
}

/** Bit rate the target needs, as a share of what the file has; null when the file's own is unknown. */
function modelRemains({ video }: MediaFile, codec: string, quality: number): number | null {
  const perPixel = BITS_PER_PIXEL[codec];
  if (!video?.bitrateKbps || perPixel === undefined || video.width === 0) return null;
  const neededKbps = (video.width * video.height * (video.fps ?? 24) * perPixel * qualityFactor(quality)) / 1000;
  return neededKbps / video.bitrateKbps;
}
