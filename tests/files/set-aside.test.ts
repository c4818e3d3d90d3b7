import { expect } from 'chai';
import { link, mkdir, mkdtemp, readdir, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { AppError } from '../../src/domain/errors.js';
import { fingerprint } from '../../src/files/fingerprint.js';
import { moveFile, takeBack, type Move } from '../../src/files/set-aside.js';
import { SmallDisk } from '../support/small-disk.js';

const FILM = Buffer.from('the film, byte by byte');
const STEPS = ['before:second-home', 'after:second-home', 'before:first-name', 'after:first-name'];

describe('a file that is set aside', () => {
  let dir: string;
  let from: string;
  let to: string;
  let move: Move;

  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'mediaflow-aside-'));
    from = join(dir, 'films', 'film.mkv');
    to = join(dir, 'kept', 'copy-1', 'film.mkv');
    await mkdir(dirname(from));
    await writeFile(from, FILM, { mode: 0o640 });
    await utimes(from, 1e9, 1e9);
    move = { id: 'copy-1', from, to, fingerprint: await fingerprint(from) };
  });
  afterEach(() => rm(dir, { recursive: true }));

  const code = async (task: Promise<unknown>): Promise<string> =>
    task.then(
      () => 'went through',
      (error: unknown) => (error instanceof AppError ? error.code : String(error)),
    );
  const standsAt = async (path: string): Promise<boolean> =>
    (await readFile(path).catch(() => null))?.equals(FILM) ?? false;

  it('has moved, with its time and mode, and nothing else is there', async () => {
    await moveFile(move);
    expect(await standsAt(to)).to.equal(true);
    const { mtimeMs, mode, nlink } = await stat(to);
    expect([mtimeMs, mode & 0o777, nlink]).to.deep.equal([1e12, 0o640, 1]);
    expect(await readdir(dirname(from))).to.deep.equal([]);
    expect(await readdir(dirname(to))).to.deep.equal(['film.mkv']);
  });

  for (const point of STEPS) {
    it(`is somewhere whole when the program ends ${point.replace(':', ' the step ')}, and a second call ends it`, async () => {
      const onStep = (name: string): void => {
        if (name === point) throw new Error('the end');
      };
      expect(await code(moveFile({ ...move, onStep }))).to.equal('Error: the end');
      expect((await standsAt(from)) || (await standsAt(to))).to.equal(true);
      await moveFile(move);
      expect([await standsAt(from), await standsAt(to)]).to.deep.equal([false, true]);
      expect((await stat(to)).nlink).to.equal(1);
    });

    it(`can be taken back when the program ended ${point.replace(':', ' the step ')}, unless it has moved`, async () => {
      const onStep = (name: string): void => {
        if (name === point) throw new Error('the end');
      };
      await moveFile({ ...move, onStep }).catch(() => undefined);
      const hasMoved = point === 'after:first-name';
      expect(await code(takeBack(move))).to.equal(hasMoved ? 'conflict' : 'went through');
      expect([await standsAt(from), await standsAt(to)]).to.deep.equal([!hasMoved, hasMoved]);
    });
  }

  it('stays when it is another file by now', async () => {
    await writeFile(from, 'another film');
    expect(await code(moveFile(move))).to.equal('file_changed');
    expect(await readFile(from, 'utf8')).to.equal('another film');
    expect(await readdir(dir)).to.deep.equal(['films']);
  });

  it('never takes the place of another file, be it as long and as old', async () => {
    await mkdir(dirname(to), { recursive: true });
    await writeFile(to, Buffer.alloc(FILM.length, 'x'));
    await utimes(to, 1e9, 1e9);
    expect(await code(moveFile(move))).to.equal('file_exists');
    expect(await standsAt(from)).to.equal(true);
    expect(await readFile(to, 'utf8')).to.equal('x'.repeat(FILM.length));
  });

  it('is known to be gone when its disk is away', async () => {
    await rm(dirname(from), { recursive: true });
    expect(await code(moveFile(move))).to.equal('file_missing');
  });

  it('keeps its other names', async () => {
    const other = join(dir, 'films', 'seeding.mkv');
    await link(from, other);
    await moveFile({ ...move, fingerprint: await fingerprint(from) });
    expect([await standsAt(to), await standsAt(other)]).to.deep.equal([true, true]);
  });

  it('is copied and read back where another disk is the place', async function () {
    const disk = await SmallDisk.mount(2);
    if (disk === null) this.skip();
    try {
      const there = join(disk.path, 'copy-1', 'film.mkv');
      await moveFile({ ...move, to: there });
      expect([await standsAt(from), await standsAt(there)]).to.deep.equal([false, true]);
      expect((await stat(there)).mtimeMs).to.equal(1e12);
      // And back, after a crash that left both.
      const onStep = (name: string): void => {
        if (name === 'before:first-name') throw new Error('the end');
      };
      const back = { id: 'copy-1', from: there, to: from, fingerprint: await fingerprint(there) };
      await moveFile({ ...back, onStep }).catch(() => undefined);
      expect([await standsAt(from), await standsAt(there)]).to.deep.equal([true, true]);
      await moveFile(back);
      expect([await standsAt(from), await standsAt(there)]).to.deep.equal([true, false]);
    } finally {
      await disk.unmount();
    }
  });
});
