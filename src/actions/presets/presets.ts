import { z } from 'zod';
import { Preset } from '../../domain/presets/preset.js';
import { action } from '../action.js';
import { standingReceipts } from '../replace/freed.js';

/** Every recipe with what it did so far, and the files that could not be read as one. */
export const listPresets = action(
  {
    summary: 'List the encoding presets',
    input: z.object({}),
    output: z.object({
      page: z.int(),
      pageSize: z.int(),
      total: z.int(),
      items: z.array(Preset.safeExtend({ used: z.int(), savedPercent: z.number().nullable() })),
      broken: z.array(z.object({ file: z.string(), message: z.string() })),
    }),
  },
  ({ presets, store }) => {
    const figures = new Map<string, { used: number; before: number; after: number }>();
    for (const { presetId, before, after } of standingReceipts(store)) {
      const sum = figures.get(presetId) ?? { used: 0, before: 0, after: 0 };
      figures.set(presetId, {
        used: sum.used + 1,
        before: sum.before + before.sizeBytes,
        after: sum.after + after.sizeBytes,
      });
    }
    const items = presets.list().map((preset) => {
      const { used = 0, before = 0, after = 0 } = figures.get(preset.id) ?? {};
      return { ...preset, used, savedPercent: before > 0 ? Math.round((1 - after / before) * 100) : null };
    });
    return Promise.resolve({
      page: 1,
      pageSize: items.length,
      total: items.length,
      items,
      broken: presets.problems.map(({ file, message }) => ({ file, message })),
    });
  },
);

/** One recipe. Throws `not_found`. */
export const showPreset = action(
  { summary: 'Show one preset', input: z.object({ id: z.string() }), output: Preset },
  ({ presets }, { id }) => Promise.resolve(presets.get(id)),
);
