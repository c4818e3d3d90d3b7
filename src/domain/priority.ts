import type { MediaFile } from './media.js';
import type { Confidence } from './recommendation.js';

/** The four parts of a priority; they add up to 0 to 100. */
export interface PriorityParts {
  size: number;
  codecAge: number;
  confidence: number;
  plays: number;
}

/** Years are the codec's generation: the older, the more there is to gain. 0 to 1. */
const CODEC_AGE: Record<string, number> = {
  mpeg1video: 1,
  mpeg2video: 1,
  h263: 1,
  msmpeg4v2: 0.95,
  msmpeg4v3: 0.95,
  wmv3: 0.85,
  mpeg4: 0.85,
  vc1: 0.8,
  theora: 0.8,
  h264: 0.4,
  vp9: 0.1,
  hevc: 0.1,
  av1: 0,
};

const CONFIDENCE: Record<Confidence, number> = { low: 0.25, medium: 0.6, high: 1 };

/** A file of this size gets all points for size. */
const FULL_SIZE_BYTES = 50e9;
/** So many plays and there are no points left: what people watch is touched last. */
const MANY_PLAYS = 5;

/** Size 40 (logarithmic from 100 MB to 50 GB), codec age 25, confidence 20, few plays 15. */
export function priorityParts(file: MediaFile, plays: number, confidence: Confidence): PriorityParts {
  const size = Math.log(Math.max(1, file.sizeBytes / 100e6)) / Math.log(FULL_SIZE_BYTES / 100e6);
  return {
    size: 40 * Math.min(1, size),
    codecAge: 25 * (CODEC_AGE[file.video?.codec ?? ''] ?? 0.5),
    confidence: 20 * CONFIDENCE[confidence],
    plays: 15 * (1 - Math.min(plays, MANY_PLAYS) / MANY_PLAYS),
  };
}

/** The sum of the parts, rounded to one decimal. */
export const priorityOf = (parts: PriorityParts): number =>
  Math.round((parts.size + parts.codecAge + parts.confidence + parts.plays) * 10) / 10;
