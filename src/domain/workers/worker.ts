import { z } from 'zod';

/** This machine as a worker. */
export const LOCAL_WORKER_ID = 'local';

/** How the files of a job come to who encodes and back. `pull`: they lie on another machine, and this one encodes. */
export const TransferMode = z.enum(['shared', 'transfer', 'stream', 'pull']);
export type TransferMode = z.infer<typeof TransferMode>;

/**
 * What a worker is right now. `unconfirmed`: its host key waits for the owner's yes. `disabled`: MediaFlow took it out of
 * service, for its `reason`. `draining`: it ends what it has and takes nothing new.
 */
export const WorkerState = z.enum(['unconfirmed', 'checking', 'online', 'offline', 'paused', 'draining', 'disabled']);
export type WorkerState = z.infer<typeof WorkerState>;

/** What test encodes with one encoder showed. */
export const EncoderSupport = z.object({
  /** ffmpeg's name: libx265, hevc_nvenc. */
  name: z.string(),
  works: z.boolean(),
  tenBit: z.boolean(),
  /** Why it does not work. */
  error: z.string().nullable(),
  /** The render node at which it works, where it needs one: `/dev/dri/renderD128`. */
  device: z.string().nullable().default(null),
});
export type EncoderSupport = z.infer<typeof EncoderSupport>;

export const Gpu = z.object({
  name: z.string(),
  driver: z.string().nullable(),
  memoryBytes: z.int().nonnegative().nullable(),
});
export type Gpu = z.infer<typeof Gpu>;

/** The picture that speeds of encoders are measured with. */
export const SPEED_PICTURE = { width: 1920, height: 1080 } as const;

/** How quick an encoder was with a generated film of 1080p, at medium effort. */
export const EncoderSpeed = z.object({
  /** ffmpeg's name. */
  encoder: z.string(),
  isHardware: z.boolean(),
  /** Pictures in a second. */
  fps: z.number().positive(),
  at: z.string(),
});
export type EncoderSpeed = z.infer<typeof EncoderSpeed>;

/** What a probe found on a machine. */
export const Capabilities = z.object({
  os: z.string(),
  cpu: z.string(),
  cores: z.int().nonnegative(),
  memoryBytes: z.int().nonnegative(),
  scratchFreeBytes: z.int().nonnegative(),
  ffmpegVersion: z.string().nullable(),
  gpus: z.array(Gpu),
  encoders: z.array(EncoderSupport),
  /** Empty until they are measured. */
  speeds: z.array(EncoderSpeed).default([]),
  /** ISO time of the probe. */
  at: z.string(),
});
export type Capabilities = z.infer<typeof Capabilities>;

/** The line to a worker as it was measured. */
export const Line = z.object({
  upMbps: z.number().positive(),
  downMbps: z.number().positive(),
  latencyMs: z.number().nonnegative(),
  at: z.string(),
});
export type Line = z.infer<typeof Line>;

/** A folder that both machines see. Only one that was proved is used: a file was written on each side and read on the other. */
export const WorkerPath = z.object({
  /** Where this machine sees it, and where the worker does. */
  here: z.string().trim().min(1),
  there: z.string().trim().min(1),
  provedAt: z.string().nullable().default(null),
  problem: z.string().nullable().default(null),
});
export type WorkerPath = z.infer<typeof WorkerPath>;

const Clock = z.string().regex(/^([01]\d|2[0-3]):[0-5]\d$/, 'Write a time as 22:30');

/** When a worker may begin something; over midnight when `to` is before `from`. Sunday is 0. */
export const WorkingHours = z.object({ days: z.array(z.int().min(0).max(6)).min(1), from: Clock, to: Clock });
export type WorkingHours = z.infer<typeof WorkingHours>;

