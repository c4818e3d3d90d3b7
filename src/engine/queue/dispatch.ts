import { AppError, toAppError } from '../../domain/errors.js';
import type { Job } from '../../domain/jobs/job.js';
import { LOCAL_WORKER_ID } from '../../domain/workers/worker.js';
import type { WorkerChoice } from '../../domain/workers/choice.js';
import type { RefusalKind } from '../../domain/workers/refusal.js';
import { Loop } from '../../lib/loop.js';
import { inQueue, stateOf } from '../../store/row-keys.js';
import { WorkerChooser, type QueueLoad } from './choose-worker.js';
import { InFlight } from '../jobs/in-flight.js';
import { isRemote } from '../jobs/remote-sources.js';
import type { JobRepository } from '../jobs/repository.js';
import type { QueueParts } from '../jobs/parts.js';
import { whyNothingRuns, type WorkerLook } from './reasons.js';
import { mendJobs, settleSwaps, type Unfinished } from '../replace/recover.js';
import type { Replacer } from '../replace/replace.js';
import type { Restorer } from '../replace/restore.js';
import type { JobRunner } from '../jobs/run.js';
import type { Viewers } from '../jobs/viewers.js';

const LOOK_MS = 3000;
/** When nobody takes the first so many, the rest is not asked about: each costs a look at its file. */
const MOST_REFUSED = 10;
/** Jobs for which the right worker is busy or missing hold up no others, but nobody goes through a whole long queue. */
const MOST_ASKED = 1000;
/** A worker that refuses a job for one of these may take the next one. */
const OF_THE_JOB: ReadonlySet<RefusalKind> = new Set(['wish', 'tags', 'failed-there']);
/** Nothing can be said or done about a queue that stands still for less than this. */
const STALLED_MS = 10 * 60_000;

/** Picks what is next and keeps it going: encodes up to the concurrency, swaps beside them. */
export class Dispatcher {
  readonly #parts: QueueParts;
  readonly #repository: JobRepository;
  readonly #runner: JobRunner;
  readonly #replacer: Replacer;
  readonly #restorer: Restorer;
  readonly #viewers: Viewers;
  readonly #chooser: WorkerChooser;
  readonly #loop: Loop;
  readonly #encodes = new InFlight();
  readonly #swaps = new InFlight();
  readonly #unsubscribe: (() => void)[] = [];
  #holdback = 0;
  #refusals: readonly WorkerLook[] = [];
  #trouble: string | null = null;
  #stalled: { sinceMs: number; isTold: boolean } | null = null;

