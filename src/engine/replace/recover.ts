import { access } from 'node:fs/promises';
import { basename } from 'node:path';
import { AppError } from '../../domain/errors.js';
import { MAX_ATTEMPTS, type Job } from '../../domain/jobs/job.js';
import type { Placed } from '../../domain/replace/swap.js';
import { endOrphans } from '../../ffmpeg/orphans.js';
import type { SettledSwap } from '../../files/swap.js';
import type { JobRepository } from '../jobs/repository.js';
import type { QueueParts } from '../jobs/parts.js';
import { keptOriginal } from './receipts.js';
import type { StandingSwap } from './replace.js';
import { sweepWorkFolders } from '../jobs/work-folder.js';

/** What was found half done and has to be brought to its end. */
export interface Unfinished {
  swaps: { jobId: string; standing: StandingSwap }[];
  restores: { entryId: string; isRetired: boolean }[];
}

/**
 * Brings everything a crash left behind into a legal state, before anything new starts: files first (their journal and
 * what really lies on the disk), then jobs, then leftovers. Safe to run again after a crash in the middle of it.
 */
export async function recover(parts: QueueParts, repository: JobRepository): Promise<Unfinished> {
  const { store, log } = parts;
  const nobody = (): boolean => false;
  const unfinished = await settleSwaps(parts, repository, nobody);
  await endOrphans(workFoldersOf(parts), log);
  await mendJobs(parts, repository, nobody);
  const kept = new Set(store.jobs.where(({ outputPath }) => outputPath !== null).map(({ id }) => id));
  const removed = await sweepWorkFolders(store.settings.value, parts.fetchDir, (jobId) => kept.has(jobId));
  if (removed.length > 0) log.info({ removed }, 'Removed what unfinished jobs left behind');
  return unfinished;
}

/**
 * Settles every swap that nobody works on: one that was undone gives its job back, one that stands is handed on to be
 * finished. One that cannot be settled (its disk is away) stays as it is until a later call.
 */
export async function settleSwaps(
  parts: QueueParts,
  repository: JobRepository,
  isBusy: (id: string) => boolean,
): Promise<Unfinished> {
  const { swapper, store } = parts;
  const unfinished: Unfinished = { swaps: [], restores: [] };
  for (const swap of await swapper.recover()) {
    if (isBusy(swap.plan.id)) continue;
    if (swap.state === 'undone' || swap.placed === null) await swapper.finish(swap.plan.id);
    else await sortStanding(parts, repository, { ...swap, placed: swap.placed }, unfinished);
  }
  const withJournal = new Set((await swapper.pending()).map(({ plan }) => plan.id));
  for (const { id } of store.jobs.where(({ state }) => state === 'replacing')) {
    if (isBusy(id) || withJournal.has(id)) continue;
    await repository.move(id, 'verified', { waitsFor: 'The swap was cut off and taken back; it is tried again.' });
  }
  return unfinished;
}

async function sortStanding(
  parts: QueueParts,
  repository: JobRepository,
  { plan, state, placed }: SettledSwap & { placed: Placed },
  unfinished: Unfinished,
): Promise<void> {
  const { swapper, store, log } = parts;
  const isRetired = state === 'retired';
  if (plan.kind === 'restore') {
    if (store.quarantine.find(plan.id)?.state === 'kept') unfinished.restores.push({ entryId: plan.id, isRetired });
    else await swapper.finish(plan.id);
    return;
  }
  const job = store.jobs.find(plan.id);
  // It was put off when its disk went away in the middle, and nobody could see how far it had come.
  if (job?.state === 'verified') await repository.move(job.id, 'replacing', { nextTryAt: null });
  if (job?.state === 'replacing' || job?.state === 'verified') {
    unfinished.swaps.push({ jobId: plan.id, standing: { placed, isRetired } });
    return;
  }
  if (!job) {
    // Its row is lost, the file is not: the original can still be found and restored.
    log.error({ id: plan.id, path: plan.sourcePath }, 'A replaced file has no job any more; its original is kept');
    await store.quarantine.put(keptOriginal(parts, { plan, placed }, { itemId: '', title: basename(plan.sourcePath) }));
  }
  if (isRetired || plan.sourcePath === plan.targetPath) await swapper.finish(plan.id);
}

/** Jobs that say they are being worked on although nobody works on them. Also after the store could not be written. */
export async function mendJobs(
  parts: Pick<QueueParts, 'store' | 'log'>,
  repository: JobRepository,
  isWorkedOn: (jobId: string) => boolean,
): Promise<void> {
  const { store, log } = parts;
  for (const job of store.jobs.where(({ id, state }) => state === 'running' && !isWorkedOn(id))) {
    await restart(job, repository, log);
  }
  for (const job of store.jobs.where(({ id, state }) => state === 'verified' && !isWorkedOn(id))) {
    if (await exists(job.outputPath)) continue;
    await repository.move(job.id, 'queued', { waitsFor: 'The verified result was missing, so it is encoded again.' });
  }
}

/** A job during which the program ended is tried again, but not for ever: it may be the reason. */
async function restart(job: Job, repository: JobRepository, log: QueueParts['log']): Promise<void> {
  if (job.attempt >= MAX_ATTEMPTS) {
    const message = `MediaFlow was interrupted ${job.attempt} times during this job. Retry it by hand when you know why.`;
    await repository.end(job.id, 'failed', new AppError('interrupted', message));
    return;
  }
  log.info({ jobId: job.id, attempt: job.attempt + 1 }, 'A job was interrupted and starts again');
  await repository.move(job.id, 'queued', {
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
