import { z } from 'zod';
import { worthOf } from '../src/domain/recommendations/codec-worth.js';
import { codecName, pictureName } from '../src/domain/labels.js';
import { isEfficient } from '../src/domain/rules/facts.js';
import { PresetId } from '../src/domain/presets/preset.js';
import { defineRule } from '../src/domain/rules/rule.js';

const MANY = 100;
const VERY_MANY = 1000;

export default defineRule({
  title: 'Queue files of a kind together',
  docs: {
    what: 'Finds files of the same older codec and resolution, and proposes them as one batch.',
    why: 'What is alike can be decided once: one look, one preset, one click, and the savings learned from the first files hold for the rest.',
    whenNotToUse: 'When you want to decide file by file, or while other rules still find enough.',
  },
  options: z.object({
    preset: PresetId.default('balanced').meta({ title: 'Preset', description: 'Should make HEVC or AV1.' }),
    batchMinGroupSize: z.int().min(2).max(100_000).default(5).meta({ title: 'At least so many files' }),
  }),
  perGroup: true,

  evaluate({ file }, { preset, batchMinGroupSize }, facts) {
    const { video } = file;
    // A codec that is not known may be newer than anything here could make.
    if (!video || isEfficient(video.codec) || worthOf(video.codec) === null) return null;
    const count = facts.similar(file);
    if (count < batchMinGroupSize) return null;
    return {
      kind: 'transcode',
      preset,
      severity: count >= VERY_MANY ? 'high' : count >= MANY ? 'medium' : 'low',
      reason: `${count} ${codecName(video.codec)} files in ${pictureName(video)} could be queued together`,
    };
  },

  whyNot({ file }, { batchMinGroupSize }, facts) {
    const { video } = file;
    if (!video) return 'Plex has not read its video stream yet.';
    if (isEfficient(video.codec)) return `${codecName(video.codec)} is an efficient codec already.`;
    if (worthOf(video.codec) === null) return `Whether ${codecName(video.codec)} could be smaller is not known.`;
    const count = facts.similar(file);
    if (count === 0) return 'It is one of the files that no rule may encode.';
    const kind = `${codecName(video.codec)} in ${pictureName(video)}`;
    return `The library holds ${count} of ${kind}; a batch begins at ${batchMinGroupSize}.`;
  },
});
