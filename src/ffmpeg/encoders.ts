import { execa } from 'execa';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ENCODERS } from '../domain/presets/encoders.js';
import type { Encoder } from '../domain/presets/encoders/encoder.js';
import type { EncodedCodec } from '../domain/presets/video-target.js';
import { AppError } from '../domain/errors.js';
import { planEncode } from '../domain/presets/plan-encode.js';
import type { EncodePlan, PlannedStream } from '../domain/presets/plan.js';
import { Preset } from '../domain/presets/preset.js';
import { ProbedStream } from '../domain/jobs/probe.js';
import type { EncoderSupport } from '../domain/workers/worker.js';
import { hardwareFailure, tellingLines } from './failure.js';
import { bareEnvironment, giveWay } from './program.js';
import { videoArgs } from './video-args.js';

/** Runs ffmpeg with these arguments, here or on another machine. Rejects only when ffmpeg cannot be asked at all. */
export type RunFfmpeg = (args: readonly string[]) => Promise<{ stdout: string; stderr: string; failed: boolean }>;

/** Where test encodes take place, as the machine that runs them sees it. */
export interface ProbePlaces {
  /** A file to write to, again and again; whoever asks takes it away. */
  output: string;
  /** The machine's render nodes: `/dev/dri/renderD128`. */
  renderNodes: readonly string[];
}

/** Small hardware encoders refuse less than this; six pictures show what more would, each at a whole millisecond. */
const SIZE = { width: 320, height: 256 };
const PICTURE = `testsrc2=s=${SIZE.width}x${SIZE.height}:r=25:d=0.24`;
/** What every test begins with; the level of the log comes next. */
export const OPENING = ['-nostdin', '-hide_banner', '-nostats', '-loglevel'];
/** A result that is less like the picture than this (dB) is none; at the quality tested 35 and more are usual. */
const LEAST_PSNR = 25;
const TIMEOUT_MS = 60_000;
const RENDER_NODE = /^renderD\d+$/;

/** What ffmpeg calls itself: `7.1.1` or `5.1.9-0+deb12u1`. Throws `worker_unavailable` with what to do about it. */
export async function versionOf(run: RunFfmpeg, advice = 'Check MEDIAFLOW_FFMPEG.'): Promise<string> {
  const { stdout, failed } = await run(['-hide_banner', '-version']);
  const version = /^ffmpeg version (\S+)/m.exec(stdout)?.[1];
  if (failed || version === undefined) {
    throw new AppError('worker_unavailable', `ffmpeg does not answer as it should. ${advice}`);
  }
  return version;
}

/**
 * Encodes a moment of test picture into a file with each encoder, in 8 and in 10 bit and with the options of real jobs:
 * being listed proves only that an encoder was compiled in. What a graphics card wrote is decoded again and compared.
 * Those of the processor come first.
 */
export async function probeEncoders(run: RunFfmpeg, places: ProbePlaces): Promise<EncoderSupport[]> {
  const found: EncoderSupport[] = [];
  let listed: ReadonlySet<string> | null = null;
  for (const row of ENCODERS) {
    if (row.hardware === null) {
      found.push(await tryEncoder(run, row, { device: null, output: places.output }));
      continue;
    }
    listed ??= await listedEncoders(run);
    if (!listed.has(row.name)) found.push(useless(row.name, 'this ffmpeg was built without it'));
    else if (row.hardware.needsRenderNode) found.push(await tryNodes(run, row, places));
    else found.push(await tryEncoder(run, row, { device: null, output: places.output }));
  }
  return found;
}

/** The render nodes of this machine; none where there are no graphics cards, or no Linux. */
export async function renderNodesHere(): Promise<string[]> {
  const names = await readdir('/dev/dri').catch(() => []);
  return names
    .filter((name) => RENDER_NODE.test(name))
    .sort()
    .map((name) => join('/dev/dri', name));
}

