import type { Context } from '../../src/actions/action.js';
import { AppError } from '../../src/domain/errors.js';
import type { RemoteExecutor, SharedSearch } from '../../src/domain/jobs/executor.js';
import type { SampleFile } from '../../src/domain/workers/shared-folders.js';
import {
  SshWorker,
  type Capabilities,
  type EncoderSupport,
  type Line,
  type WorkerMetrics,
} from '../../src/domain/workers/worker.js';
import type { Weighed, WorkerChoice } from '../../src/domain/workers/choice.js';
import { Fleet, type SeenWorker } from '../../src/engine/workers/fleet.js';
import type { MachineDescription } from '../../src/engine/workers/local-probe.js';

const MINUTE_MS = 60_000;
const ago = (minutes: number): string => new Date(Date.now() - minutes * MINUTE_MS).toISOString();

export const SEEN_KEY = 'SHA256:q7XkvP2m9sLdTzW0hR4eYbNc6uGf3JpVx1KtBnQwA1o';
const OLD_KEY = 'SHA256:Hn5rT0aWc8VbYk2LqZs7MxEj9UdGf4PiOvR6tNwXl3k';

const encoder = (name: string, works: boolean, tenBit: boolean, error: string | null = null): EncoderSupport => ({
  ...{ name, works, tenBit, error, device: null },
});
const NO_CARD = 'Cannot load libcuda.so.1: the NVIDIA driver is not installed, or not for this user';

/** Of a machine without a graphics card that encodes. */
export const PROCESSOR: EncoderSupport[] = [
  encoder('libx265', true, true),
  encoder('libx264', true, true),
  encoder('libsvtav1', true, true),
  encoder('hevc_nvenc', false, false, NO_CARD),
  encoder('h264_nvenc', false, false, NO_CARD),
  encoder('av1_nvenc', false, false, NO_CARD),
  encoder('hevc_vaapi', false, false, 'No VA display found for device /dev/dri/renderD128'),
];
const CARD: EncoderSupport[] = [
  ...PROCESSOR.slice(0, 3),
  encoder('hevc_nvenc', true, true),
  encoder('h264_nvenc', true, false),
  encoder('av1_nvenc', false, false, 'Codec not supported: this card has no AV1 encoder (Ampere or older)'),
  encoder('hevc_vaapi', false, false, 'No VA display found for device /dev/dri/renderD128'),
];

export const MACHINE: Capabilities = {
  os: 'Debian GNU/Linux 13 (trixie) x86_64',
  cpu: 'AMD Ryzen 5 5600X',
  cores: 12,
  memoryBytes: 32e9,
  scratchFreeBytes: 41e9,
  ffmpegVersion: '7.1.2',
  gpus: [{ name: 'NVIDIA GeForce RTX 3060', driver: '550.163', memoryBytes: 12.9e9 }],
  encoders: CARD,
  speeds: [
    { encoder: 'libx265', isHardware: false, fps: 31.4, at: ago(88) },
    { encoder: 'libx264', isHardware: false, fps: 104, at: ago(88) },
    { encoder: 'libsvtav1', isHardware: false, fps: 42.7, at: ago(88) },
    { encoder: 'hevc_nvenc', isHardware: true, fps: 287, at: ago(88) },
    { encoder: 'h264_nvenc', isHardware: true, fps: 342, at: ago(88) },
  ],
  at: ago(90),
};
export const LINE: Line = { upMbps: 941, downMbps: 934, latencyMs: 0.4, at: ago(80) };

/** What was weighed for a film that is sent to a machine with a graphics card. */
export const WEIGHED: Weighed = {
  ways: [
    { mode: 'transfer', possible: true, seconds: 142, why: 'copied: uploading 12 GB at 941 Mbit/s and downloading 4.6 GB at 934 Mbit/s take 2 min more than encoding' },
    { mode: 'stream', possible: true, seconds: 151, why: 'streamed: copying 12 GB at 941 Mbit/s takes 1 min 42 s and encoding 9 min, at the same time' },
    { mode: 'shared', possible: false, seconds: 0, why: 'shared folder: none holds this file' },
  ],
  parts: [
    { name: 'transfer', points: 31.4, max: 35, why: 'copied: uploading 12 GB at 941 Mbit/s and downloading 4.6 GB at 934 Mbit/s take 2 min more than encoding' },
    { name: 'performance', points: 30, max: 30, why: 'encoding with hevc_nvenc takes about 9 min' },
    { name: 'load', points: 27.5, max: 35, why: '1 of 2 slots in use, its graphics card at 88 %' },
  ],
}; // prettier-ignore

