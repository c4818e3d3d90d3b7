import type { LibraryItem } from '../library/library.js';
import type { MediaFile } from '../library/media.js';
import type { Confidence, Recommendation } from './recommendation.js';

/** The four parts of a priority; they add up to 0 to 100. */
export interface PriorityParts {
  size: number;
  codecAge: number;
  confidence: number;
  plays: number;
}

/** Looked up in a map: names come from outside and may be those of what every object has. Years are the codec's generation: the older, the more there is to gain. 0 to 1. */
const CODEC_AGE: ReadonlyMap<string, number> = new Map(
  Object.entries({
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
  }),
);

const CONFIDENCE: Record<Confidence, number> = { low: 0.25, medium: 0.6, high: 1 };

/** Up to this size a file gets no points for size. */
const SMALLEST_BYTES = 100e6;
/** A file of this size gets all points for size. */
const FULL_SIZE_BYTES = 50e9;
/** So many plays and there are no points left: what people watch is touched last. */
const MANY_PLAYS = 5;

/** What a priority is made of. */
interface Weighed {
  sizeBytes: number;
  /** Null when nothing is known of the picture. */
  codec: string | null;
  plays: number;
  confidence: Confidence;
}

/** Size 40 (logarithmic from 100 MB to 50 GB), codec age 25, confidence 20, few plays 15. */
export function priorityParts(file: MediaFile, plays: number, confidence: Confidence): PriorityParts {
  return weigh({ sizeBytes: file.sizeBytes, codec: file.video?.codec ?? null, plays, confidence });
}

/**
 * The parts of the priority that a recommendation has, from the row and what it is about; the file is null when it is gone
 * or when the row is about a group. They add up to the row's own figure unless plays changed since the rule looked.
 */
export function partsOf(
  row: Pick<Recommendation, 'fileSizeBytes' | 'confidence' | 'group'>,
  item: Pick<LibraryItem, 'plays'> | null,
  file: MediaFile | null,
): PriorityParts {
  return weigh({
    sizeBytes: row.fileSizeBytes,
    codec: row.group?.codec ?? file?.video?.codec ?? null,
    plays: item?.plays ?? 0,
    confidence: row.confidence,
  });
}

function weigh({ sizeBytes, codec, plays, confidence }: Weighed): PriorityParts {
  const size = Math.log(Math.max(1, sizeBytes / SMALLEST_BYTES)) / Math.log(FULL_SIZE_BYTES / SMALLEST_BYTES);
  return {
    size: 40 * Math.min(1, size),
    codecAge: 25 * (CODEC_AGE.get(codec ?? '') ?? 0.5),
    confidence: 20 * CONFIDENCE[confidence],
    plays: 15 * (1 - Math.min(plays, MANY_PLAYS) / MANY_PLAYS),
  };
}

/** The sum of the parts, rounded to one decimal. */
export const priorityOf = (parts: PriorityParts): number =>
  Math.round((parts.size + parts.codecAge + parts.confidence + parts.plays) * 10) / 10;
