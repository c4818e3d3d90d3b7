import { expect } from 'chai';
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { SshAddress } from '../../src/ssh/connect.js';
import { ReconnectingSsh } from '../../src/ssh/reconnecting.js';
import { readDescription, readState } from '../../src/ssh/machine-scripts.js';
import { lanesFor } from '../../src/ssh/transfer.js';
import { SshExecutor, type SshWorkerOptions } from '../../src/workers/ssh.js';
import { SshMachine } from '../../src/workers/ssh-machine.js';
import { Sshd } from '../support/sshd.js';
import { TcpProxy } from '../support/tcp-proxy.js';

const NOW = new Date('2026-11-27T12:00:00.000Z');
const never = new AbortController().signal;
const failureOf = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => 'it went well',
    (error: unknown) => error,
  );

async function program(path: string, text: string): Promise<void> {
  await writeFile(path, `#!/bin/sh\n${text}\n`);
  await chmod(path, 0o755);
}

/** All programs of this machine but those that the tests put there themselves, and a shell that looks nowhere else. */
async function bareTools(dir: string): Promise<void> {
  await mkdir(dir);
  const left = ['sh', 'ffmpeg', 'nvidia-smi', 'lspci'];
  const names = new Set([...(await readdir('/bin')), ...(await readdir('/usr/bin'))]);
  for (const name of names) if (!left.includes(name)) await symlink(join('/usr/bin', name), join(dir, name));
  const elsewhere = String.raw`sed 's#\$PATH:/[^ ]*#$PATH#'`;
  await program(join(dir, 'sh'), `text=$(printf '%s' "$2" | /bin/${elsewhere})\nshift 2\nexec /bin/sh -c "$text" "$@"`);
}

