import { readFile, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { AppError, conflict, notFound, toAppError } from '../../domain/errors.js';
import { isFinished, type Job } from '../../domain/jobs/job.js';
import type { QuarantineEntry } from '../../domain/replace/quarantine.js';
import type { Recommendation } from '../../domain/recommendations/recommendation.js';
import type { StreamChange } from '../../domain/jobs/stream-changes.js';
import type { Progress } from '../../domain/jobs/executor.js';
import type { WorkerChoice } from '../../domain/workers/choice.js';
import { movedRank, type MoveTo } from '../../domain/queue/rank.js';
import { inQueue, stateOf } from '../../store/row-keys.js';
import { Dispatcher } from './dispatch.js';
import type { Enqueue } from './enqueue.js';
import { HiddenFolders } from '../replace/hidden-folders.js';
import { Janitor } from '../replace/janitor.js';
import { JobRepository } from '../jobs/repository.js';
import type { QueueParts } from '../jobs/parts.js';
import { recover } from '../replace/recover.js';
import { Replacer } from '../replace/replace.js';
import { Restorer } from '../replace/restore.js';
import { JobRunner } from '../jobs/run.js';
import { SurplusCopies } from '../replace/surplus.js';
import { PlexRefresher } from '../replace/plex-refresher.js';
import { holds, Viewers, type WatchedFile } from '../jobs/viewers.js';

/** An answer to "restore" waits this long for the end; what takes longer goes on by itself. Milliseconds. */
const RESTORE_ANSWER_MS = 20_000;
const LOG_TAIL_BYTES = 2_000_000;

/** The queue as the rest of the program sees it. */
export class Queue {
  readonly #parts: QueueParts;
  readonly #enqueue: Enqueue;
  readonly #repository: JobRepository;
  readonly #runner: JobRunner;
  readonly #restorer: Restorer;
  readonly #surplus: SurplusCopies;
  readonly #dispatcher: Dispatcher;
  readonly #viewers: Viewers;
  readonly #janitor: Janitor;
  readonly #hiddenFolders: HiddenFolders;

  constructor(parts: QueueParts, enqueue: Enqueue) {
    this.#parts = parts;
    this.#enqueue = enqueue;
    this.#repository = new JobRepository(parts);
    const viewers = new Viewers(parts.server, parts.store);
    this.#viewers = viewers;
    const refresher = new PlexRefresher(parts.server, parts.log);
    this.#runner = new JobRunner(parts, this.#repository);
    this.#surplus = new SurplusCopies(parts, viewers, refresher);
    this.#restorer = new Restorer(parts, viewers, refresher, this.#surplus);
    const replacer = new Replacer(parts, this.#repository, viewers, refresher);
    const work = { repository: this.#repository, runner: this.#runner, replacer, restorer: this.#restorer, viewers };
    this.#dispatcher = new Dispatcher(parts, work);
    this.#janitor = new Janitor(parts, this.#restorer);
    this.#hiddenFolders = new HiddenFolders(parts);
  }

  /** Mends what a crash left, then starts to work. */
  async start(): Promise<void> {
    const unfinished = await recover(this.#parts, this.#repository);
    await this.#surplus.recover();
    this.#dispatcher.start(unfinished);
    this.#janitor.start();
    this.#hiddenFolders.start();
  }

  async stop(): Promise<void> {
    await Promise.all([
      this.#dispatcher.stop(),
      this.#janitor.stop(),
      this.#hiddenFolders.stop(),
      this.#surplus.stop(),
    ]);
  }

  state(): { paused: boolean; running: number; pending: number; blocked: number; reasons: string[] } {
    const { jobs, settings } = this.#parts.store;
    const states = jobs.tally(stateOf);
    return {
      paused: settings.value.queue.paused,
      running: states.of('running') + states.of('replacing'),
      pending: states.of('queued'),
      blocked: states.of('blocked'),
      reasons: this.#dispatcher.reasons(),
    };
  }

  /** See `Dispatcher.next`; null as well when it cannot be told within `limitMs`. For pages. */
  async next(limitMs: number): Promise<{ job: Job; choice: WorkerChoice } | null> {
    const signal = AbortSignal.timeout(limitMs);
    const late = new Promise<null>((resolve) => {
      signal.addEventListener('abort', () => {
        resolve(null);
      });
    });
    return Promise.race([this.#dispatcher.next(signal).catch(() => null), late]);
  }

  /** Which of these files somebody is watching, as far as the servers say so within `limitMs`. For pages. */
  async watched<T extends WatchedFile>(files: readonly T[], limitMs: number): Promise<Set<T>> {
    const sessions = await this.#viewers.lately(limitMs);
    const { servers } = this.#parts.store;
    return new Set(files.filter((file) => holds(sessions, file, (id) => servers.mappingsOf(id)) !== null));
  }

  /** See `SurplusCopies.setAside`. */
  setAside(row: Recommendation): Promise<QuarantineEntry> {
    return this.#surplus.setAside(row);
  }

  /** Throws `not_found`, and `conflict` when it has ended or is being replaced. */
  async cancel(jobId: string): Promise<Job> {
    const job = this.#repository.get(jobId);
    if (isFinished(job.state)) throw conflict(`This job is ${job.state} already.`);
    if (job.state === 'replacing')
      throw conflict('The file is being replaced right now. Restore the original afterwards.');
    if (job.state === 'running') await this.#dispatcher.cancel(jobId);
    const now = this.#repository.get(jobId);
    // It may have ended, or become something else, while it was being stopped.
    if (isFinished(now.state)) return now;
    const { outputPath } = now;
    const cancelled = await this.#repository.end(
      jobId,
      'cancelled',
      new AppError('cancelled', 'You cancelled it. The original was not touched.'),
    );
    if (outputPath !== null) await rm(dirname(outputPath), { recursive: true, force: true });
    return cancelled;
  }

  /** Queues an ended job again, earlier failures forgiven; with `onCpu` no graphics card is used. Throws `conflict` when it has not ended badly. */
  async retry(jobId: string, onCpu = false): Promise<Job> {
    const job = this.#repository.get(jobId);
    if (job.state === 'done') throw conflict('This job is done. Restore the original first if you want it made anew.');
    if (!isFinished(job.state)) throw conflict(`This job is ${job.state}; there is nothing to retry.`);
    const other = this.#parts.store.jobs
      .where(({ sourcePath, state }) => sourcePath === job.sourcePath && !isFinished(state))
      .at(0);
    if (other) throw conflict(`There is already another job for this file, and it is ${other.state}.`);
    return this.#repository.move(jobId, 'queued', {
      attempt: 1,
      failedOn: [],
      leftOn: null,
      streamBroke: false,
      prefersCpu: onCpu,
      needsCard: false,
    });
  }

  /** The owner's yes to a verified result. Throws `dry_run`, or `conflict` unless it is verified. */
  async replace(jobId: string): Promise<Job> {
    if (this.#parts.store.settings.value.safety.dryRun) {
      throw new AppError('dry_run', 'Dry run is on: no file is touched. Turn it off under Settings, Safety.');
    }
    return this.#dispatcher.swap(jobId);
  }

  /** Throws `conflict` when the job does not wait. */
  async move(jobId: string, where: MoveTo): Promise<Job> {
    if (this.#repository.get(jobId).state !== 'queued') throw conflict('Only a waiting job can be moved.');
    const rank = movedRank(this.#parts.store.jobs.sorted(inQueue), jobId, where);
    const job = await this.#repository.patch(jobId, { rank });
    this.#parts.bus.emit('queue.changed', {});
    return job;
  }

  async pause(): Promise<void> {
    await this.#setPaused(true);
  }

  async resume(): Promise<void> {
    await this.#setPaused(false);
  }

  async #setPaused(paused: boolean): Promise<void> {
    await this.#parts.store.settings.change({ queue: { paused } });
    this.#parts.bus.emit('queue.changed', {});
  }

  /** Somebody began or stopped to watch: looks now whether to stand back. */
  viewersChanged(): void {
    this.#viewers.forget();
    this.#dispatcher.wake();
  }

  progress(jobId: string): Progress | null {
    return this.#runner.progress(jobId);
  }

  /** The last two megabytes of what ffmpeg wrote. Throws `not_found`. */
  async log(jobId: string): Promise<string> {
    this.#repository.get(jobId);
    try {
      const text = await readFile(join(this.#parts.logsDir, `${jobId}.log`), 'utf8');
      return text.length > LOG_TAIL_BYTES ? text.slice(-LOG_TAIL_BYTES) : text;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') throw notFound('log of the job', jobId);
      throw error;
    }
  }

  /** Plans without making a job. Reads the file, touches nothing. Throws what queueing throws. */
  async simulate(request: {
    itemId: string;
    presetId: string;
    alsoPresetIds?: readonly string[];
    fileId?: string;
  }): Promise<{
    fileId: string;
    planNotes: string[];
    commands: string[];
    streamChanges: StreamChange[];
    skipped: string | null;
  }> {
    const draft = this.#enqueue.draft({ ...request, force: true });
    const { fileId } = draft;
    try {
      const { change } = await this.#runner.prepare(draft, AbortSignal.timeout(60_000));
      const { planNotes = [], commands = [], streamChanges = [] } = change;
      return { fileId, planNotes, commands, streamChanges, skipped: null };
    } catch (error) {
      const { code, message } = toAppError(error);
      if (code === 'internal') throw error;
      return { fileId, planNotes: [], commands: [], streamChanges: [], skipped: message };
    }
  }

  /** Throws what `Restorer.restore` throws. */
  async restore(quarantineId: string): Promise<QuarantineEntry> {
    const { store } = this.#parts;
    const entry = store.quarantine.get(quarantineId);
    if (entry.state !== 'kept') throw conflict(`This original was already ${entry.state}.`);
    if (this.#dispatcher.isBusy(quarantineId)) throw conflict('This original is being restored already.');
    const work = this.#dispatcher.restore(quarantineId);
    const timer = new AbortController();
    const patience = sleep(RESTORE_ANSWER_MS, undefined, { signal: timer.signal }).catch(() => undefined);
    const stood = this.#untilRestored(quarantineId);
    try {
      await Promise.race([work, stood.done, patience]);
    } finally {
      timer.abort();
      stood.forget();
    }
    work.catch((error: unknown) => {
      this.#parts.log.warn({ err: error, quarantineId }, 'A restore did not come to its end');
    });
    return store.quarantine.get(quarantineId);
  }

  /** The file stands long before Plex has been told. */
  #untilRestored(id: string): { done: Promise<void>; forget: () => void } {
    let forget = (): void => undefined;
    const done = new Promise<void>((resolve) => {
      forget = this.#parts.bus.on('quarantine.changed', ({ ids }) => {
        if (ids.includes(id) && this.#parts.store.quarantine.find(id)?.state === 'restored') resolve();
      });
    });
    return { done, forget };
  }

  async purge(quarantineId: string): Promise<QuarantineEntry> {
    if (this.#dispatcher.isBusy(quarantineId)) throw conflict('This original is being restored right now.');
    return this.#restorer.purge(quarantineId, 'owner');
  }
}