/** Asks the ffmpeg at an absolute path on this machine. Throws `worker_unavailable` or the signal's reason. */
export async function probeHere(
  ffmpeg: string,
  signal?: AbortSignal,
): Promise<{ ffmpegVersion: string; encoders: EncoderSupport[] }> {
  const run = runHere(ffmpeg, signal);
  const ffmpegVersion = await versionOf(run);
  const dir = await mkdtemp(join(tmpdir(), 'mediaflow-encoders-'));
  try {
    const places = { output: join(dir, 'test.mkv'), renderNodes: await renderNodesHere() };
    return { ffmpegVersion, encoders: await probeEncoders(run, places) };
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

/** Runs the ffmpeg at an absolute path on this machine, for a minute at most. Rejects with the signal's reason. */
export function runHere(ffmpeg: string, signal?: AbortSignal): RunFfmpeg {
  return async (args) => {
    const child = execa(ffmpeg, args, {
      reject: false,
      stdin: 'ignore',
      timeout: TIMEOUT_MS,
      extendEnv: false,
      env: bareEnvironment(ffmpeg),
      ...(signal ? { cancelSignal: signal } : {}),
    });
    giveWay(child.pid);
    const result = await child;
    signal?.throwIfAborted();
    return { stdout: result.stdout, stderr: result.stderr, failed: result.failed };
  };
}

/** Where an encoder is tried: at a render node, or null, and the file that it writes. */
interface Trial {
  device: string | null;
  output: string;
}

const useless = (name: string, error: string): EncoderSupport => ({
  name,
  works: false,
  tenBit: false,
  error,
  device: null,
});

async function listedEncoders(run: RunFfmpeg): Promise<Set<string>> {
  const { stdout } = await run(['-hide_banner', '-encoders']);
  return new Set(Array.from(stdout.matchAll(/^ V[A-Z.]{5} (\S+)/gm), ([, name = '']) => name));
}

/** At the first render node where it works; in front of none it is not tried. */
async function tryNodes(run: RunFfmpeg, row: Encoder, { output, renderNodes }: ProbePlaces): Promise<EncoderSupport> {
  const seen: EncoderSupport[] = [];
  for (const device of renderNodes) {
    const support = await tryEncoder(run, row, { device, output });
    // A second card may do what the first cannot.
    if (support.tenBit) return support;
    seen.push(support);
  }
  return (
    seen.find(({ works }) => works) ??
    seen[0] ??
    useless(row.name, 'there is no graphics card at /dev/dri; a container must be given it')
  );
}

async function tryEncoder(run: RunFfmpeg, row: Encoder, trial: Trial): Promise<EncoderSupport> {
  const error = await attempt(run, row, '8', trial);
  if (error !== null) return useless(row.name, error);
  const tenBit = (await attempt(run, row, '10', trial)) === null;
  return { name: row.name, works: true, tenBit, error: null, device: trial.device };
}

/** Null when it works, else why not. */
async function attempt(
  run: RunFfmpeg,
  row: Encoder,
  bits: '8' | '10',
  { device, output }: Trial,
): Promise<string | null> {
  const { plan, video } = testPlan(row.codec, bits, row.probeSpeed, SIZE);
  const encode = [
    ...[...OPENING, 'level+warning', ...row.deviceArgs(device), '-f', 'lavfi', '-i', PICTURE],
    ...[...videoArgs(plan, video, 'v:0', row.name), '-f', 'matroska', '-y', output],
  ];
  const { stderr, failed } = await run(encode);
  const lines = stderr.split('\n');
  if (failed) return hardwareFailure(lines)?.words ?? tellingLines(lines)[0] ?? 'it gave no reason';
  // Some encoders only warn and make 8 bit of it.
  if (stderr.includes('Incompatible pixel format')) return 'it makes 8 bit of 10';
  return row.hardware === null ? null : await misses(run, plan, output);
}

/** Drivers are known that report success and write garbage, or less depth than asked: null when the result is the picture. */
async function misses(run: RunFfmpeg, { pixelFormat, preset }: EncodePlan, output: string): Promise<string | null> {
  const compare = ['-i', `file:${output}`, '-f', 'lavfi', '-i', PICTURE, '-lavfi', '[0:v][1:v]psnr', '-f', 'null', '-'];
  const { stderr, failed } = await run([...OPENING, 'level+info', ...compare]);
  const [, codec = 'nothing', format = 'nothing'] =
    /Stream #0:0\S*: Video: (\w+)(?: [^,]*)?, (\w+)[(,]/.exec(stderr) ?? [];
  const psnr = /PSNR .*average:(inf|[\d.]+)/.exec(stderr)?.[1];
  if (failed || psnr === undefined) return 'what it wrote cannot be decoded';
  if (codec !== preset.video.codec || format !== pixelFormat) return `it wrote ${codec} in ${format}`;
  return psnr === 'inf' || Number(psnr) >= LEAST_PSNR ? null : `what it wrote is not the picture (${psnr} dB)`;
}

/** A job as any other, for a test picture. */
export function testPlan(
  codec: EncodedCodec,
  bits: '8' | '10',
  speed: Preset['video']['speed'],
  size: { width: number; height: number },
): { plan: EncodePlan; video: PlannedStream } {
  const preset = Preset.parse({
    ...{ id: 'test', title: 'Test', description: 'Test', container: 'mkv', audio: { codec: 'copy' } },
    video: { codec, quality: 25, speed, bitDepth: bits },
  });
  const source = ProbedStream.parse({
    ...{ index: 0, kind: 'video', codec: 'rawvideo', profile: null, language: null, title: null, bitrateKbps: null },
    ...{
      flags: [],
      ...size,
      pixelFormat: 'yuv420p',
      bitDepth: 8,
      fps: 25,
      variableFrameRate: false,
      interlaced: false,
    },
    ...{ colorPrimaries: null, colorTransfer: null, colorSpace: null, colorRange: null, channels: null },
    ...{ channelLayout: null, sampleRate: null, filename: null, mimetype: null },
  });
  const plan = planEncode(
    {
      ...{ path: PICTURE, container: 'mkv', durationSec: 0.24, sizeBytes: 0, bitrateKbps: null, chapters: 0 },
      ...{ hdr: 'sdr', dolbyVisionProfile: null, mastering: null, streams: [source] },
    },
    preset,
  );
  // H.264 is planned in 8 bit whatever the preset says; here it is asked what the encoder could do.
  const pixelFormat = bits === '10' ? 'yuv420p10le' : 'yuv420p';
  const video: PlannedStream = { source, action: 'encode', codec, note: null, channels: null, bitrateKbps: null };
  return { plan: { ...plan, pixelFormat }, video };
}
