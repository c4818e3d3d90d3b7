/** Long tasks that wait for their next turn, oldest first. */
const waiting: (() => void)[] = [];
/** How many somebody waits for. */
let awaited = 0;
/** When the last one came that somebody waited for. */
let lastAwaitedMs = -Infinity;
/** When the last piece of a long task was over. */
let lastPieceMs = 0;

/** So long at most a long task gives way, however many are waited for: it must come to its end. Milliseconds. */
const MOST_MS = 25;
/** Who takes longer than this waits for something else than the event loop. Milliseconds. */
const AWAITED_MS = 250;

/**
 * Somebody waits for what begins now, such as a page: until the returned function is called, and for a quarter of a second at most, long
 * tasks give way. It needs several rounds of the event loop, and would wait for a piece of every task in each of them.
 */
export function beAwaited(): () => void {
  awaited++;
  lastAwaitedMs = performance.now();
  let isOver = false;
  const over = (): void => {
    if (isOver) return;
    isOver = true;
    awaited--;
    clearTimeout(timer);
  };
  const timer = setTimeout(over, AWAITED_MS).unref();
  return over;
}

/** Whether nobody waits, nor came within this time, milliseconds. */
export function isQuiet(forMs: number): boolean {
  return awaited === 0 && performance.now() - lastAwaitedMs >= forMs;
}

/** When a long task first went on in this round of the event loop. */
let heldSinceMs = 0;
let isHeld = false;

/** Milliseconds for which long tasks, all of them together, hold this round of the event loop. */
function heldMs(): number {
  if (!isHeld) holdAnew();
  return performance.now() - heldSinceMs;
}

function holdAnew(): void {
  heldSinceMs = performance.now();
  if (!isHeld) setImmediate(() => (isHeld = false));
  isHeld = true;
}

/** One a round of the event loop: several long tasks at once hold it no longer than one does. */
function letNextGoOn(): void {
  if (awaited === 0 || performance.now() - lastPieceMs >= MOST_MS) {
    holdAnew();
    waiting.shift()?.();
  }
  if (waiting.length > 0) setImmediate(letNextGoOn);
}

/**
 * Keeps long tasks from holding the event loop: when `isDue`, await `pause()` and other work gets its turn. What an answer from
 * elsewhere sets going counts together with what others do in the same round.
 */
export class EventLoopYield {
  readonly #everyMs: number;

  constructor(everyMs = 8) {
    this.#everyMs = everyMs;
  }

  /** Whether long tasks hold this round of the event loop for `everyMs`. */
  get isDue(): boolean {
    return heldMs() >= this.#everyMs;
  }

  /** Resolves when everything that was waiting had its turn. */
  async pause(): Promise<void> {
    lastPieceMs = performance.now();
    await new Promise<void>((resolve) => {
      if (waiting.push(resolve) === 1) setImmediate(letNextGoOn);
    });
  }
}
