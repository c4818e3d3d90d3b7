import { createHash } from 'node:crypto';
import { rm, stat } from 'node:fs/promises';
import { basename, extname, join } from 'node:path';
import { AppError, toAppError } from '../../domain/errors.js';
import type { Job } from '../../domain/job.js';
import { withExtension } from '../../domain/paths.js';
import type { EncodePlan } from '../../domain/plan.js';
import { describePlan, planEncode } from '../../domain/plan-encode.js';
import { mainVideo, type Probe } from '../../domain/probe.js';
import { streamLines } from '../../domain/receipt.js';
import type { EncodeStep, Progress } from '../../domain/executor.js';
import { encoderOf, encodeSteps } from '../../ffmpeg/args.js';
import { commandLine, type Places } from '../../ffmpeg/command-line.js';
import { probe as probeFile } from '../../ffmpeg/probe.js';
import { fingerprint } from '../../files/fingerprint.js';
import type { JobBook } from './job-book.js';
import type { QueueParts } from './parts.js';
import { verifyOutput } from './verify.js';
import { makeWorkFolder, rootOf, workDirFor } from './work-folder.js';

/** The file is left alone, and that is no failure. */
const SKIPS: ReadonlySet<string> = new Set(['plan_refused', 'not_smaller', 'file_linked']);
/** A job that waits for room is looked at again after this many seconds. */
const ROOM_RETRY_SEC = 60;
const LONGEST_NAME_BYTES = 255;
const MP4_NAMES: ReadonlySet<string> = new Set(['.mp4', '.m4v']);

/** What a job will do, found out without touching anything. */
export interface Prepared {
  root: string;
  probe: Probe;
  plan: EncodePlan;
  steps: readonly EncodeStep[];
  targetPath: string;
  change: Partial<Job>;
}

/** Takes one job from `running` to `verified`, or to the end it deserves. */
export class JobRunner {
  readonly #parts: QueueParts;
  readonly #book: JobBook;
  readonly #progress = new Map<string, Progress>();

  constructor(parts: QueueParts, book: JobBook) {
    this.#parts = parts;
    this.#book = book;
  }

  /** The latest figures of a running encode, or null. */
  progress(jobId: string): Progress | null {
    return this.#progress.get(jobId) ?? null;
  }

  /** Never throws but when the store cannot be written; the job then stays `running` and is picked up by `recover`. */
  async run(jobId: string, signal: AbortSignal): Promise<void> {
    const cleanUp: (() => Promise<void> | void)[] = [];
    try {
      await this.#run(this.#book.get(jobId), signal, cleanUp);
    } catch (thrown) {
      for (const undo of cleanUp.reverse()) await undo();
      cleanUp.length = 0;
      await this.#close(jobId, signal.aborted ? toAppError(signal.reason) : toAppError(thrown));
    } finally {
      this.#progress.delete(jobId);
    }
  }

  async #run(job: Job, signal: AbortSignal, cleanUp: (() => Promise<void> | void)[]): Promise<void> {
    const { store, executor, space, log, logsDir, tools } = this.#parts;
    const prepared = await this.prepare(job, signal);
    const settings = store.settings.value;
    if (settings.safety.dryRun) {
      const waitsFor = 'Dry run: planned, and nothing was touched. It starts when dry run is turned off.';
      await this.#book.move(job.id, 'blocked', { ...prepared.change, waitsFor });
      return;
    }
    const { plan, probe, root } = prepared;
    await this.#refuseMissingEncoder(plan, signal);
    const release = await space.reserve(workDirFor(root, settings), roomFor(job));
    cleanUp.push(release);
    const { folder, scratchDir } = await makeWorkFolder(job.id, root, settings);
    cleanUp.push(() => rm(folder, { recursive: true, force: true }));
    await this.#book.patch(job.id, { ...prepared.change, stage: 'encode' });

    const output = join(folder, `out${plan.extension}`);
    const startedMs = performance.now();
    await executor.encode(
      {
        jobId: job.id,
        workKey: workKeyOf(prepared),
        input: job.sourcePath,
        output,
        scratchDir,
        logPath: join(logsDir, `${job.id}.log`),
        steps: prepared.steps,
        durationSec: plan.durationSec,
      },
      (progress) => {
        this.#report(job.id, progress);
      },
      signal,
    );
    const encodeMs = Math.round(performance.now() - startedMs);
    log.info({ jobId: job.id, encodeMs }, 'Encoded, now verifying');

