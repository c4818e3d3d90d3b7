// `npm run test:node -- 24 [FILE ...]`: the tests on another supported line of Node, which the npm package `node` brings.
// The checks and every process that a test starts run on it too.
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const LINES = ['20.19', '22', '24'];

const [line, ...files] = process.argv.slice(2);
if (!LINES.includes(line)) {
  console.error(`${line ?? 'No line of Node'} is not tested. Name one of ${LINES.join(', ')}: npm run test:node -- 24`);
  process.exit(2);
}
const dir = join(root, 'node_modules', '.cache', `node-${line}`);
const bin = join(dir, 'node_modules', 'node', 'bin');
const node = join(bin, 'node');
if (!existsSync(node)) install();
console.log(`Node ${spawnSync(node, ['--version'], { encoding: 'utf8' }).stdout.trim().slice(1)}`);

const env = { ...process.env, PATH: [bin, process.env.PATH].join(delimiter) };
// npm names the Node that it runs on; what a test starts through it has to be the other one.
delete env.npm_node_execpath;
delete env.NODE;
const child = spawn(node, [join(root, 'scripts', 'test.js'), ...files], { cwd: root, env, stdio: 'inherit' });
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
child.once('exit', (code) => process.exit(code ?? 1));

/** Into a folder of its own: the packages of MediaFlow stay as they are. */
function install() {
  mkdirSync(dir, { recursive: true });
  writeFileSync(join(dir, 'package.json'), '{ "private": true }');
  const { status } = spawnSync('npm', ['install', '--no-audit', '--no-fund', '--no-save', `node@${line}`], {
    cwd: dir,
    stdio: 'inherit',
  });
  if (status === 0 && existsSync(node)) return;
  console.error(`Node ${line} could not be installed. Check the npm registry, then run it again.`);
  process.exit(1);
}
