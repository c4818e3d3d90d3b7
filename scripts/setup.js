// Gets a fresh machine ready: npm packages, ffmpeg, and for tests and benchmarks Chromium and an OpenSSH server.
// Plain JavaScript without dependencies, because it runs before there are any.
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { createHash } from 'node:crypto';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = fileURLToPath(import.meta.url);
const root = dirname(dirname(here));

const EVERYTHING = ['ffmpeg', 'ffprobe', 'chromium', 'sshd'];
/** What each purpose needs beside the npm packages. */
const NEEDS = {
  packages: [],
  start: ['ffmpeg', 'ffprobe'],
  demo: ['ffmpeg', 'ffprobe'],
  bench: EVERYTHING,
  test: EVERYTHING,
};
/** Program -> Debian package. */
const PACKAGES = { ffmpeg: 'ffmpeg', ffprobe: 'ffmpeg', chromium: 'chromium', sshd: 'openssh-server' };

if (process.argv[1] === here) await setUp(process.argv[2] ?? 'start');

/** Installs what is missing for `purpose`. Ends the program with the exact command where it may not install it. */
export async function setUp(purpose) {
  const needs = NEEDS[purpose];
  if (!needs) fail(`There is no set-up for ${purpose}. One of: ${Object.keys(NEEDS).join(', ')}.`);
  checkNode();
  installNpmPackages();
  const { buildAssets } = await import('./assets.js');
  await buildAssets();
  installPrograms(needs);
}

function checkNode() {
  const { engines } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const wanted = engines.node.replace('>=', '');
  const [major, minor] = wanted.split('.').map(Number);
  const [ownMajor, ownMinor] = process.versions.node.split('.').map(Number);
  if (ownMajor > major || (ownMajor === major && ownMinor >= minor)) return;
  fail(
    `MediaFlow needs Node ${wanted} or newer, and this is ${process.versions.node}. Install a newer one, from https://nodejs.org for example.`,
  );
}

function installNpmPackages() {
  const lock = createHash('sha256')
    .update(readFileSync(join(root, 'package-lock.json')))
    .digest('hex');
  const stamp = join(root, 'node_modules', '.mediaflow-lock');
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === lock) return;
  console.log('Installing npm packages ...');
  const { status } = spawnSync('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error'], {
    cwd: root,
    stdio: 'inherit',
    // Also where the environment says production: the build needs what only developers have.
    env: { ...process.env, NODE_ENV: '', npm_config_include: 'dev' },
  });
  if (status !== 0) fail('The npm packages could not be installed. See what npm says above, and try again.');
  writeFileSync(stamp, lock);
}

function installPrograms(programs) {
  const missing = programs.filter((program) => !isInstalled(program));
  if (missing.length === 0) return;
  const packages = [...new Set(missing.map((program) => PACKAGES[program]))];
  const command = `apt-get update && apt-get install -y --no-install-recommends ${packages.join(' ')}`;
  const mayInstall = process.getuid?.() === 0 && isInstalled('apt-get');
  if (mayInstall) {
    console.log(`Installing ${packages.join(', ')} ...`);
    const options = {
      stdio: ['ignore', 'ignore', 'inherit'],
      env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
    };
    spawnSync('apt-get', ['update', '-qq'], options);
    spawnSync('apt-get', ['install', '-y', '-qq', '--no-install-recommends', ...packages], options);
  }
  const still = programs.filter((program) => !isInstalled(program));
  if (still.length > 0) fail(`Missing: ${still.join(', ')}. Install with\n  sudo sh -c '${command}'\nand try again.`);
}

function isInstalled(program) {
  const given = { ffmpeg: process.env.MEDIAFLOW_FFMPEG, ffprobe: process.env.MEDIAFLOW_FFPROBE }[program];
  if (given && existsSync(given)) return true;
  const folders = [...(process.env.PATH ?? '').split(':'), '/usr/sbin', '/sbin'];
  return folders.some((folder) => existsSync(join(folder, program)));
}

function fail(message) {
  console.error(message);
  process.exit(1);
}
