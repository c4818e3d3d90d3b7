import { remoteOf } from '../../domain/settings/disk.js';
import { encoderNeeds } from '../../domain/presets/encoder.js';
import { speedKey } from '../../domain/recommendations/encode-time.js';
import type { Job } from '../../domain/jobs/job.js';
import type { MediaFile } from '../../domain/library/media.js';
import { presetOfJob } from '../../domain/presets/merge.js';
import { streamProblem, type FilesOfJob } from '../../domain/workers/transfer-choice.js';
import { LOCAL_WORKER_ID } from '../../domain/workers/worker.js';
import { chooseWorker, type JobNeed, type WorkerCandidate, type WorkerChoice } from '../../domain/workers/choice.js';
import type { WorkerLook } from './reasons.js';
import type { QueueParts } from '../jobs/parts.js';
import type { Prepared } from '../jobs/prepare.js';
import type { JobRunner } from '../jobs/run.js';
import { workDirFor } from '../jobs/work-folder.js';

/** Plans of jobs that wait for a worker; looked at anew after this long, for a file may change meanwhile. Milliseconds. */
const PLAN_MS = 60_000;

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
    return this.#parts.store.workers.size > 0;
  }

  /** `running`: worker -> jobs it has in hand. `viewers`: streams that hold this machine back. Throws what `prepare` throws. */
  async choose(
    job: Job,
    look: { running: ReadonlyMap<string, number>; viewers: number },
    signal: AbortSignal,
  ): Promise<WorkerChoice> {
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

  #candidates(
    { running, viewers }: { running: ReadonlyMap<string, number>; viewers: number },
    seconds: (workerId: string) => WorkerCandidate['encodeSec'],
  ): WorkerCandidate[] {
    const { fleet, store } = this.#parts;
    const health = fleet.localHealth();
    const here: WorkerCandidate = {
      ...{ id: LOCAL_WORKER_ID, name: 'This machine', isLocal: true, state: 'online', tags: [], hours: [] },
      ...{ pathMappings: [], line: null, maxMbps: null, scratchFreeBytes: null, metrics: null },
      ...{ disabledReason: null, lastSeenAt: null, viewers },
      slots: store.settings.value.queue.concurrency,
      running: running.get(LOCAL_WORKER_ID) ?? 0,
      encoders: health === null ? null : health.ok ? health.encoders : [],
      encodeSec: seconds(LOCAL_WORKER_ID),
    };
    const others = fleet.list().map(({ worker, state, history, lastSeenAt }): WorkerCandidate => {
      const metrics = history.at(-1) ?? null;
      return {
        ...worker,
        ...{ isLocal: false, state, lastSeenAt, metrics, viewers: 0 },
        scratchFreeBytes: metrics?.scratchFreeBytes ?? worker.capabilities?.scratchFreeBytes ?? null,
        running: running.get(worker.id) ?? 0,
        encoders: worker.capabilities?.encoders ?? null,
        encodeSec: seconds(worker.id),
      };
    });
    return [here, ...others];
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
        ? 'the line broke when it was tried'
        : streamProblem(file?.container ?? 'unknown', plan.extension.slice(1)),
    };
    return {
      files,
      encode:
        needs === null || file === null
          ? null
          : { needs, preference: job.prefersCpu ? 'cpu' : 'gpu', needsCard: job.needsCard },
      wishedWorkerId: job.wishedWorkerId,
      tags: [],
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
    const { name = remote.machineId, line = null, maxMbps = null } = machine ?? {};
    return { name, sourceBytes, line, maxMbps };
  }
}
