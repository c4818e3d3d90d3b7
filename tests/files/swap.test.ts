import { expect } from 'chai';
import { execa } from 'execa';
import {
  access,
  chmod,
  chown,
  link,
  lstat,
  mkdir,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  symlink,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fingerprint } from '../../src/files/fingerprint.js';
import { Swapper } from '../../src/files/swap.js';
import {
  aScene,
  contentsOf,
  hasTwoDevices,
  NEW,
  OLD,
  sha256,
  type Scene,
  type SceneOptions,
} from '../support/swap-scene.js';

const isRoot = process.getuid?.() === 0;
const codeOf = (task: Promise<unknown>): Promise<unknown> =>
  task.then(
    () => 'no error',
    (error: unknown) => (error as { code?: unknown }).code ?? error,
  );

describe('Swapper', () => {
  const scenes: Scene[] = [];
  const open = async (options: Partial<SceneOptions> = {}): Promise<Scene & { swapper: Swapper; stored: string }> => {
    const scene = await aScene({ kind: 'replace', naming: 'same', distance: 'near', ...options });
    scenes.push(scene);
    return { ...scene, swapper: new Swapper({ journalDir: scene.journalDir }), stored: scene.plan.storedPath ?? '' };
  };
  afterEach(async () => {
    for (const scene of scenes.splice(0)) await scene.remove();
  });

  /** After a refused swap: the very same files with the very same content, and nothing written down. */
  async function expectUntouched(scene: Scene & { swapper: Swapper }, code: string, plan = scene.plan): Promise<void> {
    const before = await contentsOf(scene);
    expect(await codeOf(scene.swapper.place(plan))).to.equal(code);
    expect(await contentsOf(scene)).to.deep.equal(before);
    expect(await scene.swapper.pending()).to.deep.equal([]);
  }

  it('replaces under the same name, and keeps the original', async () => {
    const { swapper, plan, stored } = await open();
    const placed = await swapper.place(plan);
    expect(placed).to.include({ sourceSha256: sha256(OLD), outputSha256: sha256(NEW) });
    expect(placed.storedFingerprint).to.deep.include({ sizeBytes: OLD.length, mtimeNs: '1100000000500000000' });
    expect(await readFile(plan.targetPath)).to.deep.equal(NEW);
    expect(await readFile(stored)).to.deep.equal(OLD);
    expect((await stat(stored)).nlink).to.equal(1);
    await swapper.retire(plan.id);
    await swapper.retire(plan.id);
    await swapper.finish(plan.id);
    await swapper.finish(plan.id);
    expect((await stat(plan.targetPath)).nlink).to.equal(1);
    expect(await readdir(dirname(plan.outputPath))).to.deep.equal([]);
    expect(await swapper.pending()).to.deep.equal([]);
  });

  it('replaces under a new name; the old one goes last', async () => {
    const { swapper, plan, stored } = await open({ naming: 'new' });
    await swapper.place(plan);
    expect(await readFile(plan.sourcePath)).to.deep.equal(OLD);
    expect(await readFile(plan.targetPath)).to.deep.equal(NEW);
    expect(await codeOf(swapper.finish(plan.id))).to.equal('conflict');
    await swapper.retire(plan.id);
    await swapper.finish(plan.id);
    expect((await readdir(dirname(plan.targetPath))).sort()).to.deep.equal(['Film (2001).mkv', 'neighbour.srt']);
    expect(await readFile(stored)).to.deep.equal(OLD);
    expect((await stat(stored)).nlink).to.equal(1);
  });

  for (const distance of hasTwoDevices ? (['near', 'far'] as const) : (['near'] as const)) {
    it(`gives the new file the owner, mode and times of the old one (${distance})`, async () => {
      const { swapper, plan } = await open({ distance });
      if (isRoot) await chown(plan.sourcePath, 1234, 2345);
      await chmod(plan.sourcePath, 0o2664);
      await utimes(plan.sourcePath, 1_000_000_000.25, 1_100_000_000.5);
      const old = await stat(plan.sourcePath, { bigint: true });
      const placed = await swapper.place({ ...plan, sourceFingerprint: await fingerprint(plan.sourcePath) });
      const now = await stat(plan.targetPath, { bigint: true });
      const kept = await stat(plan.storedPath ?? '', { bigint: true });
      expect(placed.notKept).to.deep.equal([]);
      for (const seen of [now, kept]) {
        expect([seen.uid, seen.gid, seen.mode, seen.mtimeNs]).to.deep.equal([old.uid, old.gid, old.mode, old.mtimeNs]);
      }
    });

    for (const kind of ['replace', 'restore'] as const) {
      for (const naming of ['same', 'new'] as const) {
        it(`undoes a ${kind} under the ${naming} name (${distance})`, async () => {
          const scene = await open({ kind, naming, distance });
          const before = await contentsOf(scene);
          const { mtimeMs } = await stat(scene.plan.sourcePath);
          await scene.swapper.place(scene.plan);
          await scene.swapper.undo(scene.plan.id);
          await scene.swapper.undo(scene.plan.id);
          expect(await contentsOf(scene)).to.deep.equal(before);
          expect((await stat(scene.plan.sourcePath)).mtimeMs).to.be.closeTo(mtimeMs, 0.001);
          await scene.swapper.place(scene.plan);
          await scene.swapper.retire(scene.plan.id);
          expect(await codeOf(scene.swapper.undo(scene.plan.id))).to.equal('conflict');
          expect(await readFile(scene.plan.targetPath)).to.deep.equal(scene.outputBytes);
        });
      }
    }
  }

  it('undoes also when somebody has emptied the work folder, and the name never stands empty', async () => {
    const { swapper, plan, journalDir } = await open();
    await swapper.place(plan);
    await rm(dirname(plan.outputPath), { recursive: true });
    const watched = new Swapper({ journalDir, onStep: () => access(plan.targetPath) });
    await watched.undo(plan.id);
    expect(await readFile(plan.sourcePath)).to.deep.equal(OLD);
    expect(await readFile(plan.outputPath)).to.deep.equal(NEW);
  });

  it('restores an original, and deletes the kept one only then', async () => {
    for (const naming of ['same', 'new', 'gone'] as const) {
      const { swapper, plan } = await open({ kind: 'restore', naming });
      await swapper.place(plan);
      expect(await readFile(plan.targetPath)).to.deep.equal(OLD);
      expect(await readFile(plan.outputPath)).to.deep.equal(OLD);
      await swapper.retire(plan.id);
      await swapper.finish(plan.id);
      expect((await readdir(dirname(plan.targetPath))).sort()).to.deep.equal(['Film (2001).avi', 'neighbour.srt']);
      expect(await readdir(dirname(dirname(plan.outputPath)))).to.deep.equal([]);
    }
  });

  it('refuses a source that changed, went, became a link, or gained a second name', async () => {
    const changed = await open();
    await writeFile(changed.plan.sourcePath, Buffer.alloc(OLD.length, 'x'));
    await expectUntouched(changed, 'file_changed');
    const gone = await open();
    await rm(gone.plan.sourcePath);
    await expectUntouched(gone, 'file_missing');
    const linked = await open();
    await rename(linked.plan.sourcePath, `${linked.plan.sourcePath}.real`);
    await symlink(`${linked.plan.sourcePath}.real`, linked.plan.sourcePath);
    await expectUntouched(linked, 'file_linked');
    expect((await lstat(linked.plan.sourcePath)).isSymbolicLink()).to.equal(true);
    const seeded = await open();
    await link(seeded.plan.sourcePath, join(seeded.roots[0] ?? '', 'seed.avi'));
    await expectUntouched(seeded, 'file_changed');
  });

  it('leaves the other name of a hard-linked source its content', async () => {
    const { swapper, plan, stored, roots } = await open();
    const seed = join(roots[0] ?? '', 'seed.avi');
    await link(plan.sourcePath, seed);
    await swapper.place({ ...plan, sourceFingerprint: await fingerprint(plan.sourcePath) });
    expect(await readFile(seed)).to.deep.equal(OLD);
    expect(await readFile(stored)).to.deep.equal(OLD);
    expect(await readFile(plan.targetPath)).to.deep.equal(NEW);
  });

  it('refuses an output that is not the verified one, and a damaged original', async () => {
    for (const kind of ['replace', 'restore'] as const) {
      const other = await open({ kind });
      await writeFile(other.plan.outputPath, Buffer.alloc(other.outputBytes.length, 'x'));
      await expectUntouched(other, 'verify_failed');
      const short = await open({ kind });
      await writeFile(short.plan.outputPath, 'x');
      await expectUntouched(short, 'verify_failed');
    }
  });

  it('refuses a replacement that is not the one it knows', async () => {
    const scene = await open({ kind: 'restore' });
    await expectUntouched(scene, 'file_changed', { ...scene.plan, sourceSha256: sha256(Buffer.from('another')) });
  });

  it('overwrites nothing: not the target, not a kept file, not a leftover', async () => {
    const { plan } = await open({ naming: 'new' });
    for (const path of [
      plan.targetPath,
      plan.storedPath ?? '',
      join(dirname(plan.targetPath), '.mediaflow-job-1.part'),
    ]) {
      const scene = await open({ naming: 'new' });
      const mine = path.replace(
        dirname(dirname(dirname(plan.sourcePath))),
        dirname(dirname(dirname(scene.plan.sourcePath))),
      );
      await mkdir(dirname(mine), { recursive: true });
      await writeFile(mine, 'somebody else');
      await expectUntouched(scene, 'file_exists');
    }
  });

  for (const step of ['before:hash-source', 'before:link-original', 'before:recheck-source']) {
    for (const [naming, deed, code] of [
      ['same', 'exchanged', 'file_changed'],
      ['same', 'deleted', 'file_missing'],
      ['new', 'exchanged', 'file_changed'],
      ['new', 'deleted', 'file_missing'],
      ['new', 'taken', 'file_exists'],
    ] as const) {
      it(`goes back when, ${step}, the file is ${deed} (${naming} name)`, async () => {
        const scene = await open({ naming });
        const { plan } = scene;
        const victim = deed === 'taken' ? plan.targetPath : plan.sourcePath;
        const intruder = Buffer.from('a newer download');
        const swapper = new Swapper({
          journalDir: scene.journalDir,
          onStep: async (name) => {
            if (name !== step) return;
            if (deed === 'deleted') return rm(victim);
            await writeFile(`${victim}.tmp`, intruder);
            await rename(`${victim}.tmp`, victim);
          },
        });
        const error: unknown = await swapper.place(plan).catch((reason: unknown) => reason);
        expect(error).to.have.property('code', code);
        const seen = await contentsOf(scene);
        expect(seen.get(victim)).to.deep.equal(deed === 'deleted' ? undefined : intruder);
        expect(seen.get(plan.outputPath)).to.deep.equal(NEW);
        if (deed === 'taken') expect(seen.get(plan.sourcePath)).to.deep.equal(OLD);
        // What was already kept of a file that somebody else pushed out is not thrown away.
        const isKept = step === 'before:recheck-source' && deed !== 'taken';
        expect(seen.get(plan.storedPath ?? '')).to.deep.equal(isKept ? OLD : undefined);
        if (isKept) expect(error).to.have.property('message').that.includes(plan.storedPath);
        expect([...seen.keys()].filter((path) => path.endsWith('.part'))).to.deep.equal([]);
        expect(await swapper.pending()).to.deep.equal([]);
      });
    }
  }

  it('comes to rest when the new file was exchanged after the swap', async () => {
    const { swapper, plan, stored } = await open();
    await swapper.place(plan);
    await rm(plan.targetPath);
    await writeFile(plan.targetPath, 'a newer download');
    expect(await codeOf(swapper.undo(plan.id))).to.equal('conflict');
    await swapper.finish(plan.id);
    expect(await readFile(plan.targetPath, 'utf8')).to.equal('a newer download');
    expect(await readFile(stored)).to.deep.equal(OLD);
  });

  it('notices a copy of the original that is not equal to it', async () => {
    const { plan, journalDir } = await open({ distance: 'far' });
    if (!hasTwoDevices) return;
    const { atime, mtime } = await stat(plan.sourcePath);
    const swapper = new Swapper({
      journalDir,
      onStep: async (name) => {
        if (name !== 'before:link-original') return;
        // As a failing disk would: other bytes, and nothing else tells.
        await writeFile(plan.sourcePath, Buffer.alloc(OLD.length, 'x'));
        await utimes(plan.sourcePath, atime, mtime);
      },
    });
    expect(await codeOf(swapper.place(plan))).to.equal('verify_failed');
    expect(await swapper.pending()).to.deep.equal([]);
    expect(await codeOf(stat(plan.storedPath ?? ''))).to.equal('ENOENT');
  });

  it('never writes over a target that appears after the last look', async () => {
    const { plan, journalDir } = await open({ naming: 'new' });
    const swapper = new Swapper({
      journalDir,
      onStep: (name) => (name === 'before:link-target' ? writeFile(plan.targetPath, 'quick') : undefined),
    });
    expect(await codeOf(swapper.place(plan))).to.equal('file_exists');
    expect(await readFile(plan.targetPath, 'utf8')).to.equal('quick');
    expect(await readFile(plan.sourcePath)).to.deep.equal(OLD);
    expect(await readFile(plan.outputPath)).to.deep.equal(NEW);
  });

  it('does not take the old file away when it, the new one or the kept one is not as it was', async () => {
    const spoil = async (what: (scene: Scene) => string): Promise<unknown> => {
      const scene = await open({ naming: 'new' });
      await scene.swapper.place(scene.plan);
      await rm(what(scene));
      await writeFile(what(scene), 'something else');
      const code = await codeOf(scene.swapper.retire(scene.plan.id));
      expect((await contentsOf(scene)).has(scene.plan.sourcePath)).to.equal(true);
      return code;
    };
    expect(await spoil(({ plan }) => plan.sourcePath)).to.equal('file_changed');
    expect(await spoil(({ plan }) => plan.targetPath)).to.equal('file_changed');
    expect(await spoil(({ plan }) => plan.storedPath ?? '')).to.equal('conflict');
  });

  it('refuses plans that contradict themselves', async () => {
    const scene = await open();
    for (const change of [
      { storedPath: null },
      { storedPath: scene.plan.sourcePath },
      { outputPath: scene.plan.sourcePath },
      { targetPath: scene.plan.outputPath },
      { sourceFingerprint: null },
      { targetPath: `${dirname(scene.plan.targetPath)}/../x.mkv` },
      { sourcePath: 'relative.avi' },
    ]) {
      await expectUntouched(scene, 'invalid', { ...scene.plan, ...change });
    }
  });

  it('lets one of two swaps of a file through', async () => {
    const { swapper, plan, roots } = await open();
    const output = join(roots[0] ?? '', 'work', 'second.mkv');
    await writeFile(output, NEW);
    const second = {
      ...plan,
      id: 'job-2',
      outputPath: output,
      storedPath: join(roots[0] ?? '', 'quarantine', 'b', 'kept'),
    };
    const codes = await Promise.all([swapper.place(plan), swapper.place(second), swapper.place(plan)].map(codeOf));
    expect(codes.filter((code) => code === 'no error')).to.have.length(1);
    expect(await readFile(plan.targetPath)).to.deep.equal(NEW);
  });

  it('stops when told to, with everything as before', async () => {
    const scene = await open();
    const before = await contentsOf(scene);
    const abort = new AbortController();
    const swapper = new Swapper({
      journalDir: scene.journalDir,
      onStep: (name) => {
        if (name === 'after:hash-source') abort.abort(new Error('stop'));
      },
    });
    const error = await swapper.place(scene.plan, abort.signal).catch((reason: unknown) => reason);
    expect(error).to.have.property('message', 'stop');
    expect(await contentsOf(scene)).to.deep.equal(before);
    expect(await swapper.pending()).to.deep.equal([]);
  });

  it('does not know a swap that was never begun', async () => {
    const { swapper } = await open();
    expect(await codeOf(swapper.retire('nobody'))).to.equal('not_found');
    expect(await codeOf(swapper.undo('nobody'))).to.equal('not_found');
    await swapper.finish('nobody');
  });

  describe('on a disk of one megabyte', () => {
    let disk = '';
    before(async () => {
      if (!isRoot || process.platform !== 'linux') return;
      const { roots } = await open();
      const path = join(roots[0] ?? '', 'disk');
      scenes.pop();
      await mkdir(path);
      const { failed } = await execa('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', path], { reject: false });
      if (!failed) disk = path;
    });
    after(async () => {
      if (disk === '') return;
      await execa('umount', [disk]);
      await rm(dirname(disk), { recursive: true });
    });

    it('says that there is no space, and leaves everything as it was', async () => {
      if (disk === '') return;
      await writeFile(join(disk, 'ballast'), Buffer.alloc(1_000_000));
      const scene = await open();
      await expectUntouched(scene, 'no_space', { ...scene.plan, storedPath: join(disk, 'kept', 'film.avi') });
      expect(await readdir(disk)).to.deep.equal(['ballast']);
      const film = join(disk, 'film.avi');
      await writeFile(film, 'small');
      const plan = { ...scene.plan, sourcePath: film, targetPath: film, sourceFingerprint: await fingerprint(film) };
      await expectUntouched(scene, 'no_space', plan);
      expect((await readdir(disk)).sort()).to.deep.equal(['ballast', 'film.avi']);
    });

    it('says that a disk is read-only, and leaves everything as it was', async () => {
      if (disk === '') return;
      const film = join(disk, 'film.avi');
      await writeFile(film, OLD.subarray(0, 1000));
      await execa('mount', ['-o', 'remount,ro', disk]);
      const scene = await open();
      const plan = { ...scene.plan, sourcePath: film, targetPath: film, sourceFingerprint: await fingerprint(film) };
      await expectUntouched(scene, 'file_denied', plan);
      await execa('mount', ['-o', 'remount,rw', disk]);
    });
  });

  describe('where the system forbids hard links', () => {
    /** What a user may do who owns the folders but not the files. */
    async function asNobody(scene: Scene, task: () => Promise<void>): Promise<void> {
      const { sourcePath, outputPath, targetPath } = scene.plan;
      const folders = [sourcePath, outputPath, targetPath].flatMap((path) => [dirname(path), dirname(dirname(path))]);
      for (const folder of [...scene.roots, ...folders]) await chmod(folder, 0o777);
      for (const path of [sourcePath, outputPath]) await chmod(path, 0o644);
      process.seteuid?.(65_534);
      try {
        await task();
      } finally {
        process.seteuid?.(0);
      }
    }

    it('copies the original, and moves the new file', async () => {
      if (!isRoot) return;
      const { swapper, plan, stored, ...scene } = await open();
      const { mtimeMs } = await stat(plan.sourcePath);
      await asNobody({ ...scene, plan }, async () => {
        const placed = await swapper.place(plan);
        // What belongs to somebody else may not be given away.
        expect(placed.notKept).to.include('mode');
        await swapper.undo(plan.id);
        expect(await readFile(plan.sourcePath)).to.deep.equal(OLD);
        expect(await readFile(plan.outputPath)).to.deep.equal(NEW);
        await swapper.place({ ...plan, sourceFingerprint: await fingerprint(plan.sourcePath) });
        await swapper.finish(plan.id);
      });
      expect(await readFile(plan.targetPath)).to.deep.equal(NEW);
      expect(await readFile(stored)).to.deep.equal(OLD);
      expect((await stat(stored)).mtimeMs).to.be.closeTo(mtimeMs, 0.001);
    });

    it('puts a damaged original back where it was kept', async () => {
      if (!isRoot) return;
      const scene = await open({ kind: 'restore' });
      await writeFile(scene.plan.outputPath, Buffer.alloc(OLD.length, 'x'));
      await asNobody(scene, () => expectUntouched(scene, 'verify_failed'));
    });
  });
});
