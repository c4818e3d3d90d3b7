import { Clips } from './clips.js';
import { build, killJobs } from './job-kill.js';
import { allKillPoints, killMatrix } from './swap-kill.js';

/**
 * `npm run test:kill -- --runs N`: SIGKILL before and after every step of every kind of swap, then N kills at random
 * moments of whole jobs. The last line is `N runs, N violations`.
 */
const at = process.argv.indexOf('--runs');
const runs = at < 0 ? 300 : Number(process.argv[at + 1]);
if (!Number.isInteger(runs) || runs < 0) {
  console.error('Say how many: npm run test:kill -- --runs 300');
  process.exit(2);
}

const points = await allKillPoints();
console.log(`Killing at ${points.length} points of the swap ...`);
const matrix = await killMatrix(points);
for (const text of matrix.wrong) console.log(`  ${text}`);
console.log(`${matrix.tried} points, ${matrix.wrong.length} violations`);

console.log(`Killing ${runs} times during whole jobs ...`);
const built = await build();
const clips = await Clips.open();
const jobs = await killJobs(built, clips, {
  kills: runs,
  random: Math.random,
  say: (line) => {
    console.log(`  ${line}`);
  },
});
await clips.close();
await built.remove();
const violations = matrix.wrong.length + jobs.wrong.length;
console.log(`${matrix.tried + jobs.killed} runs, ${violations} violations`);
process.exitCode = violations === 0 ? 0 : 1;
