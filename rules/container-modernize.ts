import { z } from 'zod';
import { isOffLimits, offLimitsReason } from '../src/domain/rules/evaluate.js';
import { PresetId } from '../src/domain/presets/preset.js';
import { defineRule } from '../src/domain/rules/rule.js';

const OLD = /\.(avi|wmv|mpg|mpeg|flv|asf|vob|divx|ts)$/i;

export default defineRule({
  title: 'Modernize old containers',
  docs: {
    what: 'Finds films in AVI, WMV, MPEG, FLV, ASF, VOB, DIVX and TS files.',
    why: 'Matroska seeks quickly and holds several languages, subtitles and chapters. Nothing is encoded anew, so nothing is lost.',
    whenNotToUse: 'When a player of yours only reads the old container.',
  },
  options: z.object({
    preset: PresetId.default('remux').meta({
      title: 'Preset',
      description: 'Should copy the video; the container is what changes.',
    }),
    transportStreams: z.boolean().default(true).meta({ title: 'Recordings (.ts) too' }),
  }),

  evaluate({ file }, { preset, transportStreams }) {
    const extension = OLD.exec(file.path)?.[1]?.toLowerCase();
    if (!extension || isOffLimits(file) || (extension === 'ts' && !transportStreams)) return null;
    return {
      kind: 'remux',
      preset,
      severity: 'low',
      reason: `A .${extension} file; the same streams in Matroska seek faster and hold subtitles`,
    };
  },

  whyNot({ file }) {
    const extension = /\.(\w+)$/.exec(file.path)?.[1]?.toLowerCase();
    if (!OLD.test(file.path)) return `.${extension ?? 'this'} is no old container.`;
    return offLimitsReason(file) ?? 'Recordings in .ts are skipped, as you chose.';
  },
});
