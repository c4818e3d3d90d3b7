import { access } from 'node:fs/promises';
import { AppError } from '../../domain/errors.js';
import { MAX_ATTEMPTS, type Job } from '../../domain/job.js';
import { endOrphans } from '../../ffmpeg/orphans.js';
import type { JobBook } from './job-book.js';
import type { QueueParts } from './parts.js';
import type { StandingSwap } from './replace.js';
import { sweepWorkFolders } from './work-folder.js';

/** What was found half done and has to be brought to its end. */
export interface Unfinished {
  swaps: { jobId: string; standing: StandingSwap }[];
  restores: { entryId: string; isRetired: boolean }[];
}

/**
 * Brings everything a crash left behind into a legal state, before anything new starts: files first (their journal and
 * what really lies on the disk), then jobs, then leftovers. Safe to run again after a crash in the middle of it.
 */
export async function recover(parts: QueueParts, book: JobBook): Promise<Unfinished> {
  const { swapper, store, log } = parts;
  const unfinished: Unfinished = { swaps: [], restores: [] };
  for (const { plan, state, placed } of await swapper.recover()) {
    log.warn({ id: plan.id, kind: plan.kind, state }, 'A swap was cut off by a crash and was mended');
    if (state === 'undone' || placed === null) {
      await swapper.finish(plan.id);
    } else if (plan.kind === 'replace') {
      unfinished.swaps.push({ jobId: plan.id, standing: { placed, isRetired: state === 'retired' } });
    } else {
      unfinished.restores.push({ entryId: plan.id, isRetired: state === 'retired' });
    }
  }
  await endOrphans(workFoldersOf(parts), log);
  const standing = new Set(unfinished.swaps.map(({ jobId }) => jobId));
  await mendJobs(parts, book, (jobId) => standing.has(jobId));
  const kept = new Set(store.jobs.where(({ outputPath }) => outputPath !== null).map(({ id }) => id));
  const removed = await sweepWorkFolders(store.settings.value, (jobId) => kept.has(jobId));
  if (removed.length > 0) log.info({ removed }, 'Removed what unfinished jobs left behind');
  // A swap whose job row is gone or closed already only needs its journal forgotten.
  const open = unfinished.swaps.filter(({ jobId }) => store.jobs.find(jobId)?.state === 'replacing');
  for (const { jobId } of unfinished.swaps) {
    if (store.jobs.find(jobId)?.state === 'done') await swapper.finish(jobId);
  }
  const restores = unfinished.restores.filter(({ entryId }) => store.quarantine.find(entryId)?.state === 'kept');
  for (const { entryId } of unfinished.restores) {
    if (store.quarantine.find(entryId)?.state === 'restored') await swapper.finish(entryId);
  }
  return { swaps: open, restores };
}

/** Jobs that say they are being worked on although nobody works on them. Also after the store could not be written. */
export async function mendJobs(
  parts: Pick<QueueParts, 'store' | 'log'>,
  book: JobBook,
  isWorkedOn: (jobId: string) => boolean,
): Promise<void> {
  const { store, log } = parts;
  const open = store.jobs.where(
    (job) => ['running', 'replacing', 'verified'].includes(job.state) && !isWorkedOn(job.id),
  );
  for (const job of open) {
    if (job.state === 'replacing')
      await book.move(job.id, 'verified', { waitsFor: 'The swap was cut off and taken back.' });
    if (job.state === 'running') await restart(job, book, log);
    else if (!(await exists(job.outputPath))) {
      await book.move(job.id, 'queued', { waitsFor: 'The verified result was gone, so it is made again.' });
    }
  }
}

/** A job during which the program ended is tried again, but not for ever: it may be the reason. */
async function restart(job: Job, book: JobBook, log: QueueParts['log']): Promise<void> {
  if (job.attempt >= MAX_ATTEMPTS) {
    const message = `MediaFlow was interrupted ${job.attempt} times during this job. Retry it by hand when you know why.`;
    await book.end(job.id, 'failed', new AppError('interrupted', message));
    return;
  }
  log.info({ jobId: job.id, attempt: job.attempt + 1 }, 'A job was interrupted and starts again');
  await book.move(job.id, 'queued', {
    attempt: job.attempt + 1,
    waitsFor: `Restarted after an interruption, attempt ${job.attempt + 1} of ${MAX_ATTEMPTS}`,
  });
}

const exists = async (path: string | null): Promise<boolean> =>
  path !== null &&
  access(path).then(
    () => true,
    () => false,
  );

function workFoldersOf({ store }: QueueParts): string[] {
  return store.jobs.where(({ state }) => state === 'running').map(({ id }) => `/${id}/`);
}
