// Proves that the commands a newcomer types work on a fresh machine: makes a bare Debian root, puts nothing in it but Node, npm and
// this project, and runs demo, start, test and bench there, each in a root of its own. The last line is one of figures.
import { cpSync, existsSync, mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { capture, endEverything, fail, FreshError, inNamespaces, run } from './fresh-process.js';
import { hostSettings, readSources } from './fresh-host.js';
import { watchParents } from './parents.js';

const project = dirname(dirname(fileURLToPath(import.meta.url)));
const options = process.argv.slice(2);
/** What is made anew by the set-up, and what no newcomer has. */
const LEFT_OUT = new Set(['node_modules', 'dist', 'data', 'coverage', '.git', 'public/built', 'bench/results.json']);
/** The set-up of each command, and a small part of what it is for. */
const COMMANDS = {
  demo: { line: 'npm run demo -- --once', isProved: ({ code, said }) => code === 0 && /Checks .* passed/.test(said) },
  start: { line: 'npm start', answersAt: /"url":"(http[^"]+)".*MediaFlow is ready/ },
  test: {
    line: 'npm test -- tests/ffmpeg/probe.test.ts tests/ssh/connection.test.ts tests/browser/worker-paths.test.ts',
    isProved: ({ code, said }) => code === 0 && /^[1-9]\d* passed, 0 failed$/m.test(said),
  },
  // A goal that a busy machine misses (1) is still a benchmark that ran.
  bench: {
    line: 'npm run bench -- --only live',
    isProved: ({ code, said }) => code <= 1 && /^ {2}live-page /m.test(said),
  },
};

/** Mounts what a booted machine has, in a namespace whose mounts and processes end with it. Packages are downloaded once for all. */
const INSIDE = `
set -e
mount -t proc proc "$1/proc"
mount -t tmpfs tmpfs "$1/dev/shm" 2>/dev/null || { mkdir -p "$1/dev/shm"; mount -t tmpfs tmpfs "$1/dev/shm"; }
mount -t devpts -o newinstance,ptmxmode=0666 devpts "$1/dev/pts"
mkdir -p "$1/root/.npm"
mount --bind "$2/apt" "$1/var/cache/apt/archives"
mount --bind "$2/npm" "$1/root/.npm"
exec chroot "$1" /bin/sh -c "cd /mediaflow && exec $3" < /dev/null
`;

const chosen = (valueOf('--only') ?? Object.keys(COMMANDS).join(',')).split(',');
const temp = mkdtempSync(join(tmpdir(), 'mediaflow-fresh-'));
const isWaitedFor = watchParents();
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => breakOff(signal));
setInterval(() => isWaitedFor() || breakOff('npm is gone'), 500).unref();

try {
  for (const name of chosen)
    if (!COMMANDS[name]) fail(`There is no ${name}. One of ${Object.keys(COMMANDS).join(', ')}.`);
  await checkMachine();
  process.exitCode = await proveAll();
} catch (error) {
  if (!(error instanceof FreshError)) throw error;
  console.error(error.message);
  process.exitCode = 2;
} finally {
  rmSync(temp, { recursive: true, force: true });
}

async function proveAll() {
  const source = readSources();
  const began = Date.now();
  const base = await makeBase(source);
  const baseSec = secondsSince(began);
  const results = [];
  for (const name of chosen) results.push(await prove(name, base));
  const failed = results.filter(({ isProved }) => !isProved).length;
  const times = results
    .map(({ name, sec, isProved }) => `${name} ${isProved ? '' : 'FAILED after '}${sec} s`)
    .join(', ');
  console.log(
    `${results.length - failed} of ${results.length} commands ran in a bare Debian ${source.suite}: ${times}; root ${baseSec} s`,
  );
  return failed === 0 ? 0 : 1;
}

/** Everything this needs of the machine, and what to do where it is not there. */
async function checkMachine() {
  if (process.platform !== 'linux' || !existsSync('/etc/debian_version')) {
    fail(
      'This makes a Debian root, which takes a Debian to run on. Run it there, or in a container: docker run --rm -it --privileged -v "$PWD":/src -w /src node:24-trixie npm run test:fresh',
    );
  }
  if (process.getuid() !== 0) fail('This makes a Debian root, which only root may do. Run: sudo npm run test:fresh');
  const isAllowed =
    (await capture('unshare', ['--mount', '--pid', '--fork', 'mount', '-t', 'tmpfs', 'none', temp])).code === 0;
  if (!isAllowed) {
    fail(
      'This needs namespaces of its own for mounts and processes, which this machine does not allow. In a container, start it with --privileged.',
    );
  }
  if ((await capture('debootstrap', ['--version'])).code === 0) return;
  console.log('Installing debootstrap ...');
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  await capture('apt-get', ['update', '-qq'], { env });
  const { code, said } = await capture('apt-get', ['install', '-y', '-qq', '--no-install-recommends', 'debootstrap'], {
    env,
  });
  if (code !== 0)
    fail(
      `debootstrap could not be installed. Install it and try again: apt-get update && apt-get install debootstrap\n${said}`,
    );
}

