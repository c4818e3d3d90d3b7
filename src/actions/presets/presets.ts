import { z } from 'zod';
import { Preset } from '../../domain/presets/preset.js';
import { savedPercent } from '../../domain/replace/savings.js';
import { action } from '../action.js';

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
  ({ presets, savings }) => {
    const items = presets.list().map((preset) => {
      const saved = savings.of('preset', preset.id);
      return {
        ...preset,
        used: saved.files,
        savedPercent: saved.beforeBytes > 0 ? Math.round(savedPercent(saved)) : null,
      };
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
