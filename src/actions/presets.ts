import { z } from 'zod';
import { Preset } from '../domain/preset.js';
import { action } from './action.js';

/** Every recipe, and the files that could not be read as one. */
export const listPresets = action(
  {
    summary: 'List the encoding presets',
    input: z.object({}),
    output: z.object({
      page: z.int(),
      pageSize: z.int(),
      total: z.int(),
      items: z.array(Preset),
      broken: z.array(z.object({ file: z.string(), message: z.string() })),
    }),
  },
  ({ presets }) => {
    const items = presets.list();
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
