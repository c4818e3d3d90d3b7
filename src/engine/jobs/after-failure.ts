import { afterHardwareFailure } from '../../domain/presets/encoder-choice.js';
import { encoderNamed, softwareEncoder } from '../../domain/presets/encoders.js';
import type { AppError } from '../../domain/errors.js';
import type { Job } from '../../domain/jobs/job.js';
import { LOCAL_WORKER_ID } from '../../domain/workers/worker.js';
import { workerFaultOf, type WorkerFault } from '../../domain/workers/trust.js';
import type { JobRepository } from './repository.js';
import type { QueueParts } from './parts.js';

/** The file is left alone, and that is no failure. */
const SKIPS: ReadonlySet<string> = new Set(['plan_refused', 'not_smaller', 'file_linked']);
/** What may be over soon; until then the job waits. */
const WAITS: ReadonlySet<string> = new Set(['no_space', 'file_in_use', 'worker_unavailable', 'storage_unreachable']);
/** A job that waits is looked at again after this many seconds. */
const RETRY_SEC = 60;
/** A job that so many workers could not do needs a person. */
const MOST_WORKERS = 3;

interface FailedEnd {
  error: AppError;
  /** It was told by the worker that encodes, not by this machine. */
  isThere: boolean;
}

/** What becomes of a job whose try did not end well: another try, another worker, a wait, or its end. */
export async function afterFailure(
  parts: QueueParts,
  repository: JobRepository,
  job: Job,
  end: FailedEnd,
): Promise<void> {
  const { log, now } = parts;
  const { error } = end;
  if (error.code === 'cancelled') {
    await repository.end(job.id, 'cancelled', error);
    return;
  }
  if (error.code === 'interrupted') {
    await repository.move(job.id, 'queued');
    return;
  }
  const workerId = job.workerId ?? LOCAL_WORKER_ID;
  if (error.code === 'hardware_failed') {
    if (await tryWithout(parts, repository, job, end)) return;
  } else if (workerId !== LOCAL_WORKER_ID) {
    const fault = workerFaultOf({ code: error.code, isThere: end.isThere, signal: signalOf(error) });
    if (fault !== null && (await tryElsewhere(parts, repository, { ...job, workerId }, { error, fault }))) return;
  }
  if (WAITS.has(error.code)) {
    const nextTryAt = new Date(now().getTime() + RETRY_SEC * 1000).toISOString();
    await repository.move(job.id, 'blocked', { waitsFor: error.message, nextTryAt, outputPath: null });
  } else if (SKIPS.has(error.code)) await repository.end(job.id, 'skipped', error);
  else {
    log.warn({ jobId: job.id, workerId, err: error }, 'A job failed');
    await repository.end(job.id, 'failed', error);
  }
}

/** The graphics card failed: as the owner set it, and for this job alone. False: it has failed. */
async function tryWithout(
  parts: QueueParts,
  repository: JobRepository,
  job: Job,
  { error }: FailedEnd,
): Promise<boolean> {
  const { fleet, store, log } = parts;
  const workerId = job.workerId ?? LOCAL_WORKER_ID;
  await fleet.blame(workerId, 'hardware_failed');
  const tried = new Set([workerId, ...job.failedOn.map((each) => each.workerId)]);
  // One that is wished for is not left for another by itself.
  const isFree = job.wishedWorkerId === null;
  const others = fleet.list().filter(({ worker }) => isFree && !tried.has(worker.id));
  const hasCard = (each: (typeof others)[number]): boolean =>
    each.encoders?.some(({ works, name }) => works && name === job.encoder?.name) ?? false;
  const { then, why } = afterHardwareFailure(store.settings.value.queue.hardwareFallback, {
    otherWorkers: others.filter(hasCard).length,
    softwareWorks: doesSoftwareWork(parts, job),
  });
  if (then === 'fail') return false;
  log.warn({ jobId: job.id, workerId, err: error }, why);
  await repository.move(job.id, 'queued', {
    waitsFor: `${why} ${error.message}`,
    leftOn: null,
    ...(then === 'cpu'
      ? { prefersCpu: true }
      : { needsCard: true, failedOn: [...job.failedOn, { workerId, why: error.message }] }),
  });
  return true;
}

/** Whether the processor of any worker can do what the card could not; where nobody has looked yet it may. */
function doesSoftwareWork({ fleet }: QueueParts, { encoder }: Job): boolean {
  const failed = encoderNamed(encoder?.name ?? '');
  if (failed === undefined) return false;
  const software = softwareEncoder(failed.codec).name;
  const local = fleet.list().find(({ worker }) => worker.kind === 'local');
  if (local?.encoders === null) return true;
  const known = fleet.list().flatMap(({ encoders }) => encoders ?? []);
  return known.some(({ name, works }) => works && name === software);
}

/** The worker is to blame, not the file: somebody else may do it. False: too many could not. */
async function tryElsewhere(
  { fleet, log }: QueueParts,
  repository: JobRepository,
  job: Job & { workerId: string },
  { error, fault }: { error: AppError; fault: WorkerFault },
): Promise<boolean> {
  const { workerId } = job;
  await fleet.blame(workerId, fault);
  // One that is only away may take up what it holds when it is back; any other trouble is not tried there again.
  const isAway = error.code === 'worker_unreachable';
  if (job.failedOn.length + 1 >= MOST_WORKERS || (!isAway && job.wishedWorkerId === workerId)) return false;
  log.warn({ jobId: job.id, workerId, err: error }, 'A worker lost a job; it goes on elsewhere');
  await repository.move(job.id, 'queued', {
    waitsFor: error.message,
    // A line that broke once is not trusted with an encode again.
    ...(isAway && job.transferMode === 'stream' ? { streamBroke: true } : {}),
    ...(isAway ? {} : { leftOn: null, failedOn: [...job.failedOn, { workerId, why: error.message }] }),
  });
  return true;
}

/** What ended ffmpeg, if something did. */
const signalOf = ({ message }: AppError): string | null => /killed with signal (SIG\w+)/.exec(message)?.[1] ?? null;
