import { execa } from 'execa';
import { bareEnvironment } from './program.js';

export const THUMBNAIL_WIDTH = 32;
export const THUMBNAIL_HEIGHT = 18;
const THUMBNAIL_BYTES = THUMBNAIL_WIDTH * THUMBNAIL_HEIGHT * 3;
const SAMPLE_RATE = 8000;
const TIMEOUT_MS = 300_000;

interface Options {
  ffmpeg: string;
  signal: AbortSignal;
}

/**
 * Up to `count` small pictures in a row (red, green and blue bytes) from `atSec` after the start of the file; fewer when
 * they cannot be decoded. `stream` is the index of the video stream.
 */
export async function thumbnails(
  path: string,
  at: { stream: number; atSec: number; count: number },
  options: Options,
): Promise<Buffer[]> {
  const filter = `scale=${THUMBNAIL_WIDTH}:${THUMBNAIL_HEIGHT}:flags=area,format=rgb24`;
  const args = ['-map', `0:${at.stream}`, '-vf', filter, '-fps_mode', 'passthrough', '-frames:v', String(at.count)];
  const bytes = await pipe(path, at.atSec, [...args, '-f', 'rawvideo'], options);
  const count = Math.floor(bytes.length / THUMBNAIL_BYTES);
  return Array.from({ length: count }, (_, n) => bytes.subarray(n * THUMBNAIL_BYTES, (n + 1) * THUMBNAIL_BYTES));
}

/** Mean difference of two thumbnails, 0 to 255. */
export function pictureDistance(one: Buffer, other: Buffer): number {
  let sum = 0;
  for (let n = 0; n < one.length; n++) sum += Math.abs((one[n] ?? 0) - (other[n] ?? 0));
  return sum / one.length;
}

/**
 * Loudness of an audio stream over `lengthSec` from `atSec` on, in dB below full scale (-120 is nothing); null when
 * nothing could be decoded.
 */
export async function loudness(
  path: string,
  at: { stream: number; atSec: number; lengthSec: number },
  options: Options,
): Promise<number | null> {
  const args = ['-map', `0:${at.stream}`, '-t', String(at.lengthSec), '-ac', '1', '-ar', String(SAMPLE_RATE)];
  const bytes = await pipe(path, at.atSec, [...args, '-c:a', 'pcm_s16le', '-f', 's16le'], options);
  const count = Math.floor(bytes.length / 2);
  if (count === 0) return null;
  let sum = 0;
  for (let n = 0; n < count; n++) sum += (bytes.readInt16LE(2 * n) / 32_768) ** 2;
  return Math.max(-120, 10 * Math.log10(sum / count + 1e-12));
}

async function pipe(
  path: string,
  atSec: number,
  args: readonly string[],
  { ffmpeg, signal }: Options,
): Promise<Buffer> {
  const input = ['-protocol_whitelist', 'file,crypto,data', '-ss', atSec.toFixed(3), '-i', `file:${path}`];
  const result = await execa(ffmpeg, ['-nostdin', '-v', 'error', ...input, ...args, 'pipe:1'], {
    reject: false,
    stdin: 'ignore',
    encoding: 'buffer',
    stderr: 'ignore',
    timeout: TIMEOUT_MS,
    extendEnv: false,
    env: bareEnvironment(ffmpeg),
    cancelSignal: signal,
  });
  signal.throwIfAborted();
  return Buffer.from(result.stdout);
}