    await this.#book.patch(job.id, { stage: 'verify', percent: 100, encodeMs });
    this.#report(job.id, { percent: 0, fps: null, speed: null, etaSec: null, outputBytes: null });
    const result = await verifyOutput({
      plan,
      source: probe,
      sourcePath: job.sourcePath,
      outputPath: output,
      minSavingPercent: settings.safety.minSavingPercent,
      decode: settings.safety.verifyDecode,
      ...tools,
      signal,
      report: (percent) => {
        this.#report(job.id, { percent, fps: null, speed: null, etaSec: null, outputBytes: null });
      },
    });
    if (result.refusal) {
      await this.#book.patch(job.id, { checks: result.checks, sizeAfterBytes: result.sizeBytes });
      throw new AppError(result.refusal.code, result.refusal.message);
    }
    await rm(scratchDir, { recursive: true, force: true });
    await this.#book.move(job.id, 'verified', {
      outputPath: output,
      outputSha256: result.sha256,
      outputVideoCodec: plan.preset.video.codec === 'copy' ? null : plan.preset.video.codec,
      sizeAfterBytes: result.sizeBytes,
      streamsAfter: result.output ? streamLines(result.output) : [],
      checks: result.checks,
      encodeMs,
      percent: 100,
      approvedToReplace: settings.safety.replace === 'automatic',
      waitsFor: settings.safety.replace === 'automatic' ? null : 'It is verified and waits for your yes.',
    });
    release();
  }

  /** Looks at the source and decides, touching nothing. Throws the reason when the file is left alone. */
  async prepare(job: Job, signal: AbortSignal): Promise<Prepared> {
    const { store, presets, tools, now } = this.#parts;
    const settings = store.settings.value;
    const root = await rootOf(job.sourcePath, settings);
    const seen = await fingerprint(job.sourcePath);
    if (settings.safety.skipHardLinks && seen.nlink > 1) {
      throw new AppError(
        'file_linked',
        `The file has ${seen.nlink} names (hard links), such as a torrent that is still seeded: replacing it would free nothing. It was left alone.`,
      );
    }
    const ageSec = now().getTime() / 1000 - Number(BigInt(seen.mtimeNs) / 1_000_000_000n);
    if (ageSec < settings.queue.minAgeSec) {
      throw new AppError(
        'file_in_use',
        `The file changed ${Math.max(0, Math.round(ageSec))} seconds ago; it must rest first.`,
      );
    }
    const probe = await probeFile(job.sourcePath, { ffprobe: tools.ffprobe, signal });
    const plan = planEncode(probe, presets.get(job.presetId));
    const steps = encodeSteps(plan);
    const targetPath = targetOf(job.sourcePath, plan);
    await refuseOccupied(job.sourcePath, targetPath);
    return {
      root,
      probe,
      plan,
      steps,
      targetPath,
      change: {
        targetPath,
        fingerprint: seen,
        sizeBeforeBytes: seen.sizeBytes,
        planNotes: describePlan(plan),
        commands: steps.map((step) => commandLine(step, shownPlaces(job.sourcePath, plan), tools.ffmpeg)),
        streamsBefore: streamLines(probe),
        ...sourceOf(probe, plan),
        workerId: 'local',
      },
    };
  }

  async #refuseMissingEncoder(plan: EncodePlan, signal: AbortSignal): Promise<void> {
    const wanted = encoderOf(plan);
    const health = await this.#parts.executor.check(signal);
    if (!health.ok) throw new AppError('worker_unavailable', health.reason);
    if (wanted === null) return;
    const encoder = health.encoders.find(({ name }) => name === wanted);
    if (encoder?.works) return;
    throw new AppError(
      'encoder_missing',
      `This ffmpeg cannot encode with ${wanted}${encoder?.error ? ` (${encoder.error})` : ''}. Install a full ffmpeg, or choose a preset with another codec.`,
    );
  }

  #report(jobId: string, progress: Progress): void {
    this.#progress.set(jobId, progress);
    this.#parts.bus.emit('job.progressed', { jobId, ...progress });
  }

  async #close(jobId: string, error: AppError): Promise<void> {
    const { log, now } = this.#parts;
    const soon = (seconds: number): string => new Date(now().getTime() + seconds * 1000).toISOString();
    if (error.code === 'cancelled') await this.#book.end(jobId, 'cancelled', error);
    else if (error.code === 'interrupted') await this.#book.move(jobId, 'queued');
    else if (error.code === 'no_space' || error.code === 'file_in_use' || error.code === 'worker_unavailable') {
      await this.#book.move(jobId, 'blocked', {
        waitsFor: error.message,
        nextTryAt: soon(ROOM_RETRY_SEC),
        outputPath: null,
      });
    } else if (SKIPS.has(error.code)) await this.#book.end(jobId, 'skipped', error);
    else {
      log.warn({ jobId, err: error }, 'A job failed');
      await this.#book.end(jobId, 'failed', error);
    }
  }
}

/** The same for the same source and the same steps, and for no other. */
const workKeyOf = ({ steps, change: { fingerprint: seen } }: Prepared): string =>
  createHash('sha256')
    .update(JSON.stringify([seen, steps]))
    .digest('hex')
    .slice(0, 16);

function sourceOf(probe: Probe, { durationSec }: EncodePlan): Pick<Job, 'source'> {
  const video = mainVideo(probe);
  if (!video?.width || !video.height) return {};
  return { source: { codec: video.codec, width: video.width, height: video.height, fps: video.fps, durationSec } };
}

/** Bytes to keep free for the output: what it should need, and half of what it should save on top. */
const roomFor = ({ sizeBeforeBytes, expectedSavesBytes }: Job): number =>
  sizeBeforeBytes - Math.floor(Math.max(0, expectedSavesBytes ?? 0) / 2);

/** The name is kept when its extension already says what is inside. Throws `plan_refused` when a new one would be too long. */
function targetOf(sourcePath: string, { extension }: EncodePlan): string {
  const own = extname(sourcePath).toLowerCase();
  if (own === extension || (extension === '.mp4' && MP4_NAMES.has(own))) return sourcePath;
  const target = withExtension(sourcePath, extension);
  if (Buffer.byteLength(basename(target)) > LONGEST_NAME_BYTES) {
    throw new AppError(
      'plan_refused',
      `With ${extension} at its end the file name would be longer than a disk allows.`,
    );
  }
  return target;
}

async function refuseOccupied(sourcePath: string, targetPath: string): Promise<void> {
  if (targetPath === sourcePath) return;
  const isTaken = await stat(targetPath).then(
    () => true,
    () => false,
  );
  if (isTaken) {
    throw new AppError(
      'file_exists',
      `${basename(targetPath)} already stands beside the file. Move one of them away first.`,
    );
  }
}

/** In a command for reading, the result and what is on the way to it lie where it is run. */
const shownPlaces = (input: string, { extension }: EncodePlan): Places => ({
  input,
  output: `out${extension}`,
  scratchDir: '.',
});
