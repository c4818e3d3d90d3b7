import { z } from 'zod';
import { conflict } from '../../domain/errors.js';
import { ABILITIES } from '../../domain/workers/worker.js';
import { action, type Context } from '../action.js';

const ById = z.object({ id: z.string().min(1).max(100) });

/** How ffmpeg is being installed on a worker, or was. */
export const Provision = z.object({
  startedAt: z.string(),
  /** Null while it goes on. */
  finishedAt: z.string().nullable(),
  steps: z.array(
    z.object({
      name: z.string(),
      state: z.enum(['running', 'done', 'skipped', 'failed']),
      text: z.string(),
      /** The last that its commands wrote. */
      log: z.string(),
    }),
  ),
  /** Why it failed, and what to do by hand. */
  error: z.string().nullable(),
});
export type Provision = z.infer<typeof Provision>;

/** The last attempt on a worker; null when there was none since the start. */
export function provisionOf(ctx: Context, id: string): Provision | null {
  const run = ctx.fleet.provisions.of(id);
  return run && { ...run, steps: [...run.steps] };
}

const WithName = z.object({ id: z.string(), name: z.string(), provision: Provision.nullable() });

/** Begins to install ffmpeg on a worker; the steps follow. Throws `not_found`, `worker_unavailable`, or `conflict` while that goes on. */
export const provisionWorker = action(
  { summary: 'Install ffmpeg on a worker; never touches its drivers', input: ById, output: WithName },
  async (ctx, { id }) => {
    const { name, kind } = ctx.store.workers.get(id);
    if (!ABILITIES[kind].installable) throw conflict('Install ffmpeg beside MediaFlow, or say where it is with MEDIAFLOW_FFMPEG.');
    ctx.fleet.provisions.begin(id);
    await ctx.store.audit.append({ who: 'owner', action: 'install ffmpeg', object: name });
    return { id, name, provision: provisionOf(ctx, id) };
  },
); // prettier-ignore

/** How that goes, or went. Throws `not_found`. */
export const showProvision = action(
  { summary: 'Show the progress of the last installation of ffmpeg on a worker', input: ById, output: WithName },
  (ctx, { id }) => ({ id, name: ctx.store.workers.get(id).name, provision: provisionOf(ctx, id) }),
);
