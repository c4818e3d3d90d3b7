import { z } from 'zod';
import { videoKbps } from '../src/domain/recommendations/codec-worth.js';
import { hdrName, pictureName, rateName, playsName, resolutionName } from '../src/domain/labels.js';
import { isOffLimits, offLimitsReason } from '../src/domain/rules/evaluate.js';
import { resolutionOf, type MediaFile, type VideoStream } from '../src/domain/library/media.js';
import { PresetId } from '../src/domain/presets/preset.js';
import { defineRule } from '../src/domain/rules/rule.js';
import { formatBitrate, formatBytes } from '../src/lib/units.js';

const UHD_PIXELS_PER_SECOND = 3840 * 2160 * 24;

const isHdr = ({ hdr }: VideoStream): boolean => hdr !== 'sdr';

/** What is enough for this picture: in proportion to its pixels and pictures per second. kbit/s */
function enoughFor({ width, height, fps }: VideoStream, mbpsAt4k: number): number {
  const perSecond = fps === null || fps === 0 ? 24 : fps;
  return (1000 * mbpsAt4k * width * height * perSecond) / UHD_PIXELS_PER_SECOND;
}

const isUhdHdr = ({ video }: MediaFile): boolean => video !== null && resolutionOf(video) === '4k' && isHdr(video);

export default defineRule({
  title: 'Shrink 4K HDR that nobody watches',
  docs: {
    what: 'Finds very large 4K HDR files that were hardly ever played.',
    why: 'At a streaming bit rate the same film in 4K HDR takes a third of the space. The picture keeps its size and its HDR10.',
    whenNotToUse:
      'For discs you collect at full quality. Another preset can make them smaller still: Storage Saver also scales down to 1080p.',
  },
  options: z.object({
    preset: PresetId.default('balanced').meta({
      title: 'Preset',
      description: 'Should make 10-bit video, which HDR needs.',
    }),
    overkillMinSizeGb: z.number().min(1).max(500).default(30).meta({ title: 'Smallest size in GB' }),
    overkillMaxPlays: z.int().min(0).max(1000).default(2).meta({ title: 'Played at most so many times' }),
    overkillMbps: z.number().min(15).max(200).default(20).meta({
      title: 'Enough Mbit/s for 4K HDR',
      description: 'Files with less are skipped: there is little to gain, however large they are.',
    }),
  }),

  evaluate({ item, file }, { preset, overkillMinSizeGb, overkillMaxPlays, overkillMbps }) {
    const { video } = file;
    if (file.sizeBytes < overkillMinSizeGb * 1e9 || !video || isOffLimits(file) || !isUhdHdr(file)) return null;
    if (item.plays > overkillMaxPlays) return null;
    const kbps = videoKbps(file);
    if (kbps === null || kbps <= enoughFor(video, overkillMbps)) return null;
    return {
      kind: 'transcode',
      preset,
      severity: file.sizeBytes >= 2 * overkillMinSizeGb * 1e9 ? 'high' : 'medium',
      reason: `${formatBytes(file.sizeBytes)} of ${pictureName(video)} ${hdrName(video.hdr)} at ${rateName(file)}, ${playsName(item.plays)}; ${formatBitrate(enoughFor(video, overkillMbps))} are enough`,
    };
  },

  whyNot({ item, file }, { overkillMinSizeGb, overkillMaxPlays, overkillMbps }) {
    const { video } = file;
    const offLimits = offLimitsReason(file);
    if (offLimits !== null || !video) return offLimits ?? 'Its video is unknown.';
    if (resolutionOf(video) !== '4k') return `The picture is smaller than ${resolutionName('4k')}.`;
    if (!isHdr(video)) return 'The picture is not HDR.';
    const size = formatBytes(file.sizeBytes);
    if (file.sizeBytes < overkillMinSizeGb * 1e9)
      return `${size} is less than ${formatBytes(overkillMinSizeGb * 1e9)}.`;
    if (item.plays > overkillMaxPlays) return `Somebody watches it: ${playsName(item.plays)}.`;
    const kbps = videoKbps(file);
    if (kbps === null) return 'Plex does not tell its bitrate.';
    return `${formatBitrate(kbps)} is not more than the ${formatBitrate(enoughFor(video, overkillMbps))} that are enough.`;
  },
});
