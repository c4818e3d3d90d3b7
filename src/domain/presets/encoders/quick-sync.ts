import { ENCODED_CODECS, type EncodeSpeed } from '../video-target.js';
import { within, type HardwareFamily } from './encoder.js';
import { handedPlanar, hardwareRows } from './hardware.js';

/** Texts of ffmpeg's qsv.c and qsvenc.c. */
const QUICK_SYNC: HardwareFamily = {
  id: 'qsv',
  title: 'Quick Sync',
  needsRenderNode: true,
  symptoms: {
    busy: /resource allocation failed|insufficient memory/,
    unsupported:
      /Selected ratecontrol mode is unsupported|(?:frame rate|picture structure|resolution|pixel format|profile) is unsupported|Low power mode is unsupported|Some encoding parameters are not supported|invalid video parameters/,
    'no-device': /Error initializing an? (?:internal )?MFX session|Error creating a MFX session/,
  },
};

/** Its words for effort are x264's but for the two fastest. */
const presetOf = (speed: EncodeSpeed): string => (speed === 'ultrafast' || speed === 'superfast' ? 'veryfast' : speed);

export const quickSyncRows = hardwareRows(QUICK_SYNC, ENCODED_CODECS, (codec) => ({
  // SVT's CRF goes to 63, Quick Sync's AV1 to 51.
  ...(codec === 'av1' ? { quality: (crf: number) => within(1, 51, (crf * 51) / 63) } : {}),
  // On Linux Quick Sync reaches its card through VAAPI; elsewhere it finds it by itself.
  deviceArgs: (device) =>
    device === null
      ? ['-init_hw_device', 'qsv=hw']
      : ['-init_hw_device', `vaapi=va:${device}`, '-init_hw_device', 'qsv=hw@va'],
  // A global quality without a bit rate is Intel's own constant quality (ICQ).
  args: (speed, quality, at) => [`-preset:${at}`, presetOf(speed), `-global_quality:${at}`, quality],
  picture: handedPlanar,
}));
