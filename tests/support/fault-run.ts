import { Clips } from './clips.js';
import { build } from './job-kill.js';
import { breakWorkers, FAULT_NAMES } from './worker-faults.js';

/**
 * `npm run test:faults -- --runs N`: N faults on the way to workers and on them, at random moments of whole jobs. `--only NAME`
 * takes one kind of fault alone. The last line is `N runs, N violations`.
 */
const valueOf = (option: string): string | undefined => {
  const at = process.argv.indexOf(option);
  return at < 0 ? undefined : process.argv[at + 1];
};
const runs = Number(valueOf('--runs') ?? 500);
const only = valueOf('--only');
if (!Number.isInteger(runs) || runs < 0 || (only !== undefined && !FAULT_NAMES.includes(only))) {
  console.error(`Say how many: npm run test:faults -- --runs 500. Faults: ${FAULT_NAMES.join(', ')}`);
  process.exit(2);
}

console.log(`${runs} faults during whole jobs on workers ...`);
const built = await build();
const clips = await Clips.open();
const { tried, wrong } = await breakWorkers(built, clips, {
  runs,
  random: Math.random,
  ...(only === undefined ? {} : { faults: [only] }),
  say: (line) => {
    console.log(`  ${line}`);
  },
});
await clips.close();
await built.remove();
console.log(`${tried} runs, ${wrong.length} violations`);
process.exitCode = wrong.length === 0 ? 0 : 1;
