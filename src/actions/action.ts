import type { Found, ReviewRequest } from '../engine/recommendations/review-search.js';
import type { z } from 'zod';
import type { Access } from '../domain/access/access.js';
import type { Events } from '../domain/events.js';
import type { MediaServer, Servers } from '../domain/plex/media-server.js';
import type { PathProof } from '../domain/settings/path-proof.js';
import type { PathMapping } from '../domain/settings/paths.js';
import type { PlexTv } from '../domain/plex/account.js';
import type { Presets } from '../domain/presets/presets.js';
import type { Problem } from '../domain/health/problem.js';
import type { RuleRunner } from '../domain/rules/rule.js';
import type { WorkerHealth } from '../domain/jobs/executor.js';
import type { Bus } from '../lib/bus.js';
import type { Log } from '../lib/log.js';
import type { Store } from '../store/store.js';
import type {
  IntakeRequests,
  SyncRequests,
  NotificationRequests,
  AnalyzerRequests,
  EstimateRequests,
  EnqueueRequests,
  GroupRequests,
  CopyRequests,
  SearchRequests,
  CollectionRequests,
  SavingsRequests,
  StatisticsRequests,
  WorkerRequests,
  QueueRequests,
  EditRequests,
} from './requests.js';

/** Everything an action may work with. The composition root hands in the parts; an action names only what it asks of them. */
export interface Context {
  store: Store;
  bus: Bus<Events>;
  now: () => Date;
  newId: (prefix: string) => string;
  log: Log;
  /** `publicUrl`: the address people use, when the owner gave one. */
  config: { version: string; urlBase: string; publicUrl: string | null; demo: boolean };
  intake: IntakeRequests;
  sync: SyncRequests;
  search: SearchRequests;
  savings: SavingsRequests;
  statistics: StatisticsRequests;
  /** Recommendations by filter, order and group. */
  review: { find(request: ReviewRequest): Promise<Found> };
  collections: CollectionRequests;
  notifications: NotificationRequests;
  analyzer: AnalyzerRequests;
  estimates: EstimateRequests;
  enqueue: EnqueueRequests;
  groups: GroupRequests;
  copies: CopyRequests;
  queue: QueueRequests;
  fleet: WorkerRequests;
  /** What this machine is, and how it is. */
  /** A key pair for signing in to workers: what stays here, and the line that goes to `authorized_keys` there. */
  newKey: () => Promise<{ privateKey: string; publicKey: string }>;
  edits: EditRequests;
  rules: RuleRunner;
  presets: Presets;
  /** Throws `plex_not_configured`. */
  server: Servers;
  /** A connection that is not stored yet: "test this address". With a server's id, no other server gets the token. */
  connectPlex: (options: { url: string; token: string; serverId?: string }) => MediaServer;
  plexTv: PlexTv;
  /** When each task of the schedule comes next; null for one that is off. */
  nextRuns: () => { name: string; at: Date | null }[];
  verifyPath: (folder: string) => Promise<PathProof>;
  /** Where files that the server lists below `from` lie on this machine; null when they are found nowhere. */
  findFolder: (from: string, files: readonly { path: string; sizeBytes: number }[]) => Promise<PathMapping | null>;
  /** How many of these files of this machine are there with their size. */
  countFiles: (files: readonly { path: string; sizeBytes: number }[]) => Promise<number>;
  /** How many names each of these files of this machine has; what is not known within `limitMs` is left out. */
  countLinks: (paths: readonly string[], limitMs: number) => Promise<Map<string, number>>;
  /** What real test encodes on this machine show. */
  checkWorker: () => Promise<WorkerHealth>;
  problems: () => Promise<Problem[]>;
  /** Whether work can be taken in; false while starting and stopping. */
  readiness: () => { ready: boolean };
  access: Access;
}

/** A thing MediaFlow can be asked to do: a function that carries its own description. */
export interface Action<Input extends z.ZodType = z.ZodType, Output extends z.ZodType = z.ZodType> {
  (ctx: Context, input: z.infer<Input>): Promise<z.infer<Output>>;
  summary: string;
  input: Input;
  output: Output;
}

/** Any action, for code that only passes it on: its input was checked by its own schema. */
export interface AnyAction {
  (ctx: Context, input: never): Promise<unknown>;
  summary: string;
  input: z.ZodType;
  output: z.ZodType;
}

/** Makes an action. No action knows who asked: browser, script, schedule and webhook call the same one. */
export function action<Input extends z.ZodType, Output extends z.ZodType>(
  about: { summary: string; input: Input; output: Output },
  perform: (ctx: Context, input: z.infer<Input>) => z.infer<Output> | Promise<z.infer<Output>>,
): Action<Input, Output> {
  const call = async (ctx: Context, input: z.infer<Input>): Promise<z.infer<Output>> => perform(ctx, input);
  return Object.assign(call, about);
}
