// Gets a fresh machine ready: npm packages, ffmpeg, and for the tests Chromium and an OpenSSH server.
// Plain JavaScript without dependencies, because it runs before there are any.
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { createHash } from 'node:crypto';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const purpose = process.argv[2] ?? 'start';

const NEEDS = {
  start: ['ffmpeg'],
  demo: ['ffmpeg'],
  bench: ['ffmpeg'],
  test: ['ffmpeg', 'chromium', 'sshd'],
};
/** Program -> Debian package. */
const PACKAGES = { ffmpeg: 'ffmpeg', chromium: 'chromium', sshd: 'openssh-server' };

installNpmPackages();
await import('./vendor.js');
installPrograms(NEEDS[purpose] ?? NEEDS.start);

function installNpmPackages() {
  const lock = createHash('sha256')
    .update(readFileSync(join(root, 'package-lock.json')))
    .digest('hex');
  const stamp = join(root, 'node_modules', '.mediaflow-lock');
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === lock) return;
  console.log('Installing npm packages ...');
  execFileSync('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error'], { cwd: root, stdio: 'inherit' });
  writeFileSync(stamp, lock);
}

function installPrograms(programs) {
  const missing = programs.filter((program) => !isInstalled(program));
  if (missing.length === 0) return;
  const packages = missing.map((program) => PACKAGES[program]);
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
  if (still.length === 0) return;
  console.error(`Missing: ${still.join(', ')}. Install with\n  sudo sh -c '${command}'\nand try again.`);
  process.exit(1);
}

function isInstalled(program) {
  const given = { ffmpeg: process.env.MEDIAFLOW_FFMPEG }[program];
  if (given && existsSync(given)) return true;
  const folders = [...(process.env.PATH ?? '').split(':'), '/usr/sbin', '/sbin'];
  return folders.some((folder) => existsSync(join(folder, program)));
}
