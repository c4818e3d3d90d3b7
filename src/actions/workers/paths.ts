import { z } from 'zod';
import { conflict } from '../../domain/errors.js';
import { WorkerPath } from '../../domain/workers/worker.js';
import { action } from '../action.js';

const ById = z.object({ id: z.string().min(1).max(100) });
const Folder = z.string().trim().min(1).max(4096).startsWith('/', 'Begin with /');

const Suggestion = z.object({
  here: z.string(),
  there: z.string(),
  agreed: z.int(),
  of: z.int(),
  /** It is used already. */
  isProved: z.boolean(),
});

/** Looks for the folders of the library on a worker, by a few of its files; changes nothing. Throws `not_found`, `conflict` and trouble of the worker. */
export const findSharedFolders = action(
  {
    summary: 'Find folders of the library on a worker, by name, size and content of a few files',
    input: ById,
    output: z.object({
      id: z.string(),
      name: z.string(),
      suggestions: z.array(Suggestion),
      lookedFor: z.int(),
      lookAlikes: z.int(),
      isComplete: z.boolean(),
    }),
  },
  async (ctx, { id }) => {
    const { name } = ctx.fleet.remote(id);
    const found = await ctx.fleet.shared.find(id);
    const { pathMappings } = ctx.fleet.remote(id);
    const isProved = ({ here, there }: { here: string; there: string }): boolean =>
      pathMappings.some((path) => path.here === here && path.there === there && path.provedAt !== null);
    const suggestions = found.suggestions.map((each) => ({ ...each, isProved: isProved(each) }));
    return { ...found, id, name, suggestions };
  },
);

/** Adds a folder that both machines are said to see, and proves it. What fails stands in the answer. Throws `not_found`, `conflict`. */
export const useSharedFolder = action(
  {
    summary: 'Use a shared folder, once a test file written on each side was read on the other',
    input: ById.extend({ here: Folder, there: Folder }),
    output: z.object({ id: z.string(), name: z.string(), path: WorkerPath }),
  },
  async (ctx, { id, here, there }) => {
    const { name, pathMappings } = ctx.fleet.remote(id);
    // A folder lies in one place there: what was said of it before is corrected.
    const others = pathMappings.filter((path) => path.here !== here);
    await ctx.fleet.change(id, { pathMappings: [...others, { here, there, provedAt: null, problem: null }] });
    await ctx.store.audit.append({ who: 'owner', action: 'use shared folder', object: `${name}: ${here} is ${there}` });
    const proved = await ctx.fleet.measurements.paths(id);
    const path = proved.find((each) => each.here === here && each.there === there);
    if (!path) throw conflict('The folders of this worker were changed meanwhile. Try again.');
    return { id, name, path };
  },
);
