import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { benchBrowse } from './browse.js';
import { benchEncode } from './encode.js';
import { benchFleet } from './fleet.js';
import type { Figure } from './figure.js';
import { benchLibrary } from './library.js';
import { benchLive } from './live.js';
import { benchRules } from './rules.js';
import { benchStart } from './start.js';
import { benchSync } from './sync.js';
import { benchTransfer } from './transfer.js';
import { benchWebhook } from './webhook.js';

/** A new benchmark is a file beside this one that exports such a function, and a line here. */
const BENCHES: Record<string, () => Promise<Figure[]>> = {
  library: benchLibrary,
  start: benchStart,
  sync: benchSync,
  webhook: benchWebhook,
  rules: benchRules,
  browse: benchBrowse,
  live: benchLive,
  encode: benchEncode,
  transfer: benchTransfer,
  fleet: benchFleet,
};

const RESULTS = join(import.meta.dirname, 'results.json');

const only = process.argv.includes('--only') ? process.argv[process.argv.indexOf('--only') + 1] : undefined;
const chosen = Object.entries(BENCHES).filter(([id]) => only === undefined || id === only);
if (chosen.length === 0) {
  console.error(`There is no benchmark ${only ?? ''}. One of: ${Object.keys(BENCHES).join(', ')}`);
  process.exit(2);
}
const figures: Figure[] = [];
for (const [id, bench] of chosen) {
  console.log(`> ${id}`);
  figures.push(...(await bench()));
}
console.table(
  figures.map(({ id, value, unit, yardstick, yardstickValue, ratio, goal, holds }) => ({
    id,
    value: `${value} ${unit}`,
    goal,
    holds,
    yardstick: `${yardstickValue} ${unit}: ${yardstick}`,
    ratio,
  })),
);
// A part that was measured alone replaces its own lines and leaves the others.
const names = new Set(figures.map(({ id }) => id));
const others = only === undefined ? [] : readResults().filter(({ id }) => !names.has(id));
writeFileSync(RESULTS, `${JSON.stringify([...others, ...figures], null, 2)}\n`);
process.exit(figures.every(({ holds }) => holds) ? 0 : 1);

function readResults(): Figure[] {
  try {
    return JSON.parse(readFileSync(RESULTS, 'utf8')) as Figure[];
  } catch {
    return [];
  }
}
