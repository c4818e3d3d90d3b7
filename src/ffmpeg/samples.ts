import { execa } from 'execa';
import { inputFile, inputGuards } from './inputs.js';
import { bareEnvironment, giveWay } from './program.js';

const WIDTH = 32;
const HEIGHT = 18;
const THUMBNAIL_BYTES = WIDTH * HEIGHT * 3;
const SAMPLE_RATE = 8000;
const TIMEOUT_MS = 300_000;
/** Containers without an index land somewhere near; from here they are decoded up to the wanted time. Seconds. */
const RUN_UP_SEC = 15;
const INDEXED: ReadonlySet<string> = new Set(['mkv', 'mp4', 'avi']);

/** A moment of a file. Stream numbers are those of the container. */
export interface Moment {
  /** From the start of the file. */
  atSec: number;
  video: { stream: number; fromSec: number; count: number } | null;
  audio: { streams: readonly number[]; lengthSec: number };
  /** What the pictures pass through before they are made small. */
  filters?: readonly string[];
}

export interface Sample {
  /** Small pictures, red, green and blue bytes; fewer than asked for when they cannot be decoded. */
  pictures: Buffer[];
  /** Loudness per stream in dB below full scale, -120 for nothing; null when nothing could be decoded. */
  loudness: (number | null)[];
}

/** Decodes a moment of a file: pictures from `video.fromSec` on, sound from `atSec` on. `path` is absolute. */
export async function sampleFile(
  path: string,
  moment: Moment,
  { ffmpeg, container, signal }: { ffmpeg: string; container: string; signal: AbortSignal },
): Promise<Sample> {
  const { atSec, video, audio, filters = [] } = moment;
  const earliestSec = Math.min(atSec, video?.fromSec ?? atSec);
  const seekSec = INDEXED.has(container) ? earliestSec : Math.max(0, earliestSec - RUN_UP_SEC);
  const skip = (sec: number): string[] => (sec > seekSec ? ['-ss', (sec - seekSec).toFixed(3)] : []);
  const outputs = [
    ...(video ? [[...skip(video.fromSec), ...pictureArgs(video, filters)]] : []),
    ...audio.streams.map((stream) => [...skip(atSec), ...soundArgs(stream, audio.lengthSec)]),
  ];
  const input = [...inputGuards(container), '-ss', seekSec.toFixed(3), '-i', inputFile(path)];
  const args = outputs.flatMap((output, n) => [...output, `pipe:${n + 3}`]);
  const child = execa(ffmpeg, ['-nostdin', '-v', 'error', ...input, ...args], {
    reject: false,
    encoding: 'buffer',
    stdio: ['ignore', 'ignore', 'ignore', ...outputs.map(() => 'pipe' as const)],
    timeout: TIMEOUT_MS,
    extendEnv: false,
    env: bareEnvironment(ffmpeg),
    cancelSignal: signal,
  });
  giveWay(child.pid);
  const result = await child;
  signal.throwIfAborted();
  const pipes = (result.stdio as unknown[])
    .slice(3)
    .map((bytes) => (bytes instanceof Uint8Array ? Buffer.from(bytes) : Buffer.alloc(0)));
  const pictures = video ? thumbnailsIn(pipes.shift() ?? Buffer.alloc(0)) : [];
  return { pictures, loudness: pipes.map(loudnessOf) };
}

/** Mean difference of two thumbnails, 0 to 255. */
export function pictureDistance(one: Buffer, other: Buffer): number {
  let sum = 0;
  for (let n = 0; n < one.length; n++) sum += Math.abs((one[n] ?? 0) - (other[n] ?? 0));
  return sum / one.length;
}

const pictureArgs = ({ stream, count }: { stream: number; count: number }, filters: readonly string[]): string[] => [
  ...['-map', `0:${stream}`],
  ...['-vf', [...filters, `scale=${WIDTH}:${HEIGHT}:flags=area`, 'format=rgb24'].join(',')],
  ...['-fps_mode', 'passthrough', '-frames:v', String(count), '-f', 'rawvideo'],
];

const soundArgs = (stream: number, lengthSec: number): string[] => [
  ...['-map', `0:${stream}`, '-t', String(lengthSec), '-ac', '1', '-ar', String(SAMPLE_RATE)],
  ...['-c:a', 'pcm_s16le', '-f', 's16le'],
];

function thumbnailsIn(bytes: Buffer): Buffer[] {
  const count = Math.floor(bytes.length / THUMBNAIL_BYTES);
  return Array.from({ length: count }, (_, n) => bytes.subarray(n * THUMBNAIL_BYTES, (n + 1) * THUMBNAIL_BYTES));
}

function loudnessOf(bytes: Buffer): number | null {
  const count = Math.floor(bytes.length / 2);
  if (count === 0) return null;
  let sum = 0;
  for (let n = 0; n < count; n++) sum += (bytes.readInt16LE(2 * n) / 32_768) ** 2;
  return Math.max(-120, 10 * Math.log10(sum / count + 1e-12));
}
