import { encoderNamed, ENCODERS } from '../presets/encoders.js';
import { NVENC } from '../presets/encoders/nvenc.js';
import type { EncoderSupport } from './worker.js';

/** One step on the way to an ffmpeg on a worker, as it stands. A later report with the same name takes its place. */
export interface ProvisionStep {
  /** For the owner, and different from all others: `Download ffmpeg 8.1`. */
  name: string;
  state: 'running' | 'done' | 'skipped' | 'failed';
  /** What came out, or what to do about it. */
  text: string;
  /** The last that the commands of this step wrote. */
  log: string;
}

export type PackageManager = 'apt' | 'dnf' | 'apk' | 'brew';

/** What decides how a machine gets its ffmpeg. */
export interface ProvisionFacts {
  system: 'linux' | 'darwin' | 'other';
  /** As `uname -m` says it: `x86_64`, `aarch64`, on a Mac `arm64`. */
  machine: string;
  /** `ID` and `ID_LIKE` of os-release, the closest first: `ubuntu`, `debian`. */
  families: readonly string[];
  /** Version of the GNU C library; null where there is none, or none that says so. */
  glibc: string | null;
  isRoot: boolean;
  /** `sudo` works without being asked for a password. */
  maySudo: boolean;
  /** Which of the programs that were asked for are there. */
  programs: readonly string[];
  /** Version of the NVIDIA driver; null without such a card. */
  driver: string | null;
}

/** A way to an ffmpeg: a static build in our own folder, or the distribution's package. */
export type Way =
  | { kind: 'static'; target: 'linux64' | 'linuxarm64' }
  | { kind: 'package'; manager: PackageManager; needsSudo: boolean };

export interface NextSteps {
  /** The best first. */
  ways: readonly Way[];
  /** Why the other ways are closed, each a sentence for the owner. */
  closed: readonly { kind: Way['kind']; why: string }[];
  /** What the owner types on the machine when no way works. */
  byHand: string;
}

/** Below this the static builds do not start (README of BtbN/FFmpeg-Builds: glibc 2.28). */
const LEAST_GLIBC = '2.28';
const TARGETS: Readonly<Record<string, 'linux64' | 'linuxarm64'>> = { x86_64: 'linux64', aarch64: 'linuxarm64' };
const FAMILIES: Readonly<Record<string, PackageManager>> = {
  ...{ debian: 'apt', ubuntu: 'apt', fedora: 'dnf', rhel: 'dnf', centos: 'dnf', alpine: 'apk' },
};
const PROGRAMS = { apt: 'apt-get', dnf: 'dnf', apk: 'apk', brew: 'brew' } as const;
const BY_HAND: Readonly<Record<PackageManager, string>> = {
  apt: 'sudo apt-get install ffmpeg',
  dnf: 'sudo dnf install ffmpeg-free',
  apk: 'apk add ffmpeg',
  brew: 'brew install ffmpeg',
};

/** In which ways a machine may get an ffmpeg, the best first. */
export function waysFor(facts: ProvisionFacts): NextSteps {
  const found = [
    { kind: 'static', way: staticWay(facts) },
    { kind: 'package', way: packageWay(facts) },
  ] as const;
  const ways = found.flatMap(({ way }) => (typeof way === 'string' ? [] : [way]));
  const closed = found.flatMap(({ kind, way }) => (typeof way === 'string' ? [{ kind, why: way }] : []));
  const manager = managerOf(facts);
  return { ways, closed, byHand: manager === null ? 'https://ffmpeg.org/download.html' : BY_HAND[manager] };
}

/** The way, or why it is closed. */
function staticWay({ system, machine, glibc, programs }: ProvisionFacts): Way | string {
  if (system !== 'linux') return 'There are static builds for Linux alone.';
  const target = TARGETS[machine];
  if (target === undefined) return `There is no static build for ${machine}.`;
  if (glibc === null) return 'The static builds need the GNU C library, which this system does not have.';
  if (compareVersions(glibc, LEAST_GLIBC) < 0)
    return `The static builds need glibc ${LEAST_GLIBC} or newer; here it is ${glibc}.`;
  const loads = programs.includes('curl') || programs.includes('wget');
  const missing = [...(loads ? [] : ['curl']), ...['tar', 'xz'].filter((name) => !programs.includes(name))];
  if (missing.length > 0) return `The static builds need ${missing.join(' and ')}, which this system does not have.`;
  return { kind: 'static', target };
}

