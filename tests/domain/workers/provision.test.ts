import { expect } from 'chai';
import { ENCODERS } from '../../../src/domain/presets/encoders.js';
import {
  buildsFor,
  buildsIn,
  compareVersions,
  isBetter,
  judge,
  packagesIn,
  untouchable,
  waysFor,
  type ProvisionFacts,
} from '../../../src/domain/workers/provision.js';
import type { EncoderSupport } from '../../../src/domain/workers/worker.js';

const DEBIAN: ProvisionFacts = {
  ...{ system: 'linux', machine: 'x86_64', families: ['debian'], glibc: '2.36', isRoot: true, maySudo: false },
  ...{ programs: ['curl', 'tar', 'xz', 'apt-get'], driver: null },
};
const FEDORA = { families: ['fedora'], glibc: '2.40', programs: ['curl', 'tar', 'xz', 'dnf'] };
const ALPINE = { families: ['alpine'], glibc: null, programs: ['wget', 'tar', 'apk'] };
const MAC = { system: 'darwin', families: [], glibc: null, isRoot: false, programs: ['curl', 'tar', 'brew'] } as const;

/** Facts that differ from Debian 12 as root, the ways in order, and what is typed by hand. */
const MACHINES: [string, Partial<ProvisionFacts>, string[], string][] = [
  ['Debian 12 as root', {}, ['linux64', 'apt'], 'sudo apt-get install ffmpeg'],
  ['Ubuntu without sudo', { families: ['ubuntu', 'debian'], isRoot: false }, ['linux64'], 'sudo apt-get install ffmpeg'],
  ['Ubuntu with sudo', { families: ['ubuntu', 'debian'], isRoot: false, maySudo: true }, ['linux64', 'apt by sudo'], 'sudo apt-get'],
  ['a Debian child that names only its parent', { families: ['mint', 'ubuntu'] }, ['linux64', 'apt'], 'sudo apt-get'],
  ['Debian without xz', { programs: ['wget', 'tar', 'apt-get'] }, ['apt'], 'sudo apt-get'],
  ['Debian that loads with wget', { programs: ['wget', 'tar', 'xz', 'apt-get'] }, ['linux64', 'apt'], 'sudo apt-get'],
  ['Debian that loads with nothing', { programs: ['tar', 'xz', 'apt-get'] }, ['apt'], 'sudo apt-get'],
  ['a Raspberry Pi', { machine: 'aarch64' }, ['linuxarm64', 'apt'], 'sudo apt-get'],
  ['an old Raspberry Pi', { machine: 'armv7l' }, ['apt'], 'sudo apt-get'],
  ['an old glibc', { glibc: '2.9' }, ['apt'], 'sudo apt-get'],
  ['RHEL 8', { families: ['rhel', 'fedora'], glibc: '2.28', programs: ['curl', 'tar', 'xz', 'dnf'] }, ['linux64', 'dnf'], 'sudo dnf'],
  ['Fedora', FEDORA, ['linux64', 'dnf'], 'sudo dnf install ffmpeg-free'],
  ['Fedora with an apt-get', { ...FEDORA, programs: [...FEDORA.programs, 'apt-get'] }, ['linux64', 'dnf'], 'sudo dnf'],
  ['Alpine', ALPINE, ['apk'], 'apk add ffmpeg'],
  ['Alpine without root', { ...ALPINE, isRoot: false }, [], 'apk add ffmpeg'],
  ['a Mac with Apple silicon', { ...MAC, machine: 'arm64' }, ['brew'], 'brew install ffmpeg'],
  ['a Mac with Intel', MAC, ['brew'], 'brew install ffmpeg'],
  ['a Mac as root', { ...MAC, isRoot: true }, [], 'brew install ffmpeg'],
  ['a Mac without Homebrew', { ...MAC, programs: ['curl'] }, [], 'brew install ffmpeg'],
  ['an unknown Linux', { families: ['arch'], programs: ['curl', 'tar', 'xz', 'pacman'] }, ['linux64'], 'https://ffmpeg.org'],
  ['FreeBSD', { system: 'other', machine: 'amd64', families: [], glibc: null }, [], 'https://ffmpeg.org'],
]; // prettier-ignore

