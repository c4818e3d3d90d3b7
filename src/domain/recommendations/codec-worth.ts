import type { MediaFile, VideoStream } from '../library/media.js';

/**
 * How many bits of H.264 one bit of a codec is worth at the same picture, from the figures commonly published for the
 * codec generations. A codec that is not here is not known, and is compared with nothing.
 */
// prettier-ignore
const WORTH: ReadonlyMap<string, number> = new Map([
  ['av1', 2.2], ['hevc', 1.8], ['vp9', 1.6], ['h264', 1], ['vc1', 0.85], ['wmv3', 0.85],
  ['vp8', 0.8], ['theora', 0.75], ['vp6f', 0.7], ['vp6', 0.7], ['mpeg4', 0.65], ['rv40', 0.65],
  ['msmpeg4v3', 0.6], ['wmv2', 0.6], ['rv30', 0.55], ['msmpeg4v2', 0.55], ['wmv1', 0.55], ['mpeg2video', 0.5],
  ['h263', 0.5], ['flv1', 0.5], ['msmpeg4v1', 0.5], ['mpeg1video', 0.4], ['mjpeg', 0.15], ['dvvideo', 0.15],
]);

/** Bits per pixel and frame that H.264 needs for ordinary film at the reference quality of 23. */
const H264_BITS_PER_PIXEL = 0.075;
/** Steps of constant quality that double the bit rate. */
const STEPS_TO_DOUBLE = 6;

/** Bits of H.264 that one bit of the codec is worth; null for a codec that is not known. */
export const worthOf = (codec: string): number | null => WORTH.get(codec) ?? null;

/** The video's bit rate as H.264 would need it for the same picture, kbit/s; null when codec or bit rate are unknown. */
export function worthKbps({ codec, bitrateKbps }: Pick<VideoStream, 'codec' | 'bitrateKbps'>): number | null {
  const worth = WORTH.get(codec);
  return worth === undefined || bitrateKbps === null || bitrateKbps <= 0 ? null : bitrateKbps * worth;
}

/** What a codec needs for ordinary film at a constant quality, kbit/s; an unknown codec is taken for H.264. */
export function neededKbps(
  { width, height, fps }: Pick<VideoStream, 'width' | 'height' | 'fps'>,
  codec: string,
  quality: number,
): number {
  const perPixel = H264_BITS_PER_PIXEL / (WORTH.get(codec) ?? 1);
  const perSecond = fps === null || fps === 0 ? 24 : fps;
  return (width * height * perSecond * perPixel * 2 ** ((23 - quality) / STEPS_TO_DOUBLE)) / 1000;
}

/** The video's bit rate in kbit/s; where the server does not tell it, what the file leaves beside its sound. Null when nothing is known. */
export function videoKbps({ video, bitrateKbps, sizeBytes, durationMs, audio }: MediaFile): number | null {
  if (video?.bitrateKbps) return video.bitrateKbps;
  const all = bitrateKbps ?? (durationMs > 0 ? (8 * sizeBytes) / durationMs : 0);
  const sound = audio.reduce((sum, track) => sum + (track.bitrateKbps ?? 0), 0);
  return all > sound ? all - sound : null;
}
