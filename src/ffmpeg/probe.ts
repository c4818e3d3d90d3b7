import { stat } from 'node:fs/promises';
import { execa } from 'execa';
import { z } from 'zod';
import { AppError } from '../domain/errors.js';
import type { Probe } from '../domain/jobs/probe.js';
import { hdrOf, masteringOf, type SideData } from './hdr.js';
import { inputFile, inputGuards, refusedKind } from './inputs.js';
import { kbpsOf, numberOf } from './numbers.js';
import { RawStream, SideDataList, toStream } from './probed-stream.js';
import { bareEnvironment } from './program.js';

/** A file that ffprobe needs longer for than this is not going to be read any better. */
const TIMEOUT_MS = 60_000;
/** Far more than any real answer; a crafted file shall not fill the memory. */
const MAX_OUTPUT_CHARACTERS = 20_000_000;

const RawProbe = z.object({
  format: z.looseObject({
    format_name: z.string(),
    duration: z.string().optional(),
    size: z.string().optional(),
    bit_rate: z.string().optional(),
  }),
  streams: z.array(RawStream).default([]),
  chapters: z.array(z.unknown()).default([]),
});

const RawFrames = z.object({ frames: z.array(z.looseObject({ side_data_list: SideDataList })).default([]) });

/**
 * Reads a file's streams with ffprobe, and the first frame's side data of video that may be HDR: static metadata
 * and HDR10+ stand only there. `path` must be absolute.
 *
 * Throws `file_missing`, `probe_failed` with a sentence that says what is wrong with the file, or the signal's reason.
 */
export async function probe(path: string, options: { ffprobe: string; signal?: AbortSignal }): Promise<Probe> {
  const sizeBytes = await sizeOf(path);
  if (sizeBytes === 0) throw new AppError('probe_failed', 'The file is empty (0 bytes). Get a new copy of it.');
  const raw = await ask(path, ['-show_format', '-show_streams', '-show_chapters'], RawProbe, options);
  const streams = raw.streams.map(toStream);
  const video = raw.streams.find((_, n) => streams[n]?.kind === 'video');
  const sideData: SideData[] = video ? [...video.side_data_list, ...(await firstFrame(path, video, options))] : [];
  const hdr = hdrOf(video?.color_transfer ?? null, sideData);
  return {
    path,
    container: containerOf(raw.format.format_name),
    durationSec: numberOf(raw.format.duration),
    sizeBytes,
    bitrateKbps: kbpsOf(raw.format.bit_rate),
    chapters: raw.chapters.length,
    hdr: hdr.kind,
    dolbyVisionProfile: hdr.dolbyVisionProfile,
    mastering: masteringOf(sideData),
    streams,
  };
}

async function firstFrame(
  path: string,
  video: RawStream,
  options: { ffprobe: string; signal?: AbortSignal },
): Promise<SideData[]> {
  if (video.color_transfer !== 'smpte2084' && video.color_transfer !== 'arib-std-b67') return [];
  const args = [
    '-select_streams',
    String(video.index),
    '-read_intervals',
    '%+#1',
    '-show_frames',
    '-show_entries',
    'frame=side_data_list',
  ];
  const { frames } = await ask(path, args, RawFrames, options);
  return frames[0]?.side_data_list ?? [];
}

async function ask<T>(
  path: string,
  args: readonly string[],
  schema: z.ZodType<T>,
  options: { ffprobe: string; signal?: AbortSignal },
): Promise<T> {
  const all = ['-v', 'error', ...inputGuards(), '-of', 'json', ...args, inputFile(path)];
  const result = await execa(options.ffprobe, all, {
    reject: false,
    stdin: 'ignore',
    timeout: TIMEOUT_MS,
    maxBuffer: MAX_OUTPUT_CHARACTERS,
    extendEnv: false,
    env: bareEnvironment(options.ffprobe),
    ...(options.signal ? { cancelSignal: options.signal } : {}),
  });
  options.signal?.throwIfAborted();
  if (result.code === 'ENOENT')
    throw new AppError('probe_failed', `${options.ffprobe} was not found. Install ffmpeg, or set MEDIAFLOW_FFPROBE.`);
  if (result.timedOut)
    throw new AppError(
      'probe_failed',
      'The file could not be read within a minute. Is its disk or share still answering?',
    );
  if (result.failed)
    throw (
      refusedKind(result.stderr) ??
      new AppError('probe_failed', explain(result.stderr), { cause: result, details: lastLine(result.stderr) })
    );
  const parsed = schema.safeParse(JSON.parse(result.stdout));
  if (!parsed.success)
    throw new AppError('probe_failed', 'ffprobe found no media in this file.', { cause: parsed.error });
  return parsed.data;
}

/** ffprobe's last words as a sentence for the owner. */
function explain(stderr: string): string {
  if (stderr.includes('moov atom not found')) return 'The file is cut off: its index is missing. Get a new copy of it.';
  if (stderr.includes('Invalid data found'))
    return 'This is no media file, whatever its name says. Get a new copy of it.';
  if (stderr.includes('Permission denied'))
    return 'The file may not be read. Give the user MediaFlow runs as the right to read it.';
  if (stderr.includes('Input/output error')) return 'The disk reports an error while the file is read. Check the disk.';
  return 'ffprobe could not read the file. Play it in Plex; if it stops there as well, get a new copy of it.';
}

const lastLine = (stderr: string): string => stderr.trim().split('\n').at(-1)?.slice(-300) ?? '';

async function sizeOf(path: string): Promise<number> {
  try {
    return (await stat(path)).size;
  } catch (cause) {
    throw new AppError('file_missing', 'The file is not where it was. Was it moved, or is its disk not mounted?', {
      cause,
    });
  }
}

/** ffprobe names the family (`matroska,webm`, `mov,mp4,m4a,...`); we name the member people know. */
function containerOf(formatName: string): string {
  if (formatName.startsWith('matroska')) return 'mkv';
  if (formatName.startsWith('mov,')) return 'mp4';
  return formatName.split(',')[0] ?? formatName;
}
