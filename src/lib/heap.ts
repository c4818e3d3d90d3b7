import type { Session } from 'node:inspector';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { isQuiet } from './event-loop-yield.js';

const collector = (): (() => void) => {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  setFlagsFromString('--no-expose-gc');
  return collect;
};

/** Collects garbage now: a tenth of a second for a library of 100,000 items. */
export function collectGarbage(): void {
  collector()();
}

/** Long enough for what comes right behind a large piece of work to be over. */
const CALM_MS = 3000;
let soon: NodeJS.Timeout | null = null;

/**
 * Collects garbage three seconds after the last call: once a large piece of work is over nothing else would, and what it needed
 * would stay, up to a quarter of all that is kept.
 */
export function collectGarbageSoon(): void {
  if (soon) clearTimeout(soon);
  soon = setTimeout(() => {
    soon = null;
    collectGarbage();
  }, CALM_MS).unref();
}

/** After the call, and after the last one who waited for an answer. */
const QUIET_MS = 1000;
/** One moves some twenty megabytes. */
const COMPACTIONS = 2;
let compacting: NodeJS.Timeout | null = null;

/**
 * Gives back what a large piece of work left behind, holes included, once nobody waits for anything: the usual collection frees
 * memory in pieces between what stays, which the system does not get back. With a library of 100,000 items 300 MB then become
 * 180, and the event loop is held for half a second.
 */
export function compactSoon(times = COMPACTIONS): void {
  compacting ??= setTimeout(() => {
    compacting = null;
    const isNow = isQuiet(QUIET_MS);
    if (isNow) void compact();
    if (!isNow || times > 1) compactSoon(isNow ? times - 1 : times);
  }, QUIET_MS).unref();
}

/** Stays: what was asked for is done later, and given up when the session ends before. */
let debugging: Session | null = null;

/** What a debugger asks for; there is no other way to have V8 move what it keeps. A Node without that goes on as it is. */
async function compact(): Promise<void> {
  try {
    if (!debugging) {
      const inspector = await import('node:inspector');
      debugging = new inspector.Session();
      debugging.connect();
    }
    debugging.post('HeapProfiler.collectGarbage');
  } catch {
    collectGarbage();
  }
}

const SMALL_STEPS = '--heap-growing-percent=25';

/**
 * Has garbage collected once the heap grew by a quarter since the last time, instead of about twice its size: reading
 * a library of 100,000 items then peaks at 335 MB instead of 470, and takes a twentieth longer. Call it once, when
 * everything is loaded; it counts for all threads.
 *
 * The limit only moves when garbage is collected, so that is done here, once: a tenth of a second for such a library,
 * and 100 MB less from then on.
 */
export function keepHeapSmall(): void {
  setFlagsFromString(SMALL_STEPS);
  collectGarbage();
}

/**
 * Threads that are started from now on have 4 MB for young objects, instead of as much as the program itself, of which a thread that
 * answers one question after the other never gives anything back.
 */
export function keepThreadsSmall(): void {
  setFlagsFromString('--max-semi-space-size=2');
}

/**
 * Lets the heap grow by so many percent between two collections, until the returned function is called: for a small heap that
 * is being filled, as by the first sync of a library, every second collection is for nothing. For all threads as well.
 */
export function letHeapGrow(percent: number): () => void {
  setFlagsFromString(`--heap-growing-percent=${percent}`);
  return () => {
    setFlagsFromString(SMALL_STEPS);
  };
}
