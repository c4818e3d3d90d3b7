// Starts what was asked for: the server and the demo from the build, benchmarks and long test runs from the sources.
// It sets the machine up first, in this very process: with a shell between npm and the program a signal would get lost.
import { spawn } from 'node:child_process';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { watchParents } from './parents.js';
import { setUp } from './setup.js';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const [what, ...args] = process.argv.slice(2);

// Half of the room for young objects: ten megabytes less with a large library, and no slower. One thread that helps
// collect garbage instead of four: on two cores the others only take the turn from the one that answers.
const SMALL_HEAP = ['--max-semi-space-size=8', '--v8-pool-size=1'];
// The C library keeps free memory for each thread apart, and what was large for later: with two such stores, and large pieces
// given back at once, 35 MB less stay unused with a large library. No slower.
const SMALL_STORES = {
  MALLOC_ARENA_MAX: '2',
  MALLOC_MMAP_THRESHOLD_: '131072',
  MALLOC_TRIM_THRESHOLD_: '131072',
};
const FROM_SOURCES = ['--import', './scripts/end-with-parent.js', '--import', 'tsx'];

const PROGRAMS = {
  start: [...SMALL_HEAP, 'dist/src/main.js'],
  demo: ['dist/src/demo/main.js'],
  bench: ['--expose-gc', ...FROM_SOURCES, 'bench/run.ts'],
  kill: [...FROM_SOURCES, 'tests/support/kill-run.ts'],
  faults: [...FROM_SOURCES, 'tests/support/fault-run.ts'],
  restarts: [...FROM_SOURCES, 'tests/support/restart-run.ts'],
  webhooks: [...FROM_SOURCES, 'tests/support/webhook-run.ts'],
  inputs: [...FROM_SOURCES, 'tests/support/input-run.ts'],
};
/** The program itself stops within ten seconds. */
const STOP_LIMIT_MS = 12_000;
const PARENT_CHECK_MS = 500;

const program = PROGRAMS[what];
if (!program) {
  console.error(`Unknown: ${what}. One of ${Object.keys(PROGRAMS).join(', ')}`);
  process.exit(2);
}
const isWaitedFor = watchParents();
const isBuilt = program.some((part) => part.startsWith('dist/'));
await setUp(isBuilt || what === 'bench' ? what : 'test');
if (isBuilt) await import('./build.js');
if (isWaitedFor()) start();

/** Runs the program, passes signals on once, and ends it when nobody waits for it any more. */
function start() {
  // What starts many processes gets a group of its own, so that all of them end together.
  const isGroup = !isBuilt;
  const child = spawn(process.execPath, [...program, ...args], {
    cwd: root,
    env: isBuilt ? { ...SMALL_STORES, ...process.env } : process.env,
    detached: isGroup,
    // Over the channel the program sees when this process is gone, even when that was killed.
    stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
  });
  let isStopping = false;
  const send = (signal) => {
    try {
      process.kill(isGroup ? -child.pid : child.pid, signal);
    } catch {
      // It has ended in the meantime.
    }
  };
  const stop = (signal) => {
    if (isStopping) return;
    isStopping = true;
    send(signal);
    setTimeout(() => send('SIGKILL'), STOP_LIMIT_MS).unref();
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => stop(signal));
  setInterval(() => {
    if (!isWaitedFor()) stop('SIGTERM');
  }, PARENT_CHECK_MS).unref();
  child.on('error', (error) => {
    console.error(`${program.at(-1)} could not be run: ${error.message}`);
    process.exitCode = 1;
  });
  child.on('exit', (code, signal) => {
    process.exitCode = signal ? 1 : (code ?? 1);
    // Its own children do not outlive it.
    if (isGroup) send('SIGKILL');
  });
}