function packageWay(facts: ProvisionFacts): Way | string {
  const manager = managerOf(facts);
  if (manager === null) return 'MediaFlow knows no package manager of this system.';
  if (!facts.programs.includes(PROGRAMS[manager])) return `${PROGRAMS[manager]} is not there.`;
  if (manager === 'brew')
    return facts.isRoot
      ? 'Homebrew does not work for root. Let MediaFlow sign in as another user.'
      : { kind: 'package', manager, needsSudo: false };
  if (!facts.isRoot && !facts.maySudo) return `${PROGRAMS[manager]} needs root, or a sudo that asks for no password.`;
  return { kind: 'package', manager, needsSudo: !facts.isRoot };
}

/** The system's own before one that merely lies there as well. */
function managerOf({ system, families, programs }: ProvisionFacts): PackageManager | null {
  if (system === 'darwin') return 'brew';
  if (system !== 'linux') return null;
  const own = families.map((family) => FAMILIES[family]).find((manager) => manager !== undefined);
  return own ?? (['apt', 'dnf', 'apk'] as const).find((manager) => programs.includes(PROGRAMS[manager])) ?? null;
}

/** A static build of one release line, with the checksum that its release gives. */
export interface Build {
  /** `8.1` */
  line: string;
  /** Without `.tar.xz`; also the name of the folder in it. */
  name: string;
  sha256: string;
}

/** The builds of release lines that a `checksums.sha256` of BtbN/FFmpeg-Builds lists, the newest line first. */
export function buildsIn(checksums: string, target: 'linux64' | 'linuxarm64'): Build[] {
  const pattern = /^([0-9a-f]{64}) [ *](ffmpeg-n(\d+\.\d+)-latest-(\w+)-gpl-(\d+\.\d+))\.tar\.xz$/;
  const builds = checksums.split(/\r?\n/).flatMap((text): Build[] => {
    const [, sha256 = '', name = '', line = '', machine = '', again = ''] = pattern.exec(text) ?? [];
    return name !== '' && machine === target && line === again ? [{ line, name, sha256 }] : [];
  });
  return builds.sort((a, b) => compareVersions(b.line, a.line));
}

/**
 * The least NVIDIA driver for the headers of NVENC that a line is built with: SDK 13.1, 13.0 and 11.1 (nvenc.c and
 * scripts.d/50-ffnvcodec.sh of BtbN/FFmpeg-Builds). What really works is tried.
 */
const DRIVERS: readonly { line: string; driver: string }[] = [
  { line: '9.0', driver: '610.00' },
  { line: '8.0', driver: '570.00' },
  { line: '0.0', driver: '470.57.02' },
];

/**
 * Which of these builds, newest first, are tried one after the other: as long as the driver turns out to be too old, an older
 * one. With no NVIDIA card the newest does.
 */
export function buildsFor(builds: readonly Build[], driver: string | null): readonly Build[] {
  if (driver === null) return builds.slice(0, 1);
  const fitting = builds.filter(({ line }) => {
    const needed = DRIVERS.find((known) => compareVersions(line, known.line) >= 0);
    return needed !== undefined && compareVersions(driver, needed.driver) >= 0;
  });
  return fitting.length > 0 ? fitting : builds.slice(-1);
}

/** How good an ffmpeg is for films. */
export interface Verdict {
  level: 'good' | 'partial' | 'useless';
  /** What another build may mend. */
  trouble: 'old-driver' | 'no-nvenc' | 'no-encoder' | null;
  /** A sentence for the owner. */
  text: string;
}

const OLD_DRIVER = NVENC.symptoms['old-driver'];
const COMPILED_OUT = 'this ffmpeg was built without it';

