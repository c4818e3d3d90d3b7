import { z } from 'zod';
import { isOffLimits, offLimitsReason } from '../src/domain/rules/evaluate.js';
import { PresetId } from '../src/domain/presets/preset.js';
import { defineRule } from '../src/domain/rules/rule.js';
import { formatBitrate, formatBytes } from '../src/lib/units.js';

/** Codecs of the time before H.264, by the name ffmpeg gives them. */
const LEGACY =
  /^(mpeg[124](video)?|msmpeg4\w*|wmv\w*|vc1\w*|h26[13]\w*|rv\d+|theora|flv1?|vp[678]\w*|divx|xvid|cinepak|indeo\d|svq\d|dvvideo|mjpeg)$/;
const FULL_HD = 1920 * 1080;

export default defineRule({
  title: 'Modernize old codecs',
  docs: {
    what: 'Finds video in codecs from before H.264, and H.264 with a far higher bit rate than its resolution needs.',
    why: 'HEVC stores the same picture in about half the space of H.264 and a third of MPEG-2.',
    whenNotToUse: 'When your players cannot decode HEVC: Plex would transcode on every play.',
  },
  options: z.object({
    preset: PresetId.default('balanced').meta({ title: 'Preset' }),
    h264: z.boolean().default(true).meta({ title: 'Oversized H.264 too' }),
    mbpsAt1080p: z.number().min(1).max(100).default(10).meta({
      title: 'Enough Mbit/s for H.264 at 1080p',
      description: 'Other resolutions in proportion to their pixels.',
    }),
    minSizeMb: z.number().min(0).max(100_000).default(0).meta({ title: 'Smallest file in MB' }),
  }),

  evaluate({ file }, { preset, h264, mbpsAt1080p, minSizeMb }) {
    const { video } = file;
    if (isOffLimits(file) || !video || file.sizeBytes < minSizeMb * 1e6) return null;
    if (LEGACY.test(video.codec)) {
      return {
        kind: 'transcode',
        preset,
        severity: 'high',
        reason: `${video.codec} is an old codec; HEVC needs about a third of the space`,
      };
    }
    if (!h264 || video.codec !== 'h264' || !video.bitrateKbps) return null;
    const enoughKbps = 1000 * mbpsAt1080p * ((video.width * video.height) / FULL_HD);
    if (video.bitrateKbps <= enoughKbps) return null;
    const reason = `${formatBitrate(video.bitrateKbps)} H.264 where ${formatBitrate(enoughKbps)} is enough`;
    return { kind: 'transcode', preset, severity: video.bitrateKbps > 2 * enoughKbps ? 'high' : 'medium', reason };
  },

  whyNot({ file }, { h264, mbpsAt1080p, minSizeMb }) {
    const { video } = file;
    const offLimits = offLimitsReason(file);
    if (offLimits !== null || !video) return offLimits ?? 'Its video is unknown.';
    if (file.sizeBytes < minSizeMb * 1e6) return `Smaller than ${formatBytes(minSizeMb * 1e6)}.`;
    if (video.codec !== 'h264') return `${video.codec} is no old codec.`;
    if (!h264) return 'H.264 is skipped, as you chose.';
    if (!video.bitrateKbps) return 'Plex does not tell its bitrate.';
    const enoughKbps = 1000 * mbpsAt1080p * ((video.width * video.height) / FULL_HD);
    return `${formatBitrate(video.bitrateKbps)} H.264 is not more than the ${formatBitrate(enoughKbps)} that are enough.`;
  },
});