describe('a machine reached over SSH', () => {
  /** One program at a time, as some servers allow. */
  let sshd: Sshd;
  /** Has neither ffmpeg nor tools of graphics cards, but what a test puts into `fakes`. */
  let bare: Sshd;
  let dir: string;
  let fakes: string;
  let outerTmp: string | undefined;
  const open: { close: () => unknown }[] = [];

  before(async () => {
    dir = await mkdtemp(join(tmpdir(), 'mediaflow-machine-'));
    fakes = join(dir, 'fakes');
    await bareTools(join(dir, 'tools'));
    sshd = await Sshd.start({ config: ['MaxSessions 1'] });
    bare = await Sshd.start({ path: `${fakes}:${join(dir, 'tools')}` });
    outerTmp = process.env['TMPDIR'];
    await mkdir(join(dir, 'tmp'));
    process.env['TMPDIR'] = join(dir, 'tmp');
  });
  after(async () => {
    if (outerTmp === undefined) delete process.env['TMPDIR'];
    else process.env['TMPDIR'] = outerTmp;
    await sshd.close();
    await bare.close();
    await rm(dir, { recursive: true, force: true });
  });
  beforeEach(() => mkdir(fakes));
  afterEach(async () => {
    for (const each of open.splice(0)) await each.close();
    await rm(fakes, { recursive: true });
    await rm(join(dir, 'scratch'), { recursive: true, force: true });
  });

  const addressOf = async (server: Sshd, port = server.port): Promise<SshAddress> => ({
    ...{ host: server.host, port, username: server.username, hostKey: await server.fingerprint() },
    auth: { kind: 'key', privateKey: server.privateKey },
  });
  const make = (address: SshAddress, change: Partial<SshWorkerOptions> = {}): SshExecutor => {
    const options = { scratchDir: join(dir, 'scratch'), folderName: 'mediaflow-test', maxMbps: null };
    const executor = new SshExecutor({ ...options, address, now: () => NOW, ...change });
    open.push(executor);
    return executor;
  };
  const leftHere = (): Promise<string[]> => readdir(join(dir, 'tmp'));
  const leftThere = (): Promise<string[]> => readdir(join(dir, 'scratch', 'mediaflow-test', 'jobs'));
  const through = async (server: Sshd): Promise<TcpProxy> => {
    const proxy = await TcpProxy.start(server);
    open.push(proxy);
    return proxy;
  };

  describe('how it is', () => {
    it('says what this machine has to do, before there is a folder of ours and after', async () => {
      const executor = make(await addressOf(sshd));
      const metrics = await executor.measure(never);
      const total = Number(/MemTotal: +(\d+)/.exec(await readFile('/proc/meminfo', 'utf8'))?.[1]) * 1024;
      expect(metrics.cpuPercent).to.be.within(0, 100);
      expect(metrics.memoryBytes).to.equal(total);
      expect(metrics.memoryUsedBytes).to.be.within(1, total);
      expect(metrics.scratchFreeBytes).to.be.above(0);
      expect(metrics.at).to.equal(NOW.toISOString());
      expect(await readdir(dir)).not.to.include('scratch');
      await executor.sweep([], never);
      expect((await executor.measure(never)).scratchFreeBytes).to.be.above(0);
    });

    it('tells of the busiest card, and is silent about one that does not answer as it should', async () => {
      const executor = make(await addressOf(bare));
      const card = async (text: string): Promise<[number | null, number | null]> => {
        await program(join(fakes, 'nvidia-smi'), text);
        const { gpuPercent, temperatureC } = await executor.measure(never);
        return [gpuPercent, temperatureC];
      };
      const asked = 'case "$*" in "--query-gpu=utilization.gpu,temperature.gpu --format=csv,noheader,nounits")';
      expect(await card(`${asked} echo '37, 54'; echo '81, 61' ;; esac`)).to.deep.equal([81, 61]);
      expect(await card(`echo '[N/A], 45'`)).to.deep.equal([null, 45]);
      const [load] = await card(`echo '100, [Not Supported]'`);
      expect(load).to.equal(100);
      const failed = `echo "NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver. Make sure that the latest NVIDIA driver is installed and running."; exit 9`;
      expect((await card(failed))[0]).to.equal(null);
      expect(
        (await card(`echo 'Unable to determine the device handle for GPU0000:01:00.0: GPU is lost.'`))[0],
      ).to.equal(null);
    });

    it('answers though nvidia-smi never does, and leaves it alone from then on', async () => {
      const executor = make(await addressOf(bare));
      // What nothing can end: a child that holds the output after its parent was killed.
      const pids = join(dir, 'pids');
      await program(join(fakes, 'nvidia-smi'), `setsid sleep 60 & echo $! >> '${pids}'; wait`);
      const stuck = await executor.measure(never);
      expect([stuck.gpuPercent, stuck.memoryBytes === null]).to.deep.equal([null, false]);
      await executor.measure(never);
      const asked = (await readFile(pids, 'utf8')).trim().split('\n');
      for (const pid of asked) process.kill(Number(pid));
      expect(asked).to.have.length(1);
    });

    it('says at once that nobody answers, whatever its patience', async () => {
      const proxy = await through(sshd);
      proxy.faults.isRefused = true;
      const executor = make(await addressOf(sshd, proxy.port), { patienceMs: 600_000 });
      for (const ask of ['measure', 'probe', 'measureLine'] as const)
        expect(await failureOf(executor[ask](never)), ask).to.have.property('code', 'worker_unreachable');
      const nobody = make({ ...(await addressOf(sshd)), port: 1 }, { patienceMs: 600_000 });
      const error = await failureOf(nobody.measure(never));
      expect(error).to.have.property('code', 'worker_unreachable');
      expect(error).to.have.property('message').that.contains('refuses the connection');
    });

    it('knows a machine that is busy from one that is away', async () => {
      const proxy = await through(sshd);
      const line = new ReconnectingSsh(await addressOf(sshd, proxy.port), 600_000);
      open.push(line);
      const machine = new SshMachine({
        ...{ line, scratchDir: join(dir, 'scratch'), folderName: 'mediaflow-test', maxMbps: null, now: () => NOW },
        answerMs: 1000,
      });
      const shared = await line.shared(never);
      const busy = await shared.script('read line; sleep 30', [], never);
      const metrics = await machine.measure(never);
      expect(metrics).to.deep.equal({
        ...{ cpuPercent: null, gpuPercent: null, memoryUsedBytes: null, memoryBytes: null, scratchFreeBytes: null },
        ...{ temperatureC: null, at: NOW.toISOString() },
      });
      proxy.faults.isFrozen = true;
      expect(await failureOf(machine.measure(never))).to.have.property('code', 'worker_unreachable');
      busy.destroy();
      shared.close();
      expect(await failureOf(machine.measure(never)), 'a new connection').to.have.property(
        'code',
        'worker_unreachable',
      );
    });

    it('says what is wrong with a machine that has no shell as ours', async () => {
      await program(join(fakes, 'xargs'), `echo "'xargs' is not recognized as a command" >&2; exit 1`);
      const executor = make(await addressOf(bare));
      const error = await failureOf(executor.measure(never));
      expect(error).to.have.property('code', 'worker_unavailable');
      expect(error).to.have.property('message').that.contains('not recognized');
    });

    it('ends with its signal', async () => {
      const executor = make(await addressOf(sshd));
      await executor.measure(never);
      const reason = new Error('no longer');
      const abort = new AbortController();
      const measuring = failureOf(executor.measure(abort.signal));
      setTimeout(() => {
        abort.abort(reason);
      }, 100);
      expect(await measuring).to.equal(reason);
    });
  });

  describe('what it is', () => {
    it('says what this machine is and which encoders work, and leaves nothing', async () => {
      const executor = make(await addressOf(sshd));
      const found = await executor.probe(never);
      expect(found.os).to.match(/\w/).and.not.contain('"');
      expect(found.cpu).to.match(/\w/);
      expect(found.cores).to.be.above(0);
      expect(found.memoryBytes).to.be.above(0);
      expect(found.scratchFreeBytes).to.be.above(0);
      expect(found.at).to.equal(NOW.toISOString());
      expect(found.encoders.find(({ name }) => name === 'libx265')).to.include({ works: true, tenBit: true });
      expect(found.ffmpegVersion).to.match(/\d/);
      expect(await readdir(join(dir, 'scratch', 'mediaflow-test'))).to.deep.equal(['jobs']);
    });

    it('does one after the other what uses the same files', async () => {
      const line = new ReconnectingSsh(await addressOf(sshd), 0);
      const machine = new SshMachine({ line, scratchDir: '', folderName: '', maxMbps: null, now: () => NOW });
      const seen: string[] = [];
      const work = (name: string, error?: Error) => async (): Promise<string> => {
        seen.push(`${name} begins`);
        await sleep(5);
        seen.push(`${name} ends`);
        if (error) throw error;
        return name;
      };
      const all = [machine.inTurn(work('a', new Error('no'))), machine.inTurn(work('b')), machine.inTurn(work('c'))];
      expect((await Promise.allSettled(all)).map(({ status }) => status)).to.deep.equal([
        ...['rejected', 'fulfilled', 'fulfilled'],
      ]);
      expect(seen).to.deep.equal(['a begins', 'a ends', 'b begins', 'b ends', 'c begins', 'c ends']);
    });

    it('says it of a machine without ffmpeg, too', async () => {
      const executor = make(await addressOf(bare));
      const found = await executor.probe(never);
      expect(found).to.include({ ffmpegVersion: null }).and.have.deep.property('encoders', []);
      expect(found.cores).to.be.above(0);
      const cards = (await readdir('/sys/class/drm').catch(() => [])).filter((name) => /^card\d+$/.test(name));
      expect(found.gpus).to.have.length(cards.length);
      expect(await executor.check(never)).to.include({ ok: false });
    });

    it('names its cards: by nvidia-smi, or as the bus knows them when that says nothing', async () => {
      const executor = make(await addressOf(bare));
      const asked = 'case "$*" in "--query-gpu=name,driver_version,memory.total --format=csv,noheader,nounits")';
      const told = `echo 'NVIDIA A16-16Q, 550.90.05, 16384'; echo 'NVIDIA GB10, 580.65.06, [N/A]'`;
      await program(
        join(fakes, 'lspci'),
        [
          'cat <<END',
          '00:02.0 VGA compatible controller: Intel Corporation AlderLake-S GT1 (rev 0c)',
          '01:00.0 3D controller: NVIDIA Corporation GA107GL [A2 / A16] (rev a1)',
          '00:1f.3 Audio device: Intel Corporation Alder Lake-S HD Audio Controller (rev 11)',
          'END',
        ].join('\n'),
      );
      await program(join(fakes, 'nvidia-smi'), `${asked} ${told} ;; esac`);
      expect((await executor.probe(never)).gpus).to.deep.equal([
        { name: 'NVIDIA A16-16Q', driver: '550.90.05', memoryBytes: 16_384 * 1024 ** 2 },
        { name: 'NVIDIA GB10', driver: '580.65.06', memoryBytes: null },
      ]);
      const onBus = ['Intel Corporation AlderLake-S GT1', 'NVIDIA Corporation GA107GL [A2 / A16]'];
      await program(
        join(fakes, 'nvidia-smi'),
        `echo "NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver."; exit 9`,
      );
      expect((await executor.probe(never)).gpus.map(({ name }) => name)).to.deep.equal(onBus);
      await rm(join(fakes, 'nvidia-smi'));
      expect((await executor.probe(never)).gpus).to.deep.equal(
        onBus.map((name) => ({ name, driver: null, memoryBytes: null })),
      );
    });
  });

  describe('what its line carries', () => {
    it('is what a line with latency and a limit lets through', async () => {
      const proxy = await through(sshd);
      proxy.faults.latencyMs = 25;
      proxy.faults.bytesPerSec = 2_000_000;
      const executor = make(await addressOf(sshd, proxy.port));
      const line = await executor.measureLine(never);
      expect(line.latencyMs).to.be.at.least(50);
      expect(line.at).to.equal(NOW.toISOString());
      // Every connection has so much to itself in this proxy. What a busy machine leaves of it is not looked at.
      const most = 16 * lanesFor(line.latencyMs);
      for (const mbps of [line.upMbps, line.downMbps]) expect(mbps).to.be.within(0.1, most * 1.2);
      expect([await leftHere(), await leftThere()]).to.deep.equal([[], []]);
    });

    it('is no more than the owner allows, also where that is little', async () => {
      const executor = make(await addressOf(sshd), { maxMbps: 0.4 });
      const { upMbps, downMbps } = await executor.measureLine(never);
      for (const mbps of [upMbps, downMbps]) expect(mbps).to.be.within(0.001, 0.45);
      expect([await leftHere(), await leftThere()]).to.deep.equal([[], []]);
    });

    it('leaves nothing when it is stopped, and is swept when it could not clear up', async () => {
      const executor = make(await addressOf(sshd), { maxMbps: 0.1 });
      const abort = new AbortController();
      const reason = new Error('no longer');
      const measuring = failureOf(executor.measureLine(abort.signal));
      for (let n = 0; n < 500 && !(await leftThere().catch((): string[] => [])).includes('line-test'); n++)
        await sleep(20);
      abort.abort(reason);
      expect(await measuring).to.equal(reason);
      expect([await leftHere(), await leftThere()]).to.deep.equal([[], []]);
      await mkdir(join(dir, 'scratch', 'mediaflow-test', 'jobs', 'line-test'));
      expect(await executor.sweep([], never)).to.deep.equal(['line-test']);
    });
  });
});