/** What is the same for every kind of worker. */
const Common = z.object({
  id: z.string(),
  name: z.string().trim().min(1).max(60),
  /** A job may ask for a worker that has some of them. */
  tags: z.array(z.string().trim().min(1).max(60)).default([]),
  /** When it may begin something; empty: always. */
  hours: z.array(WorkingHours).default([]),
  isPaused: z.boolean().default(false),
  isDraining: z.boolean().default(false),
  /** Why MediaFlow takes it for unusable until the owner says otherwise. */
  disabledReason: z.string().nullable().default(null),
  /** Jobs that failed there one after the other. */
  failuresInRow: z.int().nonnegative().default(0),
  /** As the last probe found it; null before. */
  capabilities: Capabilities.nullable().default(null),
  createdAt: z.string(),
  lastSeenAt: z.string().nullable().default(null),
});

/** How many jobs a worker runs at a time; with 0 it runs none. */
export const Slots = z.int().min(0).max(16);

/** This machine. Its slots are the setting `queue.concurrency`, its work folder is `queue.workDir`. */
export const LocalWorker = Common.extend({ id: z.literal(LOCAL_WORKER_ID), kind: z.literal('local') });
export type LocalWorker = z.infer<typeof LocalWorker>;

/** A machine that is reached over SSH. How to get in (key or password) lies among the secrets, never here. */
export const SshWorker = Common.extend({
  kind: z.literal('ssh'),
  host: z.string().trim().min(1).max(255),
  port: z.int().min(1).max(65_535).default(22),
  username: z.string().trim().min(1).max(64),
  authKind: z.enum(['key', 'password', 'agent']),
  /** `SHA256:...` of the host key that the owner confirmed; null before. */
  hostKey: z.string().nullable().default(null),
  /** The host key that was seen and is not the confirmed one: first contact, or a change. */
  seenHostKey: z.string().nullable().default(null),
  /** Where it may keep files while it works; empty: a folder of its own choice. */
  scratchDir: z.string().trim().default(''),
  slots: Slots.default(1),
  pathMappings: z.array(WorkerPath).default([]),
  /** Megabits in a second, each way; null: as fast as it goes. */
  maxMbps: z.number().positive().nullable().default(null),
  line: Line.nullable().default(null),
});
export type SshWorker = z.infer<typeof SshWorker>;

export const Worker = z.discriminatedUnion('kind', [LocalWorker, SshWorker]);
export type Worker = z.infer<typeof Worker>;

/** A worker that is to be added. */
export type WorkerDraft = Omit<SshWorker, 'id' | 'createdAt' | 'authKind' | 'seenHostKey'>;

/** A change of a worker: of what every kind has, and of what those over SSH have besides. */
export type WorkerChange = Partial<Omit<SshWorker, 'id' | 'kind' | 'createdAt'>>;

/** What can be done with a worker; other parts ask this, never of what kind it is. */
export const WorkerAbilities = z.object({
  /** It has an address, a way to sign in and a line to it. */
  isRemote: z.boolean(),
  /** It can be removed from the list. */
  removable: z.boolean(),
  /** MediaFlow can install ffmpeg there. */
  installable: z.boolean(),
});
export type WorkerAbilities = z.infer<typeof WorkerAbilities>;

export const ABILITIES: Readonly<Record<Worker['kind'], WorkerAbilities>> = {
  local: { isRemote: false, removable: false, installable: false },
  ssh: { isRemote: true, removable: true, installable: true },
};

/** How MediaFlow gets into a worker. Kept among the secrets, and never shown. */
export const WorkerKey = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('key'),
    privateKey: z.string().min(1).max(20_000),
    passphrase: z.string().max(1000).optional(),
  }),
  z.object({ kind: z.literal('password'), password: z.string().min(1).max(1000) }),
  z.object({ kind: z.literal('agent') }),
]);
export type WorkerKey = z.infer<typeof WorkerKey>;

/** What a worker has to do at this moment; numbers it does not tell are null. */
export interface WorkerMetrics {
  /** 0 to 100. */
  cpuPercent: number | null;
  gpuPercent: number | null;
  memoryUsedBytes: number | null;
  memoryBytes: number | null;
  scratchFreeBytes: number | null;
  temperatureC: number | null;
  /** ISO time. */
  at: string;
}
