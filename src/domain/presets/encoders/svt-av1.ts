import type { EncodeSpeed } from '../video-target.js';
import { crfArgs, softwareRow } from './software.js';

/** x264's and x265's effort in SVT-AV1's numbers. */
const PRESET: Readonly<Record<EncodeSpeed, number>> = {
  ultrafast: 12,
  superfast: 11,
  veryfast: 10,
  faster: 9,
  fast: 8,
  medium: 6,
  slow: 5,
  slower: 4,
  veryslow: 3,
};

/** It has no tune for what the picture is like. */
export const svtAv1 = softwareRow({
  name: 'libsvtav1',
  codec: 'av1',
  maxQuality: 63,
  megapixelsPerSec: 50,
  args: ({ speed, quality }, at) => crfArgs(String(PRESET[speed]), quality, at),
  hdrArgs: ({ display, lightLevel }, at) => {
    const params = [
      'enable-hdr=1',
      ...(display === null ? [] : [`mastering-display=${asFractions(display)}`]),
      ...(lightLevel === null ? [] : [`content-light=${lightLevel}`]),
    ];
    return [`-svtav1-params:${at}`, params.join(':')];
  },
});

/** x265's integers (chroma times 50,000, luminance times 10,000) as the plain numbers that SVT-AV1 reads. */
function asFractions(display: string): string {
  return display.replace(/(G|B|R|WP|L)\((\d+),(\d+)\)/g, (_, name: string, first: string, second: string) => {
    const unit = name === 'L' ? 10_000 : 50_000;
    return `${name}(${Number(first) / unit},${Number(second) / unit})`;
  });
}
