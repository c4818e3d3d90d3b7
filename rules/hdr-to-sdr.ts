import { z } from 'zod';
import { hdrName, pictureName, playsName } from '../src/domain/labels.js';
import { isOffLimits, offLimitsReason } from '../src/domain/rules/evaluate.js';
import { PresetId } from '../src/domain/presets/preset.js';
import { defineRule } from '../src/domain/rules/rule.js';
import { formatBytes } from '../src/lib/units.js';

export default defineRule({
  title: 'Turn rarely watched HDR into SDR',
  docs: {
    what: 'Finds HDR10 and HLG files that were hardly ever played, and turns them into ordinary SDR.',
    why: 'Players without HDR need Plex to convert the colours on every play, which few servers can do in time. SDR plays everywhere.',
    whenNotToUse:
      'When you have a television with HDR, or may get one: the bright parts do not come back. Dolby Vision and HDR10+ are never touched.',
  },
  options: z.object({
    preset: PresetId.default('hdr-to-sdr').meta({ title: 'Preset', description: 'Must turn HDR into SDR.' }),
    hdrMaxPlays: z.int().min(0).max(1000).default(3).meta({ title: 'Played at most so many times' }),
    hdrMinSizeGb: z.number().min(0).max(500).default(0).meta({ title: 'Smallest size in GB' }),
  }),

  evaluate({ item, file }, { preset, hdrMaxPlays, hdrMinSizeGb }) {
    const { video } = file;
    if (!video || (video.hdr !== 'hdr10' && video.hdr !== 'hlg') || isOffLimits(file)) return null;
    if (item.plays > hdrMaxPlays || file.sizeBytes < hdrMinSizeGb * 1e9) return null;
    return {
      kind: 'transcode',
      preset,
      severity: 'low',
      reason: `${formatBytes(file.sizeBytes)} of ${pictureName(video)} ${hdrName(video.hdr)}, ${playsName(item.plays)}; in SDR every player shows it as it is meant`,
    };
  },

  whyNot({ item, file }, { hdrMaxPlays, hdrMinSizeGb }) {
    const offLimits = offLimitsReason(file);
    if (offLimits !== null) return offLimits;
    if (file.video?.hdr === 'sdr')
      return file.detailed ? 'The picture is SDR already.' : 'Whether it is HDR was not read yet.';
    if (item.plays > hdrMaxPlays) return `Somebody watches it: ${playsName(item.plays)}.`;
    return `${formatBytes(file.sizeBytes)} is less than ${formatBytes(hdrMinSizeGb * 1e9)}.`;
  },
});
