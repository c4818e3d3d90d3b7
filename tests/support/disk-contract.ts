import { expect } from 'chai';
import { createHash } from 'node:crypto';
import { link, mkdir, mkdtemp, readFile, readdir, rm, stat, symlink, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Disk } from '../../src/domain/settings/disk.js';
import { HOSTILE_NAMES, MANY_HOSTILE_NAMES } from './hostile-names.js';

const NAMES = process.env['ALL_NAMES'] === '1' ? MANY_HOSTILE_NAMES : HOSTILE_NAMES;
const hashOf = (text: string): string => createHash('sha256').update(text).digest('hex');
/** The system's name of a failure. */
const failureOf = (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => 'it went well',
    (error: unknown) => String((error as { code?: unknown }).code),
  );

/** What every disk does, wherever it is. `disk` is asked for anew by each test, and its paths are those of this machine. */
export function diskContract(what: string, disk: () => Disk): void {
  describe(`${what}: disk`, () => {
    let dir: string;
    let film: string;
    beforeEach(async () => {
      dir = await mkdtemp(join(tmpdir(), "mediaflow ' disk-"));
      film = join(dir, 'film.mkv');
      await writeFile(film, 'a film', { mode: 0o640 });
    });
    afterEach(() => rm(dir, { recursive: true, force: true }));

    it('says what stands at a path', async () => {
      await utimes(film, 1_700_000_000.25, 1_700_000_001.5);
      await link(film, join(dir, 'second'));
      await symlink(film, join(dir, 'led'));
      const real = await stat(film, { bigint: true });
      expect(await disk().lstat(film)).to.deep.equal({
        ...{ kind: 'file', dev: String(real.dev), ino: String(real.ino), sizeBytes: 6, nlink: 2, mode: 0o640 },
        ...{ uid: Number(real.uid), gid: Number(real.gid), mtimeNs: real.mtimeNs, atimeNs: real.atimeNs },
      });
      expect((await disk().lstat(dir)).kind).to.equal('folder');
      expect((await disk().lstat(join(dir, 'led'))).kind).to.equal('link');
      expect(await disk().stat(join(dir, 'led'))).to.include({ kind: 'file', ino: String(real.ino) });
      expect((await disk().lstat('/dev/null')).kind).to.equal('other');
    });

    it('names what is wrong as the system does', async () => {
      const none = join(dir, 'none');
      expect(await failureOf(disk().lstat(none))).to.equal('ENOENT');
      expect(await failureOf(disk().lstat(join(film, 'below')))).to.equal('ENOTDIR');
      expect(await failureOf(disk().readdir(none))).to.equal('ENOENT');
      expect(await failureOf(disk().sha256(none))).to.equal('ENOENT');
      expect(await failureOf(disk().unlink(none))).to.equal('ENOENT');
      expect(await failureOf(disk().rename(none, film))).to.equal('ENOENT');
      expect(await failureOf(disk().link(none, join(dir, 'new')))).to.equal('ENOENT');
      expect(await failureOf(disk().link(film, film))).to.equal('EEXIST');
      expect(await failureOf(disk().mkdir(film))).to.equal('EEXIST');
      expect(await failureOf(disk().writeNew(film, 'x'))).to.equal('EEXIST');
      expect(await failureOf(disk().rmdir(dir))).to.equal('ENOTEMPTY');
      expect(await failureOf(disk().rename(film, dir))).to.be.oneOf(['EISDIR', 'ENOTEMPTY']);
      expect(await failureOf(disk().link(film, '/dev/shm/mediaflow-other-disk'))).to.equal('EXDEV');
      expect(await failureOf(disk().rename(film, '/dev/shm/mediaflow-other-disk'))).to.equal('EXDEV');
      expect(await failureOf(disk().rename(film, join(dir, 'x'.repeat(256))))).to.equal('ENAMETOOLONG');
      expect(await readFile(film, 'utf8')).to.equal('a film');
      expect(await readdir(dir)).to.deep.equal(['film.mkv']);
    });

    it('does not lead a second name or a copy into what stands there', async () => {
      const folder = join(dir, 'folder');
      await mkdir(folder);
      await symlink(folder, join(dir, 'led'));
      await symlink(join(dir, 'nowhere'), join(dir, 'broken'));
      for (const to of [folder, join(dir, 'led'), join(dir, 'broken')]) {
        expect(await failureOf(disk().link(film, to))).to.equal('EEXIST');
        expect(await failureOf(disk().copy(film, to))).to.be.oneOf(['EEXIST', 'file_exists']);
        expect(await failureOf(disk().writeNew(to, 'x'))).to.equal('EEXIST');
      }
      expect(await readdir(folder)).to.deep.equal([]);
    });

    it('makes folders, with those above them, and takes empty ones away', async () => {
      const deep = join(dir, 'a', 'b', 'c');
      expect(await failureOf(disk().mkdir(deep))).to.equal('ENOENT');
      expect(await disk().mkdirs(deep)).to.equal(join(dir, 'a'));
      expect(await disk().mkdirs(deep)).to.equal(undefined);
      expect((await stat(deep)).mode & 0o777).to.equal(0o700);
      await disk().mkdir(join(deep, 'd'));
      await disk().rmdir(join(deep, 'd'));
      expect(await disk().realpath(deep)).to.equal(deep);
      await symlink(deep, join(dir, 'led'));
      expect(await disk().realpath(join(dir, 'led'))).to.equal(deep);
    });

    it('gives owner, permissions and times', async () => {
      await disk().chmod(film, 0o4751);
      await disk().utimes(film, 1_700_000_000.5, 1_600_000_000);
      const seen = await disk().lstat(film);
      expect(seen).to.include({ mode: 0o4751, mtimeNs: 1_600_000_000_000_000_000n });
      expect(seen.atimeNs).to.equal(1_700_000_000_500_000_000n);
      await disk().chown(film, seen.uid, seen.gid);
      if (process.getuid?.() !== 0) return;
      await disk().chown(film, 12_345, 23_456);
      expect(await disk().lstat(film)).to.include({ uid: 12_345, gid: 23_456 });
    });

    it('copies, hashes and counts the room', async () => {
      const to = join(dir, 'copy');
      expect(await disk().copy(film, to)).to.equal(hashOf('a film'));
      expect(await readFile(to, 'utf8')).to.equal('a film');
      expect((await stat(to)).mode & 0o077).to.equal(0);
      expect(await disk().sha256(to)).to.equal(hashOf('a film'));
      expect(await disk().freeBytes(dir)).to.be.above(1_000_000);
      await disk().sync(to);
      await disk().sync(dir);
    });

    it('renames over what has the name', async () => {
      const old = join(dir, 'old');
      await disk().writeNew(old, 'old');
      await disk().rename(film, old);
      expect(await readFile(old, 'utf8')).to.equal('a film');
      expect(await readdir(dir)).to.deep.equal(['old']);
    });

    it(`takes ${NAMES.length} names as they are`, async () => {
      const folder = join(dir, 'names');
      await mkdir(folder);
      for (const name of NAMES) await disk().writeNew(join(folder, name), name);
      const byName = (a: string, b: string): number => Buffer.compare(Buffer.from(a), Buffer.from(b));
      expect((await disk().readdir(folder)).sort(byName)).to.deep.equal([...NAMES].sort(byName));
      const moved = join(dir, 'moved');
      for (const name of NAMES) {
        const path = join(folder, name);
        expect((await disk().lstat(path)).sizeBytes).to.equal(Buffer.byteLength(name));
        await disk().link(path, moved);
        await disk().unlink(path);
        await disk().rename(moved, path);
        expect(await disk().sha256(path)).to.equal(hashOf(name));
      }
      expect((await readdir(folder)).sort(byName)).to.deep.equal([...NAMES].sort(byName));
    });
  });
}
