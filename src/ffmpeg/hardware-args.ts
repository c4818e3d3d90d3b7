import { hardwareKind, type HardwareKind } from '../domain/presets/encoder.js';
import type { Preset } from '../domain/presets/preset.js';

type Video = Pick<Preset['video'], 'codec' | 'quality' | 'speed'>;

/** x264's words for effort in NVENC's, as Jellyfin pairs them. */
const NVENC_PRESET: Readonly<Record<Preset['video']['speed'], string>> = {
  ultrafast: 'p1',
  superfast: 'p1',
  veryfast: 'p1',
  faster: 'p2',
  fast: 'p3',
  medium: 'p4',
  slow: 'p5',
  slower: 'p6',
  veryslow: 'p7',
};
/** Quick Sync has x264's words but for the two fastest. */
const qsvPreset = (speed: Preset['video']['speed']): string =>
  speed === 'ultrafast' || speed === 'superfast' ? 'veryfast' : speed;
/** Presets that encode always name a quality; without one NVENC would make junk at 2 Mbit/s. */
const USUAL_QUALITY = 23;

/** Options before the input: the device that a graphics card's encoder works at. */
export function deviceArgs(encoder: string, device: string | null): string[] {
  switch (hardwareKind(encoder)) {
    case 'vaapi':
      return device === null ? [] : ['-vaapi_device', device];
    case 'qsv':
      // On Linux Quick Sync reaches its card through VAAPI; elsewhere it finds it by itself.
      return device === null
        ? ['-init_hw_device', 'qsv=hw']
        : ['-init_hw_device', `vaapi=va:${device}`, '-init_hw_device', 'qsv=hw@va'];
    default:
      return [];
  }
}

/**
 * Effort and quality of a graphics card's encoder; `at` is the stream's place, `v:0`. Rate control is always named: what
 * an encoder does without differs between versions of ffmpeg. Tunes and parameters of x265 have no counterpart.
 */
export function hardwareArgs(encoder: string, kind: HardwareKind, video: Video, at: string): string[] {
  const quality = String(hardwareQuality(encoder, kind, video.quality ?? USUAL_QUALITY));
  switch (kind) {
    case 'nvenc':
      return [
        ...[`-preset:${at}`, NVENC_PRESET[video.speed], `-tune:${at}`, 'hq'],
        ...[`-rc:${at}`, 'vbr', `-cq:${at}`, quality, `-b:${at}`, '0'],
      ];
    case 'qsv':
      // A global quality without a bit rate is Intel's own constant quality (ICQ).
      return [`-preset:${at}`, qsvPreset(video.speed), `-global_quality:${at}`, quality];
    case 'vaapi':
      // av1_vaapi has no `-qp` and takes its quantizer as the global quality.
      return [`-rc_mode:${at}`, 'CQP', `${video.codec === 'av1' ? '-global_quality' : '-qp'}:${at}`, quality];
    case 'videotoolbox':
      return [`-q:${at}`, quality, `-allow_sw:${at}`, '0'];
  }
}

/**
 * A preset's CRF in the scale of another encoder. No formula makes them equal, so each errs towards the better picture;
 * a file that becomes too large for it is refused by the check of its size.
 *
 * - H.264 and HEVC with NVENC, Quick Sync and VAAPI count quantizers from 0 to 51 as x264 and x265 do: the same number,
 *   as immich passes its CRF on. At it a card spends more bits than x265, not less.
 * - AV1: SVT's CRF goes to 63. NVENC's scale goes there too, but only to 51 before ffmpeg 7; Quick Sync's to 51; VAAPI
 *   takes AV1's own quantizer index up to 255, which is four for each step of SVT's.
 * - VideoToolbox goes from 1 to 100, the other way round: a line from there that meets 65, the usual advice, at CRF 22.
 *
 * 0 means `automatic` to NVENC and `lossless` to others: it is never given.
 */
export function hardwareQuality(encoder: string, kind: HardwareKind, crf: number): number {
  const isAv1 = encoder.startsWith('av1_');
  if (kind === 'videotoolbox') return within(1, 100, 100 - 1.6 * crf);
  if (isAv1 && kind === 'vaapi') return within(1, 255, crf * 4);
  if (isAv1 && kind === 'qsv') return within(1, 51, (crf * 51) / 63);
  return within(1, 51, crf);
}

const within = (least: number, most: number, value: number): number =>
  Math.min(most, Math.max(least, Math.round(value)));

/**
 * How pictures must be handed to an encoder so that the result has `pixelFormat` (yuv420p or yuv420p10le): filters at
 * the end of the chain, and the value of `-pix_fmt`, null where the last filter decides.
 */
export function pictureFormat(
  kind: HardwareKind,
  pixelFormat: string,
): { filters: readonly string[]; pixelFormat: string | null } {
  const isTenBit = pixelFormat.includes('10');
  // VAAPI would cut 10 bit down to 8 without a word, so it is told before the upload.
  const planar = isTenBit ? 'p010le' : 'nv12';
  if (kind === 'vaapi') return { filters: [`format=${planar}`, 'hwupload'], pixelFormat: null };
  if (kind === 'nvenc') return { filters: [], pixelFormat: isTenBit ? 'p010le' : 'yuv420p' };
  return { filters: [], pixelFormat: planar };
}
