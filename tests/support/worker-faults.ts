import { execa } from 'execa';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Job } from '../../src/domain/jobs/job.js';
import type { TransferMode } from '../../src/domain/workers/worker.js';
import type { Clips } from './clips.js';
import { FaultWorld, runningFfmpeg, type Machine } from './fault-world.js';
import type { Built } from './job-kill.js';

interface Scene {
  machine: Machine;
  world: FaultWorld;
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
  'ffmpeg killed': async ({ machine: { scratch }, world }) => {
    for (const pid of await runningFfmpeg(world.mode === 'pull' ? world.stage.dir : scratch)) end(pid);
  },
  'transfers killed': async ({ world: { program } }) => {
    await execa('pkill', ['-KILL', '-P', String(program.pid), '-f', 'transfer-child'], { reject: false });
  },
  'MediaFlow killed': async ({ world: { program }, random }) => {
    await program.kill();
    await sleep(random() * 3000);
    await program.start();
  },
};
export const FAULT_NAMES = Object.keys(FAULTS);

/** What a job may be at when something happens, by the way its files take. */
const PHASES: Readonly<Record<TransferMode, readonly string[]>> = {
  transfer: ['upload', 'encode', 'download', 'verify', 'replacing'],
  shared: ['encode', 'verify', 'replacing'],
  stream: ['encode', 'download', 'verify', 'replacing'],
  pull: ['fetch', 'encode', 'verify', 'replacing'],
};
export const FAULT_MODES = Object.keys(PHASES) as TransferMode[];

const FAULTS_A_ROUND = 6;
/** How many films are on their way when something happens. */
const FILMS_UNDER_WAY = 2;
/** For how long a phase is waited for. Milliseconds. */
const PHASE_MS = 8000;

export interface FaultOptions {
  runs: number;
  random: () => number;
  faults?: readonly string[];
  modes?: readonly TransferMode[];
  /** How many worlds there are beside each other: they wait more than they work. */
  parallel?: number;
  say?: (line: string) => void;
}

export interface FaultResult {
  tried: number;
  wrong: string[];
  /** `stream encode: frozen` -> how often that fault met a job of that mode in that phase. */
  met: Map<string, number>;
}

/**
 * Lets films go through two workers while one fault after the other happens to them, each at a moment nobody chose in a phase
 * that was, and looks at everything afterwards: files, jobs, and what is left on either side. Answers how many faults there
 * were, what they met, and what was wrong.
 */
export async function breakWorkers(built: Built, clips: Clips, options: FaultOptions): Promise<FaultResult> {
  const { runs, parallel = 1, modes = FAULT_MODES, say = () => undefined } = options;
  const result: FaultResult = { tried: 0, wrong: [], met: new Map() };
  let begun = 0;
  let rounds = 0;
  const work = async (): Promise<void> => {
    while (begun < runs) {
      const round = rounds++;
      const many = Math.min(FAULTS_A_ROUND, runs - begun);
      begun += many;
      const mode = modes[round % modes.length] ?? 'transfer';
      const found = await breakRound(built, clips, { ...options, mode, many, met: result.met });
      result.tried += many;
      for (const text of found) say(`round ${round + 1}, ${mode}: ${text}`);
      result.wrong.push(...found);
      say(`${result.tried} faults, ${result.wrong.length} violations`);
    }
  };
  await Promise.all(Array.from({ length: parallel }, work));
  return result;
}

async function breakRound(
  built: Built,
  clips: Clips,
  options: FaultOptions & { mode: TransferMode; many: number; met: Map<string, number> },
): Promise<string[]> {
  const { random, faults = FAULT_NAMES, mode, many, met } = options;
  const done: string[] = [];
  let world: FaultWorld | null = null;
  let wrong: string[];
  try {
    world = await FaultWorld.open(built, clips, mode);
    for (let fault = 0; fault < many; fault++) {
      while ((await world.unfinished()).length < FILMS_UNDER_WAY) await world.addFilm();
      const name = oneOf(faults, random);
      const { machine, jobs } = await momentIn(world, oneOf(PHASES[mode], random), random);
      for (const job of jobs) count(met, `${modeOf(job)} ${phaseOf(job)}: ${name}`);
      done.push(`${name} at ${jobs.map(phaseOf).join('+') || 'rest'}`);
      await FAULTS[name]?.({ machine, world, random });
    }
    wrong = await world.settle();
  } catch (error) {
    wrong = [error instanceof Error ? error.message : String(error)];
  }
  await world?.close();
  return wrong.length === 0 ? wrong : [`after ${done.join(', ')}`, ...wrong];
}

/** Waits for a job in a phase, and names the machine it concerns with all jobs that are there now. */
async function momentIn(
  world: FaultWorld,
  phase: string,
  random: () => number,
): Promise<{ machine: Machine; jobs: Job[] }> {
  const endsAt = performance.now() + PHASE_MS;
  let at: Job | undefined;
  while (!at && performance.now() < endsAt) {
    at = (await world.unfinished()).find((job) => phaseOf(job) === phase);
    if (!at) await sleep(20);
  }
  await sleep(random() * 400);
  const machine = world.machines.find(({ id }) => id === at?.workerId) ?? oneOf(world.machines, random);
  const concerns = ({ workerId }: Job): boolean => world.mode === 'pull' || workerId === machine.id;
  const isUnderWay = ({ state }: Job): boolean => state === 'running' || state === 'replacing';
  return { machine, jobs: (await world.unfinished()).filter((job) => isUnderWay(job) && concerns(job)) };
}

const phaseOf = ({ state, stage }: Job): string => (state === 'running' ? (stage ?? 'prepare') : state);
const modeOf = ({ transferMode }: Job): string => transferMode ?? 'here';

const count = (met: Map<string, number>, cell: string): void => {
  met.set(cell, (met.get(cell) ?? 0) + 1);
};

function oneOf<T>(all: readonly T[], random: () => number): T {
  const one = all[Math.floor(random() * all.length)];
  if (one === undefined) throw new Error('there is nothing to choose from');
  return one;
}

function end(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It has ended by itself.
  }
}
