import { execa } from 'execa';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { remotePath } from '../../src/domain/settings/disk.js';
import type { Job } from '../../src/domain/jobs/job.js';
import type { TransferMode } from '../../src/domain/workers/worker.js';
import type { Clips } from './clips.js';
import { Program, type Built } from './job-kill.js';
import { Sshd } from './sshd.js';
import { filesBelow, sha256Of, Stage } from './stage.js';
import { realOf } from './swap-scene.js';
import { TcpProxy } from './tcp-proxy.js';

/** A worker or NAS, the line to it, and what it left on its disk. */
export interface Machine {
  id: string;
  sshd: Sshd;
  proxy: TcpProxy;
  scratch: string;
}

interface Film {
  path: string;
  sha256: string;
}

/** From the moment a worker is lost until its job is somebody else's. Milliseconds. */
const REQUEUE_MS = 90_000;
const END_MS = 900_000;
/** Megabits in a second; so slow that each part of the way takes a moment in which something may happen. */
const MBPS: Readonly<Record<TransferMode, number | undefined>> = {
  ...{ shared: undefined, transfer: 8, pull: 8 },
  // Copying would take longer than encoding.
  stream: 2,
};

/** MediaFlow as a program beside machines to which files go in one way, and films on their way. */
export class FaultWorld {
  readonly stage: Stage;
  readonly program: Program;
  readonly mode: TransferMode;
  readonly machines: Machine[] = [];
  readonly #clips: Clips;
  readonly #films: Film[] = [];
  #leases: ReturnType<typeof watchLeases> | null = null;

  private constructor(stage: Stage, built: Built, clips: Clips, mode: TransferMode) {
    this.stage = stage;
    this.program = new Program(built, stage);
    this.#clips = clips;
    this.mode = mode;
  }

  static async open(built: Built, clips: Clips, mode: TransferMode): Promise<FaultWorld> {
    const env = { LOG_LEVEL: 'info', ...(mode === 'pull' ? { MEDIAFLOW_PATH_MAPPINGS: '' } : {}) };
    const world = new FaultWorld(await Stage.set({ env, webhook: false }), built, clips, mode);
    try {
      await world.program.start();
      await world.stage.setToWork({ mode: 'off', preset: 'quick' });
      for (let number = 0; number < (mode === 'pull' ? 1 : 2); number++) await world.#addMachine(number);
      world.#leases = watchLeases(world);
      return world;
    } catch (error) {
      await world.close();
      throw error;
    }
  }

