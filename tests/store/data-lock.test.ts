import { expect } from 'chai';
import { execa } from 'execa';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, readlink, rm, writeFile } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { AppError } from '../../src/domain/errors.js';
import { DataLock } from '../../src/store/data-lock.js';

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

  it('names a living process of this machine at once', async () => {
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

  it('of a process that another one has the number of by now is taken over', async () => {
    const lock = await DataLock.take(dir);
    await lock.release();
    await writeFile(
      path(),
      JSON.stringify({ token: 't', pid: 1, host: hostname(), pidSpace: await space(), began: '1', answered: null }),
    );
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
    await (await DataLock.take(dir, 300)).release();
    await writeFile(path(), '');
    await (await DataLock.take(dir, 300)).release();
    expect(await readdir(dir)).to.deep.equal([]);
  });
});

const space = (): Promise<string | null> => readlink('/proc/self/ns/pid').catch(() => null);
