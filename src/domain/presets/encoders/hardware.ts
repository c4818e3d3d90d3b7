import type { EncodedCodec, EncodeSpeed } from '../video-target.js';
import { within, type Encoder, type HandedPicture, type HardwareFamily } from './encoder.js';

/** What the encoders of one family have of their own; `args` is given the quality in the encoder's scale. */
type Own = Pick<Encoder, 'picture'> &
  Partial<Omit<Encoder, 'args'>> & { args: (speed: EncodeSpeed, quality: string, at: string) => string[] };

/** Presets that encode always name a quality; without one NVENC would make junk at 2 Mbit/s. */
const DEFAULT_QUALITY = 23;

/**
 * The encoders of a family of graphics cards, one for each codec. Rate control is always named by `args`: what an encoder
 * does without it differs between versions of ffmpeg. Tunes and parameters of x265 have no counterpart, and no card gets a film
 * with HDR10 metadata (see `chooseEncoder`).
 *
 * No formula makes qualities equal, so each family errs towards the better picture; a file that becomes too large for it is
 * refused by the check of its size. H.264 and HEVC count quantizers from 0 to 51 as x264 and x265 do: the same number, as
 * immich passes its CRF on. 0 means `automatic` to NVENC and `lossless` to others: it is never given.
 */
export function hardwareRows(
  hardware: HardwareFamily,
  codecs: readonly EncodedCodec[],
  own: (codec: EncodedCodec) => Own,
): Encoder[] {
  return codecs.map((codec) => {
    const { args, quality = (crf) => within(1, 51, crf), ...rest } = own(codec);
    return {
      name: `${codec}_${hardware.id}`,
      codec,
      hardware,
      maxQuality: 51,
      megapixelsPerSec: 600,
      probeSpeed: 'medium',
      deviceArgs: () => [],
      hdrArgs: () => [],
      ...rest,
      quality,
      args: (video, at) => args(video.speed, String(quality(video.quality ?? DEFAULT_QUALITY)), at),
    };
  });
}

const isTenBit = (pixelFormat: string): boolean => pixelFormat.includes('10');

/** The layout that most cards read. */
export const planar = (pixelFormat: string): string => (isTenBit(pixelFormat) ? 'p010le' : 'nv12');
export const handedPlanar = (pixelFormat: string): HandedPicture => ({ filters: [], pixelFormat: planar(pixelFormat) });
