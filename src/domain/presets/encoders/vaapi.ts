import { ENCODED_CODECS } from '../video-target.js';
import { within, type HardwareFamily } from './encoder.js';
import { hardwareRows, planar } from './hardware.js';

/** Texts of ffmpeg's hwcontext_vaapi.c and vaapi_encode.c. */
const VAAPI: HardwareFamily = {
  id: 'vaapi',
  title: 'VA-API',
  needsRenderNode: true,
  symptoms: {
    busy: /VA_STATUS_ERROR_(?:ALLOCATION_FAILED|HW_BUSY)/,
    unsupported:
      /No usable encoding (?:profile|entrypoint) found|does not support any RC mode|does not support .*(?:RC|CQP)|Hardware does not support encoding at size/,
    'no-device': /No VA display found|Failed to initiali[sz]e VAAPI connection|No device available for encoder/,
  },
};

export const vaapiRows = hardwareRows(VAAPI, ENCODED_CODECS, (codec) => ({
  // It takes AV1's own quantizer index up to 255, which is four for each step of SVT's.
  ...(codec === 'av1' ? { maxQuality: 255, quality: (crf: number) => within(1, 255, crf * 4) } : {}),
  deviceArgs: (device) => (device === null ? [] : ['-vaapi_device', device]),
  // av1_vaapi has no `-qp` and takes its quantizer as the global quality.
  args: (_speed, quality, at) => [
    ...[`-rc_mode:${at}`, 'CQP', `${codec === 'av1' ? '-global_quality' : '-qp'}:${at}`, quality],
  ],
  // It would cut 10 bit down to 8 without a word, so it is told before the upload.
  picture: (pixelFormat) => ({ filters: [`format=${planar(pixelFormat)}`, 'hwupload'], pixelFormat: null }),
}));