describe('the way to an ffmpeg', () => {
  for (const [name, change, expected, byHand] of MACHINES) {
    it(`of ${name}`, () => {
      const { ways, closed, byHand: typed } = waysFor({ ...DEBIAN, ...change });
      const words = ways.map((way) =>
        way.kind === 'static' ? way.target : `${way.manager}${way.needsSudo ? ' by sudo' : ''}`,
      );
      expect(words).to.deep.equal(expected);
      expect(ways.length + closed.length).to.equal(2);
      expect(typed).to.contain(byHand);
    });
  }

  const SUM = 'a'.repeat(64);
  const LISTED = ['n7.1', 'n8.1', 'n9.0', 'n10.0']
    .flatMap((line) => [
      `${SUM}  ffmpeg-${line}-latest-linux64-gpl-${line.slice(1)}.tar.xz`,
      `${SUM}  ffmpeg-${line}-latest-linux64-lgpl-${line.slice(1)}.tar.xz`,
      `${SUM}  ffmpeg-${line}-latest-linux64-gpl-shared-${line.slice(1)}.tar.xz`,
      `${SUM}  ffmpeg-${line}-latest-win64-gpl-${line.slice(1)}.zip`,
    ])
    .concat(`${SUM}  ffmpeg-master-latest-linux64-gpl.tar.xz`, `${SUM} *ffmpeg-n8.1-latest-linuxarm64-gpl-8.1.tar.xz`)
    .concat(`${SUM}  ffmpeg-n8.1-latest-linux64-gpl-8.1/../../x.tar.xz`, 'short  ffmpeg-n8.1-latest-linux64-gpl-8.1.tar.xz')
    .join('\n'); // prettier-ignore

  it('reads of a release only its static builds of release lines, the newest first', () => {
    expect(buildsIn(LISTED, 'linux64').map(({ line }) => line)).to.deep.equal(['10.0', '9.0', '8.1', '7.1']);
    expect(buildsIn(LISTED, 'linuxarm64')).to.deep.equal([
      { line: '8.1', name: 'ffmpeg-n8.1-latest-linuxarm64-gpl-8.1', sha256: SUM },
    ]);
    expect(buildsIn('<html>', 'linux64')).to.deep.equal([]);
  });

  const DRIVERS: [string | null, string[]][] = [
    [null, ['10.0']],
    ['615.10', ['10.0', '9.0', '8.1', '7.1']],
    ['610.00', ['10.0', '9.0', '8.1', '7.1']],
    ['580.173.02', ['8.1', '7.1']],
    ['570', ['8.1', '7.1']],
    ['550.163.01', ['7.1']],
    ['470.57.02', ['7.1']],
    ['390.77', ['7.1']],
  ];
  for (const [driver, lines] of DRIVERS) {
    it(`takes ${lines.join(', ')} with NVIDIA driver ${driver ?? 'none'}`, () => {
      expect(buildsFor(buildsIn(LISTED, 'linux64'), driver).map(({ line }) => line)).to.deep.equal(lines);
    });
  }

  const encoders = (change: Record<string, string | null> = {}): EncoderSupport[] =>
    ENCODERS.map(({ name }) => {
      const error = name in change ? (change[name] ?? null) : name.startsWith('lib') ? null : COMPILED_OUT;
      return { name, works: error === null, tenBit: error === null, error, device: null };
    });
  const COMPILED_OUT = 'this ffmpeg was built without it';
  const OLD = 'Driver does not support the required nvenc API version. Required: 13.0 Found: 12.1';
  const nvenc = (error: string | null): Record<string, string | null> => ({
    ...{ hevc_nvenc: error, h264_nvenc: error, av1_nvenc: error },
  });

  it('takes an ffmpeg as its test encodes take it', () => {
    expect(judge(encoders(), null)).to.include({ level: 'good', trouble: null });
    expect(judge(encoders({ libx264: 'no', libx265: 'no' }), null))
      .to.include({ level: 'partial', trouble: 'no-encoder' })
      .and.have.property('text', 'It cannot encode with libx265, libx264.');
    expect(judge(encoders({ libx264: 'a', libx265: 'b', libsvtav1: 'c' }), null)).to.include({ level: 'useless' });
    expect(judge([], null)).to.include({ level: 'useless' });
    expect(judge(encoders(nvenc(OLD)), '535.1')).to.include({ level: 'partial', trouble: 'old-driver' });
    expect(judge(encoders(nvenc(OLD)), null), 'no card').to.include({ level: 'good' });
    expect(judge(encoders(), '535.1')).to.include({ level: 'partial', trouble: 'no-nvenc' });
    expect(judge(encoders({ hevc_nvenc: null }), '535.1'), 'no AV1').to.include({ level: 'good' });
    expect(judge(encoders(nvenc('No capable devices found')), '535.1'), 'no build helps').to.include({ level: 'good' });
    expect(isBetter(judge(encoders(), null), judge(encoders({ libx264: 'no' }), null))).to.equal(true);
    expect(isBetter(judge(encoders(), null), judge(encoders(), null))).to.equal(false);
    expect(isBetter(judge(encoders({ libx264: 'no' }), null), null)).to.equal(true);
    expect(isBetter(judge([], null), null)).to.equal(false);
  });

  it('compares versions by their numbers', () => {
    expect(compareVersions('2.9', '2.28')).to.be.lessThan(0);
    expect(compareVersions('570', '570.00')).to.equal(0);
    expect(compareVersions('10.0', '9.1')).to.be.greaterThan(0);
  });
});

