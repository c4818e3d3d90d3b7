import { formatBitrate } from '../lib/units.js';
import { videoKbps } from './recommendations/codec-worth.js';
import type { Hdr, MediaFile, Resolution } from './library/media.js';

const NAMES: ReadonlyMap<string, string> = new Map(
  Object.entries({
    h264: 'H.264',
    hevc: 'HEVC',
    av1: 'AV1',
    vp9: 'VP9',
    vp8: 'VP8',
    mpeg1video: 'MPEG-1',
    mpeg2video: 'MPEG-2',
    mpeg4: 'MPEG-4',
    msmpeg4v3: 'DivX 3',
    vc1: 'VC-1',
    wmv3: 'WMV 9',
    theora: 'Theora',
  }),
);
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

/** A codec as people write it: `H.264`; the name itself where there is no other. */
export const codecName = (codec: string): string => NAMES.get(codec) ?? (codec === '' ? 'unknown' : codec);
/** `4K`, `1080p`, `SD`. */
export const resolutionName = (resolution: Resolution): string => RESOLUTIONS[resolution];
/** `HDR10`, `Dolby Vision`, `SDR`. */
export const hdrName = (hdr: Hdr): string => HDRS[hdr];

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
