import { expect } from 'chai';
import { execa } from 'execa';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { build, type Built } from '../support/job-kill.js';
import { NpmStart } from '../support/npm-start.js';

/** Loaded before the program: a fault in the middle of whatever it does, and a promise that nobody waits for. */
const FAULTS = `data:text/javascript,
process.on('SIGUSR2', () => { Promise.reject(new Error('nobody waited')); setTimeout(() => { throw new Error('nobody caught'); }, 100); });`;

const UPGRADE = [
  'GET /socket.io/?EIO=4&transport=websocket HTTP/1.1',
  ...['Host: 127.0.0.1', 'Connection: Upgrade', 'Upgrade: websocket', 'Sec-WebSocket-Version: 13'],
  ...['Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==', '', ''],
].join('\r\n');

describe('the process', function () {
  this.timeout(600_000);
  let built: Built;
  let dir: string;
  let env: Record<string, string>;
  before(async () => {
    built = await build();
  });
  after(() => built.remove());
  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'mediaflow-process-'));
    env = { MEDIAFLOW_DATA_DIR: join(dir, 'data'), LOG_LEVEL: 'info', HOST: '127.0.0.1', PORT: '0' };
  });
  afterEach(() => rm(dir, { recursive: true, force: true, maxRetries: 5 }));

  const locks = async (): Promise<string[]> =>
    (await readdir(join(dir, 'data'))).filter((name) => name.startsWith('mediaflow.lock'));

  it('that npm started ends however npm ends, and makes room for the one that starts at once', async () => {
    // To npm alone as a service manager sends it, to all as a terminal does. SIGKILL is what nobody can pass on.
    const ends: ((npm: NpmStart) => void)[] = [
      (npm) => {
        npm.signalNpm('SIGTERM');
      },
      (npm) => {
        npm.signalNpm('SIGKILL');
      },
      (npm) => {
        npm.signalAll('SIGKILL');
      },
      (npm) => {
        npm.signalAll('SIGHUP');
      },
    ];
    let npm = new NpmStart(built, env);
    try {
      for (const end of ends) {
        await npm.says('MediaFlow is ready');
        const before = npm;
        end(before);
        npm = new NpmStart(built, env);
        await npm.says('MediaFlow is ready');
        await before.leavesNothing();
      }
      npm.signalAll('SIGINT');
      await npm.leavesNothing();
      expect(await locks()).to.deep.equal([]);
    } finally {
      npm.signalAll('SIGKILL');
    }
  });

  it('lives through connections that break off, and ends in order after an error that nobody caught', async () => {
    const child = execa(process.execPath, ['--import', FAULTS, built.main], {
      cwd: built.folder,
      env: { ...env, PATH: process.env['PATH'] ?? '' },
      extendEnv: false,
      reject: false,
      stdin: 'ignore',
    });
    const url = await new Promise<string>((resolve, reject) => {
      createInterface({ input: child.stdout }).on('line', (line) => {
        if (line.includes('MediaFlow is ready')) resolve((JSON.parse(line) as { url: string }).url);
      });
      void child.then(({ stderr }) => {
        reject(new Error(`it ended: ${stderr}`));
      });
    });
    for (let nth = 0; nth < 30; nth++) {
      await new Promise<void>((resolve) => {
        const socket = connect(Number(new URL(url).port), '127.0.0.1', () => {
          socket.write(nth % 3 === 0 ? UPGRADE.slice(0, 60) : UPGRADE, () => {
            socket.resetAndDestroy();
            resolve();
          });
        });
        socket.on('error', () => undefined);
      });
    }
    expect((await fetch(`${url}/readyz`)).status).to.equal(200);
    child.kill('SIGUSR2');
    const { exitCode, stdout } = await child;
    expect(stdout).to.contain('nobody waited').and.contain('nobody caught');
    expect(exitCode).to.equal(1);
    expect(await locks()).to.deep.equal([]);
  });
});
