import { formatBytes } from '../lib/units.js';

const STEPS: readonly number[] = [0, 500e6, 1e9, 5e9, 10e9, 25e9];

const MINUTE_SEC = 60;
const HOUR_SEC = 3600;
const DAY_SEC = 86_400;

/** A long time in the one unit that counts: `42 min`, `19 h`, `6 days`. */
function roughTime(seconds: number): string {
  if (seconds < 90 * MINUTE_SEC) return `${Math.max(1, Math.round(seconds / MINUTE_SEC))} min`;
  if (seconds < 2 * DAY_SEC) return `${Math.round(seconds / HOUR_SEC)} h`;
  return `${Math.round(seconds / DAY_SEC).toLocaleString('en-US')} days`;
}

/** Helpers of the pages about recommendations and rules. */
export const reviewHelpers = {
  forHours: (seconds: unknown) => (typeof seconds === 'number' && Number.isFinite(seconds) ? roughTime(seconds) : ''),
  /** Steps of the smallest saving; one that was typed into the address is among them. */
  savingSteps: (given: unknown) => {
    const chosen = typeof given === 'number' ? given : 0;
    const all = STEPS.includes(chosen) ? STEPS : [...STEPS, chosen];
    return all.map((bytes) => ({
      value: bytes === 0 ? '' : String(bytes),
      label: bytes === 0 ? 'Any saving' : `Saves ${formatBytes(bytes)} or more`,
      isChosen: bytes === chosen,
    }));
  },
};
