import { toAppError } from '../domain/errors.js';
import { isBetter, packagesIn, untouchable, type Way } from '../domain/workers/provision.js';
import { PACKAGE, PUT_BACK, SET_ASIDE } from '../ssh/provision-scripts.js';
import { END_MS, MOST_SAID, refusal, type Ground, type ProvisionMachine, type Tried } from './provision-machine.js';

/** A package manager may wait for another one, and says nothing while it unpacks. Milliseconds. */
const STALL_MS = 30 * 60_000;

/**
 * Installs the distribution's package, when the package manager's own simulation says that neither a driver nor a kernel is
 * touched by that. Throws `worker_unavailable` and what `ReconnectingSsh.persist` throws.
 */
export async function installPackage(
  machine: ProvisionMachine,
  { manager, needsSudo }: Way & { kind: 'package' },
  ground: Ground,
  signal: AbortSignal,
): Promise<Tried> {
  const { dir, root, before, hasOwn } = ground;
  const how = [manager, needsSudo ? 'sudo' : ''];
  // Drivers of a Mac are parts of its system, out of reach for Homebrew.
  if (manager !== 'brew') await guard(machine, manager, how, ground, signal);
  // Ours is found before the distribution's.
  if (hasOwn) await machine.must(SET_ASIDE, [root], signal);
  try {
    return await machine.steps.step(`Install it with ${manager}`, async (talk) => {
      const step = { dir, step: 'install', stallMs: STALL_MS };
      await machine.long(step, [PACKAGE, 'install', ...how], talk, signal);
      const { ffmpeg } = await machine.parts.ground(signal);
      if (ffmpeg === null) throw refusal(`${manager} installed its package, but no ffmpeg is found.`);
      const tried = await machine.try(ffmpeg, ground, talk, signal);
      if (!isBetter(tried.verdict, before?.verdict ?? null)) throw refusal(tried.verdict.text);
      return { value: tried, text: `${ffmpeg}. ${tried.verdict.text}` };
    });
  } catch (error) {
    if (hasOwn) await machine.must(PUT_BACK, [root, ''], AbortSignal.timeout(END_MS));
    throw error;
  }
}

async function guard(
  machine: ProvisionMachine,
  manager: 'apt' | 'dnf' | 'apk',
  how: readonly string[],
  { dir }: Ground,
  signal: AbortSignal,
): Promise<void> {
  await machine.steps.step(`Ask ${manager} what it would do`, async (talk) => {
    const refresh = machine.long({ dir, step: 'refresh' }, [PACKAGE, 'refresh', ...how], talk, signal);
    // A list that cannot be had anew may do as it is.
    await refresh.catch((error: unknown) => {
      signal.throwIfAborted();
      if (toAppError(error).code !== 'worker_unavailable') throw error;
    });
    const said = await machine.long({ dir, step: 'simulate' }, [PACKAGE, 'simulate', ...how], talk, signal);
    const packages = said.length < MOST_SAID ? packagesIn(manager, said) : null;
    if (packages === null) throw refusal(`${manager} names nothing that it would install, so nothing was.`, said);
    const forbidden = untouchable(packages);
    if (forbidden.length > 0) {
      const names = forbidden.slice(0, 5).join(', ');
      throw refusal(
        `${manager} would touch ${names}. MediaFlow never changes drivers or kernels, so nothing was installed.`,
      );
    }
    const count = packages.length === 1 ? '1 package' : `${packages.length} packages`;
    return { value: undefined, text: `${count}, and none of a driver or a kernel.` };
  });
}
