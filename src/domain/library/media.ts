import { z } from 'zod';

export const Hdr = z.enum(['sdr', 'hdr10', 'hdr10plus', 'hlg', 'dolby-vision']);
export type Hdr = z.infer<typeof Hdr>;

export const VideoStream = z.object({
  /** ffmpeg's name: h264, hevc, mpeg2video, ... */
  codec: z.string(),
  width: z.int().nonnegative(),
  height: z.int().nonnegative(),
  bitrateKbps: z.number().nonnegative().nullable(),
  bitDepth: z.int().nullable(),
  hdr: Hdr,
  fps: z.number().nonnegative().nullable(),
});
export type VideoStream = z.infer<typeof VideoStream>;

export const AudioStream = z.object({
  codec: z.string(),
  channels: z.int().nonnegative(),
  bitrateKbps: z.number().nonnegative().nullable(),
  /** ISO 639-2, such as `eng`. */
  language: z.string().nullable(),
  title: z.string().nullable(),
  profile: z.string().nullable(),
});
export type AudioStream = z.infer<typeof AudioStream>;

export const SubtitleStream = z.object({
  codec: z.string(),
  language: z.string().nullable(),
  title: z.string().nullable(),
  forced: z.boolean(),
  /** A file of its own beside the video. */
  external: z.boolean(),
});
export type SubtitleStream = z.infer<typeof SubtitleStream>;

/** One playable file of a film or episode, as the media server describes it. */
export const MediaFile = z.object({
  /** The server's part id; unique within a server, changes when the server sees a new file. */
  id: z.string(),
  mediaId: z.string(),
  /** Where the media server sees it. */
  path: z.string(),
  /** Where we see it; null when no path mapping covers it. */
  localPath: z.string().nullable(),
  sizeBytes: z.int().nonnegative(),
  container: z.string(),
  durationMs: z.int().nonnegative(),
  bitrateKbps: z.number().nonnegative().nullable(),
  /** Null for a file the server has not analysed. */
  video: VideoStream.nullable(),
  audio: z.array(AudioStream),
  subtitles: z.array(SubtitleStream),
  /** Streams were read from the detail answer; false after a listing, which has no streams. */
  detailed: z.boolean(),
  /** A copy that the media server made for small devices. Never a source. */
  optimized: z.boolean(),
  /** How many files make up this version (cd1, cd2). Only single files can be replaced. */
  stackedParts: z.int().positive(),
});
export type MediaFile = z.infer<typeof MediaFile>;

export const Resolution = z.enum(['4k', '1080', '720', '576', 'sd']);
export type Resolution = z.infer<typeof Resolution>;

/**
 * Resolution class of a picture. The side that says more decides, so that a film without its black bars (1920x800) and one as wide
 * as old television (1440x1080) count as what they are; a picture that stands upright counts like one that lies.
 */
export function resolutionOf({ width, height }: { width: number; height: number }): Resolution {
  const long = width > height ? width : height;
  const short = width > height ? height : width;
  if (long > 2560 || short > 1440) return '4k';
  if (long > 1280 || short > 720) return '1080';
  if (long > 1024 || short > 576) return '720';
  return long > 854 || short > 480 ? '576' : 'sd';
}
