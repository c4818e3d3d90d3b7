// Type check, lint, format check and every test; the last line is `N passed, N failed`.
// `npm test -- FILE ...` runs these test files only; `npm test -- --record` also writes how long each file took.
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, constants, setPriority, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const bin = (name) => join(root, 'node_modules', '.bin', name);
const temp = mkdtempSync(join(tmpdir(), 'mediaflow-tests-'));
/** Test file -> seconds it once took. Only the order of the files depends on it. */
const TIMES = join(root, 'tests', 'times.json');
/** Files are handed out one by one to so many processes; more than four fill the memory with browsers. */
const LANES = Math.min(4, Math.max(2, availableParallelism()));

const args = process.argv.slice(2);
const isRecording = args.includes('--record');
const wanted = args.filter((arg) => arg !== '--record');
// Files that are named here come on top of those that the configuration names, so it is read by hand.
const { mocha } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
const usual = ['--no-package', '--timeout', mocha.timeout, '--parallel', '--jobs', String(LANES)];
for (const option of mocha['node-option']) usual.push('--node-option', option);
for (const file of mocha.require) usual.push('--require', file);
let passed = 0;
let failed = 0;

// The checks give way to the tests; what one of them says is shown when it has ended, so that lines never mix.
const checks = runChecks();
await runTests(wanted.length > 0 ? wanted : longestFirst(testFiles()));
await checks;
rmSync(temp, { recursive: true });
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;

/** Runs a program. Resolves with its exit code, and what it said when that was not shown at once. */
function run(command, args, { isShown, isPatient = false }) {
  const child = spawn(command, args, { cwd: root, stdio: isShown ? 'inherit' : ['ignore', 'pipe', 'pipe'] });
  if (isPatient && child.pid !== undefined) setPriority(child.pid, constants.priority.PRIORITY_BELOW_NORMAL);
  let said = '';
  for (const stream of [child.stdout, child.stderr]) stream?.setEncoding('utf8').on('data', (text) => (said += text));
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (status) => resolve({ status, said }));
  });
}

async function runChecks() {
  await check('type check', bin('tsc'), ['--noEmit']);
  await check('lint', bin('eslint'), ['.']);
  await check('format', bin('prettier'), ['--check', '--log-level', 'warn', '.']);
}

async function check(title, command, args) {
  const { status, said } = await run(command, args, { isShown: false, isPatient: true });
  process.stdout.write(`> ${title}${status === 0 ? '' : ' failed'}\n${said}`);
  if (status === 0) passed++;
  else failed++;
}

async function runTests(files) {
  console.log('> tests');
  const report = join(temp, 'report.json');
  const how = [...usual, '--reporter', 'scripts/reporter.cjs', '--reporter-option', `output=${report}`];
  const { status } = await run(bin('mocha'), [...how, ...files], { isShown: true });
  try {
    const { stats, secondsOf } = JSON.parse(readFileSync(report, 'utf8'));
    passed += stats.passes;
    failed += stats.failures;
    // A run that ended badly without a failing test still failed.
    if (status !== 0 && stats.failures === 0) failed++;
    if (isRecording) writeFileSync(TIMES, `${JSON.stringify(secondsOf, null, 2)}\n`);
  } catch {
    console.error('The test run broke off before its report was written');
    failed++;
  }
}

function testFiles() {
  return readdirSync(join(root, 'tests'), { recursive: true })
    .filter((name) => name.endsWith('.test.ts'))
    .map((name) => join('tests', name));
}

/** A long file that begins last leaves one process to work alone; one that was never timed may be long. */
function longestFirst(files) {
  const times = existsSync(TIMES) ? JSON.parse(readFileSync(TIMES, 'utf8')) : {};
  const secondsOf = (file) => times[file] ?? Number.POSITIVE_INFINITY;
  return files.sort((one, other) => secondsOf(other) - secondsOf(one) || one.localeCompare(other));
}
