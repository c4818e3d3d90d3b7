import { expect } from 'chai';
import { execa } from 'execa';
import { copyFile, chmod, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { EncodeTask } from '../../src/domain/jobs/executor.js';
import { LocalExecutor } from '../../src/workers/local.js';
import { executorContract } from './executor-contract.js';
import { running } from './running.js';

executorContract('local', { make: () => Promise.resolve(new LocalExecutor({ ffmpeg: 'ffmpeg' })), running });

describe('local executor, on its own machine', () => {
  let dir: string;
  beforeEach(async () => (dir = await mkdtemp(join(tmpdir(), 'local-'))));
  afterEach(() => rm(dir, { recursive: true, force: true }));

  const task = (change: Partial<EncodeTask> = {}): EncodeTask => ({
    jobId: 'job-1',
    workKey: 'k1',
    mode: null,
    input: '/dev/null',
    output: join(dir, 'out.mkv'),
    scratchDir: dir,
    logPath: join(dir, 'log'),
    steps: [
      { purpose: 'encode', args: ['-y', '-f', 'lavfi', '-i', 'testsrc2=d=1', '-f', 'matroska', { file: 'output' }] },
    ],
    durationSec: 1,
    ...change,
  });
  const encode = (ffmpeg: string, change: Partial<EncodeTask> = {}): Promise<unknown> =>
    new LocalExecutor({ ffmpeg })
      .encode(task(change), () => undefined, new AbortController().signal)
      .catch((error: unknown) => error);
  const script = async (text: string): Promise<string> => {
    const path = join(dir, 'ffmpeg');
    await writeFile(path, `#!/bin/sh\n${text}\n`);
    await chmod(path, 0o755);
    return path;
  };

  it('says so when ffmpeg is missing, is no program, or vanishes', async () => {
    await writeFile(join(dir, 'text'), 'no program');
    for (const path of [join(dir, 'none'), join(dir, 'text'), dir, 'no-such-ffmpeg', './ffmpeg']) {
      const health = await new LocalExecutor({ ffmpeg: path }).check(new AbortController().signal);
      expect(health, path).to.have.property('reason').that.contains('MEDIAFLOW_FFMPEG');
      expect(await encode(path), path).to.have.property('code', 'worker_unavailable');
    }
    const gone = join(dir, 'gone');
    await copyFile(await script('rm -f "$0"; exit 0'), gone);
    expect(await encode(gone)).to.have.property('code', 'encode_failed');
  });

  it('believes no success without a file', async () => {
    const error = await encode(await script('exit 0'));
    expect(error).to.have.property('message').that.contains('wrote nothing');
  });

  it('kills what does not stop by itself', async () => {
    const stubborn = await script(
      'case "$*" in *-y*) trap "" TERM; echo progress=continue >&2; while :; do sleep 0.2; done;; esac',
    );
    const abort = new AbortController();
    const executor = new LocalExecutor({ ffmpeg: stubborn, graceMs: 300 });
    const encoding = executor.encode(
      task(),
      () => {
        abort.abort(new Error('stop'));
      },
      abort.signal,
    );
    expect(await encoding.catch((error: unknown) => error)).to.have.property('message', 'stop');
  });

  it('hides our environment from ffmpeg', async () => {
    process.env['MEDIAFLOW_ADMIN_PASSWORD'] = 'very secret';
    try {
      const spy = await script(`env > "${dir}/seen"; exit 1`);
      await encode(spy);
      expect(await readFile(join(dir, 'seen'), 'utf8'))
        .to.contain('SVT_LOG=1')
        .and.not.contain('MEDIAFLOW');
    } finally {
      delete process.env['MEDIAFLOW_ADMIN_PASSWORD'];
    }
  });

  it('passes every argument as it is', async () => {
    const spy = await script(`printf '%s\\n' "$@" > "${dir}/seen"; exit 1`);
    const args = [
      '-loglevel',
      'level+info',
      '-i',
      { file: 'input' } as const,
      '-metadata',
      'title=A B',
      '-vf',
      'null',
      '-f',
      'matroska',
      { file: 'output' } as const,
    ];
    await encode(spy, { steps: [{ purpose: 'encode', args }] });
    const seen = (await readFile(join(dir, 'seen'), 'utf8')).trim().split('\n');
    expect(seen.slice(seen.indexOf('-loglevel'))).to.deep.equal([
      ...['-loglevel', 'level+info', '-i', 'file:/dev/null', '-y', '-nostdin', '-nostats'],
      ...['-metadata', 'title=A B', '-vf', 'null', '-f', 'matroska', join(dir, 'out.mkv')],
    ]);
  });

  it('says that the disk is full, and takes the torso away', async function () {
    const disk = join(dir, 'disk');
    await mkdir(disk);
    const mounted = await execa('mount', ['-t', 'tmpfs', '-o', 'size=256k', 'tmpfs', disk], { reject: false });
    if (mounted.failed) this.skip();
    try {
      const args = [
        '-y',
        '-f',
        'lavfi',
        '-i',
        'testsrc2=d=5',
        '-c:v',
        'rawvideo',
        '-f',
        'matroska',
        { file: 'output' } as const,
      ];
      const error = await encode('ffmpeg', { output: join(disk, 'out.mkv'), steps: [{ purpose: 'encode', args }] });
      expect(error).to.have.property('code', 'no_space');
      expect(await readdir(disk)).to.deep.equal([]);
    } finally {
      await execa('umount', [disk]);
    }
  });
});