/** A job that waits because one machine is busy and the others cannot. */
export const NEXT_CHOICE: WorkerChoice = {
  ranked: [
    { id: 'w-attic', name: 'attic-gpu', score: 0, parts: [], offer: null, refusal: { kind: 'busy', why: 'has no free slot: 1 of 1 in use' } },
    { id: 'local', name: 'This machine', score: 86, parts: WEIGHED.parts, offer: null, refusal: null },
  ],
  winner: null,
  why: 'This machine: done in about 1 h 40 min; no other worker can take it now',
}; // prettier-ignore

/** What a played machine answers at this moment; tests change it while everything runs. */
export interface PlayedMachine {
  metrics: Partial<WorkerMetrics>;
  /** Thrown instead of an answer. */
  error: AppError | null;
  capabilities: Capabilities;
  line: Line;
  /** Why it does not see the folders of this machine; null when it does. */
  sharing: string | null;
  /** What a search for the library's folders finds; null: every film, under `/mnt`. */
  search: SharedSearch | null;
  /** Test encodes take until this is settled. */
  until: Promise<unknown> | null;
}

const measured = ({ metrics }: PlayedMachine, at: string): WorkerMetrics => ({
  ...{ cpuPercent: 12, gpuPercent: null, memoryUsedBytes: 5.1e9, memoryBytes: 32e9, scratchFreeBytes: 41e9 },
  ...{ temperatureC: null, ...metrics, at },
});

/** Machines by their host name, and the real fleet over them. */
export class PlayedWorkers {
  readonly machines = new Map<string, PlayedMachine>();
  readonly asked: string[];
  /** This machine. */
  here: MachineDescription = { os: 'Linux 6.12 x64', cpu: 'A processor', cores: 4, history: [] };
  /** What strangers show. */
  hostKey = SEEN_KEY;

  constructor(asked: string[]) {
    this.asked = asked;
  }

  machine(host: string, change: Partial<PlayedMachine> = {}): PlayedMachine {
    const known = this.machines.get(host) ?? {
      metrics: {},
      error: null,
      capabilities: MACHINE,
      line: LINE,
      sharing: null,
      search: null,
      until: null,
    };
    Object.assign(known, change);
    this.machines.set(host, known);
    return known;
  }

  /** The fleet is the real one; only what is behind its connections is played. */
  fleet(context: Pick<Context, 'store' | 'bus' | 'log' | 'now' | 'newId'>, local: () => Promise<unknown>): Fleet {
    return new Fleet({
      ...context,
      local: { check: local } as never,
      describe: () => this.here,
      connect: ({ host }) => this.#executor(host),
      seeHostKey: ({ host }) => {
        const { error } = this.machine(host);
        return error?.code === 'worker_unreachable' ? Promise.reject(error) : Promise.resolve(this.hostKey);
      },
    });
  }

  #executor(host: string): RemoteExecutor {
    const answer = <T>(what: string, make: (machine: PlayedMachine) => T): Promise<T> => {
      const machine = this.machine(host);
      if (what !== 'measure') this.asked.push(`${what} ${host}`);
      if (machine.error) return Promise.reject(machine.error);
      return Promise.resolve(what === 'probe' ? machine.until : null).then(() => make(machine));
    };
    const now = (): string => new Date().toISOString();
    return {
      measure: () => answer('measure', (machine) => measured(machine, now())),
      probe: () => answer('probe', ({ capabilities }) => ({ ...capabilities, at: now() })),
      measureSpeeds: () => answer('speeds', () => [{ encoder: 'libx265', isHardware: false, fps: 24, at: now() }]),
      measureLine: () => answer('line', ({ line }) => ({ ...line, at: now() })),
      verifyPath: () => answer('prove', ({ sharing }) => sharing),
      findShared: (samples: readonly SampleFile[]) =>
        answer(
          'find',
          ({ search }) =>
            search ?? {
              ...{ lookAlikes: 0, isComplete: true },
              seen: samples.map(({ path }) => ({ here: path, there: `/mnt${path}` })),
            },
        ),
      sweep: () => Promise.resolve([]),
      close: () => Promise.resolve(),
    } as unknown as RemoteExecutor;
  }
}

