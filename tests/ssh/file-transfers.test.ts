import { expect } from 'chai';
import { execa } from 'execa';
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { AppError } from '../../src/domain/errors.js';
import { createLog } from '../../src/lib/log.js';
import { sha256Of } from '../../src/lib/sha256.js';
import { FileTransfers } from '../../src/ssh/file-transfers.js';
import type { TransferRequest, Watch } from '../../src/ssh/transfer-request.js';
import { Sshd } from '../support/sshd.js';
import { TcpProxy } from '../support/tcp-proxy.js';

const failureOf = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => 'it went well',
    (error: unknown) => error,
  );

/** The numbers of the processes that transfer files for this one, or for another. */
const processesOf = async (parent: number = process.pid): Promise<number[]> => {
  const { stdout } = await execa('pgrep', ['-P', String(parent), '-f', 'transfer-child'], { reject: false });
  return stdout.split('\n').filter(Boolean).map(Number);
};
/** Waits until there is one. */
const processOf = async (parent?: number): Promise<number> => {
  for (;;) {
    const [pid] = await processesOf(parent);
    if (pid !== undefined) return pid;
    await sleep(20);
  }
};
const untilGone = async (pid: number): Promise<void> => {
  for (;;) {
    try {
      process.kill(pid, 0);
    } catch {
      return;
    }
    await sleep(20);
  }
};

