import { execa } from 'execa';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Job } from '../../src/domain/job.js';
import type { Clips } from './clips.js';
import { Program, type Built } from './job-kill.js';
import { Sshd } from './sshd.js';
import { filesBelow, sha256Of, Stage } from './stage.js';
import { TcpProxy } from './tcp-proxy.js';

/** A worker, the line to it, and what it left on its disk. */
interface Machine {
  sshd: Sshd;
  proxy: TcpProxy;
  scratch: string;
}

interface Film {
  path: string;
  sha256: string;
}

interface Scene {
  machine: Machine;
  program: Program;
  random: () => number;
}

/** What may happen on the way. Each ends by itself; `random` decides how long it takes. */
const FAULTS: Record<string, (scene: Scene) => Promise<void>> = {
  'cut after some bytes': ({ machine: { proxy }, random }) => {
    proxy.cutAfter(Math.floor(random() * 400_000));
    return sleep(500);
  },
  reset: async ({ machine: { proxy } }) => {
    proxy.cut();
    await sleep(100);
  },
  frozen: async ({ machine: { proxy }, random }) => {
    proxy.faults.isFrozen = true;
    await sleep(1000 + random() * 24_000);
    proxy.faults.isFrozen = false;
  },
  '20 kB in a second': async ({ machine: { proxy }, random }) => {
    proxy.faults.bytesPerSec = 20_000;
    await sleep(1000 + random() * 9000);
    proxy.faults.bytesPerSec = null;
  },
  refused: async ({ machine: { proxy }, random }) => {
    proxy.faults.isRefused = true;
    proxy.cut();
    await sleep(1000 + random() * 15_000);
    proxy.faults.isRefused = false;
  },
  '200 ms late': async ({ machine: { proxy }, random }) => {
    proxy.faults.latencyMs = 200;
    await sleep(1000 + random() * 6000);
    proxy.faults.latencyMs = 0;
  },
  'sshd killed': async ({ machine: { sshd }, random }) => {
    await sshd.cut();
    await sshd.stop();
    await sleep(random() * 8000);
    await sshd.listen();
  },
  'away for longer than its lease': async ({ machine: { proxy } }) => {
    proxy.faults.isRefused = true;
    proxy.cut();
    await sleep(75_000);
    proxy.faults.isRefused = false;
  },
  'ffmpeg killed': async ({ machine: { scratch } }) => {
    for (const pid of await running(scratch)) end(pid);
  },
  'MediaFlow killed': async ({ program, random }) => {
    await program.kill();
    await sleep(random() * 3000);
    await program.start();
  },
};
export const FAULT_NAMES = Object.keys(FAULTS);

const FILMS = 4;
const MACHINES = 2;
/** From the moment a worker is lost until its job is somebody else's. Milliseconds. */
const REQUEUE_MS = 90_000;
const END_MS = 600_000;

/**
 * Lets films go through two workers while one fault after the other happens to them, each at a moment nobody chose, and
 * looks at everything afterwards: files, jobs, and what is left on either side. Answers how many faults there were, and what
 * was wrong.
 */
export async function breakWorkers(
  built: Built,
  clips: Clips,
  options: { runs: number; random: () => number; faults?: readonly string[]; say?: (line: string) => void },
): Promise<{ tried: number; wrong: string[] }> {
  const wrong: string[] = [];
  let tried = 0;
  for (let round = 1; tried < options.runs; round++) {
    const many = Math.min(6, options.runs - tried);
    const found = await breakRound(built, clips, options, many);
    tried += many;
    for (const text of found) options.say?.(`round ${round}: ${text}`);
    wrong.push(...found.map((text) => `round ${round}: ${text}`));
    options.say?.(`${tried} faults, ${wrong.length} violations`);
  }
  return { tried, wrong };
}

async function breakRound(
  built: Built,
  clips: Clips,
  {
    random,
    faults = FAULT_NAMES,
    say,
  }: { random: () => number; faults?: readonly string[]; say?: (line: string) => void },
  many: number,
): Promise<string[]> {
  const stage = await Stage.set({ env: { LOG_LEVEL: 'info' }, webhook: false });
  const program = new Program(built, stage);
  const machines: Machine[] = [];
  const wrong: string[] = [];
  const done: string[] = [];
  try {
    await program.start();
    await stage.setToWork({ mode: 'off', preset: 'quick' });
    for (let number = 0; number < MACHINES; number++) machines.push(await addMachine(stage, number));
    const films = await addFilms(stage, clips);
    const watch = watchLeases(stage, machines);
    for (let fault = 0; fault < many; fault++) {
      await sleep(random() * 2500);
      const name = faults[Math.floor(random() * faults.length)] ?? '';
      const machine = machines[Math.floor(random() * machines.length)];
      if (!machine) throw new Error('there is no machine');
      done.push(name);
      await FAULTS[name]?.({ machine, program, random });
    }
    await bringToEnd(stage, films.length);
    wrong.push(...(await watch.end()));
    wrong.push(...(await damageOf(stage, films)));
    wrong.push(...(await leftOn(stage, machines)));
  } catch (error) {
    wrong.push(error instanceof Error ? error.message : String(error));
  } finally {
    await program.kill();
    await stage.strike();
    for (const { sshd, proxy } of machines) {
      await proxy.close();
      await sshd.close();
    }
  }
  if (wrong.length > 0) say?.(`after ${done.join(', ')}`);
  return wrong;
}

