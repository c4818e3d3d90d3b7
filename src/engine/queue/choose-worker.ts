import { remoteOf } from '../../domain/settings/disk.js';
import { encoderNeeds } from '../../domain/presets/encoder-choice.js';
import { speedKey } from '../../domain/recommendations/encode-time.js';
import type { Job } from '../../domain/jobs/job.js';
import type { MediaFile } from '../../domain/library/media.js';
import { presetOfJob } from '../../domain/presets/merge.js';
import { streamProblem, type FilesOfJob } from '../../domain/workers/transfer-choice.js';
import { LOCAL_WORKER_ID } from '../../domain/workers/worker.js';
import { chooseWorker, type JobNeed, type WorkerCandidate, type WorkerChoice } from '../../domain/workers/choice.js';
import { refusalOf, type Standing } from '../../domain/workers/refusal.js';
import type { WorkerLook } from './reasons.js';
import type { QueueParts } from '../jobs/parts.js';
import type { Prepared } from '../jobs/prepare.js';
import type { JobRunner } from '../jobs/run.js';
import type { SeenWorker } from '../workers/fleet.js';
import { pathsOf } from '../workers/measurements.js';
import { workDirFor } from '../jobs/work-folder.js';

/** Plans of jobs that wait for a worker; looked at anew after this long, for a file may change meanwhile. Milliseconds. */
const PLAN_MS = 60_000;

/** `running`: worker -> jobs it has in hand. `viewers`: streams that hold this machine back. */
export interface QueueLoad {
  running: ReadonlyMap<string, number>;
  viewers: number;
}

/** Finds out which worker does a job, and why. */
export class WorkerChooser {
  readonly #parts: QueueParts;
  readonly #runner: JobRunner;
  readonly #plans = new Map<string, { prepared: Prepared; atMs: number }>();

  constructor(parts: QueueParts, runner: JobRunner) {
    this.#parts = parts;
    this.#runner = runner;
  }

  /** Whether there is any worker but this machine. */
  get hasOthers(): boolean {
    return this.#parts.store.workers.size > 1;
  }

