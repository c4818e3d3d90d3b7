import { expect } from 'chai';
import { randomBytes } from 'node:crypto';
import { mkdtemp, readFile, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { SshAddress } from '../../src/ssh/connect.js';
import { SshDisk } from '../../src/ssh/remote-disk.js';
import { sha256Of } from '../../src/lib/sha256.js';
import { diskContract } from '../support/disk-contract.js';
import { HOSTILE_NAMES, MANY_HOSTILE_NAMES } from '../support/hostile-names.js';
import { Sshd } from '../support/sshd.js';
import { TcpProxy } from '../support/tcp-proxy.js';

/** Each is sent and fetched over connections of its own, which takes a moment. */
const NAMES = process.env['ALL_NAMES'] === '1' ? MANY_HOSTILE_NAMES : HOSTILE_NAMES.filter((_, at) => at % 5 === 0);

describe('the disk of a machine reached over SSH', () => {
  let sshd: Sshd;
  let proxy: TcpProxy;
  let address: SshAddress;
  let disk: SshDisk;
  let dir: string;

  before(async () => {
    sshd = await Sshd.start();
    proxy = await TcpProxy.start(sshd);
    address = {
      ...{ host: sshd.host, port: proxy.port, username: sshd.username, hostKey: await sshd.fingerprint() },
      auth: { kind: 'key', privateKey: sshd.privateKey },
    };
    disk = new SshDisk({ address, name: 'NAS', maxMbps: null });
  });
  after(async () => {
    disk.close();
    await proxy.close();
    await sshd.close();
  });
  beforeEach(async () => {
    Object.assign(proxy.faults, { latencyMs: 0, bytesPerSec: null, isFrozen: false, isRefused: false });
    dir = await mkdtemp(join(tmpdir(), 'mediaflow-nas-'));
  });
  afterEach(() => rm(dir, { recursive: true, force: true }));

  diskContract('over SSH', () => disk);

  it('fetches and sends files of every name, whole', async function () {
    this.timeout(600_000);
    const bytes = randomBytes(70_000);
    const [here, back] = [join(dir, 'here'), join(dir, 'back')];
    await writeFile(here, bytes);
    const hash = await sha256Of(here);
    for (const name of NAMES) {
      const there = join(dir, name);
      expect(await disk.send(here, there)).to.equal(hash);
      expect(await disk.fetch(there, back)).to.equal(hash);
      expect(bytes.equals(await readFile(back))).to.equal(true);
      await rm(there);
    }
    expect((await readdir(dir)).sort()).to.deep.equal(['back', 'here']);
  });

  it('sends to no path at which something stands, and lets only its user read what it sent', async () => {
    const [here, there] = [join(dir, 'here'), join(dir, 'there')];
    await writeFile(here, 'new');
    await writeFile(there, 'old');
    const error: unknown = await disk.send(here, there).catch((thrown: unknown) => thrown);
    expect((error as NodeJS.ErrnoException).code).to.equal('EEXIST');
    expect(await readFile(there, 'utf8')).to.equal('old');
    await disk.send(here, join(dir, 'free'));
    expect((await stat(join(dir, 'free'))).mode & 0o077).to.equal(0);
  });

  it('fetches a part of a file', async () => {
    const bytes = randomBytes(200_001);
    await writeFile(join(dir, 'film'), bytes);
    const part = async (at: number, length: number): Promise<boolean> =>
      bytes.subarray(at, at + length).equals(await disk.fetchPart(join(dir, 'film'), { at, length }));
    expect(await part(0, 100)).to.equal(true);
    expect(await part(65_536, 100_000)).to.equal(true);
    expect(await part(196_608, 65_536)).to.equal(true);
    expect(await part(65_537, 65_536)).to.equal(true);
    expect(await part(1, 3)).to.equal(true);
  });

  it('does everything once on a line that breaks all the time', async () => {
    const content = randomBytes(3_000_000);
    await writeFile(join(dir, 'here'), content);
    const other = new SshDisk({ address, name: 'NAS', maxMbps: null });
    const before = proxy.passed;
    await other.lstat(dir);
    const helloBytes = proxy.passed - before;
    try {
      for (const round of [0]) {
        const at = (name: string): string => join(dir, `${name}-${round}`);
        // Somewhere in the middle of whatever is being done then.
        proxy.cutAfter(helloBytes + 700 + round * 500, true);
        await other.mkdirs(at('folder'));
        await other.writeNew(at('film'), 'a film');
        await other.link(at('film'), at('second'));
        await other.rename(at('second'), join(at('folder'), 'third'));
        await other.unlink(at('film'));
        await other.copy(join(at('folder'), 'third'), at('copy'));
        await other.unlink(join(at('folder'), 'third'));
        await other.rmdir(at('folder'));
        proxy.cutAfter(900_000 + round * 100_000, true);
        const hash = await other.send(join(dir, 'here'), at('sent'));
        expect(await other.sha256(at('sent'))).to.equal(hash);
        expect(await other.fetch(at('sent'), join(dir, 'back'))).to.equal(hash);
        expect(content.equals(await readFile(join(dir, 'back')))).to.equal(true);
      }
      const names = await readdir(dir);
      expect(names.sort()).to.deep.equal(['back', 'here', 'copy-0', 'sent-0'].sort());
    } finally {
      proxy.cutAfter(Infinity);
      other.close();
    }
  });

  it('says which machine does not answer', async () => {
    proxy.faults.isRefused = true;
    const lost = new SshDisk({ address, name: 'Attic NAS', maxMbps: null, patienceMs: 100 });
    const error: unknown = await lost.lstat(dir).catch((thrown: unknown) => thrown);
    lost.close();
    expect(error).to.include({ code: 'storage_unreachable' });
    expect((error as Error).message).to.match(/^Attic NAS, where the files are stored, cannot be used right now\. /);
  });

  it('changes nothing on a machine that shows another host key', async () => {
    const other = new SshDisk({ address: { ...address, hostKey: 'SHA256:other' }, name: 'NAS', maxMbps: null });
    const error: unknown = await other.mkdirs(join(dir, 'new')).catch((thrown: unknown) => thrown);
    other.close();
    expect(error).to.include({ code: 'storage_unreachable' });
    expect(await readdir(dir)).to.deep.equal([]);
  });
});