/** A bare root with Node, npm and the project, the registries of Debian and npm set as they are here. */
async function makeBase({ mirror, suite, lines }) {
  const base = join(temp, 'base');
  const given = valueOf('--base');
  if (given) {
    console.log(`Copying the bare root ${given} ...`);
    await must('cp', ['-a', given, base]);
  } else {
    console.log(`Making a bare Debian ${suite} from ${mirror} ...`);
    await must('unshare', [...inNamespaces, 'debootstrap', '--variant=minbase', suite, base, mirror]);
  }
  const { aptOptions, resolver, certificates } = hostSettings();
  write(base, 'etc/apt/sources.list', `${lines.join('\n')}\n`);
  write(base, 'etc/apt/apt.conf.d/99host', aptOptions);
  write(base, 'etc/hosts', '127.0.0.1 localhost\n');
  write(base, 'etc/resolv.conf', resolver);
  // No package starts a server: the network is this machine's.
  write(base, 'usr/sbin/policy-rc.d', '#!/bin/sh\nexit 101\n', 0o755);
  if (certificates) write(base, 'etc/host-certificates.crt', certificates);
  await putNode(base);
  const isLeftOut = (path) => LEFT_OUT.has(relative(project, path));
  cpSync(project, join(base, 'mediaflow'), { recursive: true, filter: (path) => !isLeftOut(path) });
  return base;
}

/** The very Node that runs here, and its npm. */
async function putNode(base) {
  const cli = process.env.npm_execpath ?? (await capture('sh', ['-c', 'command -v npm'])).said.trim();
  if (!cli) fail('npm was not found on this machine. Run it as npm run test:fresh.');
  const npm = dirname(dirname(realpathSync(cli)));
  cpSync(realpathSync(process.execPath), join(base, 'usr/local/bin/node'));
  cpSync(npm, join(base, 'usr/local/lib/node_modules/npm'), { recursive: true });
  await must('ln', ['-s', '../lib/node_modules/npm/bin/npm-cli.js', join(base, 'usr/local/bin/npm')]);
  const { code, said } = await capture('chroot', [base, '/usr/local/bin/node', '--version']);
  if (code !== 0)
    fail(
      `The Node of this machine does not run in a bare Debian. Use one from https://nodejs.org and try again.\n${said}`,
    );
}

/** Runs one command in a root of its own. */
async function prove(name, base) {
  const { line, isProved, answersAt } = COMMANDS[name];
  console.log(`> ${line}`);
  const root = join(temp, name);
  await must('cp', ['-a', base, root]);
  const began = Date.now();
  const result = await run('unshare', [...inNamespaces, 'sh', '-c', INSIDE, 'inside', root, downloads(), line], {
    env: hostSettings().env,
    answersAt,
  });
  const sec = secondsSince(began);
  rmSync(root, { recursive: true, force: true });
  const isFine = answersAt ? result.isAnswering : isProved(result);
  if (!isFine) console.log(result.said.split('\n').slice(-80).join('\n'));
  console.log(`  ${isFine ? 'ran' : `failed (${result.why ?? `exit code ${result.code}`})`} after ${sec} s`);
  return { name, sec, isProved: isFine };
}

function downloads() {
  const folder = join(temp, 'downloads');
  for (const name of ['apt/partial', 'npm']) mkdirSync(join(folder, name), { recursive: true });
  return folder;
}

async function must(command, args) {
  const { code, said } = await capture(command, args);
  if (code !== 0) fail(`${command} failed with ${code}. What it said:\n${said.split('\n').slice(-30).join('\n')}`);
}

function write(base, name, text, mode = 0o644) {
  const path = join(base, name);
  rmSync(path, { force: true });
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text, { mode });
}

function breakOff(why) {
  console.error(`Broken off: ${why}`);
  endEverything();
  rmSync(temp, { recursive: true, force: true });
  process.exit(1);
}

function valueOf(option) {
  const at = options.indexOf(option);
  return at < 0 ? undefined : options[at + 1];
}

function secondsSince(began) {
  return Math.round((Date.now() - began) / 1000);
}
