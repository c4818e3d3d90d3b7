// Runs the tests of your own rules with Node's test runner: `npm run rule:test`, or `npm run rule:test -- my-rule`.
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';

const args = process.argv.slice(2);
const at = args.indexOf('--dir');
const dir = at < 0 ? process.env.MEDIAFLOW_RULES_DIR : args.splice(at, 2)[1];
if (!dir || !existsSync(dir)) {
  console.error('Say where your rules are: set MEDIAFLOW_RULES_DIR, or add --dir FOLDER.');
  process.exit(2);
}
const tests = readdirSync(dir).filter((name) => /\.test\.m?js$/.test(name));
const chosen = args.length === 0 ? tests : tests.filter((name) => args.includes(name.replace(/\.test\.m?js$/, '')));
if (chosen.length === 0) {
  console.error(
    `There is no test for ${args.join(', ') || 'any rule'} in ${dir}. A test is named like its rule: my-rule.test.js.`,
  );
  process.exit(2);
}
const imports = [import.meta.resolve('tsx'), new URL('rule-hooks.js', import.meta.url).href];
const { status } = spawnSync(
  process.execPath,
  [
    ...imports.flatMap((url) => ['--import', url]),
    '--test',
    '--test-reporter',
    'spec',
    ...chosen.map((name) => resolve(join(dir, name))),
  ],
  { stdio: 'inherit' },
);
process.exit(status ?? 1);
