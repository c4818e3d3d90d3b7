import { createHash } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { AppError, toAppError } from '../../domain/errors.js';
import type { EncodeTask, Progress } from '../../domain/jobs/executor.js';
import type { Job } from '../../domain/jobs/job.js';
import { streamLines } from '../../domain/replace/receipt.js';
import { streamChanges } from '../../domain/jobs/stream-changes.js';
import { LOCAL_WORKER_ID } from '../../domain/workers/worker.js';
import { afterFailure } from './after-failure.js';
import { fetchSource, isRemote } from './remote-sources.js';
import type { JobRepository } from './repository.js';
import type { QueueParts } from './parts.js';
import { prepareJob, type Prepared } from './prepare.js';
import { verifyOutput, type Verified } from './verify.js';
import { makeWorkFolder, workDirFor } from './work-folder.js';

/** Takes one job from `running` to `verified`, or to the end it deserves. */
export class JobRunner {
  readonly #parts: QueueParts;
  readonly #repository: JobRepository;
  readonly #progress = new Map<string, Progress>();

  constructor(parts: QueueParts, repository: JobRepository) {
    this.#parts = parts;
    this.#repository = repository;
  }

  /** The latest figures of a running encode, or null. */
  progress(jobId: string): Progress | null {
    return this.#progress.get(jobId) ?? null;
  }

