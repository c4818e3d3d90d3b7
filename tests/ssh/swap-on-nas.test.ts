import { expect } from 'chai';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { remotePath } from '../../src/domain/settings/disk.js';
import { mountRemotes } from '../../src/files/disks.js';
import { fingerprint } from '../../src/files/fingerprint.js';
import { moveFile } from '../../src/files/set-aside.js';
import { Swapper } from '../../src/files/swap.js';
import { SshDisk } from '../../src/ssh/remote-disk.js';
import { Sshd } from '../support/sshd.js';
import {
  allKillPoints,
  byStandingStill,
  nameOf,
  perform,
  tryPoint,
  type Breaker,
  type KillPoint,
} from '../support/swap-kill.js';
import { TcpProxy } from '../support/tcp-proxy.js';

/** How many points are tried in each way; all of them with `ALL_POINTS=1`. */
const POINTS = process.env['ALL_POINTS'] === '1' ? Infinity : 5;

const some = (points: readonly KillPoint[], count: number): KillPoint[] => {
  const stride = Math.max(1, points.length / count);
  return points.filter((_, at) => Math.floor(at / stride) !== Math.floor((at - 1) / stride));
};

describe('a swap on another machine that is broken off', function () {
  this.timeout(3_600_000);
  let sshd: Sshd;
  let proxy: TcpProxy;
  let disk: SshDisk;
  let unmount: () => void;
  let points: KillPoint[];

  before(async () => {
    sshd = await Sshd.start();
    proxy = await TcpProxy.start(sshd);
    disk = new SshDisk({
      address: {
        ...{ host: sshd.host, port: proxy.port, username: sshd.username, hostKey: await sshd.fingerprint() },
        auth: { kind: 'key', privateKey: sshd.privateKey },
      },
      ...{ name: 'NAS', maxMbps: null, patienceMs: 120 },
    });
    unmount = mountRemotes(() => disk);
    points = (await allKillPoints(['nas'])).filter(({ step }) => /^after:(?!hash|check|recheck|sync)/.test(step));
  });
  after(async () => {
    unmount();
    disk.close();
    await proxy.close();
    await sshd.close();
  });

  const wrongOf = async (breaker: Breaker): Promise<string[]> => {
    const wrong: string[] = [];
    const tried = some(points, POINTS);
    expect(tried.length).to.be.at.least(Math.min(5, points.length));
    for (const point of tried) {
      const answer = await tryPoint(point, breaker).catch((error: unknown) => String(error));
      if (answer !== null) wrong.push(`${nameOf(point)}: ${answer}`);
    }
    return wrong;
  };

  it('sets a surplus copy aside there, and takes it back', async () => {
    const dir = await mkdtemp(join(tmpdir(), 'mediaflow-nas-'));
    const [from, to] = ['film.mkv', '.mediaflow/quarantine/entry/film.mkv'].map((name) => join(dir, name)) as [
      string,
      string,
    ];
    await writeFile(from, 'a copy');
    const there = (path: string): string => remotePath('nas', path);
    const move = { id: 'entry', from: there(from), to: there(to), fingerprint: await fingerprint(there(from)) };
    const moved = await moveFile(move);
    expect(await readFile(to, 'utf8')).to.equal('a copy');
    expect((await readdir(dir)).sort()).to.deep.equal(['.mediaflow']);
    await moveFile({ id: 'entry', from: there(to), to: there(from), fingerprint: moved });
    expect(await readFile(from, 'utf8')).to.equal('a copy');
    await rm(dir, { recursive: true });
  });

  it('loses nothing when MediaFlow ends', async () => {
    expect(await wrongOf(byStandingStill)).to.deep.equal([]);
  });

  it('loses nothing when the line is lost, and goes on when it is back', async () => {
    expect(
      await wrongOf(async (scene, acts, step) => {
        const swapper = new Swapper({
          journalDir: scene.journalDir,
          onStep: (name) => {
            if (name !== step) return;
            proxy.faults.isRefused = true;
            proxy.cut();
          },
        });
        try {
          for (const act of acts) await perform(swapper, scene, act);
        } catch {
          // It is told that the machine is away, and tries to go back, which it cannot either.
        }
        proxy.faults.isRefused = false;
        await new Promise((resolve) => setTimeout(resolve, 30));
      }),
    ).to.deep.equal([]);
  });

  it('loses nothing when an answer is lost after the work was done', async () => {
    expect(
      await wrongOf(async (scene, acts, step) => {
        const swapper = new Swapper({
          journalDir: scene.journalDir,
          onStep: (name) => {
            // The next thing is asked, and may be done, before the line ends.
            if (name === step) proxy.cutAfter(1500);
          },
        });
        try {
          for (const act of acts) await perform(swapper, scene, act);
        } catch {
          // As above.
        }
        proxy.cutAfter(Infinity);
      }),
    ).to.deep.equal([]);
  });
});
