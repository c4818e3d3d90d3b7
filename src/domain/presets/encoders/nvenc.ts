import { ENCODED_CODECS, type EncodeSpeed } from '../video-target.js';
import type { HardwareFamily } from './encoder.js';
import { hardwareRows } from './hardware.js';

/** x264's words for effort in NVENC's, as Jellyfin pairs them. */
const PRESET: Readonly<Record<EncodeSpeed, string>> = {
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

/** Texts of ffmpeg's nvenc.c. */
export const NVENC: HardwareFamily = {
  id: 'nvenc',
  title: 'NVENC',
  needsRenderNode: false,
  symptoms: {
    'no-driver': /Cannot load lib(?:cuda|nvcuvid)|Could not dynamically load CUDA|Cannot load nvcuda\.dll/,
    'no-video-capability': /Cannot load (?:libnvidia-encode|nvEncodeAPI)/,
    'old-driver': /Driver does not support the required nvenc API version|minimum required Nvidia driver for nvenc/,
    busy: /OpenEncodeSessionEx failed: out of memory|CUDA_ERROR_OUT_OF_MEMORY|No decoder surfaces left/,
    unsupported:
      /10 bit encode not supported|B frames as references are not supported|Codec not supported|Provided device doesn't support required NVENC features|(?:Width|Height) \d+ (?:exceeds|not in range)/,
    'no-device':
      /No capable devices found|No CUDA capable devices found|CUDA_ERROR_NO_DEVICE|Requested GPU \d+, but only|OpenEncodeSessionEx failed: (?:unsupported device|no encode device|incompatible client key)/,
  },
};

/** AV1's scale goes to 63 as SVT's does, but only to 51 before ffmpeg 7. */
export const nvencRows = hardwareRows(NVENC, ENCODED_CODECS, () => ({
  args: (speed, quality, at) => [
    ...[`-preset:${at}`, PRESET[speed], `-tune:${at}`, 'hq'],
    ...[`-rc:${at}`, 'vbr', `-cq:${at}`, quality, `-b:${at}`, '0'],
  ],
  picture: (pixelFormat) => ({ filters: [], pixelFormat: pixelFormat.includes('10') ? 'p010le' : 'yuv420p' }),
}));
