import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { execa } from 'execa';
import { bareEnvironment } from '../ffmpeg/program.js';

/** A generated film: moving test picture, a tone, and nothing from elsewhere. */
export interface Clip {
  path: string;
  seconds: number;
  width: number;
  height: number;
  /** ffmpeg's arguments for the streams. */
  encode: readonly string[];
}

/** Writes a clip with ffmpeg. Throws with ffmpeg's last words when it cannot. */
export async function makeClip(ffmpeg: string, { path, seconds, width, height, encode }: Clip): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  const picture = `testsrc2=size=${width}x${height}:rate=24:duration=${seconds}`;
  const tone = `sine=frequency=330:sample_rate=48000:duration=${seconds}`;
  const input = ['-f', 'lavfi', '-i', picture, '-f', 'lavfi', '-i', tone];
  await execa(ffmpeg, ['-v', 'error', '-nostdin', '-y', ...input, ...encode, path], {
    stdin: 'ignore',
    extendEnv: false,
    env: bareEnvironment(ffmpeg),
  });
}

/** Streams of the films in the demo, by how they were made. */
export const STREAMS = {
  divx: ['-c:v', 'mpeg4', '-q:v', '2', '-c:a', 'libmp3lame', '-b:a', '128k'],
  dvd: ['-c:v', 'mpeg2video', '-q:v', '3', '-c:a', 'ac3', '-b:a', '192k'],
  h264: ['-c:v', 'libx264', '-preset', 'veryfast', '-crf', '24', '-pix_fmt', 'yuv420p', '-c:a', 'aac', '-b:a', '128k'],
  hevc: ['-c:v', 'libx265', '-preset', 'ultrafast', '-crf', '28', '-x265-params', 'log-level=error', '-c:a', 'aac'],
} as const;