describe('what machines say of themselves', () => {
  const answer = (sections: Record<string, string>): string =>
    Object.entries({ ...sections, card: sections['card'] ?? '' })
      .map(([name, text]) => `== ${name}\n${text}\n`)
      .join('');
  const mac = {
    disk: 'Filesystem   1024-blocks      Used Available Capacity  Mounted on\n/dev/disk3s1   482797652 346442924  93317752    79%   /System/Volumes/Data',
    memory: 'hw.memsize: 17179869184',
  };
  const vmStat = `Mach Virtual Memory Statistics: (page size of 16384 bytes)
Pages free:                                4518.
Pages active:                            194947.
Pages inactive:                          191193.
Pages speculative:                         3014.
Pages throttled:                              0.
Pages wired down:                        159117.
Pages purgeable:                            630.
"Translation faults":                 574921966.
Pages copy-on-write:                   38671927.
File-backed pages:                       141843.
Anonymous pages:                         247311.
Pages stored in compressor:             1022243.
Pages occupied by compressor:            454496.
Decompressions:                        73011127.`;
  const nothing = {
    ...{ cpuPercent: null, gpuPercent: null, memoryUsedBytes: null, memoryBytes: null, scratchFreeBytes: null },
    ...{ temperatureC: null, isCardStuck: false },
  };

  it('is read from a Mac', () => {
    const top = 'CPU usage: 12.50% user, 25.0% sys, 62.50% idle \nCPU usage: 7.69% user, 12.37% sys, 79.93% idle ';
    expect(readState(answer({ ...mac, pages: vmStat, top, heat: '' }))).to.deep.equal({
      ...nothing,
      cpuPercent: 20.1,
      memoryBytes: 17_179_869_184,
      memoryUsedBytes: (247_311 - 630 + 159_117 + 454_496) * 16_384,
      scratchFreeBytes: 93_317_752 * 1024,
    });
    const described = readDescription(
      answer({
        ...mac,
        mac: 'ProductName:\t\tmacOS\nProductVersion:\t\t14.6.1\nBuildVersion:\t\t23G93',
        kernel: 'Darwin 23.6.0',
        model: 'model name: Apple M1 Pro\nmachine: arm64',
        cores: '10',
        displays: '      Chipset Model: Apple M1 Pro',
      }),
    );
    expect(described).to.deep.equal({
      ...{ os: 'macOS 14.6.1', cpu: 'Apple M1 Pro', cores: 10, memoryBytes: 17_179_869_184, isCardStuck: false },
      scratchFreeBytes: 93_317_752 * 1024,
      gpus: [{ name: 'Apple M1 Pro', driver: null, memoryBytes: null }],
    });
  });

  it('is read from a Linux machine, whose processor’s heat counts where no card tells its own', () => {
    const linux = {
      disk: 'Filesystem 1024-blocks Used Available Capacity Mounted on\n//nas/my films 3844640660 1 2000 100% /mnt/my films',
      memory:
        'MemTotal:       16000 kB\nMemFree:         1000 kB\nMemAvailable:   12000 kB\nBuffers: 1 kB\nCached: 1 kB',
      processor: 'cpu  100 10 50 800 40 0 0 0 7 0\ncpu  160 10 70 890 70 0 0 0 9 0',
      heat: '27800 acpitz\n61000 x86_pkg_temp\n-128000 cpu_thermal\n35850 nvme\n63500 k10temp',
    };
    expect(readState(`Welcome!\n${answer({ ...linux, card: '5, 44' })}`)).to.deep.equal({
      ...{ cpuPercent: 40, gpuPercent: 5, temperatureC: 44, isCardStuck: false },
      ...{ memoryBytes: 16_384_000, memoryUsedBytes: 4_096_000, scratchFreeBytes: 2_048_000 },
    });
    expect(readState(answer({ ...linux, card: '5, [N/A]' }))?.temperatureC).to.equal(63.5);
    const old = { ...linux, memory: 'MemTotal: 16000 kB\nMemFree: 1000 kB\nBuffers: 500 kB\nCached: 2500 kB' };
    expect(readState(answer(old))?.memoryUsedBytes).to.equal(12_000 * 1024);
    const board = readDescription(
      answer({
        release: "NAME=x\nPRETTY_NAME='Alpine Linux v3.20'",
        model: 'Model\t\t: Raspberry Pi 4 Model B Rev 1.4\nHardware : BCM2835\nmodel name : \nmachine: aarch64',
        drm: '0x8086 i915\n0x1234 bochs-drm\n0x10de',
      }),
    );
    expect(board).to.include({ os: 'Alpine Linux v3.20', cpu: 'Raspberry Pi 4 Model B Rev 1.4', cores: 0 });
    expect(board?.gpus.map(({ name, driver }) => [name, driver])).to.deep.equal([
      ['Intel graphics', 'i915'],
      ['Vendor 0x1234 graphics', 'bochs-drm'],
      ['NVIDIA graphics', null],
    ]);
  });

  it('is unknown where the answer makes no sense, and never no number', () => {
    for (const text of [
      '',
      'a',
      'cpu',
      'cpu  1 2 3',
      '-1, -1',
      '999999999, 1e99',
      'NaN, NaN',
      ': kB',
      '\u0000',
      ', ,',
    ]) {
      const all = ['disk', 'memory', 'pages', 'top', 'processor', 'heat', 'card', 'release', 'mac', 'model', 'cores'];
      const said = answer(Object.fromEntries(all.map((name) => [name, `${text}\n${text}`])));
      expect(readState(said), text).to.deep.equal(nothing);
      const { os, cpu, ...rest } = readDescription(said) ?? {};
      expect([os, cpu], text).to.deep.equal(['unknown', 'unknown']);
      expect(rest, text).to.deep.equal({
        ...{ cores: 0, memoryBytes: 0, scratchFreeBytes: 0, gpus: [], isCardStuck: false },
      });
    }
    const still = 'cpu  1 2 3 4 5\ncpu  1 2 3 4 5';
    expect(readState(answer({ processor: still }))?.cpuPercent).to.equal(null);
    expect(readState('sh: xargs: not found')).to.equal(null);
    expect(readDescription('')).to.equal(null);
  });
});
