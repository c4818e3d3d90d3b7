import { access, mkdir, rmdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Clips } from '../tests/support/clips.js';
import { Sshd } from '../tests/support/sshd.js';
import { Stage } from '../tests/support/stage.js';
import { figure, timed, type Figure } from './figure.js';

const WORKERS = 3;
const GOAL = 2.4;
/** Half a core each, so that three of them are busy on the two cores of a small machine. */
const CORES = 0.5;
const PERIOD_US = 100_000;
const GROUPS = '/sys/fs/cgroup';
const FILM = ['-f', 'lavfi', '-i', 'testsrc2=s=1280x720:r=25:d=16', '-c:v', 'mpeg4', '-q:v', '3'];

/** The program with three workers of half a core each: three films on one of them, then one on each. */
export async function benchFleet(): Promise<Figure[]> {
  const [clips, stage] = [await Clips.open(), await Stage.set({ webhook: false })];
  const machines: Machine[] = [];
  try {
    await stage.startApp();
    await stage.setToWork({ mode: 'off', preset: 'quick' });
    for (let number = 0; number < WORKERS; number++) machines.push(await Machine.join(stage, number));
    const clip = await clips.make('fleet.mkv', FILM);
    const paths: string[] = [];
    for (let number = 1; number <= 2 * WORKERS; number++)
      paths.push(await stage.add(`Films/F ${number} (200${number})/F ${number} (200${number}).mkv`, clip));
    await stage.plex.scan();
    await stage.api('POST', '/api/plex/sync', { mode: 'full' });
    const areKnown = async (): Promise<boolean> =>
      (await stage.api<{ total: number }>('GET', '/api/library/items')).total === paths.length;
    await stage.until('the films are read', areKnown);
    const ids = machines.map(({ id }) => id);
    const [first = ''] = ids;
    const alone = await timed(() =>
      finish(
        stage,
        paths.slice(0, WORKERS),
        ids.map(() => first),
      ),
    );
    const together = await timed(() => finish(stage, paths.slice(WORKERS), ids));
    return [
      figure({
        id: 'fleet',
        what: `${WORKERS} films on ${WORKERS} workers of ${CORES} core each`,
        value: together,
        unit: 'ms',
        yardstick: 'the same number of films on one of them',
        yardstickValue: alone,
        goal: `<= 1 / ${GOAL} x`,
        holds: alone / together >= GOAL,
      }),
    ];
  } finally {
    await stage.strike();
    for (const machine of machines) await machine.close();
    await clips.close();
  }
}

/** Queues each film for its worker and waits until all are done. */
async function finish(stage: Stage, paths: readonly string[], workerIds: readonly string[]): Promise<void> {
  for (const [at, path] of paths.entries())
    await stage.api('POST', '/api/transcode/jobs', { paths: [path], presetId: 'quick', workerId: workerIds[at] });
  for (;;) {
    const jobs = (await stage.jobs()).filter(({ sourcePath }) => paths.includes(sourcePath));
    const bad = jobs.find(({ state }) => ['failed', 'skipped', 'cancelled'].includes(state));
    if (bad) throw new Error(`a job ended as ${bad.state}: ${bad.error?.message ?? ''}`);
    if (jobs.length === paths.length && jobs.every(({ state }) => state === 'done')) return;
    await sleep(100);
  }
}

/** An SSH server that gets, with all it starts, so much of a core. Only where this user may say so (Linux control groups). */
class Machine {
  readonly id: string;
  readonly #sshd: Sshd;
  readonly #group: string;

  private constructor(id: string, sshd: Sshd, group: string) {
    this.id = id;
    this.#sshd = sshd;
    this.#group = group;
  }

  static async join(stage: Stage, number: number): Promise<Machine> {
    const sshd = await Sshd.start();
    const group = await limitTo(CORES, sshd.pid, `mediaflow-bench-${process.pid}-${number}`);
    const { host, port, username, privateKey } = sshd;
    const { id } = await stage.api<{ id: string }>('POST', '/api/servers', {
      ...{ name: `machine ${number}`, host, port, username, slots: 1, hostKey: await sshd.fingerprint() },
      ...{ scratchDir: join(sshd.dir, 'scratch'), auth: { kind: 'key', privateKey } },
    });
    const isThere = async (): Promise<boolean> =>
      (await stage.api<{ state: string }>('GET', `/api/servers/${id}`)).state === 'online';
    await stage.until('the worker is there', isThere, 120_000);
    return new Machine(id, sshd, group);
  }

  async close(): Promise<void> {
    await this.#sshd.close();
    // What was in it has just ended.
    for (let tries = 0; tries < 50; tries++) {
      if (
        await rmdir(this.#group).then(
          () => true,
          () => false,
        )
      )
        return;
      await sleep(100);
    }
  }
}

async function limitTo(cores: number, pid: number, name: string): Promise<string> {
  const isOld = await access(join(GROUPS, 'cpu')).then(
    () => true,
    () => false,
  );
  const group = isOld ? join(GROUPS, 'cpu', name) : join(GROUPS, name);
  await mkdir(group);
  if (isOld) {
    await writeFile(join(group, 'cpu.cfs_period_us'), String(PERIOD_US));
    await writeFile(join(group, 'cpu.cfs_quota_us'), String(cores * PERIOD_US));
  } else await writeFile(join(group, 'cpu.max'), `${cores * PERIOD_US} ${PERIOD_US}`);
  await writeFile(join(group, 'cgroup.procs'), String(pid));
  return group;
}
