import { remoteOf, remotePath } from '../../domain/settings/disk.js';
import { invalid } from '../../domain/errors.js';
import { ABILITIES } from '../../domain/workers/worker.js';
import type { PathMapping } from '../../domain/settings/paths.js';
import type { Context } from '../action.js';

/** As somebody types it, with the name of the machine. */
const TYPED = /^\/ssh:([^/]+)(\/.*)?$/s;

/**
 * Path mappings with every machine under its id: `/ssh:My NAS/volume1` becomes `/ssh:my-nas/volume1`. Throws `invalid` for a
 * machine that is no worker, or whose host key nobody confirmed.
 */
export const withMachines = (ctx: Pick<Context, 'store'>, mappings: readonly PathMapping[]): PathMapping[] =>
  mappings.map((mapping) => ({ ...mapping, to: withMachine(ctx, mapping.to) }));

/** The same for one folder. */
export function withMachine({ store }: Pick<Context, 'store'>, path: string): string {
  const [, typed, rest = '/'] = TYPED.exec(path) ?? [];
  if (typed === undefined) return path;
  const name = typed.trim().toLowerCase();
  const remote = [...store.workers.values()].filter(({ kind }) => ABILITIES[kind].isRemote);
  const machine = remote.find((worker) => worker.id === name || worker.name.toLowerCase() === name);
  const refuse = (why: string): Error => invalid(`${path}: ${why}`, { 'paths.mappings': why, mappings: why });
  if (!machine)
    throw refuse(`there is no worker called ${typed}. Add it under Workers first; it does not have to encode.`);
  if (machine.kind === 'ssh' && machine.hostKey === null)
    throw refuse(`confirm the host key of ${machine.name} under Workers first.`);
  return remotePath(machine.id, rest);
}

/** Why a machine must stay: films or kept originals lie there. Null when it may go. */
export function whatLiesOn({ store }: Pick<Context, 'store'>, id: string): string | null {
  const liesThere = (path: string): boolean => remoteOf(path)?.machineId === id;
  const mapped = store.settings.value.paths.mappings.find(({ to }) => liesThere(to));
  if (mapped) return `${mapped.from} of Plex is mapped to it. Remove that path mapping first, under Settings, Paths.`;
  const kept = store.quarantine.where(
    ({ state, storedPath }) => ['kept', 'moving'].includes(state) && liesThere(storedPath),
  ).length;
  if (kept === 0) return null;
  const what = kept === 1 ? 'One original is' : `${kept} originals are`;
  return `${what} kept there. Restore or delete them first, under Quarantine.`;
}