  /** Never throws but when the store cannot be written; the job then stays `running` and is picked up by `recover`. */
  async run(jobId: string, signal: AbortSignal): Promise<void> {
    const cleanUp: (() => Promise<void> | void)[] = [];
    const trace = { isAtWorker: false };
    try {
      await this.#run(this.#repository.get(jobId), signal, cleanUp, trace);
    } catch (thrown) {
      for (const undo of cleanUp.reverse()) await undo();
      cleanUp.length = 0;
      // A disk that is full here is told by the system, one that is full there by the worker's own sentence.
      const isThere = trace.isAtWorker && thrown instanceof AppError;
      const error = signal.aborted ? toAppError(signal.reason) : toAppError(thrown);
      await afterFailure(this.#parts, this.#repository, this.#repository.get(jobId), { error, isThere });
    } finally {
      this.#progress.delete(jobId);
    }
  }

  async #run(
    job: Job,
    signal: AbortSignal,
    cleanUp: (() => Promise<void> | void)[],
    trace: { isAtWorker: boolean },
  ): Promise<void> {
    const { store, fleet, space, log, logsDir, fetchDir } = this.#parts;
    const workerId = job.workerId ?? LOCAL_WORKER_ID;
    const settings = store.settings.value;
    const { dryRun } = settings.safety;
    // A dry run plans also where nothing could be encoded.
    const encodersOf = dryRun ? undefined : () => fleet.measurements.encoders(workerId, signal);
    let prepared = await prepareJob(this.#parts, job, signal, encodersOf);
    if (dryRun) {
      const waitsFor = 'Dry run: planned, and nothing was touched. It starts when dry run is turned off.';
      await this.#repository.move(job.id, 'blocked', { ...prepared.change, waitsFor });
      return;
    }
    const { root } = prepared;
    const fetchedBytes = isRemote(job.sourcePath) ? (prepared.change.sizeBeforeBytes ?? job.sizeBeforeBytes) : 0;
    const release = await space.reserve(workDirFor(root, settings, fetchDir), roomFor(job) + fetchedBytes);
    cleanUp.push(release);
    const { folder, scratchDir } = await makeWorkFolder(job.id, root, settings, fetchDir);
    cleanUp.push(() => rm(folder, { recursive: true, force: true }));
    const input = fetchedBytes === 0 ? job.sourcePath : await this.#fetch(job, fetchedBytes, folder, signal);
    if (input !== job.sourcePath) prepared = await prepareJob(this.#parts, job, signal, encodersOf, input);
    const { plan } = prepared;
    await this.#repository.patch(job.id, { ...prepared.change, stage: 'encode' });

    const output = join(folder, `out${plan.extension}`);
    trace.isAtWorker = workerId !== LOCAL_WORKER_ID;
    const encodeMs = await this.#encode(
      { ...job, workerId },
      {
        jobId: job.id,
        workKey: workKeyOf(prepared),
        mode: job.transferMode,
        ...{ input, output },
        scratchDir,
        logPath: join(logsDir, `${job.id}.log`),
        steps: prepared.steps,
        durationSec: plan.durationSec,
      },
      signal,
    );
    trace.isAtWorker = false;
    log.info({ jobId: job.id, workerId, encodeMs }, 'Encoded, now verifying');

    await this.#repository.patch(job.id, { stage: 'verify', percent: 100, encodeMs, leftOn: null });
    const result = await this.#verify(job.id, prepared, { input, output }, signal);
    await rm(scratchDir, { recursive: true, force: true });
    if (input !== job.sourcePath) await rm(input);
    await this.#keep(job.id, plan, { output, encodeMs, result });
    release();
    await fleet.praise(workerId);
  }

  /** A verified result, which waits for its swap. */
  async #keep(
    jobId: string,
    plan: Prepared['plan'],
    { output, encodeMs, result }: { output: string; encodeMs: number; result: Verified },
  ): Promise<void> {
    const isAutomatic = this.#parts.store.settings.value.safety.replace === 'automatic';
    await this.#repository.move(jobId, 'verified', {
      outputPath: output,
      outputSha256: result.sha256,
      outputVideoCodec: plan.preset.video.codec === 'copy' ? null : plan.preset.video.codec,
      sizeAfterBytes: result.sizeBytes,
      streamsAfter: result.output ? streamLines(result.output) : [],
      streamChanges: streamChanges(plan, result.output),
      checks: result.checks,
      encodeMs,
      percent: 100,
      approvedToReplace: isAutomatic,
      waitsFor: isAutomatic ? null : 'It is verified and waits for your approval.',
    });
  }

  /** Brings a source that lies on another machine. Resolves with its path here. */
  async #fetch(job: Job, bytes: number, folder: string, signal: AbortSignal): Promise<string> {
    await this.#repository.patch(job.id, { stage: 'fetch' });
    const startedMs = performance.now();
    const onBytes = (done: number): void => {
      const perMs = done / Math.max(1, performance.now() - startedMs);
      const etaSec = perMs > 0 ? Math.round((bytes - done) / perMs / 1000) : null;
      const percent = Math.round((done / bytes) * 1000) / 10;
      this.#report(job.id, {
        stage: 'fetch',
        ...{ percent, etaSec },
        ...{ fps: null, speed: null, outputBytes: null },
      });
    };
    return fetchSource(job.sourcePath, folder, { signal, onBytes: atMostEvery(REPORT_MS, onBytes) });
  }

  /** Throws `verify_failed` or `not_smaller`; what was found is then written down. */
  async #verify(
    jobId: string,
    { plan, probe }: Prepared,
    { input, output }: { input: string; output: string },
    signal: AbortSignal,
  ): Promise<Verified> {
    const { minSavingPercent, verifyDecode } = this.#parts.store.settings.value.safety;
    const report = (percent: number): void => {
      this.#report(jobId, { percent, fps: null, speed: null, etaSec: null, outputBytes: null });
    };
    report(0);
    const result = await verifyOutput({
      ...{ plan, source: probe, sourcePath: input, outputPath: output },
      ...{ minSavingPercent, decode: verifyDecode, signal, report },
      ...this.#parts.tools,
    });
    if (result.refusal === null) return result;
    await this.#repository.patch(jobId, { checks: result.checks, sizeAfterBytes: result.sizeBytes });
    throw new AppError(result.refusal.code, result.refusal.message);
  }

  /** Resolves with the milliseconds that the encode itself took. */
  async #encode(job: Job & { workerId: string }, task: EncodeTask, signal: AbortSignal): Promise<number> {
    const { fleet } = this.#parts;
    const { id, workerId } = job;
    const at: { stage: Progress['stage'] | null; begunMs: number; encodeMs: number | null } = {
      ...{ stage: null, begunMs: performance.now(), encodeMs: null },
    };
    let written: Promise<unknown> = Promise.resolve();
    // Otherwise it is on no disk there, and what was encoded goes with the connection.
    const hasSource = task.mode === 'transfer';
    if (workerId !== LOCAL_WORKER_ID) {
      // Before anything lies there: what nobody wrote down would be swept.
      const isKnown = job.leftOn?.workerId === workerId && job.leftOn.workKey === task.workKey;
      const leftOn = { workerId, workKey: task.workKey, hasSource: false, percent: 0 };
      if (!isKnown) await this.#repository.patch(id, { leftOn });
    }
    const report = (progress: Progress): void => {
      const now = progress.stage ?? 'encode';
      if (now !== at.stage) {
        if (at.stage === 'encode') at.encodeMs = performance.now() - at.begunMs;
        at.begunMs = performance.now();
        at.stage = now;
        const leftOn =
          workerId === LOCAL_WORKER_ID || now === 'upload'
            ? {}
            : {
                leftOn: {
                  workerId,
                  workKey: task.workKey,
                  hasSource,
                  percent: hasSource && now === 'download' ? 100 : 0,
                },
              };
        written = written.then(() => this.#repository.patch(id, { stage: now, ...leftOn })).catch(() => undefined);
      }
      this.#report(id, progress);
    };
    try {
      await fleet.executorOf(workerId).encode(task, report, signal);
    } finally {
      await written;
    }
    return Math.round(at.encodeMs ?? performance.now() - at.begunMs);
  }

  /** See `prepareJob`; with the encoder of the processor, for nobody knows yet who encodes. */
  prepare(job: Job, signal: AbortSignal): Promise<Prepared> {
    return prepareJob(this.#parts, job, signal);
  }

  #report(jobId: string, progress: Progress): void {
    this.#progress.set(jobId, progress);
    this.#parts.bus.emit('job.progressed', { jobId, ...progress });
  }
}

/** How often a page hears of a file that is fetched. Milliseconds. */
const REPORT_MS = 500;

function atMostEvery(ms: number, tell: (bytes: number) => void): (bytes: number) => void {
  let toldAtMs = 0;
  return (bytes) => {
    if (performance.now() - toldAtMs < ms) return;
    toldAtMs = performance.now();
    tell(bytes);
  };
}

/** The same for the same source and the same steps, and for no other. */
const workKeyOf = ({ steps, change: { fingerprint: seen } }: Prepared): string =>
  createHash('sha256')
    .update(JSON.stringify([seen, steps]))
    .digest('hex')
    .slice(0, 16);

/** Bytes to keep free for the output: what it should need, and half of what it should save on top. */
const roomFor = ({ sizeBeforeBytes, expectedSavesBytes }: Job): number =>
  sizeBeforeBytes - Math.floor(Math.max(0, expectedSavesBytes ?? 0) / 2);