/** A fleet as somebody may have it, one of each kind of trouble. */
export async function previewFleet(
  context: Context,
  played: PlayedWorkers,
  local: () => Promise<unknown>,
): Promise<Fleet> {
  const { store } = context;
  const key = JSON.stringify({ kind: 'password', password: 'PREVIEW-PASSWORD-CANARY' });
  const add = async (change: Partial<SshWorker> & { id: string; name: string; host: string }): Promise<void> => {
    const base = { kind: 'ssh', port: 22, username: 'media', authKind: 'password', hostKey: OLD_KEY, createdAt: ago(60_000) };
    await store.workers.put(SshWorker.parse({ ...base, capabilities: MACHINE, line: LINE, lastSeenAt: ago(130), ...change }));
    await store.secrets.set(`worker:${change.id}`, key);
  }; // prettier-ignore
  await add({ id: 'w-attic', name: 'attic-gpu', host: 'attic.lan', slots: 2, tags: ['gpu'] });
  await add({ id: 'w-garage', name: 'garage-nuc', host: '192.168.1.40', hostKey: null, seenHostKey: SEEN_KEY, capabilities: null, line: null, lastSeenAt: null }); // prettier-ignore
  await add({ id: 'w-studio', name: 'studio', host: 'studio.lan', port: 2222, seenHostKey: SEEN_KEY });
  const bare = {
    ...MACHINE,
    cpu: 'Intel N100',
    cores: 4,
    memoryBytes: 16e9,
    gpus: [],
    encoders: PROCESSOR,
    speeds: [],
  };
  await add({ id: 'w-closet', name: 'closet', host: 'closet.lan', capabilities: bare, isPaused: true, hours: [{ days: [1, 2, 3, 4, 5], from: '22:00', to: '06:00' }] }); // prettier-ignore
  await add({ id: 'w-loft', name: 'loft-mac', host: 'loft.lan', capabilities: { ...bare, os: 'macOS 15.2 arm64', cpu: 'Apple M2' }, disabledReason: 'Three jobs in a row failed there, the last because its disk was full. Free some space on it, then return it to service.', failuresInRow: 3 }); // prettier-ignore
  await add({ id: 'w-barn', name: 'barn', host: 'barn.lan', capabilities: bare, line: { ...LINE, upMbps: 38.2, downMbps: 36 } }); // prettier-ignore
  played.machine('attic.lan', { metrics: { cpuPercent: 34, gpuPercent: 88, temperatureC: 61 } });
  played.machine('loft.lan', { metrics: { scratchFreeBytes: 1.4e9, cpuPercent: 3 } });
  played.machine('barn.lan', {
    error: new AppError('worker_unreachable', 'barn.lan does not answer. Is it switched on?'),
  });
  const fleet = played.fleet(context, local);
  const withPast = (seen: SeenWorker): SeenWorker => ({
    ...seen,
    history: seen.worker.kind === 'local' ? seen.history : [...pastOf(seen), ...seen.history],
  });
  const [list, get] = [fleet.list.bind(fleet), fleet.get.bind(fleet)];
  Object.assign(fleet, { list: () => list().map(withPast), get: (id: string) => withPast(get(id)) });
  return fleet;
}

/** Ten minutes that went before the preview began. */
export function pastOf({ worker, history, state }: Pick<SeenWorker, 'history' | 'state'> & { worker: { name: string } }): WorkerMetrics[] {
  const [last] = history;
  if (!last || state === 'offline') return [];
  const wave = (base: number | null, at: number, height: number): number | null =>
    base === null ? null : Math.max(0, Math.min(100, base + Math.sin(at / 3 + worker.name.length) * height + (at % 4) * 2));
  return Array.from({ length: 39 }, (_, at) => ({
    ...last,
    cpuPercent: wave(last.cpuPercent, at, 9),
    gpuPercent: wave(last.gpuPercent, at, 7),
    at: ago((39 - at) / 4),
  }));
} // prettier-ignore