  async #addMachine(number: number): Promise<void> {
    const { stage, mode, machines } = this;
    const sshd = await Sshd.start();
    const proxy = await TcpProxy.start(sshd);
    const scratch = join(sshd.dir, 'scratch');
    machines.push({ id: '', sshd, proxy, scratch });
    const { id } = await stage.api<{ id: string }>('POST', '/api/servers', {
      ...{ name: `machine ${number}`, host: proxy.host, port: proxy.port, username: sshd.username, slots: 2 },
      ...{ hostKey: await sshd.fingerprint(), scratchDir: scratch, auth: { kind: 'key', privateKey: sshd.privateKey } },
      ...(mode === 'shared' ? { pathMappings: [{ here: stage.media, there: stage.media }] } : {}),
    });
    machines[number] = { id, sshd, proxy, scratch };
    await stage.until(
      'the worker is there',
      async () => (await stage.api<{ state: string }>('GET', `/api/servers/${id}`)).state === 'online',
    );
    if (MBPS[mode] !== undefined) await stage.api('PUT', `/api/servers/${id}`, { maxMbps: MBPS[mode] });
    if (mode !== 'pull') return;
    await stage.api('POST', `/api/servers/${id}/pause`);
    const mappings = [{ from: '/share/Media', to: remotePath(id, stage.media) }];
    await stage.api('PUT', '/api/settings', { paths: { mappings } });
  }

  async addFilm(): Promise<void> {
    const { stage } = this;
    const clip = await this.#clips.make('faults.mkv', [
      ...['-f', 'lavfi', '-i', 'testsrc2=s=480x270:r=25:d=8', '-f', 'lavfi', '-i', 'sine=f=440:d=8'],
      ...['-c:v', 'mpeg4', '-q:v', '2', '-c:a', 'aac'],
    ]);
    const title = `Film ${this.#films.length + 1} (2001)`;
    const path = await stage.add(`Films/${title}/${title}.mkv`, clip);
    this.#films.push({ path, sha256: await sha256Of(path) });
    await stage.plex.scan();
    const isQueued = async (): Promise<boolean> => {
      // While the NAS is away its library is frozen; it thaws with a look at it.
      await stage.ask('POST', '/api/plex/sync', { mode: 'full' });
      const body = { paths: [`/share/Media/Films/${title}/${title}.mkv`], presetId: 'quick' };
      await stage.ask('POST', '/api/transcode/jobs', body);
      return (await this.jobs()).some(({ sourcePath }) => realOf(sourcePath) === path);
    };
    await stage.until('the film is queued', isQueued);
  }

  /** Empty while MediaFlow does not answer. */
  async jobs(): Promise<Job[]> {
    return this.stage.jobs().catch(() => []);
  }

  async unfinished(): Promise<Job[]> {
    return (await this.jobs()).filter((job) => !isEnded(job));
  }

  /** Brings everything to its end; what only a person can decide is decided: tried again. Resolves with what is wrong then. */
  async settle(): Promise<string[]> {
    let jobs: Job[] = [];
    const { stage } = this;
    const look = async (): Promise<boolean> => {
      jobs = await stage.jobs();
      for (const { id, state, nextTryAt } of jobs) {
        if (state === 'failed') await stage.ask('POST', `/api/transcode/jobs/${id}/retry`);
        if (state === 'verified' && nextTryAt !== null) await stage.ask('POST', `/api/transcode/jobs/${id}/replace`);
      }
      return jobs.length >= this.#films.length && jobs.every((job) => isEnded(job) && job.state !== 'failed');
    };
    await stage.until('every job has ended', look, END_MS).catch((cause: unknown) => {
      const states = jobs.map(
        ({ id, state, workerId, waitsFor }) => `${id} ${state} ${workerId ?? ''} ${waitsFor ?? ''}`,
      );
      throw new Error(`Jobs are stuck: ${states.join('; ')}`, { cause });
    });
    return [...((await this.#leases?.end()) ?? []), ...(await this.#damage()), ...(await this.#leftOn())];
  }

  async close(): Promise<void> {
    await this.#leases?.end();
    await this.program.kill();
    await this.stage.strike();
    for (const { sshd, proxy } of this.machines) {
      await proxy.close();
      await sshd.close();
    }
  }

  async #damage(): Promise<string[]> {
    const { stage } = this;
    const wrong: string[] = [];
    const jobs = await stage.jobs();
    const kept = new Set<string>();
    const quarantine = join(stage.media, '.mediaflow', 'quarantine');
    for (const path of await filesBelow(quarantine)) kept.add(await sha256Of(path));
    for (const { path, sha256 } of this.#films) {
      const job = jobs.find(({ sourcePath, state }) => realOf(sourcePath) === path && state === 'done');
      if (!job) wrong.push(`no job was done for ${path}`);
      const stands = await sha256Of(path).catch(() => 'nothing');
      if (job && stands !== job.outputSha256) wrong.push(`${path} is not the verified result`);
      if (!kept.has(sha256)) wrong.push(`the original of ${path} has ended`);
    }
    const fetched = await filesBelow(join(stage.dir, 'data', 'fetched'));
    return [...wrong, ...[...(await stage.leftovers()), ...fetched].map((path) => `left behind here: ${path}`)];
  }

  /** Looked at until nothing is left: a worker that was away is swept when it is met again. */
  async #leftOn(): Promise<string[]> {
    const look = async (): Promise<string[]> => {
      const left: string[] = [];
      for (const { scratch } of this.machines) {
        for (const folder of await readdir(scratch).catch(() => [])) {
          const jobs = await readdir(join(scratch, folder, 'jobs')).catch(() => []);
          left.push(...jobs.map((name) => `left behind there: ${join(scratch, folder, 'jobs', name)}`));
        }
        left.push(...(await runningFfmpeg(scratch)).map((pid) => `still running there: ${pid}`));
      }
      return left;
    };
    await this.stage.until('nothing is left there', async () => (await look()).length === 0).catch(() => undefined);
    return look();
  }
}

const isEnded = ({ state }: Job): boolean => ['done', 'failed', 'skipped', 'cancelled'].includes(state);

/** Every job that says it runs on a machine which is away is somebody else's in time. */
function watchLeases(world: FaultWorld): { end: () => Promise<string[]> } {
  const since = new Map<string, number>();
  const late = new Set<string>();
  const abort = new AbortController();
  const watching = (async () => {
    while (!abort.signal.aborted) {
      await sleep(1000, undefined, { signal: abort.signal }).catch(() => undefined);
      const away = new Set(world.machines.filter(({ proxy }) => proxy.faults.isRefused).map(({ id }) => id));
      for (const { id, state, workerId, stage: at } of await world.jobs()) {
        const isHeld = state === 'running' && away.has(workerId ?? '') && at !== 'verify';
        if (!isHeld) since.delete(id);
        else if (performance.now() - (since.get(id) ?? performance.now()) > REQUEUE_MS) late.add(id);
        if (isHeld && !since.has(id)) since.set(id, performance.now());
      }
    }
  })();
  return {
    end: async () => {
      abort.abort();
      await watching;
      return [...late].map((id) => `${id} stayed with a worker that was away for more than 90 s`);
    },
  };
}

/** Process ids of ffmpeg runs with a text in their command line. */
export async function runningFfmpeg(text: string): Promise<number[]> {
  const { stdout } = await execa('ps', ['-eo', 'pid=,args='], { reject: false });
  return stdout
    .split('\n')
    .filter((line) => line.includes(text) && /^\s*\d+ \S*ffmpeg /.test(line))
    .map((line) => Number.parseInt(line, 10));
}