const APT = `Reading package lists...
The following NEW packages will be installed:
  ffmpeg libx265-199
Inst libx265-199 (3.5-2+b1 Debian:12.15/oldstable [amd64])
Inst ffmpeg (7:5.1.9-0+deb12u1 Debian:12.15/oldstable [amd64])
Conf libx265-199 (3.5-2+b1 Debian:12.15/oldstable [amd64])
`;
const DNF = `Last metadata expiration check: 0:00:11 ago.
Dependencies resolved.
================================================================================
 Package            Arch       Version               Repository            Size
================================================================================
Installing:
 ffmpeg-free        x86_64     6.1.2-1.fc40          updates              1.8 M
Installing dependencies:
 libavcodec-free    x86_64     6.1.2-1.fc40          updates              4.1 M
 a-name-that-is-too-long-for-its-column
                    noarch     1.0-1.fc40            updates               10 k

Transaction Summary
================================================================================
Install  3 Packages

Operation aborted.
`;
const APK = `(1/2) Installing aom-libs (3.9.1-r0)
(2/2) Installing ffmpeg (6.1.1-r8)
OK: 98 MiB in 60 packages
`;

describe('what a package manager would do', () => {
  it('is read from its simulation', () => {
    expect(packagesIn('apt', APT)).to.deep.equal(['libx265-199', 'ffmpeg']);
    expect(packagesIn('apk', APK)).to.deep.equal(['aom-libs', 'ffmpeg']);
    expect(packagesIn('dnf', DNF)).to.include.members([
      'ffmpeg-free',
      'libavcodec-free',
      'a-name-that-is-too-long-for-its-column',
    ]);
  });

  it('is unknown when nothing of it can be read', () => {
    for (const manager of ['apt', 'dnf', 'apk'] as const) {
      expect(packagesIn(manager, ''), manager).to.equal(null);
      expect(packagesIn(manager, 'No match for argument: ffmpeg\nNothing to do.\n'), manager).to.equal(null);
    }
  });

  const FORBIDDEN: ['apt' | 'dnf' | 'apk', string, string][] = [
    ['apt', APT.replace('Inst libx265-199', 'Inst nvidia-driver-550'), 'nvidia-driver-550'],
    ['apt', `${APT}Remv libnvidia-encode1 [535.1]\n`, 'libnvidia-encode1'],
    ['apt', `${APT}Inst linux-image-6.1.0-30-amd64 [6.1] (6.1 Debian [amd64])\n`, 'linux-image-6.1.0-30-amd64'],
    ['apt', `${APT}Inst libcuda1 (535 Debian [amd64])\n`, 'libcuda1'],
    ['apt', `${APT}Inst cuda-toolkit-12 (12 NVIDIA [amd64])\n`, 'cuda-toolkit-12'],
    ['dnf', DNF.replace('libavcodec-free ', 'kernel-core '), 'kernel-core'],
    ['dnf', DNF.replace('a-name-that-is-too-long-for-its-column', 'xorg-x11-drv-nvidia-cuda-libs'), 'xorg-x11-drv-nvidia-cuda-libs'],
    ['dnf', DNF.replace(' a-name', '   replacing  akmod-nvidia.x86_64 1.0\n a-name'), 'akmod-nvidia.x86_64'],
    ['apk', APK.replace('Installing aom-libs', 'Upgrading linux-lts'), 'linux-lts'],
  ]; // prettier-ignore
  for (const [manager, simulation, name] of FORBIDDEN) {
    it(`is refused when ${manager} names ${name}`, () => {
      expect(untouchable(packagesIn(manager, simulation) ?? [])).to.deep.equal([name]);
    });
  }

  it('may be anything else', () => {
    expect(untouchable(packagesIn('apt', APT) ?? [])).to.deep.equal([]);
    expect(untouchable(packagesIn('dnf', DNF) ?? [])).to.deep.equal([]);
    expect(untouchable(['linux-pam', 'linux-libc-dev', 'libdrm-nouveau2', 'ocl-icd-libopencl1'])).to.deep.equal([]);
  });
});