describe('the process that transfers files', () => {
  let sshd: Sshd;
  let proxy: TcpProxy;
  let dir: string;
  let there: string;
  let transfers: FileTransfers;
  const logged: string[] = [];
  const log = createLog('info', { write: (line) => void logged.push(line) });

  before(async () => {
    sshd = await Sshd.start();
  });
  after(() => sshd.close());
  beforeEach(async () => {
    logged.length = 0;
    proxy = await TcpProxy.start(sshd);
    dir = await mkdtemp(join(tmpdir(), "mediaflow ' transfers-"));
    there = join(dir, 'there $x');
    await mkdir(there);
    transfers = new FileTransfers({ log });
  });
  afterEach(async () => {
    await transfers.close();
    await proxy.close();
    await rm(dir, { recursive: true, force: true });
  });

  const loadOf = async (change: Partial<TransferRequest> = {}): Promise<TransferRequest> => ({
    address: {
      ...{ host: sshd.host, port: proxy.port, username: sshd.username, hostKey: await sshd.fingerprint() },
      auth: { kind: 'key', privateKey: sshd.privateKey },
    },
    ...{ kind: 'upload', path: join(dir, 'film'), dir: there, name: 'in.part', sizeBytes: 0, held: [], lanes: 1 },
    ...{ bytesPerSec: null, patienceMs: 20_000 },
    ...change,
  });
  const watch = (change: Partial<Watch> = {}): Watch => ({
    ...{ onBytes: () => undefined, signal: new AbortController().signal },
    ...change,
  });
  const made = async (sizeBytes: number): Promise<{ path: string; sizeBytes: number }> => {
    const path = join(dir, 'film');
    await writeFile(path, randomBytes(sizeBytes));
    return { path, sizeBytes };
  };

  it('uploads and downloads beside this one, over one connection, and says how far it is', async () => {
    const file = await made(3_000_001);
    const seen: number[] = [];
    const onBytes = (bytes: number): void => void seen.push(bytes);
    await transfers.transferFile(await loadOf(file), watch({ onBytes }));
    expect(seen.at(-1)).to.equal(3_000_001);
    expect(await processesOf()).to.have.length(1);
    const back = join(dir, 'back');
    await transfers.transferFile(await loadOf({ ...file, kind: 'download', path: back }), watch());
    expect(await sha256Of(back)).to.equal(await sha256Of(file.path));
    expect(proxy.connections).to.equal(1);
    // A connection of another key is not taken for this one.
    const changed = await loadOf({ ...file, patienceMs: 0 });
    changed.address.hostKey = 'SHA256:another';
    const refused = await failureOf(transfers.transferFile(changed, watch()));
    expect(refused).to.have.property('code', 'worker_host_key');
    expect(refused).to.have.nested.property('fields.hostKey', await sshd.fingerprint());
  });

  it('opens a new connection when the one it kept is lost', async () => {
    const file = await made(1000);
    await transfers.transferFile(await loadOf(file), watch());
    await sshd.cut();
    await transfers.transferFile(await loadOf({ ...file, kind: 'download', path: join(dir, 'back') }), watch());
    expect(await sha256Of(join(dir, 'back'))).to.equal(await sha256Of(file.path));
    expect(proxy.connections).to.equal(2);
  });

  it('stops when told, with the reason, and transfers the next', async () => {
    const file = await made(4_000_000);
    proxy.faults.bytesPerSec = 400_000;
    const abort = new AbortController();
    const onBytes = (): void => {
      abort.abort(new Error('enough'));
    };
    const down = { ...file, kind: 'download', dir, name: 'film', path: join(dir, 'back') } as const;
    const stopped = await failureOf(
      transfers.transferFile(await loadOf(down), watch({ onBytes, signal: abort.signal })),
    );
    expect(stopped).to.have.property('message', 'enough');
    expect((await stat(down.path)).size).to.be.lessThan(4_000_000);
    const [pid] = await processesOf();
    proxy.faults.bytesPerSec = null;
    await transfers.transferFile(await loadOf(down), watch());
    expect(await sha256Of(down.path)).to.equal(await sha256Of(file.path));
    expect(await processesOf()).to.deep.equal([pid]);
    expect(await failureOf(transfers.transferFile(await loadOf(down), watch({ signal: abort.signal })))).to.equal(
      stopped,
    );
  });

  it('says what is wrong as if it had happened here', async () => {
    const file = await made(10);
    const missing = await failureOf(
      transfers.transferFile(await loadOf({ ...file, path: join(dir, 'none') }), watch()),
    );
    expect(missing).to.have.property('code', 'ENOENT');
    expect(missing).to.not.be.instanceOf(AppError);
    const gone = await failureOf(
      transfers.transferFile(await loadOf({ ...file, dir: join(dir, 'none'), patienceMs: 0 }), watch()),
    );
    expect(gone).to.have.property('code', 'transfer_failed');
    proxy.faults.isRefused = true;
    const away = await failureOf(transfers.transferFile(await loadOf({ ...file, patienceMs: 0, lanes: 2 }), watch()));
    expect(away).to.have.property('code', 'worker_unreachable');
  });

  it('begins a file again when it is killed, and gives up when that goes on', async () => {
    const file = await made(2_000_000);
    proxy.faults.bytesPerSec = 400_000;
    const killed: number[] = [];
    const kill = (times: number) => (): void => {
      void processesOf().then((pids) => {
        // The one that was killed may stand in the list for a while.
        const pid = pids.find((each) => !killed.includes(each));
        if (pid === undefined || killed.length >= times) return;
        try {
          process.kill(pid, 'SIGKILL');
          killed.push(pid);
        } catch {
          // It has ended since the list was made.
        }
      });
    };
    await transfers.transferFile(await loadOf(file), watch({ onBytes: kill(1) }));
    expect(killed).to.have.length(1);
    expect(await sha256Of(join(there, 'in.part'))).to.equal(await sha256Of(file.path));
    expect(logged.join('')).to.include('signal SIGKILL');
    const error = await failureOf(transfers.transferFile(await loadOf(file), watch({ onBytes: kill(3) })));
    expect(error).to.have.property('code', 'transfer_failed');
    expect(error).to.have.property('message').that.includes(sshd.host);
  });

  it('ends when it is idle, and is started again', async () => {
    await transfers.close();
    transfers = new FileTransfers({ log, idleMs: 50 });
    const file = await made(1000);
    // Held until it was seen: at once after the file it may be gone.
    proxy.faults.isFrozen = true;
    const transferring = transfers.transferFile(await loadOf(file), watch());
    const pid = await processOf();
    proxy.faults.isFrozen = false;
    await transferring;
    await untilGone(pid);
    await transfers.transferFile(await loadOf(file), watch());
    expect(await processesOf()).to.not.include(pid);
  });

  it('ends with the program that started it', async () => {
    const file = await made(4_000_000);
    proxy.faults.bytesPerSec = 200_000;
    const script = join(import.meta.dirname, '../support/transfer-parent.ts');
    const program = spawn(process.execPath, ['--import=tsx', script, JSON.stringify(await loadOf(file))], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await once(program.stdout, 'data');
    const pid = await processOf(program.pid);
    process.kill(program.pid ?? 0, 'SIGKILL');
    await untilGone(pid);
  });

  it('transfers in this process where none can be started', async () => {
    await transfers.close();
    await writeFile(join(dir, 'fails.cjs'), 'process.exitCode = 1;');
    transfers = new FileTransfers({ log, program: { file: join(dir, 'fails.cjs'), flags: [] } });
    const file = await made(100_000);
    await transfers.transferFile(await loadOf(file), watch());
    expect(await sha256Of(join(there, 'in.part'))).to.equal(await sha256Of(file.path));
    expect(logged.join('')).to.include('transferred in this one');
  });
});
