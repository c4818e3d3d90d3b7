import { expect } from 'chai';
import { mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { EncodeTask, Progress } from '../../src/domain/jobs/executor.js';
import type { WorkerPath } from '../../src/domain/workers/worker.js';
import { SshExecutor, type SshWorkerOptions } from '../../src/workers/ssh.js';
import { transferFile } from '../support/transferring.js';
import { Clips } from '../support/clips.js';
import { playedNvenc } from '../support/played-nvenc.js';
import { SmallDisk } from '../support/small-disk.js';
import { Sshd, type SshdOptions } from '../support/sshd.js';
import { sha256Of } from '../support/stage.js';
import { TcpProxy } from '../support/tcp-proxy.js';
import { executorContract, type ExecutorUnderTest } from './executor-contract.js';
import { running } from './running.js';

const never = (): AbortSignal => new AbortController().signal;
const failureOf = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => 'it went well',
    (error: unknown) => error,
  );

/** A worker, with what is needed to look at it from the other side. */
class Machine {
  readonly sshd: Sshd;

  private constructor(sshd: Sshd) {
    this.sshd = sshd;
  }

  static async start(options: SshdOptions = {}): Promise<Machine> {
    return new Machine(await Sshd.start(options));
  }

  get scratch(): string {
    return join(this.sshd.dir, 'scratch');
  }

  async executor(
    change: Partial<SshWorkerOptions> = {},
    { host, port }: { host: string; port: number } = this.sshd,
  ): Promise<SshExecutor> {
    const { username, privateKey } = this.sshd;
    const address = { host, port, username, hostKey: await this.sshd.fingerprint() };
    return new SshExecutor({
      address: { ...address, auth: { kind: 'key', privateKey } },
      ...{
        scratchDir: this.scratch,
        folderName: 'mediaflow-test',
        maxMbps: null,
        pollMs: 100,
        patienceMs: 2000,
        transferFile,
      },
      ...change,
    });
  }

  contract(): ExecutorUnderTest {
    return {
      make: () => this.executor(),
      running: () => running(this.scratch),
      sweep: async () => {
        const executor = await this.executor();
        await executor.sweep([], never());
        await executor.close();
      },
      leftThere: () => this.leftThere(),
    };
  }

  leftThere(): Promise<string[]> {
    return readdir(join(this.scratch, 'mediaflow-test', 'jobs')).catch(() => []);
  }
}

/** Each kind of machine passes the contract; what is not about machines is tried on the first alone. */
const MACHINES: Record<string, (bin: string) => Promise<SshdOptions>> = {
  normal: () => Promise.resolve({}),
  'one session at a time': () => Promise.resolve({ config: ['MaxSessions 1'] }),
  'a graphics card that works': async (bin) => {
    await playedNvenc(join(bin, 'ffmpeg'), { hasSoftware: true });
    return { path: `${bin}:/usr/bin:/bin` };
  },
};

