import { statfs } from 'node:fs/promises';
import { arch, cpus, freemem, release, totalmem, type, type CpuInfo } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Events } from '../domain/events.js';
import { LOCAL_WORKER_ID, type WorkerMetrics } from '../domain/workers/worker.js';
import type { Bus } from '../lib/bus.js';
import { Loop } from '../lib/loop.js';

export interface ThisMachineParts {
  bus: Bus<Events>;
  now: () => Date;
  /** Where encodes on this machine keep their files; null when nobody knows yet. */
  workFolder: () => string | null;
  /** How often it is looked at. Milliseconds. */
  everyMs?: number;
}

const EVERY_MS = 15_000;
/** Ten minutes of one look in fifteen seconds. */
const HISTORY = 40;
const DISK_MS = 2000;

/** Looks at this machine again and again, as workers are looked at over SSH. */
export class ThisMachine {
  readonly #parts: ThisMachineParts;
  readonly #loop: Loop;
  readonly #history: WorkerMetrics[] = [];
  #isAskingDisk = false;
  #before: CpuTimes = timesOf(cpus());

  constructor(parts: ThisMachineParts) {
    this.#parts = parts;
    const { everyMs = EVERY_MS } = parts;
    this.#loop = new Loop(() => this.#look(), { everyMs, onError: () => undefined });
  }

  start(): void {
    this.#loop.start();
  }

  async stop(): Promise<void> {
    await this.#loop.stop();
  }

  /** What it is, and how it was in the last ten minutes, oldest first. */
  describe(): { os: string; cpu: string; cores: number; history: readonly WorkerMetrics[] } {
    const processors = cpus();
    return {
      os: `${type()} ${release()} ${arch()}`,
      cpu: processors[0]?.model.trim() ?? '',
      cores: processors.length,
      history: this.#history,
    };
  }

  /** A share that went away answers never: then nothing is known, and it is not asked again meanwhile. */
  async #freeAt(folder: string | null): Promise<number | null> {
    if (folder === null || this.#isAskingDisk) return null;
    this.#isAskingDisk = true;
    const asked = statfs(folder)
      .then(({ bavail, bsize }) => bavail * bsize)
      .catch(() => null)
      .finally(() => (this.#isAskingDisk = false));
    return Promise.race([asked, sleep(DISK_MS, null, { ref: false })]);
  }

  async #look(): Promise<void> {
    const { bus, now, workFolder } = this.#parts;
    const times = timesOf(cpus());
    const scratchFreeBytes = await this.#freeAt(workFolder());
    const metrics: WorkerMetrics = {
      cpuPercent: busyPercent(this.#before, times),
      gpuPercent: null,
      memoryUsedBytes: totalmem() - freemem(),
      memoryBytes: totalmem(),
      scratchFreeBytes,
      temperatureC: null,
      at: now().toISOString(),
    };
    this.#before = times;
    this.#history.push(metrics);
    if (this.#history.length > HISTORY) this.#history.shift();
    bus.emit('worker.measured', { id: LOCAL_WORKER_ID, ...metrics });
  }
}

interface CpuTimes {
  idle: number;
  all: number;
}

function timesOf(processors: readonly CpuInfo[]): CpuTimes {
  const sum = (of: (times: CpuInfo['times']) => number): number =>
    processors.reduce((total, { times }) => total + of(times), 0);
  return { idle: sum(({ idle }) => idle), all: sum((times) => Object.values(times).reduce((a, b) => a + b, 0)) };
}

/** Null where no time has passed. */
function busyPercent(before: CpuTimes, after: CpuTimes): number | null {
  const passed = after.all - before.all;
  if (passed <= 0) return null;
  return Math.round(Math.min(1, Math.max(0, 1 - (after.idle - before.idle) / passed)) * 100);
}
