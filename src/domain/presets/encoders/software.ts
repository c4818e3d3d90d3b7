import type { Encoder } from './encoder.js';

/** An encoder that runs on the processor: it opens no device, reads any picture as it is, and counts in CRF. */
export function softwareRow(
  own: Pick<Encoder, 'name' | 'codec' | 'maxQuality' | 'megapixelsPerSec' | 'args'> & Partial<Encoder>,
): Encoder {
  return {
    hardware: null,
    probeSpeed: 'ultrafast',
    quality: (crf) => crf,
    deviceArgs: () => [],
    hdrArgs: () => [],
    picture: (pixelFormat) => ({ filters: [], pixelFormat }),
    ...own,
  };
}

/** Effort and quality as x264, x265 and SVT-AV1 take them. */
export function crfArgs(speed: string, quality: number | null, at: string): string[] {
  return [`-preset:${at}`, speed, ...(quality === null ? [] : [`-crf:${at}`, String(quality)])];
}
