import { expect } from 'chai';
import { link, mkdir, mkdtemp, readdir, readFile, rename, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { QuarantineEntry } from '../../src/domain/replace/quarantine.js';
import { fingerprint } from '../../src/files/fingerprint.js';
import { clearHidden, quarantineDirOf, prepareHidden } from '../../src/files/places.js';
import { purgeStored, restorePlan } from '../../src/files/quarantine.js';
import { Swapper } from '../../src/files/swap.js';
import { Stage } from '../support/stage.js';
import { NEW, OLD, sha256 } from '../support/swap-scene.js';

const codeOf = (task: Promise<unknown>): Promise<unknown> =>
  task.then(
    () => 'no error',
    (error: unknown) => (error as { code?: unknown }).code ?? error,
  );

describe('the quarantine', () => {
  let root: string;
  let quarantine: string;
  let entry: QuarantineEntry;
  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), 'quarantine-'));
    await prepareHidden(root);
    quarantine = quarantineDirOf(root);
    const storedPath = join(quarantine, 'entry-1', 'film.avi');
    await mkdir(dirname(storedPath));
    await writeFile(storedPath, OLD);
    await writeFile(join(root, 'film.mkv'), NEW);
    entry = {
      id: 'entry-1',
      kind: 'replaced',
      keepItemId: '',
      jobId: 'job-1',
      itemId: 'item-1',
      title: 'Film',
      originalPath: join(root, 'film.avi'),
      storedPath,
      replacementPath: join(root, 'film.mkv'),
      replacementSha256: sha256(NEW),
      sizeBytes: OLD.length,
      replacementSizeBytes: NEW.length,
      sha256: sha256(OLD),
      fingerprint: await fingerprint(storedPath),
      state: 'kept',
      keptAt: '2026-01-01T00:00:00.000Z',
      purgeAt: '2026-02-01T00:00:00.000Z',
      endedAt: null,
    };
  });
  afterEach(() => rm(root, { recursive: true }));

  describe('purgeStored', () => {
    const expectKept = async (
      code: string,
      wrong: Partial<QuarantineEntry> = {},
      roots = [quarantine],
    ): Promise<void> => {
      expect(await codeOf(purgeStored({ ...entry, ...wrong }, roots))).to.equal(code);
      expect(await readFile(entry.storedPath)).to.have.length.greaterThan(0);
    };

    it('deletes the original and its own empty folder, nothing else', async () => {
      await purgeStored(entry, ['/nowhere', quarantine]);
      expect(await readdir(quarantine)).to.deep.equal([]);
      expect(await readFile(entry.replacementPath)).to.deep.equal(NEW);
    });

    it('leaves a folder that holds something else', async () => {
      await writeFile(join(dirname(entry.storedPath), 'note.txt'), 'mine');
      await purgeStored(entry, [quarantine]);
      expect(await readdir(dirname(entry.storedPath))).to.deep.equal(['note.txt']);
    });

    it('deletes nothing outside the quarantine', async () => {
      await expectKept('path_forbidden', {}, []);
      await expectKept('path_forbidden', {}, [join(quarantine, 'entry')]);
      await expectKept('path_forbidden', {}, ['/']);
      await expectKept('path_forbidden', { storedPath: entry.replacementPath });
      await expectKept('path_forbidden', { storedPath: join(quarantine, '..', '..', 'film.mkv') });
      await expectKept('path_forbidden', { storedPath: `${quarantine}/entry-1/../../../film.mkv` });
      await expectKept('path_forbidden', { storedPath: quarantine });
      expect(await readFile(entry.replacementPath)).to.deep.equal(NEW);
    });

    it('follows no link out of the quarantine', async () => {
      const outside = join(root, 'outside');
      await rename(dirname(entry.storedPath), outside);
      await symlink(outside, dirname(entry.storedPath));
      await expectKept('path_forbidden');
      await rm(dirname(entry.storedPath));
      await mkdir(dirname(entry.storedPath));
      await symlink(join(outside, 'film.avi'), entry.storedPath);
      await expectKept('path_forbidden');
    });

    it('works where the quarantine folder itself is reached over a link', async () => {
      const alias = `${root}-alias`;
      await symlink(root, alias);
      const through = quarantineDirOf(alias);
      await purgeStored({ ...entry, storedPath: join(through, 'entry-1', 'film.avi') }, [through]);
      await rm(alias);
      expect(await readdir(quarantine)).to.deep.equal([]);
    });

    it('keeps a file that is not the one that was put there', async () => {
      await writeFile(entry.storedPath, Buffer.alloc(OLD.length, 'x'));
      await utimes(entry.storedPath, 1_000_000_000.5, 1_000_000_000.5);
      await expectKept('file_changed');
      await writeFile(entry.storedPath, 'short');
      await expectKept('file_changed');
    });

    it('keeps the original while its replacement does not stand', async () => {
      await writeFile(entry.replacementPath, 'another film');
      await expectKept('conflict');
      await rm(entry.replacementPath);
      await expectKept('conflict');
      await link(entry.storedPath, entry.replacementPath);
      await expectKept('conflict', { replacementSizeBytes: OLD.length });
      await rm(entry.replacementPath);
      await symlink(entry.storedPath, entry.replacementPath);
      await expectKept('conflict', { replacementSizeBytes: OLD.length });
    });

    it('does not delete twice', async () => {
      await expectKept('conflict', { state: 'restored' });
      await purgeStored(entry, [quarantine]);
      expect(await codeOf(purgeStored(entry, [quarantine]))).to.equal('file_missing');
    });
  });

  describe('restorePlan', () => {
    const restore = async (): Promise<void> => {
      const swapper = new Swapper({ journalDir: join(root, 'journal') });
      const plan = await restorePlan(entry);
      await swapper.place(plan);
      await swapper.retire(plan.id);
      await swapper.finish(plan.id);
    };

    it('brings the original back and takes the replacement away', async () => {
      await restore();
      expect(await readFile(entry.originalPath)).to.deep.equal(OLD);
      expect((await readdir(root)).sort()).to.deep.equal(['.mediaflow', 'film.avi', 'journal']);
      expect(await readdir(quarantine)).to.deep.equal([]);
    });

    it('brings the original back when the replacement was deleted', async () => {
      await rm(entry.replacementPath);
      await restore();
      expect(await readFile(entry.originalPath)).to.deep.equal(OLD);
    });

    it('moves nothing when one of the two is another file', async () => {
      await writeFile(entry.replacementPath, Buffer.alloc(NEW.length, 'x'));
      expect(await codeOf(restore())).to.equal('file_changed');
      await writeFile(entry.replacementPath, 'another');
      expect(await codeOf(restore())).to.equal('file_changed');
      await writeFile(entry.replacementPath, NEW);
      await writeFile(entry.storedPath, 'another');
      expect(await codeOf(restore())).to.equal('file_changed');
      await rm(entry.storedPath);
      expect(await codeOf(restore())).to.equal('file_missing');
      expect(await readFile(entry.replacementPath)).to.deep.equal(NEW);
      expect((await readdir(root)).filter((name) => name.startsWith('film'))).to.deep.equal(['film.mkv']);
    });

    it('overwrites nothing that has the old name now', async () => {
      await writeFile(entry.originalPath, 'somebody else');
      expect(await codeOf(restore())).to.equal('file_exists');
      expect(await readFile(entry.originalPath, 'utf8')).to.equal('somebody else');
      expect(await readFile(entry.storedPath)).to.deep.equal(OLD);
    });
  });

  describe('clearHidden', () => {
    const hidden = (): string => join(root, '.mediaflow');

    it('takes away what prepareHidden made once nothing lies in it, empty folders of jobs as well', async () => {
      await rm(hidden(), { recursive: true, force: true });
      await prepareHidden(root);
      await mkdir(join(hidden(), 'quarantine', 'job-1'));
      expect(await clearHidden(root)).to.equal(true);
      expect((await readdir(root)).includes('.mediaflow')).to.equal(false);
      expect(await clearHidden(root)).to.equal(true);
    });

    it('is done at the start for a folder that no job needs any more', async function () {
      this.timeout(180_000);
      const stage = await Stage.set();
      try {
        await prepareHidden(stage.media);
        await stage.startApp();
        await stage.until('it is gone', async () => !(await readdir(stage.media)).includes('.mediaflow'));
      } finally {
        await stage.strike();
      }
    });

    it('leaves everything in which something lies, whoever put it there, and follows no link', async () => {
      await prepareHidden(root);
      for (const name of ['quarantine/job-1', 'notes.txt', 'work/notes.txt']) {
        const path = join(hidden(), name, ...(name.endsWith('.txt') ? [] : ['film.avi']));
        await mkdir(dirname(path), { recursive: true });
        await writeFile(path, 'kept');
        expect(await clearHidden(root)).to.equal(false);
        expect(await readFile(path, 'utf8')).to.equal('kept');
        await rm(path);
      }
      const other = join(root, 'other');
      await mkdir(join(root, 'target', 'work'), { recursive: true });
      await mkdir(other);
      await symlink(join(root, 'target'), join(other, '.mediaflow'));
      expect(await clearHidden(other)).to.equal(false);
      expect(await readdir(join(root, 'target'))).to.deep.equal(['work']);
    });
  });

  describe('prepareHidden', () => {
    it('hides from Plex, is closed to others, and may be called again', async () => {
      await prepareHidden(root);
      expect(await readFile(join(root, '.mediaflow', '.plexignore'), 'utf8')).to.equal('*\n');
      expect((await readdir(join(root, '.mediaflow'))).sort()).to.deep.equal(['.plexignore', 'quarantine', 'work']);
    });

    it('makes no root of a disk that is not mounted, and follows no link', async () => {
      expect(await codeOf(prepareHidden(join(root, 'missing')))).to.equal('file_missing');
      expect((await readdir(root)).includes('missing')).to.equal(false);
      await mkdir(join(root, 'other'));
      await symlink(tmpdir(), join(root, 'other', '.mediaflow'));
      expect(await codeOf(prepareHidden(join(root, 'other')))).to.equal('path_forbidden');
    });
  });
});
