import { Clips } from './clips.js';
import { build, killJobs } from './job-kill.js';
import { Sshd } from './sshd.js';
import { allKillPoints, killMatrix } from './swap-kill.js';

/**
 * `npm run test:kill -- --runs N`: SIGKILL before and after every step of every kind of swap, then N kills at random
 * moments of whole jobs, and a quarter of that of jobs whose films lie on another machine. The last line is `N runs, N violations`.
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
const onNas = Math.floor(runs / 4);
console.log(`Killing ${onNas} times during jobs whose films lie on another machine ...`);
const nas = await Sshd.start();
const far = await killJobs(built, clips, {
  kills: onNas,
  random: Math.random,
  nas,
  say: (line) => {
    console.log(`  ${line}`);
  },
});
await Promise.all([nas.close(), clips.close(), built.remove()]);
const violations = matrix.wrong.length + jobs.wrong.length + far.wrong.length;
console.log(`${matrix.tried + jobs.killed + far.killed} runs, ${violations} violations`);
process.exitCode = violations === 0 ? 0 : 1;
