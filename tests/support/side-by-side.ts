import { Gate } from '../../src/lib/gate.js';

/** Tests by title, which share nothing with those of another play of the same kind. */
export interface Play {
  tests: Readonly<Record<string, () => Promise<void>>>;
  /** Sets up what a test begins with. */
  set?: () => Promise<void>;
  /** Takes away what a test set up, whether it passed or not. */
  strike?: () => Promise<void>;
}

/** The machine may have no more cores. */
const WIDTH = 2;
/** So many tests may begin before their turn to be looked at. */
const AHEAD = 2;

/**
 * Declares tests that run two at a time: they wait for programs and for clocks more than they work. `play` sets the scene for one test
 * and is called for each; a test that fails, fails in its own place. Call it before hooks that take away what all of them use.
 */
export function sideBySide(play: () => Play): void {
  const gate = new Gate(WIDTH);
  const titles = Object.keys(play().tests);
  const begun = new Map<string, Promise<void>>();

  const perform = async (title: string): Promise<void> => {
    const { tests, set, strike } = play();
    try {
      await set?.();
      await tests[title]?.();
    } catch (error) {
      // What cannot be taken away after that is no news.
      await strike?.().catch(() => undefined);
      throw error;
    }
    await strike?.();
  };
  const begin = (title: string): Promise<void> => {
    const done = begun.get(title) ?? gate.run(() => perform(title));
    begun.set(title, done);
    // Whoever looks at it hears of its failure; until then nobody may.
    done.catch(() => undefined);
    return done;
  };

  for (const [at, title] of titles.entries()) {
    it(title, async () => {
      for (const next of titles.slice(at, at + 1 + AHEAD)) void begin(next);
      await begin(title);
    });
  }
  after(() => Promise.allSettled(begun.values()));
}
