import type { Job } from './jobs/job.js';
import type { Run } from './recommendations/run.js';
import type { WebhookOutcome } from './plex/webhook.js';
import type { Progress } from './jobs/executor.js';
import type { WorkerMetrics } from './workers/worker.js';

/** Everything that can happen, in the past tense. Pages, sockets and notifications all read this one list. */
export interface Events {
  /** `isPiece`: it tells of a part of what was stored in one go; the rest is told in events of its own. */
  'library.changed': { itemIds: string[]; isPiece?: boolean };
  'sync.progressed': { runId: string; done: number; total: number };
  'sync.completed': Run;
  'analysis.completed': Run;
  'webhook.received': { event: string; outcome: WebhookOutcome };
  'recommendation.changed': { ids: string[] };
  'job.changed': Job;
  'job.progressed': { jobId: string } & Progress;
  'job.completed': Job;
  'job.failed': Job;
  'queue.changed': Record<string, never>;
  'queue.stalled': { reason: string };
  'quarantine.changed': { ids: string[] };
  'rule.changed': { ids: string[] };
  'collection.changed': { ids: string[] };
  'edit.changed': { id: string };
  'settings.changed': Record<string, never>;
  'problem.changed': Record<string, never>;
  'worker.changed': { ids: string[] };
  'worker.measured': { id: string } & WorkerMetrics;
  'server.online': { id: string; name: string };
  'server.offline': { id: string; name: string; reason: string };
}

/** The events a browser may hear of. */
export const LIVE = [
  'library.changed',
  'sync.progressed',
  'sync.completed',
  'analysis.completed',
  'recommendation.changed',
  'job.changed',
  'job.progressed',
  'queue.changed',
  'quarantine.changed',
  'rule.changed',
  'collection.changed',
  'edit.changed',
  'settings.changed',
  'problem.changed',
  'worker.changed',
  'worker.measured',
] as const satisfies (keyof Events)[];
