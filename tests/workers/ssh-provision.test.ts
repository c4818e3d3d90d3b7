import { expect } from 'chai';
import { execa } from 'execa';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { chmod, copyFile, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ProvisionStep } from '../../src/domain/workers/provision.js';
import type { Capabilities } from '../../src/domain/workers/worker.js';
import { findProgram } from '../../src/ffmpeg/program.js';
import { SshExecutor } from '../../src/workers/ssh.js';
import { playedNvenc } from '../support/played-nvenc.js';
import { SmallDisk } from '../support/small-disk.js';
import { Sshd } from '../support/sshd.js';

const never = (): AbortSignal => new AbortController().signal;
const ARCH = process.arch === 'arm64' ? 'linuxarm64' : 'linux64';
const OLD_DRIVER = 'Driver does not support the required nvenc API version. Required: 13.0 Found: 12.1';

/** An ffmpeg that says of every encode that it went well, after `first`. */
const played = (version: string, first = ''): string => `#!/bin/sh
case " $* " in *" -version "*) echo "ffmpeg version ${version} Copyright"; exit 0 ;; esac
${first}
`;
/** One that has no software encoder of H.264, as builds have that are free in every country. */
const poor = (version: string): string =>
  played(version, `case " $* " in *" libx264 "*) echo "[error] Unknown encoder 'libx264'" >&2; exit 1 ;; esac`);

/** One that is found and does not run. */
const BROKEN = '#!/bin/sh\nexit 1\n';

/** A release as it lies on the web, on a port of this machine. */
class Release {
  readonly asked: string[] = [];
  /** Builds begin to arrive and never end. */
  isStuck = false;
  readonly #files = new Map<string, Buffer>();
  readonly #server: Server;

  private constructor(server: Server) {
    this.#server = server;
    server.on('request', ({ url = '' }: { url?: string }, response) => {
      this.asked.push(url);
      const file = this.#files.get(url.slice(1));
      if (this.isStuck && url.endsWith('.xz')) {
        response.writeHead(200, { 'Content-Length': 1e6 }).write('begun');
        return;
      }
      response.writeHead(file ? 200 : 404).end(file);
    });
  }

