import { z } from 'zod';
import { worthKbps, worthOf } from '../src/domain/recommendations/codec-worth.js';
import { codecName, resolutionName } from '../src/domain/labels.js';
import { resolutionOf } from '../src/domain/library/media.js';
import { defineRule } from '../src/domain/rules/rule.js';
import { formatBitrate } from '../src/lib/units.js';

/** A whole number rounded down, so that a file below the limit is never told to be at it. */
const percent = (share: number): number => Math.floor(100 * share);

export default defineRule({
  title: 'Look for better versions',
  docs: {
    what: 'Finds files with a far lower bit rate than the library has on average at their resolution.',
    why: 'They are likely to look poor beside the others. Codecs are compared fairly: HEVC and AV1 need fewer bits for the same picture.',
    whenNotToUse:
      'For old television and home videos, of which there is no better version. Cartoons need few bits as well.',
  },
  options: z.object({
    qualityGapBitratePct: z.int().min(5).max(90).default(40).meta({
      title: 'Below so many percent of the average',
      description: 'Of the video bit rate of all files with the same resolution, as H.264 would need it.',
    }),
  }),

  evaluate({ file }, { qualityGapBitratePct }, facts) {
    const { video } = file;
    if (!video || file.optimized || file.stackedParts > 1) return null;
    const worth = worthKbps(video);
    if (worth === null) return null;
    const resolution = resolutionOf(video);
    const average = facts.averageWorthKbps(resolution);
    if (average === null || worth >= (average * qualityGapBitratePct) / 100) return null;
    const share = worth / average;
    const own = `${formatBitrate(video.bitrateKbps ?? 0)} ${codecName(video.codec)}`;
    const fair = worthOf(video.codec) === 1 ? '' : `, worth ${formatBitrate(worth)} of H.264,`;
    return {
      kind: 'search',
      preset: null,
      severity: share < qualityGapBitratePct / 200 ? 'medium' : 'low',
      reason: `${own}${fair} is ${percent(share)} % of the ${formatBitrate(average)} that ${resolutionName(resolution)} files here have on average; look for a better version`,
    };
  },

  whyNot({ file }, { qualityGapBitratePct }, facts) {
    const { video } = file;
    if (!video) return 'Plex has not read its video stream yet.';
    if (file.optimized) return 'An optimized version that Plex made for small devices, which is skipped.';
    if (file.stackedParts > 1) return 'One of several parts of a film, which are not judged one by one.';
    if (!video.bitrateKbps) return 'Plex does not tell its bitrate.';
    const worth = worthKbps(video);
    if (worth === null) return `How much ${codecName(video.codec)} makes of its bits is not known.`;
    const resolution = resolutionOf(video);
    const average = facts.averageWorthKbps(resolution);
    if (average === null) return `There are too few files in ${resolutionName(resolution)} for an average.`;
    return `${formatBitrate(worth)} in terms of H.264 are ${percent(worth / average)} % of the average, not less than ${qualityGapBitratePct} %.`;
  },
});
