import { expect } from 'chai';
import { execa } from 'execa';
import { randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { toAppError } from '../../src/domain/errors.js';
import { sha256Of } from '../../src/lib/sha256.js';
import { Rate } from '../../src/lib/rate.js';
import type { SshAddress } from '../../src/ssh/connect.js';
import { SshConnection } from '../../src/ssh/connection.js';
import { Pieces } from '../../src/ssh/pieces.js';
import { download, lanesFor, upload, type TransferOptions } from '../../src/ssh/transfer.js';
import { Sshd } from '../support/sshd.js';
import { TcpProxy } from '../support/tcp-proxy.js';

const failureOf = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => 'it went well',
    (error: unknown) => error,
  );

describe('a file on its way to a worker and back', () => {
  let sshd: Sshd;
  let proxy: TcpProxy;
  let address: SshAddress;
  let dir: string;
  let there: string;
  const never = new AbortController().signal;

  before(async () => {
    sshd = await Sshd.start();
    address = {
      ...{ host: sshd.host, port: sshd.port, username: sshd.username, hostKey: await sshd.fingerprint() },
      auth: { kind: 'key', privateKey: sshd.privateKey },
    };
  });
  after(() => sshd.close());
  beforeEach(async () => {
    proxy = await TcpProxy.start(sshd);
    dir = await mkdtemp(join(tmpdir(), "mediaflow ' transfer-"));
    there = join(dir, 'there $x');
    await mkdir(there);
  });
  afterEach(async () => {
    await proxy.close();
    await rm(dir, { recursive: true, force: true });
  });

  const options = (change: Partial<TransferOptions> = {}): TransferOptions => ({
    connect: (signal) => SshConnection.open({ ...address, port: proxy.port }, signal),
    ...{ lanes: 1, rate: null, patienceMs: 60_000, onBytes: () => undefined, signal: never },
    ...change,
  });
  const made = async (bytes: number): Promise<string> => {
    const path = join(dir, 'film');
    await writeFile(path, randomBytes(bytes));
    return path;
  };

  for (const bytes of [0, 1, 65_535, 65_536, 65_537, 3_000_001]) {
    it(`is the same afterwards, at ${bytes} bytes`, async () => {
      const path = await made(bytes);
      const seen: number[] = [];
      await upload(path, bytes, there, options({ lanes: 2, onBytes: (done) => seen.push(done) }));
      expect(await sha256Of(join(there, 'in.part'))).to.equal(await sha256Of(path));
      expect(seen.at(-1)).to.equal(bytes);
      await download({ dir, name: 'film', sizeBytes: bytes }, join(there, 'back'), options({ lanes: 2 }));
      expect(await sha256Of(join(there, 'back'))).to.equal(await sha256Of(path));
    });
  }

  it('goes on where it was when the line is cut again and again', async () => {
    const bytes = 6_000_000;
    const path = await made(bytes);
    // Whoever began anew after a cut would never come to the end: a connection transfers less than a third of the file.
    proxy.cutAfter(1_700_000, true);
    await upload(path, bytes, there, options({ lanes: 2 }));
    expect(await sha256Of(join(there, 'in.part'))).to.equal(await sha256Of(path));
    await download({ dir, name: 'film', sizeBytes: bytes }, join(there, 'back'), options());
    expect(await sha256Of(join(there, 'back'))).to.equal(await sha256Of(path));
    expect(proxy.connections).to.be.greaterThan(6);
  });

  it('gives up when nothing gets over, and stops at once when told', async () => {
    const path = await made(2_000_000);
    proxy.faults.isRefused = true;
    const error = await failureOf(upload(path, 2_000_000, there, options({ patienceMs: 300 })));
    expect(error).to.have.property('code', 'worker_unreachable');
    proxy.faults.isRefused = false;
    proxy.faults.bytesPerSec = 100_000;
    const abort = new AbortController();
    const onBytes = (): void => {
      abort.abort(new Error('enough'));
    };
    const stopped = await failureOf(upload(path, 2_000_000, there, options({ onBytes, signal: abort.signal })));
    expect(stopped).to.have.property('message', 'enough');
  });

  it('says so when the file shrinks, the folder is gone, or the other disk is full', async function () {
    const path = await made(9_000_000);
    const shrink = (): void => void truncate(path, 10).catch(() => undefined);
    const shrunk = await failureOf(upload(path, 9_000_000, there, options({ onBytes: shrink })));
    expect(shrunk).to.have.property('code', 'file_changed');
    const gone = await failureOf(upload(path, 10, join(dir, 'none'), options({ patienceMs: 0 })));
    expect(gone).to.have.property('code', 'transfer_failed');
    const short = await failureOf(
      download({ dir, name: 'film', sizeBytes: 9 ** 6 }, join(there, 'back'), options({ patienceMs: 0 })),
    );
    expect(short).to.have.property('code', 'transfer_failed');
  });

  it('says that the disk here is full, and goes on with nothing that still comes', async function () {
    const path = await made(5_000_000);
    const small = join(dir, 'small');
    await mkdir(small);
    const mounted = await execa('mount', ['-t', 'tmpfs', '-o', 'size=2m', 'tmpfs', small], { reject: false });
    if (mounted.failed) this.skip();
    try {
      const whole = { dir, name: basename(path), sizeBytes: 5_000_000 };
      const full = await failureOf(download(whole, join(small, 'back'), options({ lanes: 2 })));
      expect(toAppError(full)).to.have.property('code', 'no_space');
      expect((await stat(join(small, 'back'))).size).to.be.lessThan(5_000_000);
    } finally {
      await execa('umount', [small]);
    }
  });

  it('keeps to the speed it is allowed', async () => {
    const path = await made(1_500_000);
    const startedMs = performance.now();
    await upload(path, 1_500_000, there, options({ lanes: 2, rate: new Rate(2_000_000) }));
    // Faster than allowed is what must not be; how much slower a busy machine is does not matter.
    expect(performance.now() - startedMs).to.be.greaterThan(500);
    expect((await stat(join(there, 'in.part'))).size).to.equal(1_500_000);
  });

  it('uses as many connections as the way is long', () => {
    expect([0, 1, 20, 50, 200, 2000].map(lanesFor)).to.deep.equal([1, 1, 3, 6, 6, 6]);
  });

  it('takes no part that is there already', () => {
    const held = [
      { at: 0, length: 1_048_576 },
      { at: 4_194_304, length: 4_194_304 },
    ];
    const pieces = new Pieces(9_000_000, 2, held);
    expect(pieces.doneBytes).to.equal(5_242_880);
    const seen: [number, number][] = [];
    for (let piece = pieces.take(); piece; piece = pieces.take()) {
      seen.push([piece.at, piece.at + piece.length]);
      pieces.done(piece, 10);
    }
    expect(seen[0]?.[0]).to.equal(1_048_576);
    expect(seen.at(-1)).to.deep.equal([8_388_608, 9_000_000]);
    const overlaps = seen.filter(([from, to]) => held.some(({ at, length }) => from < at + length && to > at));
    expect(overlaps).to.deep.equal([]);
    expect(pieces.doneBytes).to.equal(9_000_000);
    expect(new Pieces(10, 1, [{ at: 0, length: 10 }]).take()).to.equal(null);
  });

  it('finds the size of a piece quickly on a good line, and carefully on one that broke', () => {
    const sizeOf = (tookMs: number, pieces: Pieces): number => {
      const piece = pieces.take() ?? { at: 0, length: 0 };
      pieces.done(piece, tookMs);
      return piece.length / 2 ** 20;
    };
    const good = new Pieces(10 * 2 ** 30);
    expect([2, 20, 400, 3000, 5000].map((ms) => sizeOf(ms, good))).to.deep.equal([1, 16, 256, 512, 512]);
    expect(sizeOf(1500, good)).to.equal(256);
    const bad = new Pieces(10 * 2 ** 30);
    const together = [bad.take(), bad.take(), bad.take()];
    for (const piece of together) if (piece) bad.giveBack(piece);
    expect([2, 2, 2, 2, 2, 2].map((ms) => sizeOf(ms, bad))).to.deep.equal([0.5, 0.5, 1, 1, 2, 4]);
  });

  it('leaves no crumbs for the end', () => {
    const pieces = new Pieces(2 ** 30, 4);
    const sizes: number[] = [];
    for (let piece = pieces.take(); piece; piece = pieces.take()) {
      sizes.push(piece.length / 2 ** 20);
      pieces.done(piece, 100 + piece.length / 2 ** 20);
    }
    expect(sizes.reduce((sum, size) => sum + size)).to.equal(1024);
    expect(sizes.length).to.be.lessThan(25);
  });

  it('counts every byte of a file once, whoever fails', () => {
    const pieces = new Pieces(10_000_000);
    const seen = new Map<number, number>();
    let turn = 0;
    for (let piece = pieces.take(); piece; piece = pieces.take()) {
      if (turn++ % 3 === 1) pieces.giveBack(piece);
      else {
        pieces.done(piece, turn % 2 === 0 ? 10 : 9000);
        seen.set(piece.at, piece.length);
      }
    }
    let at = 0;
    while (seen.has(at)) at += seen.get(at) ?? 0;
    expect(at).to.equal(10_000_000);
    expect(pieces.doneBytes).to.equal(10_000_000);
  });
});
