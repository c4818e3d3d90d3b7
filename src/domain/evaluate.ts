import type { MediaFile } from './media.js';

/** Files that no rule may propose to encode: copies for small devices, films in pieces, and HDR that an encode would harm. */
export function isOffLimits(file: MediaFile): boolean {
  if (file.optimized || file.stackedParts > 1 || !file.video) return true;
  return file.video.hdr === 'dolby-vision' || file.video.hdr === 'hdr10plus';
}