/** What test encodes say of an ffmpeg on a machine with this NVIDIA driver, or none. */
export function judge(encoders: readonly EncoderSupport[], driver: string | null): Verdict {
  const working = encoders.filter(({ works }) => works).map(({ name }) => name);
  const software = ENCODERS.filter(({ hardware }) => hardware === null);
  if (working.length === 0) {
    const why = encoders.find(({ error }) => error !== null)?.error ?? 'it was not tried';
    return { level: 'useless', trouble: 'no-encoder', text: `Not one encoder works: ${why}.` };
  }
  const missing = software.filter(({ name }) => !working.includes(name)).map(({ name }) => name);
  if (missing.length > 0)
    return { level: 'partial', trouble: 'no-encoder', text: `It cannot encode with ${missing.join(', ')}.` };
  const cards = encoders.filter(({ name }) => encoderNamed(name)?.hardware === NVENC);
  if (driver !== null && !cards.some(({ works }) => works)) {
    if (cards.some(({ error }) => error !== null && OLD_DRIVER?.test(error))) {
      const text = `The NVIDIA driver ${driver} is too old for this build, so its card cannot encode.`;
      return { level: 'partial', trouble: 'old-driver', text };
    }
    if (cards.every(({ error }) => error === COMPILED_OUT))
      return { level: 'partial', trouble: 'no-nvenc', text: 'It was built without the encoders of NVIDIA cards.' };
  }
  return { level: 'good', trouble: null, text: `Test encodes passed: ${working.join(', ')}.` };
}

const LEVELS = ['useless', 'partial', 'good'] as const;

/** Whether the first ffmpeg is worth taking the place of the second, or of none. */
export const isBetter = ({ level }: Verdict, than: Verdict | null): boolean =>
  LEVELS.indexOf(level) > LEVELS.indexOf(than?.level ?? 'useless');

/**
 * Names of the packages that a simulation says would be installed, changed or taken away. Null when that is not what was
 * said: then nothing is known, and nothing may be done.
 */
export function packagesIn(manager: Exclude<PackageManager, 'brew'>, simulation: string): string[] | null {
  const lines = simulation.split(/\r?\n/);
  const read = (pattern: RegExp): string[] => lines.flatMap((line) => pattern.exec(line)?.[1] ?? []);
  if (manager === 'apt') return orNull(read(/^(?:Inst|Remv|Purg) (\S+)/));
  if (manager === 'apk') return orNull(read(/^\(\d+\/\d+\) [A-Z][a-z]+ (\S+)/));
  const [from, to] = [/^ ?Package +Arch/, /^Transaction Summary/].map((mark) =>
    lines.findIndex((line) => mark.test(line)),
  );
  if (from === undefined || to === undefined || from < 0 || to < from) return null;
  // A long name stands alone on its line, so whatever begins a line is taken for one.
  const named = lines
    .slice(from + 1, to)
    .flatMap((line) => /^ *(?:replacing +)?([^\s=:]+)(?: |$)/.exec(line)?.[1] ?? []);
  return orNull(named);
}

const orNull = (names: string[]): string[] | null => (names.length > 0 ? names : null);

const UNTOUCHABLE =
  /nvidia|^(?:lib)?cuda|^(?:lib)?nvcuvid|^kernel|^kmod-|^akmod|^linux-(?:image|headers|modules|generic|firmware|signed|lts|virt|edge|stable|rpi)|^raspberrypi-kernel/i;

/** Those of these packages that belong to a kernel or a graphics driver, which MediaFlow never touches. */
export const untouchable = (packages: readonly string[]): string[] => packages.filter((name) => UNTOUCHABLE.test(name));

/** Negative, zero or positive, as numbers between points compare: `2.9` is less than `2.28`. */
export function compareVersions(a: string, b: string): number {
  const [left, right] = [a, b].map((text) => text.split('.').map((part) => Number.parseInt(part, 10) || 0));
  for (let at = 0; at < Math.max(left?.length ?? 0, right?.length ?? 0); at++) {
    const difference = (left?.[at] ?? 0) - (right?.[at] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}
