import { expect } from 'chai';
import { randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { SampleFile } from '../../src/domain/workers/shared-folders.js';
import { SshExecutor } from '../../src/workers/ssh.js';
import { Sshd } from '../support/sshd.js';

const MIB = 1 << 20;
const never = new AbortController().signal;

describe('looking on a worker for films of this machine', () => {
  let sshd: Sshd;
  let executor: SshExecutor;
  let dir: string;

  before(async () => {
    sshd = await Sshd.start();
    executor = new SshExecutor({
      address: {
        ...{ host: sshd.host, port: sshd.port, username: sshd.username, hostKey: await sshd.fingerprint() },
        auth: { kind: 'key', privateKey: sshd.privateKey },
      },
      ...{ scratchDir: join(sshd.dir, 'scratch'), folderName: 'mediaflow-test', maxMbps: null },
    });
  });
  after(async () => {
    await executor.close();
    await sshd.close();
  });
  beforeEach(async () => (dir = await mkdtemp(join(tmpdir(), 'mediaflow-find-'))));
  afterEach(() => rm(dir, { recursive: true, force: true }));

  const write = async (path: string, bytes: Buffer): Promise<SampleFile> => {
    await mkdir(dirname(join(dir, path)), { recursive: true });
    await writeFile(join(dir, path), bytes);
    return { path: join(dir, path), sizeBytes: bytes.length };
  };
  /** Where they were found, apart from the very files that were asked for: the two machines are one. */
  const find = async (samples: SampleFile[]) => {
    const { seen, ...rest } = await executor.findShared(samples, never);
    return { ...rest, there: seen.filter(({ here, there }) => here !== there).map(({ there }) => there) };
  };

  const NAMES = ["It's $(touch pwned) `x`.mkv", 'a [1080p] *?.mkv', '-name.mkv', 'new\nline\\.mkv', 'ünï ✓.mkv'];
  for (const name of NAMES) {
    it(`finds ${JSON.stringify(name)} by name, size and content`, async () => {
      const bytes = randomBytes(3000);
      const here = await write(`library/Film/${name}`, bytes);
      await write(`mnt/nas/Film/${name}`, bytes);
      await write(`mnt/nas/Film/another.mkv`, bytes);
      const found = await find([here]);
      expect(found).to.deep.equal({
        there: [join(dir, 'mnt/nas/Film', name)],
        lookAlikes: 0,
        isComplete: true,
      });
      expect(await readdir(dir)).to.have.members(['library', 'mnt']);
    });
  }

  it('does not take a file of the same name and size for it, wherever the bytes differ', async () => {
    const bytes = randomBytes(5 * MIB);
    const here = await write('library/film.mkv', bytes);
    const changed = (at: number): Buffer => Buffer.from(bytes.map((byte, n) => (n === at ? byte ^ 1 : byte)));
    await write('begin/film.mkv', changed(10));
    await write('middle/film.mkv', changed(2.5 * MIB));
    await write('end/film.mkv', changed(5 * MIB - 1));
    await write('longer/film.mkv', Buffer.concat([bytes, Buffer.alloc(1)]));
    expect(await find([here])).to.deep.equal({ there: [], lookAlikes: 3, isComplete: true });
    await write('same/film.mkv', bytes);
    expect(await find([here])).to.deep.include({ there: [join(dir, 'same/film.mkv')], lookAlikes: 3 });
  });

  it('leaves hidden folders out, and leaves nothing behind', async () => {
    const before = await readdir(tmpdir());
    const bytes = randomBytes(2000);
    const here = await write('library/film.mkv', bytes);
    await write('.quarantine/film.mkv', bytes);
    expect(await find([here])).to.deep.include({ there: [], lookAlikes: 0 });
    const left = (await readdir(tmpdir())).filter((name) => !before.includes(name) && name.startsWith('tmp.'));
    const ours = await Promise.all(left.map((name) => stat(join(tmpdir(), name, 'places')).catch(() => null)));
    expect(ours.filter(Boolean)).to.deep.equal([]);
  });
});
