// Type check, lint, format check and every test; the last line is `N passed, N failed`.
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const bin = (name) => join(root, 'node_modules', '.bin', name);
const temp = mkdtempSync(join(tmpdir(), 'mediaflow-tests-'));
const wanted = process.argv.slice(2);
// Files that are named here come on top of those that the configuration names, so it is read by hand.
const { mocha } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
const usual = ['--no-package', '--timeout', mocha.timeout];
for (const option of mocha['node-option']) usual.push('--node-option', option);
for (const file of mocha.require) usual.push('--require', file);
let passed = 0;
let failed = 0;

// The checks go side by side; what one of them says is shown when it has ended, so that lines never mix. The tests do not:
// they keep both cores busy by themselves.
await Promise.all([
  check('type check', bin('tsc'), ['--noEmit']),
  check('lint', bin('eslint'), ['.']),
  check('format', bin('prettier'), ['--check', '--log-level', 'warn', '.']),
]);
await runTests(wanted.length > 0 ? wanted : mocha.spec);
rmSync(temp, { recursive: true });
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;

/** Runs a program. Resolves with its exit code, and what it said when that was not shown at once. */
function run(command, args, isShown) {
  const child = spawn(command, args, { cwd: root, stdio: isShown ? 'inherit' : ['ignore', 'pipe', 'pipe'] });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) stream?.setEncoding('utf8').on('data', (text) => (said += text));
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (status) => resolve({ status, said }));
  });
}

async function check(title, command, args) {
  const { status, said } = await run(command, args, false);
  console.log(`> ${title}${status === 0 ? '' : ' failed'}`);
  process.stdout.write(said);
  if (status === 0) passed++;
  else failed++;
}

async function runTests(files) {
  console.log('> tests');
  const report = join(temp, 'report.json');
  const how = [...usual, '--reporter', 'scripts/reporter.cjs', '--reporter-option', `output=${report}`];
  const { status } = await run(bin('mocha'), [...how, ...files], true);
  try {
    const { stats } = JSON.parse(readFileSync(report, 'utf8'));
    passed += stats.passes;
    failed += stats.failures;
    // A run that ended badly without a failing test still failed.
    if (status !== 0 && stats.failures === 0) failed++;
  } catch {
    console.error('The test run broke off before its report was written');
    failed++;
  }
}