  /** What each worker says to a job before its file is looked at: nobody reads a film for which there is no worker. */
  standing(job: Job, load: QueueLoad): WorkerLook[] {
    const now = this.#parts.now();
    return this.#parts.fleet.list().map((seen) => {
      const worker = standingOf(seen, load);
      return { name: worker.name, refusal: refusalOf(asked(job), worker, now) };
    });
  }

  /**
   * Why this machine does not take a job; null when it does. Whether its ffmpeg works is not asked: the job finds out, and
   * says why.
   */
  refusalHere(job: Job, load: QueueLoad): WorkerLook | null {
    const seen = this.#parts.fleet.list().find(({ worker }) => worker.id === LOCAL_WORKER_ID);
    if (!seen) return null;
    const { state, ...worker } = standingOf(seen, load);
    const isTried = state === 'checking' || state === 'offline';
    const refusal = refusalOf(asked(job), { ...worker, state: isTried ? 'online' : state }, this.#parts.now());
    return refusal && { name: worker.name, refusal };
  }

  /** Throws what `prepare` throws. */
  async choose(job: Job, look: QueueLoad, signal: AbortSignal): Promise<WorkerChoice> {
    const { prepared } = await this.#planOf(job, signal);
    const { store, presets, now, secondsOf } = this.#parts;
    const file = store.library.find(job.itemId)?.files.find(({ id }) => id === job.fileId) ?? null;
    const preset = presetOfJob(job, presets);
    const seconds = (workerId: string) => (encoder: string | null) =>
      file === null ? 0 : secondsOf(file, preset, speedKey(workerId, encoder));
    return chooseWorker(this.#needOf(job, prepared, file), this.#candidates(look, seconds), now());
  }

  /** Why no worker takes anything, for the owner. */
  static refusals(choice: WorkerChoice): WorkerLook[] {
    return choice.ranked.map(({ name, refusal }) => ({ name, refusal }));
  }

  async #planOf(job: Job, signal: AbortSignal): Promise<{ prepared: Prepared }> {
    const known = this.#plans.get(job.id);
    if (known && performance.now() - known.atMs < PLAN_MS) return known;
    const plan = { prepared: await this.#runner.prepare(job, signal), atMs: performance.now() };
    for (const [id, { atMs }] of this.#plans) if (performance.now() - atMs > PLAN_MS) this.#plans.delete(id);
    this.#plans.set(job.id, plan);
    return plan;
  }

  #candidates(look: QueueLoad, seconds: (workerId: string) => WorkerCandidate['encodeSec']): WorkerCandidate[] {
    return this.#parts.fleet.list().map((seen): WorkerCandidate => {
      const { worker, encoders, history } = seen;
      const metrics = history.at(-1) ?? null;
      const { line, maxMbps } = worker.kind === 'ssh' ? worker : { line: null, maxMbps: null };
      const { capabilities } = worker;
      return {
        ...standingOf(seen, look),
        isLocal: worker.kind === 'local',
        ...{ line, maxMbps, metrics, encoders },
        pathMappings: pathsOf(worker),
        // The queue asks for room on this machine before each job by itself.
        scratchFreeBytes:
          worker.kind === 'local' ? null : (metrics?.scratchFreeBytes ?? capabilities?.scratchFreeBytes ?? null),
        encodeSec: seconds(worker.id),
      };
    });
  }

  #needOf(job: Job, { plan, change, root }: Prepared, file: MediaFile | null): JobNeed {
    const { store, fetchDir } = this.#parts;
    const needs = encoderNeeds(plan);
    const { leftOn } = job;
    const sourceBytes = change.sizeBeforeBytes ?? job.sizeBeforeBytes;
    const files: FilesOfJob = {
      sourcePath: job.sourcePath,
      outputPath: workDirFor(root, store.settings.value, fetchDir),
      sourceBytes,
      outputBytes: Math.max(0, sourceBytes - Math.max(0, job.expectedSavesBytes ?? 0)),
      storage: this.#storageOf(job.sourcePath, sourceBytes),
      streamProblem: job.streamBroke
        ? 'the connection was lost when it was tried'
        : streamProblem(file?.container ?? 'unknown', plan.extension.slice(1)),
    };
    return {
      files,
      encode:
        needs === null || file === null
          ? null
          : { needs, preference: job.prefersCpu ? 'cpu' : 'gpu', needsCard: job.needsCard },
      wishedWorkerId: job.wishedWorkerId,
      tags: job.workerTags,
      failedOn: job.failedOn,
      halfDone:
        leftOn === null
          ? null
          : { workerId: leftOn.workerId, share: leftOn.percent / 100, hasSource: leftOn.hasSource },
    };
  }

  #storageOf(path: string, sourceBytes: number): NonNullable<FilesOfJob['storage']> | null {
    const remote = remoteOf(path);
    if (remote === null) return null;
    const machine = this.#parts.store.workers.find(remote.machineId);
    const name = machine?.name ?? remote.machineId;
    const { line, maxMbps } = machine?.kind === 'ssh' ? machine : { line: null, maxMbps: null };
    return { name, sourceBytes, line, maxMbps };
  }
}

const asked = ({ wishedWorkerId, failedOn, workerTags: tags }: Job) => ({ wishedWorkerId, failedOn, tags });

/** What Plex does for its viewers keeps this machine busy, not the others. */
const standingOf = ({ worker, state, slots, lastSeenAt }: SeenWorker, { running, viewers }: QueueLoad): Standing => ({
  ...{ id: worker.id, name: worker.name, tags: worker.tags, hours: worker.hours, state, slots, lastSeenAt },
  disabledReason: worker.disabledReason,
  running: running.get(worker.id) ?? 0,
  viewers: worker.kind === 'local' ? viewers : 0,
});
