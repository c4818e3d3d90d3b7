import { within, type HardwareFamily } from './encoder.js';
import { handedPlanar, hardwareRows } from './hardware.js';

/** Texts of ffmpeg's videotoolboxenc.c. */
const VIDEOTOOLBOX: HardwareFamily = {
  id: 'videotoolbox',
  title: 'VideoToolbox',
  needsRenderNode: false,
  symptoms: {
    unsupported: /qscale not available for encoder|hardware encoder may be busy, or not supported/,
    'no-device': /cannot create compression session/,
  },
};

/** Apple's cards decode AV1 but do not encode it. */
export const videotoolboxRows = hardwareRows(VIDEOTOOLBOX, ['hevc', 'h264'], () => ({
  maxQuality: 100,
  // From 1 to 100, the other way round: a line from there that meets 65, the usual advice, at CRF 22.
  quality: (crf) => within(1, 100, 100 - 1.6 * crf),
  args: (_speed, quality, at) => [`-q:${at}`, quality, `-allow_sw:${at}`, '0'],
  picture: handedPlanar,
}));
