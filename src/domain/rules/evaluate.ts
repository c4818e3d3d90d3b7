import type { MediaFile } from '../library/media.js';

/** Files that no rule may propose to encode: copies for small devices, films in pieces, and HDR that an encode would harm. */
export function isOffLimits(file: MediaFile): boolean {
  if (file.optimized || file.stackedParts > 1 || !file.video) return true;
  return file.video.hdr === 'dolby-vision' || file.video.hdr === 'hdr10plus';
}

/** Why a file is off limits, in a sentence; null for one that is not. */
export function offLimitsReason(file: MediaFile): string | null {
  if (file.optimized) return 'An optimized version that Plex made for small devices, which is skipped.';
  if (file.stackedParts > 1) return 'One of several parts of a film, which cannot be replaced alone.';
  if (!file.video) return 'Plex has not read its video stream yet.';
  if (file.video.hdr === 'dolby-vision') return 'Dolby Vision, which an encode would lose.';
  return file.video.hdr === 'hdr10plus' ? 'HDR10+, whose details an encode would lose.' : null;
}
