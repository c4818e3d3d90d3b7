import { expect } from 'chai';
import { execa } from 'execa';
import { chmod, link, mkdir, mkdtemp, readdir, rm, statfs, symlink, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fingerprint, isSameFile } from '../../src/files/fingerprint.js';
import { sha256File } from '../../src/files/hash.js';
import { verifyPath } from '../../src/files/verify-path.js';
import { freeBytes, SpaceLedger } from '../../src/files/space.js';

const codeOf = (task: Promise<unknown>): Promise<unknown> =>
  task.then(
    () => 'no error',
    (error: unknown) => (error as { code?: unknown }).code ?? error,
  );

describe('on the disk', () => {
  let dir: string;
  beforeEach(async () => (dir = await mkdtemp(join(tmpdir(), 'disk-'))));
  afterEach(() => rm(dir, { recursive: true }));

  describe('fingerprint', () => {
    it('sees size, time and links; what changes it makes another file', async () => {
      const path = join(dir, 'a');
      await writeFile(path, 'abc');
      await utimes(path, 1_000_000_000.25, 1_000_000_000.25);
      const first = await fingerprint(path);
      expect(first).to.include({ sizeBytes: 3, mtimeNs: '1000000000250000000', nlink: 1 });
      await link(path, join(dir, 'b'));
      const linked = await fingerprint(path);
      expect(linked.nlink).to.equal(2);
      expect(isSameFile(first, linked)).to.equal(true);
      expect(isSameFile(first, { ...first, dev: '1', ino: '2' })).to.equal(true);
      expect(isSameFile(first, { ...first, mtimeNs: '1000000000000000000' })).to.equal(true);
      expect(isSameFile(first, { ...first, mtimeNs: '1000000000250000001' })).to.equal(false);
      expect(isSameFile(first, { ...first, mtimeNs: '1000000001000000000' })).to.equal(false);
      expect(isSameFile(first, { ...first, sizeBytes: 4 })).to.equal(false);
    });

    it('says why there is none', async () => {
      await symlink(dir, join(dir, 'link'));
      expect(await codeOf(fingerprint(join(dir, 'link')))).to.equal('file_linked');
      expect(await codeOf(fingerprint(join(dir, 'none')))).to.equal('file_missing');
      expect(await codeOf(fingerprint(dir))).to.equal('file_missing');
      await writeFile(join(dir, 'file'), '');
      expect(await codeOf(fingerprint(join(dir, 'file', 'below')))).to.equal('file_missing');
    });
  });

  describe('sha256File', () => {
    it('hashes what sha256sum hashes, and stops when told to', async () => {
      const path = join(dir, 'a');
      await writeFile(path, Buffer.alloc(3_000_001, 'x'));
      const { stdout } = await execa('sha256sum', [path]);
      expect(await sha256File(path)).to.equal(stdout.slice(0, 64));
      expect(await codeOf(sha256File(path, AbortSignal.abort(new Error('stop'))))).to.be.instanceOf(Error);
      expect(await codeOf(sha256File(join(dir, 'none')))).to.equal('file_missing');
    });
  });

  describe('SpaceLedger', () => {
    it('promises no byte twice, and says what is missing', async () => {
      const free = await freeBytes(join(dir, 'not', 'there', 'yet'));
      const { bavail, bsize } = await statfs(dir);
      expect(free).to.be.closeTo(bavail * bsize, 1e9);
      const ledger = new SpaceLedger();
      const third = Math.floor(free / 3);
      const release = await ledger.reserve(dir, third);
      const results = await Promise.all([1, 2].map(() => codeOf(ledger.reserve(join(dir, 'sub'), third))));
      expect(results.sort()).to.deep.equal(['no error', 'no_space']);
      const error = await ledger.reserve(dir, free).catch((reason: unknown) => reason);
      expect(error)
        .to.have.property('message')
        .that.matches(/has .+B free and .+B are needed/);
      release();
      release();
      expect(await codeOf(ledger.reserve(dir, third))).to.equal('no error');
      expect(await codeOf(ledger.reserve(dir, third))).to.equal('no_space');
    });

    it('keeps its margin', async () => {
      const ledger = new SpaceLedger({ marginBytes: (await freeBytes(dir)) + 1e9 });
      expect(await codeOf(ledger.reserve(dir, 1))).to.equal('no_space');
    });
  });

  describe('verifyPath', () => {
    it('does what it claims and leaves nothing behind', async () => {
      const proof = await verifyPath(dir);
      expect(proof).to.deep.include({
        folder: dir,
        exists: true,
        readable: true,
        writable: true,
        canRename: true,
        canHardLink: true,
        caseSensitive: process.platform === 'linux',
        message: null,
      });
      expect(proof.freeBytes).to.be.greaterThan(0);
      expect(await readdir(dir)).to.deep.equal([]);
    });

    it('says what to do', async () => {
      const missing = await verifyPath(join(dir, 'none'));
      expect(missing).to.include({ exists: false, readable: false, writable: false, freeBytes: null });
      expect(missing.message).to.include('mounted');
      await writeFile(join(dir, 'file'), '');
      expect((await verifyPath(join(dir, 'file'))).message).to.include('is a file');
    });

    it('tells "may not read" from "may not write"', async () => {
      if (process.getuid?.() !== 0) return;
      await chmod(dir, 0o755);
      await mkdir(join(dir, 'closed'), { mode: 0o700 });
      process.seteuid?.(65_534);
      try {
        const open = await verifyPath(dir);
        expect(open).to.include({ exists: true, readable: true, writable: false });
        expect(open.message).to.include('may not write');
        const closed = await verifyPath(join(dir, 'closed'));
        expect(closed).to.include({ exists: true, readable: false, writable: false });
        expect(closed.message).to.include('may not read');
      } finally {
        process.seteuid?.(0);
      }
    });

    it('knows a read-only and a full disk', async () => {
      const disk = join(dir, 'disk');
      await mkdir(disk);
      const { failed } = await execa('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', disk], { reject: false });
      if (failed) return;
      try {
        await writeFile(join(disk, 'ballast'), Buffer.alloc(65_536)).catch(() => undefined);
        expect((await verifyPath(disk)).message).to.include('full');
        await execa('mount', ['-o', 'remount,ro', disk]);
        expect((await verifyPath(disk)).message).to.include('read-only');
        expect(await readdir(disk)).to.deep.equal(['ballast']);
      } finally {
        await execa('umount', [disk]);
      }
    });
  });
});
