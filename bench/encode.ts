import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { setPriority, tmpdir } from 'node:os';
import { join } from 'node:path';
import { planEncode } from '../src/domain/presets/plan-encode.js';
import { Preset } from '../src/domain/presets/preset.js';
import type { EncodeTask } from '../src/domain/jobs/executor.js';
import { encodeSteps } from '../src/ffmpeg/args.js';
import { placeArgs } from '../src/ffmpeg/command-line.js';
import { probe } from '../src/ffmpeg/probe.js';
import { findProgram } from '../src/ffmpeg/program.js';
import { LocalExecutor } from '../src/workers/local.js';
import { figure, median, timed, type Figure } from './figure.js';

/** Pairs of runs; odd, so that there is a middle. */
const ROUNDS = 9;
/** Twenty seconds: on two busy cores a shorter encode differs by more than a twentieth from one time to the next. */
const FILM = ['-f', 'lavfi', '-i', 'testsrc2=s=1280x720:r=25:d=20', '-f', 'lavfi', '-i', 'sine=d=20'];
const GOAL = 1.03;
/** The executor's default. Both sides get it: on a busy machine politeness costs more than anything measured here. */
const NICENESS = 10;

/** What running an encode through the executor costs beside running ffmpeg by itself with the same arguments. */
export async function benchEncode(): Promise<Figure[]> {
  const dir = await mkdtemp(join(tmpdir(), 'bench-encode-'));
  try {
    const ffmpeg = await findProgram('ffmpeg');
    const task = await prepare(ffmpeg, dir);
    const executor = new LocalExecutor({ ffmpeg, niceness: NICENESS });
    const viaExecutor = (): Promise<void> => executor.encode(task, () => undefined, new AbortController().signal);
    const viaSpawn = (): Promise<void> => bare(ffmpeg, task);
    // The first of each pays for what the system then has in memory.
    await viaExecutor();
    await viaSpawn();
    const measured: number[] = [];
    const yardstick: number[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      // Each goes first in turn, so that a machine that grows busier or hotter harms both alike.
      if (round % 2 === 0) measured.push(await timed(viaExecutor));
      yardstick.push(await timed(viaSpawn));
      if (round % 2 === 1) measured.push(await timed(viaExecutor));
    }
    await executor.close();
    const [value, yardstickValue] = [median(measured), median(yardstick)];
    return [
      figure({
        id: 'encode-overhead',
        what: `an encode through the executor (median of ${ROUNDS})`,
        value,
        unit: 'ms',
        yardstick: 'the same ffmpeg command, spawned bare with the same priority',
        yardstickValue,
        goal: `<= ${GOAL} x`,
        holds: value / yardstickValue <= GOAL,
      }),
    ];
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

async function prepare(ffmpeg: string, dir: string): Promise<EncodeTask> {
  const input = join(dir, 'film.mkv');
  await run(ffmpeg, ['-v', 'error', ...FILM, '-c:v', 'libx264', '-preset', 'ultrafast', '-c:a', 'aac', '-y', input]);
  const preset = Preset.parse({
    id: 'bench',
    title: 'Bench',
    description: 'A quick encode.',
    container: 'mkv',
    video: { codec: 'h264', quality: 23, speed: 'veryfast' },
    audio: { codec: 'copy' },
  });
  const plan = planEncode(await probe(input, { ffprobe: 'ffprobe' }), preset);
  return {
    jobId: 'bench',
    workKey: 'bench',
    mode: null,
    input,
    output: join(dir, 'out.mkv'),
    scratchDir: dir,
    logPath: join(dir, 'bench.log'),
    steps: encodeSteps(plan),
    durationSec: plan.durationSec,
  };
}

async function bare(ffmpeg: string, task: EncodeTask): Promise<void> {
  for (const { args } of task.steps) await run(ffmpeg, placeArgs(args, task));
}

async function run(ffmpeg: string, args: readonly string[]): Promise<void> {
  const child = spawn(ffmpeg, args, { stdio: 'ignore' });
  if (child.pid !== undefined) setPriority(child.pid, NICENESS);
  const code = await new Promise<number | null>((resolve, reject) => child.on('error', reject).on('exit', resolve));
  if (code !== 0) throw new Error(`ffmpeg ended with ${String(code)}`);
}
