// Starts what was asked for: the server and the demo from the build, benchmarks and long test runs from the sources.
import { spawn } from 'node:child_process';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const [what, ...args] = process.argv.slice(2);

// Half of the room for young objects: ten megabytes less with a large library, and hardly slower. One thread that helps
// collect garbage instead of four: on two cores the others only take the turn from the one that answers.
const SMALL_HEAP = ['--max-semi-space-size=4', '--v8-pool-size=1'];

const PROGRAMS = {
  start: [...SMALL_HEAP, 'dist/src/main.js'],
  demo: ['dist/src/demo/main.js'],
  bench: ['--expose-gc', '--import', 'tsx', 'bench/run.ts'],
  kill: ['--import', 'tsx', 'tests/support/kill-run.ts'],
  faults: ['--import', 'tsx', 'tests/support/fault-run.ts'],
  webhooks: ['--import', 'tsx', 'tests/support/webhook-run.ts'],
};

const program = PROGRAMS[what];
if (!program) {
  console.error(`Unknown: ${what}. One of ${Object.keys(PROGRAMS).join(', ')}`);
  process.exit(2);
}
if (program.some((part) => part.startsWith('dist/'))) await import('./build.js');

const child = spawn(process.execPath, [...program, ...args], { cwd: root, stdio: 'inherit' });
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => child.kill(signal));
child.on('exit', (code, signal) => {
  process.exitCode = signal ? 1 : (code ?? 1);
});
