import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

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
 * Lets the heap grow by so many percent between two collections, until the returned function is called: for a small heap that
 * is being filled, as by the first sync of a library, every second collection is for nothing. For all threads as well.
 */
export function letHeapGrow(percent: number): () => void {
  setFlagsFromString(`--heap-growing-percent=${percent}`);
  return () => {
    setFlagsFromString(SMALL_STEPS);
  };
}
