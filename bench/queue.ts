import { runChild } from './child.js';
import { figure, type Figure } from './figure.js';

const JOBS = 10_000;
const GOAL_MS = 20;

interface Word {
  moveMs: number;
  moveP95Ms: number;
  bareMs: number;
}

/** Moving one of ten thousand waiting jobs, until it is on the disk. */
export async function benchQueue(): Promise<Figure[]> {
  const { moveMs, moveP95Ms, bareMs } = await runChild<Word>('queue-child.ts', [String(JOBS)]);
  const yardstick = { unit: 'ms', yardstick: 'writing 4 kB durably', yardstickValue: bareMs };
  const goal = `<= ${GOAL_MS} ms`;
  return [
    figure({ id: 'queue.move', what: `Moving one of ${JOBS} waiting jobs, median`, value: moveMs, ...yardstick, goal, holds: moveMs <= GOAL_MS }),
    figure({ id: 'queue.move.p95', what: `Moving one of ${JOBS} waiting jobs, 95 %`, value: moveP95Ms, ...yardstick, goal, holds: moveP95Ms <= GOAL_MS }),
  ]; // prettier-ignore
}
