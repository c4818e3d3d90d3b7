// Type check, lint, format check and every test; the last line is `N passed, N failed`.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const bin = (name) => join(root, 'node_modules', '.bin', name);
const temp = mkdtempSync(join(tmpdir(), 'mediaflow-tests-'));
const report = join(temp, 'report.json');
let passed = 0;
let failed = 0;

check('type check', bin('tsc'), ['--noEmit']);
check('lint', bin('eslint'), ['.']);
check('format', bin('prettier'), ['--check', '--log-level', 'warn', '.']);
runTests();
rmSync(temp, { recursive: true });
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;

function check(title, command, args) {
  console.log(`> ${title}`);
  const { status } = spawnSync(command, args, { cwd: root, stdio: 'inherit' });
  if (status === 0) passed++;
  else failed++;
}

function runTests() {
  console.log('> tests');
  const wanted = process.argv.slice(2);
  const { status } = spawnSync(
    bin('mocha'),
    ['--reporter', 'scripts/reporter.cjs', '--reporter-option', `output=${report}`, ...wanted],
    {
      cwd: root,
      stdio: 'inherit',
    },
  );
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
