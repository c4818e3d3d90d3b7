import { crfArgs, softwareRow } from './software.js';

export const x265 = softwareRow({
  name: 'libx265',
  codec: 'hevc',
  maxQuality: 51,
  megapixelsPerSec: 35,
  args: ({ speed, quality, tune }, at) => [
    ...crfArgs(speed, quality, at),
    // It has no tune for film: that is what the default is for.
    ...(tune === 'none' || tune === 'film' ? [] : [`-tune:${at}`, tune]),
  ],
  hdrArgs: ({ isHdr10, display, lightLevel }, at) => {
    const params = [
      'repeat-headers=1',
      ...(isHdr10 ? ['hdr10-opt=1'] : []),
      ...(display !== null || lightLevel !== null ? ['hdr10=1'] : []),
      ...(display === null ? [] : [`master-display=${display}`]),
      ...(lightLevel === null ? [] : [`max-cll=${lightLevel}`]),
    ];
    return [`-x265-params:${at}`, params.join(':')];
  },
});