describe('over SSH', () => {
  describe('in folders that both machines see', () => {
    let machine: Machine;
    let dir: string;
    before(async () => {
      machine = await Machine.start();
      await symlink(tmpdir(), join(machine.sshd.dir, "it's all $x"));
    });
    after(() => machine.sshd.close());
    beforeEach(async () => (dir = await mkdtemp(join(tmpdir(), "mediaflow ' shared-"))));
    afterEach(() => rm(dir, { recursive: true, force: true }));
    /** What lies in `dir` here lies behind a link there. */
    const shared = async (there = join(machine.sshd.dir, "it's there")): Promise<WorkerPath[]> => {
      await rm(there, { force: true });
      await symlink(dir, there);
      return [{ here: dir, there, provedAt: '2026-01-01T00:00:00Z', problem: null }];
    };

    executorContract(
      'ssh, shared:',
      {
        // The contract makes its own folders below the one for all temporary files, which the machine sees by a link.
        make: () =>
          machine.executor({
            sharedPaths: () => [
              { here: tmpdir(), there: join(machine.sshd.dir, "it's all $x"), provedAt: '2026-01-01', problem: null },
            ],
          }),
        running: () => running(machine.scratch),
        sweep: async () => machine.contract().sweep?.(),
        leftThere: () => machine.leftThere(),
        mode: 'shared',
      },
      { isBrief: true },
    );

    it('are proved by a word on each side', async () => {
      const executor = await machine.executor();
      const [path] = await shared();
      if (!path) throw new Error('no path');
      expect(await executor.verifyPath(path, never())).to.equal(null);
      const empty = join(machine.sshd.dir, 'empty');
      await mkdir(empty, { recursive: true });
      expect(await executor.verifyPath({ ...path, there: empty }, never())).to.match(/does not see in .*empty what is/);
      expect(await executor.verifyPath({ here: join(dir, 'none'), there: empty }, never())).to.match(/cannot write/);
      expect(await readdir(dir)).to.deep.equal([]);
      await executor.close();
    });

    it('are not used when another file lies there', async () => {
      const [path] = await shared();
      if (!path) throw new Error('no path');
      const other = join(machine.sshd.dir, 'other');
      await mkdir(other, { recursive: true });
      await writeFile(join(dir, 'film.mkv'), 'one');
      await writeFile(join(other, 'film.mkv'), 'two');
      const executor = await machine.executor({ sharedPaths: () => [{ ...path, there: other }] });
      const task: EncodeTask = {
        ...{
          jobId: 'job-1',
          workKey: 'k1',
          mode: 'shared',
          input: join(dir, 'film.mkv'),
          output: join(dir, 'out.mkv'),
        },
        ...{ scratchDir: dir, logPath: join(dir, 'log'), durationSec: 2, steps: [] },
      };
      const error = await failureOf(executor.encode(task, () => undefined, never()));
      expect(error).to.have.property('code', 'transfer_failed');
      expect(error).to.have.property('message').that.contains('another file than this machine');
      await executor.close();
    });
  });

  for (const [name, optionsIn] of Object.entries(MACHINES)) {
    describe(name, () => {
      let bin: string;
      let machine: Machine;
      before(async () => {
        bin = await mkdtemp(join(tmpdir(), 'mediaflow-bin-'));
        machine = await Machine.start(await optionsIn(bin));
      });
      after(async () => {
        await machine.sshd.close();
        await rm(bin, { recursive: true });
      });
      const under: ExecutorUnderTest = {
        make: () => machine.contract().make(),
        running: (text) => machine.contract().running(text),
        sweep: async () => machine.contract().sweep?.(),
        leftThere: () => machine.leftThere(),
      };
      executorContract(`ssh, ${name}:`, under, { isBrief: name !== 'normal' });
      executorContract(`ssh, ${name}, streamed:`, { ...under, mode: 'stream' }, { isBrief: name !== 'normal' });
    });
  }

  describe('on a machine with trouble', () => {
    let dir: string;
    let machine: Machine | null = null;
    let executor: SshExecutor | null = null;
    let clips: Clips;
    before(async () => (clips = await Clips.open()));
    after(() => clips.close());
    beforeEach(async () => (dir = await mkdtemp(join(tmpdir(), 'executor-'))));
    afterEach(async () => {
      await executor?.close();
      expect(machine ? await machine.leftThere() : []).to.deep.equal([]);
      await machine?.sshd.close();
      await rm(dir, { recursive: true, force: true });
    });
    const task = async (encoder = 'libx264'): Promise<EncodeTask> => ({
      ...{
        jobId: 'job-1',
        workKey: 'k1',
        mode: null,
        input: await clips.get('plain.mkv'),
        output: join(dir, 'out.mkv'),
      },
      ...{ scratchDir: dir, logPath: join(dir, 'log'), durationSec: 2 },
      steps: [
        {
          purpose: 'encode',
          args: [
            ...['-y', '-loglevel', 'level+info', '-i'],
            { file: 'input' },
            ...['-c:v', encoder, '-f', 'matroska'],
            { file: 'output' },
          ],
        },
      ],
    });
    const encode = async (encoder?: string): Promise<unknown> =>
      failureOf(executor?.encode(await task(encoder), () => undefined, never()) ?? Promise.resolve());

    it('says that there is no ffmpeg', async function () {
      try {
        machine = await Machine.start({ without: ['/usr/bin/ffmpeg'] });
      } catch {
        this.skip();
      }
      executor = await machine.executor();
      expect(await executor.check(never()))
        .to.have.property('reason')
        .that.contains('no ffmpeg on 127.0.0.1');
      expect(await encode()).to.have.property('code', 'worker_unavailable');
    });

    it('names the graphics card that fails, by the real words of ffmpeg', async () => {
      machine = await Machine.start();
      executor = await machine.executor();
      const health = await executor.check(never());
      const card = health.ok ? health.encoders.find(({ name }) => name === 'hevc_nvenc') : null;
      expect(card).to.include({ works: false }).and.have.property('error').that.contains('libcuda');
      expect(await encode('hevc_nvenc')).to.have.property('code', 'hardware_failed');
    });

    it('sends nothing where there is no room, and stops where there is none left', async function () {
      const disk = await SmallDisk.mount(8);
      if (!disk) return this.skip();
      try {
        machine = await Machine.start();
        executor = await machine.executor({ scratchDir: disk.path });
        const error = await encode();
        expect(error).to.have.property('code', 'no_space');
        expect(error)
          .to.have.property('message')
          .that.matches(/127\.0\.0\.1 has .* free in its work folder/);
        expect(await readdir(join(disk.path, 'mediaflow-test', 'jobs'))).to.deep.equal([]);
      } finally {
        await disk.unmount();
      }
    });

    it('sends nothing to a machine that shows another host key', async () => {
      machine = await Machine.start();
      executor = await machine.executor();
      await machine.sshd.stop();
      await machine.sshd.changeHostKey();
      await machine.sshd.listen();
      const error = await encode();
      expect(error).to.have.property('code', 'worker_host_key');
      expect(error).to.have.nested.property('fields.hostKey', await machine.sshd.fingerprint());
      expect(await readdir(machine.sshd.dir)).not.to.include('scratch');
    });

    it('sends on where an earlier run of MediaFlow was ended', async () => {
      machine = await Machine.start();
      const input = await clips.make('raw.mkv', [
        '-f',
        'lavfi',
        '-i',
        'testsrc2=s=640x360:r=25:d=2',
        '-c:v',
        'rawvideo',
      ]);
      const { size } = await stat(input);
      const made = { ...(await task()), input, mode: 'transfer' as const };
      const first = await machine.executor({ maxMbps: 40 });
      const cut = failureOf(
        first.encode(
          made,
          ({ stage, percent }) => {
            if (stage === 'upload' && percent > 60) void first.close();
          },
          never(),
        ),
      );
      expect(await cut).to.include({ code: 'interrupted' });
      const proxy = await TcpProxy.start(machine.sshd);
      executor = await machine.executor({}, proxy);
      await executor.encode(made, () => undefined, never());
      expect(proxy.passed).to.be.below(0.8 * size);
      expect((await stat(made.output)).size).to.be.above(10_000);
      await executor.close();
      await proxy.close();
    });

    it('leaves nothing when the line is lost at the very end', async () => {
      machine = await Machine.start();
      const proxy = await TcpProxy.start(machine.sshd);
      executor = await machine.executor({}, proxy);
      const made = { ...(await task()), mode: 'transfer' as const };
      let isCut = false;
      await executor.encode(
        made,
        ({ stage, percent }) => {
          if (stage !== 'download' || percent < 100 || isCut) return;
          isCut = true;
          proxy.faults.isRefused = true;
          proxy.cut();
          setTimeout(() => (proxy.faults.isRefused = false), 1000);
        },
        never(),
      );
      expect(isCut).to.equal(true);
      const endsAt = performance.now() + 20_000;
      while ((await machine.leftThere()).length > 0 && performance.now() < endsAt) await sleep(50);
      expect(await machine.leftThere()).to.deep.equal([]);
      await executor.close();
      await proxy.close();
    });

    it('forgets one work alone, and never one that is being encoded', async () => {
      machine = await Machine.start();
      const [first, other] = [
        { ...(await task()), mode: 'transfer' as const },
        { ...(await task()), workKey: 'k2' },
      ];
      const jobs = join(machine.scratch, 'mediaflow-test', 'jobs');
      executor = await machine.executor();
      await mkdir(join(jobs, 'job-1.k1'), { recursive: true });
      await mkdir(join(jobs, 'job-1.k2'));
      await executor.forget(first, never());
      expect(await readdir(jobs)).to.deep.equal(['job-1.k2']);
      let asked = false;
      await executor.encode(
        other,
        () => {
          if (!asked) void executor?.forget(other, never());
          asked = true;
        },
        never(),
      );
      expect((await stat(other.output)).size).to.be.above(1000);
    });

    it('copies where the server allows no tunnel', async () => {
      machine = await Machine.start({ config: ['AllowTcpForwarding no'] });
      executor = await machine.executor();
      await executor.encode({ ...(await task()), mode: 'stream' }, () => undefined, never());
      expect(await readFile(join(dir, 'log'), 'utf8')).to.match(/allows no tunnel.*The file is copied instead/);
    });

    it('fetches again what is written last: the head of a Matroska file', async () => {
      machine = await Machine.start();
      executor = await machine.executor();
      const input = await clips.make('long.mkv', [
        ...['-f', 'lavfi', '-i', 'testsrc2=s=640x360:r=25:d=12', '-c:v', 'mpeg4', '-b:v', '4M', '-minrate', '4M'],
      ]);
      const made = await task('copy');
      // Slow enough that most of it is here before its head is finished; always the same bytes.
      const steps = made.steps.map((step) => ({
        ...step,
        args: ['-readrate', '4', ...step.args].flatMap((arg) => (arg === '-f' ? ['-fflags', '+bitexact', arg] : [arg])),
      }));
      await executor.encode({ ...made, mode: 'stream', input, steps }, () => undefined, never());
      const expected = join(dir, 'expected.mkv');
      const copy = ['-c:v', 'copy', '-fflags', '+bitexact', '-f', 'matroska'];
      await clips.ffmpeg(['-i', input, ...copy, expected]);
      expect((await stat(expected)).size).to.be.greaterThan(3_000_000);
      expect(await sha256Of(made.output)).to.equal(await sha256Of(expected));
    });

    it('gives a streamed encode up with its line, and leaves nothing', async () => {
      machine = await Machine.start();
      const proxy = await TcpProxy.start(machine.sshd);
      try {
        const { host, port } = proxy;
        executor = await machine.executor({}, { host, port });
        const made = await task();
        const slow = { ...made, steps: made.steps.map((step) => ({ ...step, args: ['-re', ...step.args] })) };
        const report = ({ stage }: Progress): void => {
          if (stage === 'encode') proxy.cut();
        };
        const error = await failureOf(executor.encode({ ...slow, mode: 'stream' }, report, never()));
        expect(error).to.have.property('code', 'worker_unreachable');
        expect(await running(machine.scratch)).to.deep.equal([]);
        expect(await readdir(dir)).not.to.include('out.mkv');
      } finally {
        await executor?.close();
        await proxy.close();
      }
    });

    it('begins an encode again, once, that ended without a word', async () => {
      machine = await Machine.start();
      executor = await machine.executor();
      const made = await task();
      const slow = { ...made, steps: made.steps.map((step) => ({ ...step, args: ['-re', ...step.args] })) };
      let kills = 0;
      const work = failureOf(
        executor.encode(
          slow,
          ({ stage }) => {
            // As when the machine is switched off: ffmpeg and who waits for it are gone at once.
            if (stage === 'encode' && kills++ === 0) void endAll(machine?.scratch ?? '');
          },
          never(),
        ),
      );
      expect(await work).to.equal('it went well');
      expect(kills).to.be.greaterThan(1);
    });
  });
});

/** Ends whatever has a text in its command line, or in that of its parent, without a word. */
async function endAll(text: string): Promise<void> {
  for (const name of await readdir('/proc')) {
    if (!/^\d+$/.test(name) || Number(name) === process.pid) continue;
    const line = await readFile(`/proc/${name}/cmdline`, 'utf8').catch(() => '');
    if (line.includes(text) && /ffmpeg|mediaflow/.test(line)) process.kill(Number(name), 'SIGKILL');
  }
}
