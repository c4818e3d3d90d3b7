import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Figure } from './figure.js';
import { benchLibrary } from './library.js';

const BENCHES: Record<string, () => Promise<Figure[]>> = { library: benchLibrary };

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
  figures.map(({ id, value, unit, yardstickValue, ratio, goal, holds }) => ({
    id,
    value: `${value} ${unit}`,
    yardstick: `${yardstickValue} ${unit}`,
    ratio,
    goal,
    holds,
  })),
);
writeFileSync(join(import.meta.dirname, 'results.json'), `${JSON.stringify(figures, null, 2)}\n`);
process.exitCode = figures.every(({ holds }) => holds) ? 0 : 1;