  static async open(): Promise<Release> {
    const release = new Release(createServer());
    await new Promise<void>((resolve) => release.#server.listen(0, '127.0.0.1', resolve));
    return release;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Adds a build whose ffmpeg is this script; `sha256` is what the release says of it, by default the truth. */
  async add(line: string, script: string, sha256?: string): Promise<void> {
    const name = `ffmpeg-n${line}-latest-${ARCH}-gpl-${line}`;
    const dir = await mkdtemp(join(tmpdir(), 'release-'));
    await mkdir(join(dir, name, 'bin'), { recursive: true });
    await writeFile(join(dir, name, 'bin', 'ffmpeg'), script, { mode: 0o755 });
    await execa('tar', ['-cJf', `${name}.tar.xz`, name], { cwd: dir });
    const archive = await readFile(join(dir, `${name}.tar.xz`));
    await rm(dir, { recursive: true });
    const before = this.#files.get('checksums.sha256')?.toString() ?? '';
    const sum = sha256 ?? createHash('sha256').update(archive).digest('hex');
    this.#files.set('checksums.sha256', Buffer.from(`${before}${sum}  ${name}.tar.xz\n`));
    this.#files.set(`${name}.tar.xz`, archive);
  }

  async close(): Promise<void> {
    const closed = once(this.#server, 'close');
    this.#server.close();
    this.#server.closeAllConnections();
    await closed;
  }
}

/** A machine without ffmpeg, with an apt-get that is played: the real one is out of reach. */
class Bare {
  readonly sshd: Sshd;
  readonly dir: string;
  readonly release: Release;
  readonly steps: ProvisionStep[] = [];

  private constructor(sshd: Sshd, dir: string, release: Release) {
    this.sshd = sshd;
    this.dir = dir;
    this.release = release;
  }

  /** Null where this user may not hide programs from others. */
  static async start(hidden: readonly string[] = []): Promise<Bare | null> {
    const dir = await mkdtemp(join(tmpdir(), 'mediaflow-bare-'));
    await mkdir(join(dir, 'bin'));
    await copyFile(await findProgram('ffmpeg'), join(dir, 'real'));
    const without = ['/usr/bin/ffmpeg', '/usr/bin/ffprobe', '/usr/bin/apt-get', ...hidden];
    const sshd = await Sshd.start({ without, path: `${dir}/bin:/usr/bin:/bin` }).catch(() => null);
    if (sshd === null) {
      await rm(dir, { recursive: true });
      return null;
    }
    const bare = new Bare(sshd, dir, await Release.open());
    await bare.program('apt-get', 'exit 1');
    return bare;
  }

  /** A program in the path of logins. */
  async program(name: string, script: string): Promise<void> {
    await writeFile(join(this.dir, 'bin', name), `#!/bin/sh\n${script}\n`);
    await chmod(join(this.dir, 'bin', name), 0o755);
  }

  /** An apt-get that notes what it is asked, would install these packages, and puts an ffmpeg into the path. */
  async aptGet(...packages: string[]): Promise<void> {
    const lines = ['ffmpeg', ...packages].map((name) => `echo "Inst ${name} (1 Debian [amd64])"`).join('\n');
    await this.program(
      'apt-get',
      `echo "$DEBIAN_FRONTEND $*" >> "${this.dir}/apt-get.asked"
case "$*" in
  *-s*) ${lines} ;;
  *install*) cp "${this.dir}/package" "${this.dir}/bin/ffmpeg" ;;
esac`,
    );
    await writeFile(join(this.dir, 'package'), played('5.1-package'), { mode: 0o755 });
  }

  aptAsked(): Promise<string> {
    return readFile(join(this.dir, 'apt-get.asked'), 'utf8').catch(() => '');
  }

  /** The real ffmpeg, with another version. */
  real(version: string): string {
    return played(version, `exec "${join(this.dir, 'real')}" "$@"`);
  }

  /** A card whose driver has this version. */
  async card(driver: string): Promise<void> {
    await this.program('nvidia-smi', `echo "NVIDIA T4, ${driver}, 15360"`);
  }

  get root(): string {
    return join(this.sshd.dir, 'scratch', 'mediaflow-test');
  }

  /** Puts a script where MediaFlow puts its own. */
  async own(script: string): Promise<void> {
    await mkdir(join(this.root, 'bin'), { recursive: true });
    await writeFile(join(this.root, 'bin', 'ffmpeg'), script, { mode: 0o755 });
  }

  /** The script that MediaFlow has there for its own. */
  owned(name = 'ffmpeg'): Promise<string> {
    return readFile(join(this.root, 'bin', name), 'utf8');
  }

  async executor(releaseUrl = this.release.url, scratchDir = join(this.sshd.dir, 'scratch')): Promise<SshExecutor> {
    const { host, port, username, privateKey } = this.sshd;
    const address = { host, port, username, hostKey: await this.sshd.fingerprint() };
    return new SshExecutor({
      address: { ...address, auth: { kind: 'key', privateKey } },
      ...{ scratchDir, folderName: 'mediaflow-test', maxMbps: null, pollMs: 100, patienceMs: 2000, releaseUrl },
    });
  }

  #executing: SshExecutor | null = null;

  /** As when MediaFlow stops. */
  async stop(): Promise<void> {
    await this.#executing?.close();
  }

  /** What came out: the machine, or the error's message. */
  async provision(releaseUrl?: string, scratchDir?: string): Promise<Capabilities | string> {
    const executor = await this.executor(releaseUrl, scratchDir);
    this.#executing = executor;
    try {
      return await executor.provision((step) => {
        const at = this.steps.findIndex(({ name }) => name === step.name);
        if (at < 0) this.steps.push(step);
        else this.steps[at] = step;
      }, never());
    } catch (error) {
      return (error as Error).message;
    } finally {
      await executor.close();
    }
  }

  /** The version that a test of the worker finds afterwards; null for none. */
  async found(): Promise<string | null> {
    const executor = await this.executor();
    const health = await executor.check(never());
    await executor.close();
    return health.ok ? health.ffmpegVersion : null;
  }

  /** Steps as `name: state`. */
  told(): string[] {
    return this.steps.map(({ name, state }) => `${name}: ${state}`);
  }

  stepOf(name: string): ProvisionStep | undefined {
    return this.steps.find((step) => step.name === name);
  }

  async close(): Promise<void> {
    await this.sshd.close();
    await this.release.close();
    await rm(this.dir, { recursive: true });
  }
}

describe('an ffmpeg for a worker, over SSH', () => {
  let bare: Bare;
  beforeEach(async function () {
    const hidden = this.currentTest?.title.includes('wget') ? ['/usr/bin/curl'] : [];
    const started = await Bare.start(hidden);
    if (!started) return this.skip();
    bare = started;
  });
  afterEach(async function () {
    if (this.currentTest?.isPending()) return;
    const left = await readdir(bare.root).catch(() => []);
    await bare.close();
    expect(left.filter((name) => name !== 'bin' && name !== 'jobs')).to.deep.equal([]);
  });
  const versionOf = (made: Capabilities | string): string | null =>
    typeof made === 'string' ? made : made.ffmpegVersion;

  it('is a static build in our own folder, which every later look finds', async () => {
    await bare.release.add('7.1', played('n7.1'));
    await bare.release.add('8.1', bare.real('n8.1.3'));
    const made = await bare.provision();
    expect(versionOf(made)).to.equal('n8.1.3');
    expect(made).to.have.property('encoders').that.deep.includes({ name: 'libx265', works: true, tenBit: true, error: null, device: null }); // prettier-ignore
    expect(bare.told()).to.deep.equal([
      'Inspect the worker: done',
      'Look for ffmpeg: done',
      'Ask for builds of ffmpeg: done',
      'Download ffmpeg 8.1: done',
      'Compare the checksum of ffmpeg 8.1: done',
      'Try ffmpeg 8.1: done',
      'Put it in its place: done',
    ]);
    expect(bare.stepOf('Try ffmpeg 8.1')?.log).to.contain('ffmpeg version n8.1.3').and.to.contain('libx265: works');
    expect(bare.release.asked.filter((url) => url.includes('7.1'))).to.deep.equal([]);
    expect(await readdir(join(bare.root, 'bin'))).to.deep.equal(['ffmpeg']);
    expect(await bare.found()).to.equal('n8.1.3');
    expect(await bare.aptAsked()).to.equal('');
  });

  it('is left alone when it works', async () => {
    await bare.own(played('mine'));
    expect(versionOf(await bare.provision())).to.equal('mine');
    expect(bare.told().at(-1)).to.equal('Install ffmpeg: skipped');
    expect(bare.release.asked).to.deep.equal([]);
  });

  it('is not what arrived under a wrong checksum', async () => {
    await bare.own(BROKEN);
    await bare.release.add('8.1', played('n8.1'), 'f'.repeat(64));
    const made = await bare.provision();
    expect(made).to.match(/not the build that the release lists: [0-9a-f]{64} instead of f{64}.*by hand.*apt-get install ffmpeg/); // prettier-ignore
    expect(bare.told())
      .to.include('Compare the checksum of ffmpeg 8.1: failed')
      .and.not.to.include('Try ffmpeg 8.1: done');
    expect(await bare.owned()).to.equal(BROKEN);
  });

  it('is of an older line when the driver is too old for the newest, loaded with wget', async () => {
    await bare.own(BROKEN);
    await bare.card('575.57.08');
    const refused = `case " $* " in *_nvenc*) echo '[hevc_nvenc @ 0x5] [error] ${OLD_DRIVER}' >&2; exit 1 ;; esac`;
    const lists = `case " $* " in *" -encoders "*) echo ' V....D hevc_nvenc NVIDIA'; exit 0 ;; esac`;
    await bare.release.add('8.1', played('n8.1', `${lists}\n${refused}`));
    await bare.release.add('9.0', played('n9.0'));
    const { path } = await playedNvenc(join(bare.dir, 'old'), { hasSoftware: true });
    const older = (await readFile(path, 'utf8'))
      .replace(/(" -c:v:0 "\*\)) exec .*/, '$1 exit 0 ;;')
      .replaceAll(await findProgram('ffmpeg'), join(bare.dir, 'real'));
    await bare.release.add('7.1', older);
    const made = await bare.provision();
    expect(made).to.have.property('encoders').that.deep.includes({ name: 'hevc_nvenc', works: true, tenBit: true, error: null, device: null }); // prettier-ignore
    expect(bare.stepOf('Try ffmpeg 8.1'))
      .to.include({ state: 'done' })
      .and.have.property('text')
      .that.contains('575.57.08 is too old');
    expect(bare.told()).to.include('Try ffmpeg 7.1: done').and.not.to.include('Download ffmpeg 9.0: done');
    expect(await bare.owned()).to.equal(older);
    expect(await bare.owned('ffmpeg.previous'), 'one is kept').to.equal(BROKEN);
  });

  it('stays the old one when the new one does not run', async () => {
    await bare.own(BROKEN);
    await bare.release.add('8.1', `#!/bin/sh\necho 'GLIBC_2.99 not found' >&2\nexit 127\n`);
    expect(await bare.provision()).to.contain('It does not run there. GLIBC_2.99 not found.');
    expect(bare.told()).to.include('Try ffmpeg 8.1: failed');
    expect(await bare.owned()).to.equal(BROKEN);
  });

  it('is the old one again when the new one does not run in its place', async () => {
    await bare.own(BROKEN);
    await bare.release.add('9.0', `#!/bin/sh\ncase $0 in */bin/*) exit 126 ;; esac\n${played('n9.0')}`);
    expect(await bare.provision()).to.contain('does not run in its place');
    expect(bare.told()).to.include('Put it in its place: failed');
    expect(await bare.owned()).to.equal(BROKEN);
  });

  it('is the package where no release is reached, and ours goes out of its way', async () => {
    await bare.own(BROKEN);
    await bare.aptGet('libx265-199');
    expect(versionOf(await bare.provision('http://127.0.0.1:1'))).to.equal('5.1-package');
    expect((await bare.aptAsked()).trim().split('\n')).to.deep.equal([
      'noninteractive -o DPkg::Lock::Timeout=300 update',
      'noninteractive -s -o DPkg::Lock::Timeout=300 install -y --no-install-recommends --no-remove ffmpeg',
      'noninteractive -o DPkg::Lock::Timeout=300 install -y --no-install-recommends --no-remove ffmpeg',
    ]);
    expect(bare.told()).to.include('Ask for builds of ffmpeg: failed').and.to.include('Install it with apt: done');
    expect(await readdir(join(bare.root, 'bin'))).to.deep.equal(['ffmpeg.previous']);
  });

  it('is given up when MediaFlow stops, and nothing goes on there', async () => {
    await bare.release.add('8.1', played('n8.1'));
    bare.release.isStuck = true;
    const made = bare.provision();
    while (!bare.stepOf('Download ffmpeg 8.1')?.text.includes('so far')) await sleep(20);
    await bare.stop();
    expect(await made).to.equal('MediaFlow is stopping.');
    const { stdout } = await execa('ps', ['-eo', 'args']);
    expect(stdout).not.to.contain(bare.release.url);
  });

  it('is no package that would bring a driver', async () => {
    await bare.own(BROKEN);
    await bare.aptGet('nvidia-driver-550');
    await bare.program('id', 'echo 1000');
    await bare.program('sudo', `echo "$*" >> "${bare.dir}/sudo.asked"; shift; exec "$@"`);
    expect(await bare.provision('http://127.0.0.1:1')).to.contain('apt would touch nvidia-driver-550');
    const bySudo = await readFile(join(bare.dir, 'sudo.asked'), 'utf8');
    expect(bySudo).to.contain('-n env LC_ALL=C DEBIAN_FRONTEND=noninteractive NEEDRESTART_SUSPEND=1 apt-get -s');
    expect(bare.told()).to.include('Ask apt what it would do: failed').and.not.to.include('Install it with apt: done');
    expect((await bare.aptAsked()).split('\n').filter((line) => line.includes(' install ') && !line.includes('-s'))).to.deep.equal([]); // prettier-ignore
    expect(await bare.owned()).to.equal(BROKEN);
  });

  it('is no package that is worse than what is there', async () => {
    await bare.own(poor('mine'));
    await bare.aptGet();
    await writeFile(join(bare.dir, 'package'), poor('package'), { mode: 0o755 });
    expect(await bare.provision('http://127.0.0.1:1')).to.match(/cannot encode with libx264.*is there still/);
    expect(await bare.owned()).to.equal(poor('mine'));
  });

  it('is not loaded to where there is no room', async function () {
    const disk = await SmallDisk.mount(8);
    if (!disk) return this.skip();
    // What is mounted later, a machine does not see.
    const machine = await Bare.start();
    try {
      await machine?.release.add('8.1', played('n8.1'));
      const made = await machine?.provision(undefined, disk.path);
      expect(made).to.match(/has \d MB free; a build of ffmpeg needs 700 MB/);
      expect(machine?.release.asked).to.deep.equal(['/checksums.sha256']);
    } finally {
      await machine?.close();
      await disk.unmount();
    }
  });
});
