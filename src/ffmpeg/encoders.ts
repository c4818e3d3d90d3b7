import { execa } from 'execa';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AppError } from '../domain/errors.js';
import type { EncoderSupport } from '../domain/worker.js';
import { tellingLines } from './failure.js';
import { bareEnvironment } from './program.js';

/** What plans may ask for (`encoderOf`), each with its fastest setting. */
const ENCODERS: Readonly<Record<string, readonly string[]>> = {
  libx265: ['-preset', 'ultrafast', '-x265-params', 'log-level=error'],
  libx264: ['-preset', 'ultrafast'],
  libsvtav1: ['-preset', '12'],
};
/** Small hardware encoders refuse less than this; a quarter of a second shows what a second would. */
const PICTURE = 'testsrc2=s=320x256:r=24:d=0.25';
const TIMEOUT_MS = 60_000;

/** What ffmpeg calls itself: `7.1.1` or `5.1.9-0+deb12u1`. Throws `worker_unavailable`. */
export async function versionOf(ffmpeg: string, signal?: AbortSignal): Promise<string> {
  const { stdout, failed } = await run(ffmpeg, ['-hide_banner', '-version'], signal);
  const version = /^ffmpeg version (\S+)/m.exec(stdout)?.[1];
  if (failed || version === undefined) {
    throw new AppError('worker_unavailable', `${ffmpeg} does not answer as ffmpeg would. Check MEDIAFLOW_FFMPEG.`);
  }
  return version;
}

/**
 * Encodes a moment of test picture into a file with each encoder, in 8 and in 10 bit: being listed proves only that an
 * encoder was compiled in. Throws `worker_unavailable` or the signal's reason.
 */
export async function probeEncoders(
  ffmpeg: string,
  signal?: AbortSignal,
): Promise<{ ffmpegVersion: string; encoders: EncoderSupport[] }> {
  const ffmpegVersion = await versionOf(ffmpeg, signal);
  const dir = await mkdtemp(join(tmpdir(), 'mediaflow-encoders-'));
  try {
    const encoders: EncoderSupport[] = [];
    for (const name of Object.keys(ENCODERS)) encoders.push(await tryEncoder(ffmpeg, name, dir, signal));
    return { ffmpegVersion, encoders };
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

async function tryEncoder(ffmpeg: string, name: string, dir: string, signal?: AbortSignal): Promise<EncoderSupport> {
  const attempt = (pixelFormat: string) => {
    const input = ['-nostdin', '-hide_banner', '-nostats', '-loglevel', 'level+warning', '-f', 'lavfi', '-i', PICTURE];
    const encode = ['-c:v', name, ...(ENCODERS[name] ?? []), '-pix_fmt', pixelFormat];
    return run(ffmpeg, [...input, ...encode, '-f', 'matroska', '-y', join(dir, `${name}.mkv`)], signal);
  };
  const eightBit = await attempt('yuv420p');
  if (eightBit.failed) {
    const [reason] = tellingLines(eightBit.stderr.split('\n'));
    return { name, works: false, tenBit: false, error: reason ?? 'it gave no reason', device: null };
  }
  const tenBit = await attempt('yuv420p10le');
  // Some encoders only warn and make 8 bit of it.
  const isTenBit = !tenBit.failed && !tenBit.stderr.includes('Incompatible pixel format');
  return { name, works: true, tenBit: isTenBit, error: null, device: null };
}

async function run(
  ffmpeg: string,
  args: readonly string[],
  signal?: AbortSignal,
): Promise<{ stdout: string; stderr: string; failed: boolean }> {
  const result = await execa(ffmpeg, args, {
    reject: false,
    stdin: 'ignore',
    timeout: TIMEOUT_MS,
    extendEnv: false,
    env: bareEnvironment(ffmpeg),
    ...(signal ? { cancelSignal: signal } : {}),
  });
  signal?.throwIfAborted();
  return { stdout: result.stdout, stderr: result.stderr, failed: result.failed };
}
