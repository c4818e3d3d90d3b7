import { formatBitrate } from '../lib/units.js';
import { videoKbps } from './recommendations/codec-worth.js';
import { resolutionOf, type Hdr, type MediaFile, type Resolution } from './library/media.js';

/*
 * What people call codecs, resolutions, kinds of HDR and channels: rules, pages, filters and statistics all say these words. Sizes,
 * bit rates and durations are in `lib/units`.
 */

// prettier-ignore
const CODECS: ReadonlyMap<string, string> = new Map([
  ['h264', 'H.264'], ['hevc', 'HEVC'], ['av1', 'AV1'], ['vp9', 'VP9'], ['vp8', 'VP8'], ['vp6f', 'VP6'], ['h263', 'H.263'],
  ['mpeg1video', 'MPEG-1'], ['mpeg2video', 'MPEG-2'], ['mpeg4', 'MPEG-4'], ['vc1', 'VC-1'],
  ['msmpeg4v1', 'MS MPEG-4 v1'], ['msmpeg4v2', 'MS MPEG-4 v2'], ['msmpeg4v3', 'DivX 3'],
  ['wmv1', 'WMV 7'], ['wmv2', 'WMV 8'], ['wmv3', 'WMV 9'], ['rv30', 'RealVideo 8'], ['rv40', 'RealVideo 9'],
  ['theora', 'Theora'], ['flv1', 'Sorenson H.263'], ['mjpeg', 'Motion JPEG'], ['dvvideo', 'DV'], ['prores', 'ProRes'],
  ['aac', 'AAC'], ['ac3', 'AC-3'], ['eac3', 'E-AC-3'], ['dts', 'DTS'], ['dca', 'DTS'], ['truehd', 'TrueHD'], ['mlp', 'MLP'],
  ['flac', 'FLAC'], ['alac', 'ALAC'], ['wavpack', 'WavPack'], ['opus', 'Opus'], ['vorbis', 'Vorbis'],
  ['mp3', 'MP3'], ['mp2', 'MP2'], ['wmav2', 'WMA'], ['wmapro', 'WMA Pro'],
  ['subrip', 'SRT'], ['srt', 'SRT'], ['ass', 'ASS'], ['ssa', 'SSA'], ['webvtt', 'WebVTT'], ['mov_text', 'Text'],
  ['hdmv_pgs_subtitle', 'PGS'], ['pgs', 'PGS'], ['dvd_subtitle', 'VobSub'], ['vobsub', 'VobSub'], ['dvb_subtitle', 'DVB'],
]);
const RESOLUTIONS: Readonly<Record<Resolution, string>> = {
  '4k': '4K',
  '1080': '1080p',
  '720': '720p',
  '576': '576p',
  sd: 'SD',
};
const HDRS: Readonly<Record<Hdr, string>> = {
  sdr: 'SDR',
  hdr10: 'HDR10',
  hdr10plus: 'HDR10+',
  hlg: 'HLG',
  'dolby-vision': 'Dolby Vision',
};

/** A codec of video, sound or subtitles as people write it: `H.264`; one that is not known in capitals, `unknown` for none. */
export function codecName(codec: string): string {
  const name = CODECS.get(codec);
  if (name !== undefined) return name;
  if (codec.startsWith('pcm_')) return 'PCM';
  return codec === '' ? 'unknown' : codec.toUpperCase();
}

/** `4K`, `1080p`, `SD`. */
export const resolutionName = (resolution: Resolution): string => RESOLUTIONS[resolution];
/** `4K`, `1080p`, `SD`, by width and height. */
export const pictureName = (picture: { width: number; height: number }): string =>
  resolutionName(resolutionOf(picture));
/** `HDR10`, `Dolby Vision`, `SDR`. */
export const hdrName = (hdr: Hdr): string => HDRS[hdr];

/** `mono`, `stereo`, `5.1`, `7.1`, `4 channels`; `unknown` for none. */
export function channelsName(channels: number): string {
  if (channels <= 0) return 'unknown';
  if (channels === 1) return 'mono';
  if (channels === 2) return 'stereo';
  return channels >= 6 && channels <= 8 ? `${channels - 1}.1` : `${channels} channels`;
}

/** `8.2 Mbit/s H.264`, or the codec alone. */
export function rateName(file: MediaFile): string {
  const kbps = videoKbps(file);
  const codec = codecName(file.video?.codec ?? '');
  return kbps === null ? codec : `${formatBitrate(kbps)} ${codec}`;
}

/** `never played`, `played once`, `played 3 times`. */
export function playsName(plays: number): string {
  if (plays === 0) return 'never played';
  return plays === 1 ? 'played once' : `played ${plays} times`;
}
