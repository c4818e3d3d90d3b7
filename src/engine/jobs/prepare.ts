import { basename, extname } from 'node:path';
import { chooseEncoder, encoderNeeds, type ChosenEncoder } from '../../domain/presets/encoder-choice.js';
import { AppError } from '../../domain/errors.js';
import type { EncodeStep } from '../../domain/jobs/executor.js';
import type { Job } from '../../domain/jobs/job.js';
import { withExtension } from '../../domain/settings/paths.js';
import type { EncodePlan } from '../../domain/presets/plan.js';
import { describePlan, planEncode } from '../../domain/presets/plan-encode.js';
import { presetOfJob } from '../../domain/presets/merge.js';
import { mainVideo, type Probe } from '../../domain/jobs/probe.js';
import { streamLines } from '../../domain/replace/receipt.js';
import { streamChanges } from '../../domain/jobs/stream-changes.js';
import type { EncoderSupport } from '../../domain/workers/worker.js';
import { encodeSteps } from '../../ffmpeg/args.js';
import { commandLine, type Places } from '../../ffmpeg/command-line.js';
import { probe as probeFile } from '../../ffmpeg/probe.js';
import { fingerprint, isOccupied } from '../../files/fingerprint.js';
import { isRemote } from './remote-sources.js';
import { requireRest } from './file-rest.js';
import type { QueueParts } from './parts.js';
import { rootOf } from './work-folder.js';

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

/**
 * Looks at the source and decides, touching nothing. `encodersOf` says what the worker that will do it can encode with;
 * without it the encoder of the processor is planned. `here`: where
 * the source lies on this machine, once it was fetched from another. Throws the reason when the file is left alone.
 */
export async function prepareJob(
  parts: Pick<QueueParts, 'store' | 'presets' | 'tools' | 'now' | 'remoteSources'>,
  job: Job,
  signal: AbortSignal,
  encodersOf?: () => Promise<readonly EncoderSupport[]>,
  here?: string,
): Promise<Prepared> {
  const { store, presets, tools, now, remoteSources } = parts;
  const settings = store.settings.value;
  const root = await rootOf(job.sourcePath, settings);
  const seen = await fingerprint(job.sourcePath);
  if (settings.safety.skipHardLinks && seen.nlink > 1) {
    throw new AppError(
      'file_linked',
      `The file has ${seen.nlink} names (hard links), such as a torrent that is still seeded: replacing it would free nothing. It was skipped.`,
    );
  }
  requireRest(job.sourcePath, seen, { minAgeSec: settings.queue.minAgeSec, nowMs: now().getTime() });
  const probe =
    here === undefined && isRemote(job.sourcePath)
      ? await remoteSources.look(job.sourcePath, seen, signal)
      : await probeFile(here ?? job.sourcePath, { ffprobe: tools.ffprobe, signal });
  const plan = planEncode(probe, presetOfJob(job, presets));
  const targetPath = targetOf(job.sourcePath, plan);
  await refuseOccupied(job.sourcePath, targetPath);
  const chosen = encodersOf ? choose(plan, await encodersOf(), job) : null;
  const steps = encodeSteps(plan, chosen ?? undefined);
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
      streamChanges: streamChanges(plan),
      ...sourceOf(probe, plan),
      encoder: chosen === null ? null : { name: chosen.encoder, why: chosen.why },
    },
  };
}

/** Throws `encoder_missing`. Null: nothing is encoded. */
function choose(plan: EncodePlan, encoders: readonly EncoderSupport[], { prefersCpu }: Job): ChosenEncoder | null {
  const needs = encoderNeeds(plan);
  if (needs === null) return null;
  const choice = chooseEncoder(needs, encoders, prefersCpu ? 'cpu' : 'gpu');
  if (choice.encoder === null) throw new AppError('encoder_missing', choice.why);
  return choice;
}

function sourceOf(probe: Probe, { durationSec }: EncodePlan): Pick<Job, 'source'> {
  const video = mainVideo(probe);
  if (!video?.width || !video.height) return {};
  return { source: { codec: video.codec, width: video.width, height: video.height, fps: video.fps, durationSec } };
}

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
  if (await isOccupied(targetPath)) {
    throw new AppError(
      'file_exists',
      `${basename(targetPath)} already exists beside the file. Move one of them away first.`,
    );
  }
}

/** In a command for reading, the result and what is on the way to it lie where it is run. */
const shownPlaces = (input: string, { extension }: EncodePlan): Places => ({
  input,
  output: `out${extension}`,
  scratchDir: '.',
});
