/** Milliseconds by a clock that goes on evenly and that nobody can set: for how long something takes, lasts or waits. */
export const steadyClock = (): number => performance.now();