  constructor(
    parts: QueueParts,
    work: { repository: JobRepository; runner: JobRunner; replacer: Replacer; restorer: Restorer; viewers: Viewers },
  ) {
    this.#parts = parts;
    this.#repository = work.repository;
    this.#runner = work.runner;
    this.#replacer = work.replacer;
    this.#restorer = work.restorer;
    this.#viewers = work.viewers;
    this.#chooser = new WorkerChooser(parts, work.runner);
    this.#loop = new Loop((signal) => this.#look(signal), {
      everyMs: LOOK_MS,
      onError: (error) => {
        this.#trouble = toAppError(error).message;
        parts.log.error({ err: error }, 'The queue could not go on; it tries again in a moment');
      },
    });
  }

  /** Continues what `recover` found half done, then looks for work. */
  start(unfinished: Unfinished): void {
    this.#continue(unfinished);
    const { bus } = this.#parts;
    const wake = (): void => {
      this.#loop.wake();
    };
    this.#unsubscribe.push(bus.on('queue.changed', wake), bus.on('settings.changed', wake));
    this.#loop.start();
  }

  #continue({ swaps, restores }: Unfinished): void {
    for (const { jobId, standing } of swaps) {
      void this.#swaps.start(jobId, (signal) => this.#guarded(jobId, this.#replacer.run(jobId, signal, standing)));
    }
    for (const { entryId, isRetired } of restores) {
      void this.#swaps.start(entryId, (signal) =>
        this.#guarded(entryId, this.#restorer.restore(entryId, signal, { isRetired })),
      );
    }
  }

  /** Aborts encodes (they are queued again) and swaps (their journal continues them) and waits for both. */
  async stop(): Promise<void> {
    for (const unsubscribe of this.#unsubscribe.splice(0)) unsubscribe();
    const reason = new AppError('interrupted', 'MediaFlow was stopped');
    await this.#loop.stop();
    await Promise.all([this.#encodes.stopAll(reason), this.#swaps.stopAll(reason)]);
  }

  wake(): void {
    this.#loop.wake();
  }

  /** Stops a running encode; resolves when it has ended and its job is closed. */
  async cancel(jobId: string): Promise<void> {
    await this.#encodes.stop(jobId, new AppError('cancelled', 'You cancelled it. The original was not touched.'));
  }

  /** Restores in the background; two clicks make one restore. */
  restore(entryId: string): Promise<void> {
    return this.#swaps.start(entryId, async (signal) => {
      await this.#restorer.restore(entryId, signal);
    });
  }

  isBusy(id: string): boolean {
    return this.#swaps.has(id) || this.#encodes.has(id);
  }

  reasons(): string[] {
    const jobs = this.#parts.store.jobs;
    const { queue, safety } = this.#parts.store.settings.value;
    return whyNothingRuns({
      isPaused: queue.paused,
      isDryRun: safety.dryRun,
      running: this.#encodes.size + this.#swaps.size,
      waiting: jobs.by(stateOf).of('queued'),
      blocked: jobs.by(stateOf).of('blocked'),
      verified: jobs.by(stateOf).of('verified'),
      viewers: this.#refusals.length > 0 ? 0 : this.#holdback,
      trouble: this.#trouble,
      ...(this.#refusals.length > 0 ? { workers: this.#refusals } : {}),
    });
  }

  /** The job that is next, and how each worker would do it now; null where nothing waits, or there is no choice. */
  async next(signal: AbortSignal): Promise<{ job: Job; choice: WorkerChoice } | null> {
    const [job] = this.#parts.store.jobs.sorted(inQueue);
    // A page is no reason to fetch from another machine what a plan needs to know.
    if (!job || !this.#chooser.hasOthers || isRemote(job.sourcePath)) return null;
    const look = { running: this.#running(), viewers: this.#holdback };
    return { job, choice: await this.#chooser.choose(job, look, signal) };
  }

  async #look(signal: AbortSignal): Promise<void> {
    const isBusy = (id: string): boolean => this.isBusy(id);
    const { jobs } = this.#parts.store;
    const isCutOff = jobs
      .by(stateOf)
      .of('replacing')
      .some(({ id }) => !isBusy(id));
    if (isCutOff) this.#continue(await settleSwaps(this.#parts, this.#repository, isBusy));
    await mendJobs(this.#parts, this.#repository, isBusy);
    await this.#unblock();
    await this.#swapDue();
    await this.#startWaiting(signal);
    this.#trouble = null;
    this.#tellWhenStalled();
  }

  async #unblock(): Promise<void> {
    const { store, now } = this.#parts;
    const { dryRun } = store.settings.value.safety;
    const at = now().toISOString();
    for (const job of store.jobs.by(stateOf).of('blocked')) {
      const isDue = job.nextTryAt === null ? !dryRun : job.nextTryAt <= at;
      if (isDue) await this.#repository.move(job.id, 'queued');
    }
  }

  /** Verified results that may go in without asking: approved, and not put off. */
  async #swapDue(): Promise<void> {
    const { store, now } = this.#parts;
    if (store.settings.value.safety.dryRun) return;
    const at = now().toISOString();
    const due = store.jobs
      .by(stateOf)
      .of('verified')
      .filter(({ approvedToReplace, nextTryAt }) => approvedToReplace && (nextTryAt === null || nextTryAt <= at));
    for (const job of due) await this.swap(job.id);
  }

  /** Moves a verified job to `replacing` and swaps in the background. Throws `conflict` when it is not verified. */
  async swap(jobId: string): Promise<Job> {
    const moved = this.#repository.move(jobId, 'replacing', { approvedToReplace: true, nextTryAt: null });
    // Registered in the same turn as the state: nobody may take the job for abandoned.
    void this.#swaps
      .start(jobId, async (signal) => {
        await moved;
        await this.#guarded(jobId, this.#replacer.run(jobId, signal));
      })
      .catch(() => undefined);
    return moved;
  }

  async #startWaiting(signal: AbortSignal): Promise<void> {
    const { store } = this.#parts;
    const { queue } = store.settings.value;
    this.#holdback = 0;
    this.#refusals = [];
    if (queue.paused || store.jobs.tally(stateOf).of('queued') === 0) return;
    if (queue.yieldToViewers) this.#holdback = await this.#viewers.transcoding(signal);
    // What Plex does for its viewers keeps this machine busy, not the others.
    if (this.#holdback > 0 && !this.#chooser.hasOthers) return;
    const waiting = store.jobs.sorted(inQueue).slice(0, MOST_ASKED);
    let refused = 0;
    let first: readonly WorkerLook[] = [];
    for (const job of waiting) {
      if (signal.aborted || refused >= MOST_REFUSED) break;
      const chosen = await this.#chosenFor(job, signal);
      if (chosen !== null) await this.#encodeOn(job, chosen);
      else if (!this.#refusals.some(({ refusal }) => refusal !== null && OF_THE_JOB.has(refusal.kind))) refused++;
      // What is told is what keeps the next one waiting.
      if (first.length === 0) first = this.#refusals;
    }
    this.#refusals = first;
  }

  /** Who takes this job now; null when nobody does. */
  async #chosenFor(job: Job, signal: AbortSignal): Promise<Partial<Job> | null> {
    const load = { running: this.#running(), viewers: this.#holdback };
    if (!this.#chooser.hasOthers) return this.#hereFor(job, load);
    const standing = this.#chooser.standing(job, load);
    if (standing.every(({ refusal }) => refusal !== null)) {
      this.#refusals = standing;
      return null;
    }
    try {
      const choice = await this.#chooser.choose(job, load, signal);
      if (!choice.winner) {
        this.#refusals = WorkerChooser.refusals(choice);
        return null;
      }
      const { id, offer, parts } = choice.winner;
      const weighed = { ways: offer?.ways ?? [], parts };
      return { workerId: id, whyWorker: choice.why, transferMode: offer?.way.mode ?? null, weighed };
    } catch (error) {
      signal.throwIfAborted();
      this.#parts.log.debug({ err: error, jobId: job.id }, 'A job cannot be planned; it is tried here, which says why');
      return this.#hereFor(job, load);
    }
  }

  #hereFor(job: Job, load: QueueLoad): Partial<Job> | null {
    const refused = this.#chooser.refusalHere(job, load);
    if (refused === null) return { workerId: LOCAL_WORKER_ID, transferMode: isRemote(job.sourcePath) ? 'pull' : null };
    this.#refusals = [refused];
    return null;
  }

  async #encodeOn(job: Job, chosen: Partial<Job>): Promise<void> {
    const moved = this.#repository.move(job.id, 'running', chosen);
    void this.#encodes
      .start(job.id, async (abort) => {
        await moved;
        await this.#guarded(job.id, this.#runner.run(job.id, abort));
      })
      .catch(() => undefined)
      .finally(() => {
        this.#loop.wake();
      });
    await moved;
  }

  /** Worker -> how many jobs it has in hand. */
  #running(): Map<string, number> {
    const running = new Map<string, number>();
    for (const id of this.#encodes.ids()) {
      const workerId = this.#parts.store.jobs.find(id)?.workerId ?? null;
      if (workerId !== null) running.set(workerId, (running.get(workerId) ?? 0) + 1);
    }
    return running;
  }

  /** The store could not be written at the end of some work: the job is picked up again by the next look. */
  async #guarded(id: string, work: Promise<unknown>): Promise<void> {
    try {
      await work;
    } catch (error) {
      this.#parts.log.error({ err: error, id }, 'Work ended without its result being written down');
      this.#trouble = toAppError(error).message;
    }
  }

  #tellWhenStalled(): void {
    const { store, bus } = this.#parts;
    const isStill = this.#encodes.size === 0 && store.jobs.tally(stateOf).of('queued') > 0;
    if (!isStill) {
      this.#stalled = null;
      return;
    }
    this.#stalled ??= { sinceMs: performance.now(), isTold: false };
    if (this.#stalled.isTold || performance.now() - this.#stalled.sinceMs < STALLED_MS) return;
    this.#stalled.isTold = true;
    bus.emit('queue.stalled', { reason: this.reasons().join(' ') || 'Jobs wait and nothing runs.' });
  }
}
