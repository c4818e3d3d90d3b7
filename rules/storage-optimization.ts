import { z } from 'zod';
import { isOffLimits, offLimitsReason } from '../src/domain/rules/evaluate.js';
import { isEfficient } from '../src/domain/rules/facts.js';
import { PresetId } from '../src/domain/presets/preset.js';
import { defineRule } from '../src/domain/rules/rule.js';
import { formatBytes } from '../src/lib/units.js';

export default defineRule({
  title: 'Shrink the largest files',
  docs: {
    what: 'Finds the largest files of the library whose video is not yet in an efficient codec.',
    why: 'A few very large files often hold a good part of the disk: the shortest way to free space.',
    whenNotToUse: 'When these are the films you keep large on purpose.',
  },
  options: z.object({
    preset: PresetId.default('storage-saver').meta({ title: 'Preset' }),
    storageOptTopN: z.int().min(1).max(1000).default(20).meta({ title: 'How many files' }),
    storageOptMinSizeGb: z.number().min(0.1).max(500).default(20).meta({ title: 'Smallest size in GB' }),
  }),

  evaluate({ file }, { preset, storageOptTopN, storageOptMinSizeGb }, facts) {
    if (isOffLimits(file) || !file.video || isEfficient(file.video.codec)) return null;
    if (file.sizeBytes < storageOptMinSizeGb * 1e9) return null;
    const rank = facts.sizeRank(file);
    if (rank > storageOptTopN) return null;
    return {
      kind: 'transcode',
      preset,
      severity: rank <= 5 ? 'high' : 'medium',
      reason: `Number ${rank} of the largest files: ${formatBytes(file.sizeBytes)} in ${file.video.codec}`,
    };
  },

  whyNot({ file }, { storageOptTopN, storageOptMinSizeGb }, facts) {
    const offLimits = offLimitsReason(file);
    if (offLimits !== null || !file.video) return offLimits ?? 'Its video is unknown.';
    if (isEfficient(file.video.codec)) return `${file.video.codec} is an efficient codec already.`;
    const size = formatBytes(file.sizeBytes);
    if (file.sizeBytes < storageOptMinSizeGb * 1e9)
      return `${size} is less than ${formatBytes(storageOptMinSizeGb * 1e9)}.`;
    return `${size} make it number ${facts.sizeRank(file)} of the largest; only the first ${storageOptTopN} count.`;
  },
});
