import { z } from 'zod';
import { Hdr } from '../library/media.js';

export const ProbedStream = z.object({
  index: z.int().nonnegative(),
  kind: z.enum(['video', 'audio', 'subtitle', 'attachment', 'data', 'cover']),
  codec: z.string(),
  profile: z.string().nullable(),
  language: z.string().nullable(),
  title: z.string().nullable(),
  bitrateKbps: z.number().nullable(),
  /** Disposition flags that are set: default, forced, comment, hearing_impaired, ... */
  flags: z.array(z.string()),
  /** Video and cover art only. */
  width: z.int().nullable(),
  height: z.int().nullable(),
  pixelFormat: z.string().nullable(),
  bitDepth: z.int().nullable(),
  /** Average frames per second. */
  fps: z.number().nullable(),
  variableFrameRate: z.boolean(),
  interlaced: z.boolean(),
  colorPrimaries: z.string().nullable(),
  colorTransfer: z.string().nullable(),
  colorSpace: z.string().nullable(),
  colorRange: z.string().nullable(),
  /** Audio only. */
  channels: z.int().nullable(),
  channelLayout: z.string().nullable(),
  sampleRate: z.int().nullable(),
  /** File name and type of an attachment. */
  filename: z.string().nullable(),
  mimetype: z.string().nullable(),
});
export type ProbedStream = z.infer<typeof ProbedStream>;

/** CTA 861.3 / SMPTE 2086 static metadata, chroma and luminance as fractions in x265's integer units. */
export const MasteringMetadata = z.object({
  /** `G(13250,34500)B(7500,3000)R(34000,16000)WP(15635,16450)L(10000000,1)`: chroma x 50000, luminance x 10000. */
  display: z.string().nullable(),
  /** `maxCLL,maxFALL` in cd/m2. */
  lightLevel: z.string().nullable(),
});
export type MasteringMetadata = z.infer<typeof MasteringMetadata>;

/** What ffprobe sees in a file. */
export const Probe = z.object({
  path: z.string(),
  container: z.string(),
  durationSec: z.number().nonnegative().nullable(),
  sizeBytes: z.int().nonnegative(),
  bitrateKbps: z.number().nullable(),
  chapters: z.int().nonnegative(),
  hdr: Hdr,
  dolbyVisionProfile: z.int().nullable(),
  mastering: MasteringMetadata.nullable(),
  streams: z.array(ProbedStream),
});
export type Probe = z.infer<typeof Probe>;

/** The film itself: the first video stream that is no cover art; null in a file without video. */
export const mainVideo = (probe: Probe): ProbedStream | null =>
  probe.streams.find(({ kind }) => kind === 'video') ?? null;
