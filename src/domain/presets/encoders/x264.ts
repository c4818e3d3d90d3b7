import { crfArgs, softwareRow } from './software.js';

export const x264 = softwareRow({
  name: 'libx264',
  codec: 'h264',
  maxQuality: 51,
  megapixelsPerSec: 125,
  args: ({ speed, quality, tune }, at) => [
    ...crfArgs(speed, quality, at),
    ...(tune === 'none' ? [] : [`-tune:${at}`, tune]),
  ],
});
