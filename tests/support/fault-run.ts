import { Clips } from './clips.js';
import { build } from './job-kill.js';
import type { TransferMode } from '../../src/domain/workers/worker.js';
import { breakWorkers, FAULT_MODES, FAULT_NAMES } from './worker-faults.js';

/**
 * `npm run test:faults -- --runs N`: N faults on the way to workers and on them, at random moments of whole jobs. `--only NAME`
 * takes one kind of fault alone, `--mode NAME` one way for the files, `--parallel N` as many worlds beside each other. Says in
 * the end what the faults met; the last line is `N runs, N violations`.
 */
const valueOf = (option: string): string | undefined => {
  const at = process.argv.indexOf(option);
  return at < 0 ? undefined : process.argv[at + 1];
};
const runs = Number(valueOf('--runs') ?? 500);
const only = valueOf('--only');
const mode = valueOf('--mode') as TransferMode | undefined;
const parallel = Number(valueOf('--parallel') ?? 4);
const areNumbers = Number.isInteger(runs) && runs >= 0 && Number.isInteger(parallel) && parallel > 0;
if (
  !areNumbers ||
  (mode !== undefined && !FAULT_MODES.includes(mode)) ||
  (only !== undefined && !FAULT_NAMES.includes(only))
) {
  console.error(
    `Say how many: npm run test:faults -- --runs 500. Faults: ${FAULT_NAMES.join(', ')}. Modes: ${FAULT_MODES.join(', ')}`,
  );
  process.exit(2);
}

console.log(`${runs} faults during whole jobs on workers ...`);
const built = await build();
const clips = await Clips.open();
const { tried, wrong, met } = await breakWorkers(built, clips, {
  ...{ runs, parallel },
  random: Math.random,
  ...(only === undefined ? {} : { faults: [only] }),
  ...(mode === undefined ? {} : { modes: [mode] }),
  say: (line) => {
    console.log(`  ${line}`);
  },
});
await clips.close();
await built.remove();
for (const [cell, times] of [...met].sort()) console.log(`  ${String(times).padStart(4)} x ${cell}`);
console.log(`${tried} runs, ${wrong.length} violations`);
process.exitCode = wrong.length === 0 ? 0 : 1;