async function addMachine(stage: Stage, number: number): Promise<Machine> {
  const sshd = await Sshd.start();
  const proxy = await TcpProxy.start(sshd);
  const scratch = join(sshd.dir, 'scratch');
  const { id } = await stage.api<{ id: string }>('POST', '/api/servers', {
    ...{ name: `machine ${number}`, host: proxy.host, port: proxy.port, username: sshd.username, slots: 2 },
    // To the second one, copying would take longer than encoding: its files are streamed.
    ...(number === 1 ? { maxMbps: 2 } : {}),
    ...{ hostKey: await sshd.fingerprint(), scratchDir: scratch, auth: { kind: 'key', privateKey: sshd.privateKey } },
  });
  await stage.until(
    'the worker is there',
    async () => (await stage.api<{ state: string }>('GET', `/api/servers/${id}`)).state === 'online',
  );
  return { sshd, proxy, scratch };
}

/** This machine takes one of them, the others are for the workers. */
async function addFilms(stage: Stage, clips: Clips): Promise<Film[]> {
  const clip = await clips.make('faults.mkv', [
    ...['-f', 'lavfi', '-i', 'testsrc2=s=480x270:r=25:d=8', '-f', 'lavfi', '-i', 'sine=f=440:d=8'],
    ...['-c:v', 'mpeg4', '-q:v', '2', '-c:a', 'aac'],
  ]);
  const films: Film[] = [];
  for (let number = 1; number <= FILMS; number++) {
    const title = `Film ${number} (200${number})`;
    const path = await stage.add(`Films/${title}/${title}.mkv`, clip);
    films.push({ path, sha256: await sha256Of(path) });
  }
  await stage.plex.scan();
  await stage.api('POST', '/api/plex/sync', { mode: 'full' }).catch(() => undefined);
  const known = async (): Promise<boolean> =>
    (await stage.api<{ total: number }>('GET', '/api/library/items')).total === FILMS;
  await stage.until('the films are read', known);
  await stage.api('POST', '/api/transcode/jobs', { paths: films.map(({ path }) => path), presetId: 'quick' });
  return films;
}

/** Every job that says it runs on a machine which is away is somebody else's in time. */
function watchLeases(stage: Stage, machines: readonly Machine[]): { end: () => Promise<string[]> } {
  const since = new Map<string, number>();
  const late = new Set<string>();
  const abort = new AbortController();
  const watching = (async () => {
    while (!abort.signal.aborted) {
      await sleep(1000);
      const isAway = machines.some(({ proxy }) => proxy.faults.isRefused);
      const jobs = await stage.jobs().catch(() => []);
      for (const { id, state, workerId, stage: at } of jobs) {
        const isHeld = isAway && state === 'running' && workerId !== 'local' && at !== 'verify';
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

/** What only a person can decide is decided: tried again. */
async function bringToEnd(stage: Stage, count: number): Promise<void> {
  let jobs: Job[] = [];
  const isEnded = ({ state }: Job): boolean => ['done', 'failed', 'skipped', 'cancelled'].includes(state);
  const look = async (): Promise<boolean> => {
    jobs = await stage.jobs();
    for (const { id, state } of jobs)
      if (state === 'failed') await stage.api('POST', `/api/transcode/jobs/${id}/retry`);
    return jobs.length >= count && jobs.every((job) => isEnded(job) && job.state !== 'failed');
  };
  await stage.until('every job has ended', look, END_MS).catch((cause: unknown) => {
    const states = jobs.map(
      ({ id, state, workerId, waitsFor }) => `${id} ${state} ${workerId ?? ''} ${waitsFor ?? ''}`,
    );
    throw new Error(`Jobs are stuck: ${states.join('; ')}`, { cause });
  });
}

async function damageOf(stage: Stage, films: readonly Film[]): Promise<string[]> {
  const wrong: string[] = [];
  const jobs = await stage.jobs();
  const kept = new Set<string>();
  for (const path of await filesBelow(join(stage.media, '.mediaflow', 'quarantine'))) kept.add(await sha256Of(path));
  for (const { path, sha256 } of films) {
    const job = jobs.find(({ sourcePath, state }) => sourcePath === path && state === 'done');
    if (!job) wrong.push(`no job was done for ${path}`);
    const stands = await sha256Of(path).catch(() => 'nothing');
    if (job && stands !== job.outputSha256) wrong.push(`${path} is not the verified result`);
    if (!kept.has(sha256)) wrong.push(`the original of ${path} is gone`);
  }
  return [...wrong, ...(await stage.leftovers()).map((path) => `left behind here: ${path}`)];
}

/** Looked at until nothing is left: a worker that was away is swept when it is met again. */
async function leftOn(stage: Stage, machines: readonly Machine[]): Promise<string[]> {
  const look = async (): Promise<string[]> => {
    const left: string[] = [];
    for (const { scratch } of machines) {
      for (const folder of await readdir(scratch).catch(() => [])) {
        const jobs = await readdir(join(scratch, folder, 'jobs')).catch(() => []);
        left.push(...jobs.map((name) => `left behind there: ${join(scratch, folder, 'jobs', name)}`));
      }
      left.push(...(await running(scratch)).map((pid) => `still running there: ${pid}`));
    }
    return left;
  };
  await stage.until('nothing is left there', async () => (await look()).length === 0).catch(() => undefined);
  return look();
}

/** Process ids of ffmpeg runs with a text in their command line. */
async function running(text: string): Promise<number[]> {
  const { stdout } = await execa('ps', ['-eo', 'pid=,args='], { reject: false });
  return stdout
    .split('\n')
    .filter((line) => line.includes(text) && /^\s*\d+ \S*ffmpeg /.test(line))
    .map((line) => Number.parseInt(line, 10));
}

function end(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It has ended by itself.
  }
}
