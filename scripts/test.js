// Type check, lint, dead code, format check and every test; the last line is `N passed, N failed`.
// `npm test -- FILE ...` runs these test files only. It sets the machine up first, in this very process: with a shell between
// npm and this one a signal would get lost.
import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { constants, setPriority, tmpdir } from 'node:os';
import { dirname, join, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { watchParents } from './parents.js';
import { setUp } from './setup.js';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const bin = (name) => join(root, 'node_modules', '.bin', name);

const wanted = process.argv.slice(2);
// Files that are named here come on top of those that the configuration names, so it is read by hand.
const { mocha } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
const usual = ['--no-package', '--timeout', mocha.timeout];
for (const option of mocha['node-option']) usual.push('--node-option', option);
for (const file of mocha.require) usual.push('--require', file);
/**
 * How many files run in one process. To start a program takes the longer the larger the process is that starts it, and the first two
 * folders start hundreds; but every process takes some seconds to load MediaFlow.
 */
const FILES_A_PROCESS = { browser: 6, flows: 3, others: 25 };
/** As many as there may be cores. Of those that start programs and browsers one: it keeps both cores busy, and two starve each other. */
const AT_ONCE = 2;
/** Time for a test to close its browser and its servers when everything is broken off. */
const BREAK_OFF_MS = 3000;
/** Characters of what a failed check or test said that are shown again at the end. */
const MOST_SAID_AGAIN = 1500;
const running = new Set();
let isBreakingOff = false;
let passed = 0;
let failed = 0;
/** What failed, said once more at the end: in a log that somebody cut, only its end may be left. */
const failures = [];

const isWaitedFor = watchParents();
await setUp('test');
const temp = mkdtempSync(join(tmpdir(), 'mediaflow-tests-'));
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, breakOff);
setInterval(() => isWaitedFor() || breakOff(), 500).unref();

// The checks give way to the tests; what one of them says is shown when it has ended, so that lines never mix.
const checks = runChecks();
if (wanted.length > 0) await runTests('tests', wanted, true);
else await runGroups();
await checks;
rmSync(temp, { recursive: true });
if (failures.length > 0) console.log(`\nWhat failed:\n\n${failures.join('\n\n')}\n`);
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;

/** Runs a program. Resolves with its exit code, and what it said when that was not shown at once. */
function run(command, args, { isShown, isPatient = false }) {
  // A group of its own, so that everything it started ends with it.
  const child = spawn(command, args, {
    cwd: root,
    detached: true,
    stdio: isShown ? ['ignore', 'inherit', 'inherit'] : ['ignore', 'pipe', 'pipe'],
  });
  running.add(child);
  if (isPatient && child.pid !== undefined) setPriority(child.pid, constants.priority.PRIORITY_BELOW_NORMAL);
  let said = '';
  for (const stream of [child.stdout, child.stderr]) stream?.setEncoding('utf8').on('data', (text) => (said += text));
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (status) => {
      running.delete(child);
      resolve({ status, said });
    });
  });
}

/** Nobody waits for the result any more: ends every process that was started. */
function breakOff() {
  if (isBreakingOff) return;
  isBreakingOff = true;
  const tell = (signal) => {
    for (const { pid } of running) {
      try {
        process.kill(-pid, signal);
      } catch {
        // It has ended in the meantime.
      }
    }
  };
  tell('SIGTERM');
  setTimeout(() => {
    tell('SIGKILL');
    rmSync(temp, { recursive: true, force: true });
    process.exit(1);
  }, BREAK_OFF_MS);
}

async function runChecks() {
  await check('type check', bin('tsc'), ['--noEmit']);
  await check('type check of the pages', bin('tsc'), ['-p', 'public']);
  await check('lint', bin('eslint'), ['.']);
  await check('dead code', bin('knip'), ['--no-progress']);
  await check('format', bin('prettier'), ['--check', '--log-level', 'warn', '.']);
}

async function check(title, command, args) {
  const { status, said } = await run(command, args, { isShown: false, isPatient: true });
  process.stdout.write(`> ${title}${status === 0 ? '' : ' failed'}\n${said}`);
  if (status === 0) passed++;
  else fail(title, said);
}

function fail(title, said) {
  failed++;
  failures.push(`${title}\n${said.slice(0, MOST_SAID_AGAIN).trimEnd()}`);
}

/** Every test, the longest groups first; what one of them says is shown when it has ended. */
async function runGroups() {
  const groups = groupsOf(testFiles());
  let isBusy = false;
  const takeOne = async () => {
    for (;;) {
      const at = groups.findIndex(({ folder }) => folder === 'others' || !isBusy);
      if (at < 0) return;
      const [{ folder, title, files }] = groups.splice(at, 1);
      if (folder !== 'others') isBusy = true;
      await runTests(title, files, false);
      if (folder !== 'others') isBusy = false;
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, takeOne));
}

/** Files that run in one process each, those of the first folders first, and of the others the last, which encode over SSH. */
function groupsOf(files) {
  return Object.entries(FILES_A_PROCESS).flatMap(([folder, most]) => {
    const all = files.filter((file) => folderOf(file) === folder).reverse();
    const count = Math.ceil(all.length / most);
    return Array.from({ length: count }, (_, n) => ({
      folder,
      title: `${folder === 'others' ? 'other tests' : `tests of ${folder}`}, ${n + 1} of ${count}`,
      files: all.slice(n * most, (n + 1) * most),
    }));
  });
}

function folderOf(file) {
  const [, folder] = file.split(sep);
  return folder in FILES_A_PROCESS ? folder : 'others';
}

async function runTests(title, files, isShown) {
  if (isShown) console.log(`> ${title}`);
  const report = join(temp, `${title.replaceAll(/\W+/g, '-')}.json`);
  const how = [...usual, '--reporter', 'scripts/reporter.cjs', '--reporter-option', `output=${report}`];
  const startMs = Date.now();
  const { status, said } = await run(bin('mocha'), [...how, ...files], { isShown });
  if (!isShown) process.stdout.write(`> ${title} (${Math.round((Date.now() - startMs) / 1000)} s)\n${said}`);
  try {
    const { stats, failures: those } = JSON.parse(readFileSync(report, 'utf8'));
    passed += stats.passes;
    for (const one of those) fail(`${one.file}: ${one.title}`, one.error);
    // A run that ended badly without a failing test still failed.
    if (status !== 0 && stats.failures === 0) fail(title, `it ended with exit code ${status}`);
  } catch {
    fail(title, 'the run broke off before its report was written');
  }
}

function testFiles() {
  return readdirSync(join(root, 'tests'), { recursive: true })
    .filter((name) => name.endsWith('.test.ts'))
    .map((name) => join('tests', name))
    .sort();
}
