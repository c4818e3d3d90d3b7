import { execa } from 'execa';
import { build } from './job-kill.js';
import { killAndStart } from './restarts.js';

/**
 * `npm run test:restarts -- --runs N`: N times SIGKILL of the whole process group, followed at once by a start. As root it runs where this
 * process is the first one and reaps nobody else's children, as in a container without an init. The last line is `N runs, N violations`.
 */
const at = process.argv.indexOf('--runs');
const runs = at < 0 ? 100 : Number(process.argv[at + 1]);
if (!Number.isInteger(runs) || runs < 1) {
  console.error('Say how many: npm run test:restarts -- --runs 100');
  process.exit(2);
}

if (process.pid === 1) process.exit(await run());
const own = ['--mount', '--pid', '--fork', '--kill-child', '--mount-proc'];
const { failed } = await execa('unshare', [...own, 'true'], { reject: false });
if (failed) {
  console.log('Not root: whatever is killed is reaped by the init of this machine.');
  process.exit(await run());
}
const { exitCode } = await execa('unshare', [...own, process.execPath, ...process.execArgv, ...process.argv.slice(1)], {
  stdio: 'inherit',
  reject: false,
});
process.exit(exitCode ?? 1);

async function run(): Promise<number> {
  const built = await build();
  const { started, wrong } = await killAndStart(built, runs, (line) => {
    console.log(`  ${line}`);
  });
  for (const text of wrong) console.log(text);
  await built.remove();
  console.log(`${runs} runs, ${runs - started} violations`);
  return started === runs ? 0 : 1;
}
