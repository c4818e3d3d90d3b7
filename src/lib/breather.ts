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

/** One a round of the event loop: several long tasks at once hold it no longer than one does. */
function letNextGoOn(): void {
  if (awaited === 0 || performance.now() - lastPieceMs >= MOST_MS) waiting.shift()?.();
  if (waiting.length > 0) setImmediate(letNextGoOn);
}

/** Keeps a long task from holding the event loop: when `isDue`, await `pause()` and other work gets its turn. */
export class Breather {
  readonly #everyMs: number;
  #since = performance.now();

  constructor(everyMs = 8) {
    this.#everyMs = everyMs;
  }

  /** Whether the loop was held for `everyMs` since the last pause. */
  get isDue(): boolean {
    return performance.now() - this.#since >= this.#everyMs;
  }

  /** Resolves when everything that was waiting had its turn. */
  async pause(): Promise<void> {
    lastPieceMs = performance.now();
    await new Promise<void>((resolve) => {
      if (waiting.push(resolve) === 1) setImmediate(letNextGoOn);
    });
    this.#since = performance.now();
  }
}
