import { z } from 'zod';
import { MasteringMetadata, ProbedStream } from '../jobs/probe.js';
import { Preset } from './preset.js';

/** One stream of the output and where it comes from. */
export const PlannedStream = z.object({
  source: ProbedStream,
  action: z.enum(['copy', 'encode']),
  /** Codec name that ffprobe will report afterwards. */
  codec: z.string(),
  /** What changes, for people: `5.1 -> stereo`. Null when nothing does. */
  note: z.string().nullable(),
  /** Encoded audio only. */
  channels: z.int().nullable(),
  bitrateKbps: z.number().nullable(),
});
export type PlannedStream = z.infer<typeof PlannedStream>;

/**
 * What an encode will do to one file, decided before anything runs. Arguments are built from it, and the
 * result is verified against it.
 */
export const EncodePlan = z.object({
  presetId: z.string(),
  preset: Preset,
  container: z.enum(['mkv', 'mp4']),
  /** With the dot: `.mkv`. */
  extension: z.string(),
  streams: z.array(PlannedStream),
  /** Streams that will not be in the result, each with the reason. Shown before anything runs. */
  dropped: z.array(z.object({ source: ProbedStream, reason: z.string() })),
  width: z.int().positive(),
  height: z.int().positive(),
  /** Pixel format the result must have; null for copied video. */
  pixelFormat: z.string().nullable(),
  /** The result is HDR10. */
  isHdr10: z.boolean(),
  /** HDR becomes SDR in BT.709. */
  toneMap: z.boolean(),
  mastering: MasteringMetadata.nullable(),
  chapters: z.int().nonnegative(),
  durationSec: z.number().positive(),
  sourceSizeBytes: z.int().nonnegative(),
  sourceContainer: z.string(),
});
export type EncodePlan = z.infer<typeof EncodePlan>;
