import { expect } from 'chai';
import { copyFile, mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { remotePath } from '../../src/domain/settings/disk.js';
import type { EncodeTask, Executor, Progress } from '../../src/domain/jobs/executor.js';
import { fetchSource } from '../../src/engine/jobs/remote-sources.js';
import { mountRemotes } from '../../src/files/disks.js';
import { copyVerified, renameOver } from '../../src/files/duplicate.js';
import { SshDisk } from '../../src/ssh/remote-disk.js';
import { LocalExecutor } from '../../src/workers/local.js';
import { transferFile } from '../support/transferring.js';
import { Clips } from '../support/clips.js';
import { HOSTILE_NAMES, MANY_HOSTILE_NAMES } from '../support/hostile-names.js';
import { Sshd } from '../support/sshd.js';
import { sha256Of } from '../support/stage.js';
import { executorContract } from './executor-contract.js';
import { running } from './running.js';

const NAMES = process.env['ALL_NAMES'] ? MANY_HOSTILE_NAMES : HOSTILE_NAMES.filter((_, at) => at % 8 === 2);

/** This machine encodes what lies on the machine `nas`, and puts the result beside it. */
class PullingExecutor implements Executor {
  readonly #local = new LocalExecutor({ ffmpeg: 'ffmpeg' });

  check(signal: AbortSignal): ReturnType<Executor['check']> {
    return this.#local.check(signal);
  }

  measureSpeeds(...asked: Parameters<Executor['measureSpeeds']>): ReturnType<Executor['measureSpeeds']> {
    return this.#local.measureSpeeds(...asked);
  }

  async encode(task: EncodeTask, report: (progress: Progress) => void, signal: AbortSignal): Promise<void> {
    const folder = await mkdtemp(join(tmpdir(), 'pulled-'));
    const there = (path: string): string => remotePath('nas', path);
    try {
      const input = await fetchSource(there(task.input), folder, { signal });
      const output = join(folder, 'result.mkv');
      await this.#local.encode({ ...task, input, output }, report, signal);
      const staged = join(dirname(task.output), '.mediaflow-job-1.part');
      const temp = there(join(dirname(task.output), '.mediaflow-job-1.copy.part'));
      await copyVerified({ from: output, to: there(staged), temp, sha256: await sha256Of(output), signal });
      await renameOver(there(staged), there(task.output));
    } finally {
      await rm(folder, { recursive: true });
    }
  }

  close(): Promise<void> {
    return this.#local.close();
  }
}

describe('pulled from a machine reached over SSH', function () {
  this.timeout(1_600_000);
  let clips: Clips;
  let sshd: Sshd;
  let dir: string;
  let disk: SshDisk;
  let unmount: () => void;

  before(async () => {
    [clips, sshd, dir] = await Promise.all([Clips.open(), Sshd.start(), mkdtemp(join(tmpdir(), 'names-'))]);
    disk = new SshDisk({
      address: {
        ...{ host: sshd.host, port: sshd.port, username: sshd.username, hostKey: await sshd.fingerprint() },
        auth: { kind: 'key', privateKey: sshd.privateKey },
      },
      ...{ name: 'NAS', maxMbps: null, transferFile },
    });
    unmount = mountRemotes(() => disk);
  });
  after(async () => {
    unmount();
    disk.close();
    await Promise.all([clips.close(), sshd.close(), rm(dir, { recursive: true })]);
  });

  executorContract('pull', { make: () => Promise.resolve(new PullingExecutor()), running });

  it(`${NAMES.length} hostile names go there and back as they are, and none of them is run`, async () => {
    const clip = await clips.get('plain.mkv');
    const before = await sha256Of(clip);
    const executor = new PullingExecutor();
    const results: string[] = [];
    for (const [at, name] of NAMES.entries()) {
      const folder = join(dir, String(at));
      await mkdir(folder);
      const [input, output] = [join(folder, `${name}.mkv`), join(folder, `${name} .mkv`.slice(-200))];
      await copyFile(clip, input);
      const args = [...['-y', '-loglevel', 'level+info', '-i'], { file: 'input' } as const];
      const copy = ['-map', '0', '-c', 'copy', '-fflags', '+bitexact', '-f', 'matroska'];
      await executor.encode(
        {
          ...{ jobId: `job-${at}`, workKey: 'k1', mode: 'pull', input, output },
          ...{ scratchDir: folder, logPath: join(folder, 'log'), durationSec: 2 },
          steps: [{ purpose: 'remux', args: [...args, ...copy, { file: 'output' }] }],
        },
        () => undefined,
        new AbortController().signal,
      );
      results.push(await sha256Of(output));
      expect(await sha256Of(input), name).to.equal(before);
    }
    await executor.close();
    expect(new Set(results).size).to.equal(1);
    const all = await readdir(dir, { recursive: true });
    expect(all.filter((path) => path.endsWith('canary') || path.endsWith('.part'))).to.deep.equal([]);
  });
});
