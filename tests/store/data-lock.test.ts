import { expect } from 'chai';
import { execa } from 'execa';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, readlink, rm, writeFile } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { AppError } from '../../src/domain/errors.js';
import { DataLock } from '../../src/store/data-lock.js';
import { Document } from '../../src/store/document.js';
import { SmallDisk } from '../support/small-disk.js';

describe('the lock of the data folder', () => {
  let dir: string;
  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'mediaflow-lock-'));
  });
  afterEach(() => rm(dir, { recursive: true }));

  const path = () => join(dir, 'mediaflow.lock');
  const codeOf = (task: Promise<unknown>): Promise<string> =>
    task.then(
      () => 'taken',
      (error: unknown) => (error instanceof AppError ? error.code : String(error)),
    );
  const holder = async (): Promise<Record<string, unknown>> =>
    JSON.parse(await readFile(path(), 'utf8')) as Record<string, unknown>;
  const rewrite = async (change: object): Promise<void> =>
    writeFile(path(), JSON.stringify({ ...(await holder()), ...change }));

  it('is held by one at a time, and free again afterwards', async () => {
    const first = await DataLock.take(dir);
    expect(await codeOf(DataLock.take(dir))).to.equal('conflict');
    await first.release();
    await first.release();
    expect(await readdir(dir)).to.deep.equal([]);
    await (await DataLock.take(dir)).release();
  });

  it('goes to one of two that start at the same moment', async () => {
    const taken = await Promise.allSettled([DataLock.take(dir), DataLock.take(dir)]);
    expect(taken.filter(({ status }) => status === 'fulfilled')).to.have.length(1);
    for (const lock of taken) if (lock.status === 'fulfilled') await lock.value.release();
  });

  it('names a living process of this machine', async () => {
    const script = `const { DataLock } = await import('./src/store/data-lock.ts'); await DataLock.take(process.argv[1]); console.log('held'); setInterval(() => {}, 1000);`;
    const other = spawn(process.execPath, ['--import=tsx', '--input-type=module', '-e', script, dir]);
    await once(other.stdout, 'data');
    try {
      const error: unknown = await DataLock.take(dir).catch((thrown: unknown) => thrown);
      expect((error as Error).message).to.include(`process ${other.pid ?? 0} on ${hostname()}`);
    } finally {
      other.kill('SIGKILL');
      await once(other, 'exit');
    }
    // Killed, it gave nothing free; everybody can see that it is gone.
    await (await DataLock.take(dir)).release();
  });

  it('of a process that has ended, but was never reaped, is taken over', async () => {
    const script = `const { DataLock } = await import('./src/store/data-lock.ts'); await DataLock.take(process.argv[1]); console.log(process.pid); setInterval(() => {}, 1000);`;
    // The shell becomes a program that asks for none of its children.
    const parent = spawn('sh', [
      ...['-c', '"$0" --import=tsx --input-type=module -e "$1" "$2" & exec sleep 600'],
      ...[process.execPath, script, dir],
    ]);
    try {
      const [said] = (await once(parent.stdout, 'data')) as [Buffer];
      const pid = Number(said.toString());
      expect(await codeOf(DataLock.take(dir, { marksWithinMs: 0 }))).to.equal('conflict');
      process.kill(pid, 'SIGKILL');
      const state = async (): Promise<string> =>
        (await readFile(`/proc/${pid}/stat`, 'utf8')).split(') ')[1]?.[0] ?? '';
      while ((await state()) !== 'Z') await sleep(20);
      // Its other threads may take a moment longer.
      await (await DataLock.take(dir)).release();
    } finally {
      parent.kill('SIGKILL');
      await once(parent, 'exit');
    }
  });

  it('of a process that is stopping is waited for, and that is said', async () => {
    const script = `const { DataLock } = await import('./src/store/data-lock.ts'); const lock = await DataLock.take(process.argv[1]); console.log('held');
      process.stdin.once('data', async () => { await lock.markStopping(); console.log('stopping'); process.stdin.once('data', async () => { await lock.release(); process.exit(); }); });`;
    const other = spawn(process.execPath, ['--import=tsx', '--input-type=module', '-e', script, dir]);
    await once(other.stdout, 'data');
    other.stdin.write('stop');
    await once(other.stdout, 'data');
    const said: string[] = [];
    const taken = DataLock.take(dir, {
      marksWithinMs: 0,
      stopsWithinMs: 60_000,
      onWait: (message) => {
        said.push(message);
        other.stdin.write('go');
      },
    });
    await (await taken).release();
    expect(said).to.have.length(1);
    expect(said[0])
      .to.contain(`process ${other.pid ?? 0}`)
      .and.contain('to stop');
  });

  it('gives up waiting when it is told to, and when the other one takes too long', async () => {
    const stuck = { ...(await theirs()), isStopping: true };
    await writeFile(path(), JSON.stringify(stuck));
    expect(await codeOf(DataLock.take(dir, { stopsWithinMs: 0 }))).to.equal('conflict');
    const signal = AbortSignal.abort(new AppError('unavailable', 'stopped'));
    expect(await codeOf(DataLock.take(dir, { signal }))).to.equal('unavailable');
  });

  it('of an earlier start of the machine is not believed because of a number that is in use again', async () => {
    await writeFile(path(), JSON.stringify({ ...(await theirs()), boot: 'an earlier one' }));
    await (await DataLock.take(dir, { answerWithinMs: 300 })).release();
  });

  it('says what is wrong with a folder that cannot be written, also beside the lock of a dead one', async function () {
    const messageOf = (task: Promise<unknown>): Promise<string> =>
      task.then(String, (error: unknown) => (error as Error).message);
    const file = join(dir, 'file');
    await writeFile(file, '');
    expect(await messageOf(DataLock.take(file))).to.contain('there is a file in its place. Move it away');
    const disk = await SmallDisk.mount(1);
    if (!disk) this.skip();
    try {
      const dead = { ...(await theirs()), pid: 2 ** 22 + 1, began: '1' };
      await writeFile(join(disk.path, 'mediaflow.lock'), JSON.stringify(dead));
      await execa('mount', ['-o', 'remount,ro', disk.path]);
      const message = await messageOf(DataLock.take(disk.path));
      expect(message).to.contain(disk.path).and.contain('mounted read-only. Mount it writable');
      expect(message).not.to.contain('Another MediaFlow');
      const written = await messageOf(Document.open(disk.path, 'a.json', z.object({}), {}).then((one) => one.put({})));
      expect(written).to.contain('mounted read-only. Mount it writable');
    } finally {
      await disk.unmount();
    }
  });

  it('of a process that another one has the number of by now is taken over', async () => {
    const lock = await DataLock.take(dir);
    await lock.release();
    await writeFile(path(), JSON.stringify({ ...(await theirs()), began: '1' }));
    await (await DataLock.take(dir)).release();
  });

  it('of another machine is asked for, and kept by who answers', async () => {
    const lock = await DataLock.take(dir);
    await rewrite({ host: 'nas', pidSpace: 'another' });
    const asked = execa(
      'node',
      [
        '--import=tsx',
        '--input-type=module',
        '-e',
        `const { DataLock } = await import('./src/store/data-lock.ts'); await DataLock.take(process.argv[1], 60000);`,
        dir,
      ],
      { reject: false },
    );
    const { failed, stderr } = await asked;
    expect(failed).to.equal(true);
    expect(stderr).to.include('works in');
    await lock.release();
  });

  it('of another machine is taken over when nobody answers, and so is a damaged one', async () => {
    const gone = { token: 't', pid: 7, host: 'nas', pidSpace: 'another', began: '1', answered: null };
    await writeFile(path(), JSON.stringify(gone));
    await (await DataLock.take(dir, { answerWithinMs: 300 })).release();
    await writeFile(path(), '');
    await (await DataLock.take(dir, { answerWithinMs: 300 })).release();
    expect(await readdir(dir)).to.deep.equal([]);
  });
});

/** A lock of the process that started this one. */
async function theirs() {
  const stat = await readFile(`/proc/${process.ppid}/stat`, 'utf8');
  const began = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? null;
  return { token: 't', pid: process.ppid, host: hostname(), pidSpace: await space(), began, answered: null };
}

const space = (): Promise<string | null> => readlink('/proc/self/ns/pid').catch(() => null);
