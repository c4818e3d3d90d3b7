import { ENCODERS } from '../domain/presets/encoders.js';
import { SPEED_PICTURE, type EncoderSpeed, type EncoderSupport } from '../domain/workers/worker.js';
import { OPENING, testPlan, type RunFfmpeg } from './encoders.js';
import { videoArgs } from './video-args.js';

/**
 * Half a second of moving test picture with grain, over and over: after its first round it comes from memory, so that even a
 * quick graphics card waits for the encoder and not for the picture.
 */
const CYCLE = 12;
const { width, height } = SPEED_PICTURE;
const FILM = `testsrc2=s=${width}x${height}:r=24:d=${CYCLE / 24},noise=alls=6:allf=t,loop=loop=-1:size=${CYCLE}`;
/** So many pictures show how many more fit into the time. */
const FIRST = 24;
const MOST = 2000;
/** How long the second, longer encode should take, seconds. Slow machines are not asked for it. */
const AIM_SEC = 3;

/**
 * Pictures of 1080p that each encoder makes in a second, at medium effort, with the options of real jobs: a short and a longer
 * encode, whose difference leaves out what it takes to begin. Only those that passed their test are asked; one that fails all the
 * same is left out.
 */
export async function measureSpeeds(
  run: RunFfmpeg,
  encoders: readonly EncoderSupport[],
  at: () => Date,
): Promise<EncoderSpeed[]> {
  const speeds: EncoderSpeed[] = [];
  for (const row of ENCODERS) {
    const { name } = row;
    const support = encoders.find((one) => one.name === name);
    if (!support?.works) continue;
    const { plan, video } = testPlan(row.codec, '8', 'medium', SPEED_PICTURE);
    const encoding = [...videoArgs(plan, video, 'v:0', name), '-f', 'null', '-'];
    const opening = [...OPENING, 'level+info', '-benchmark', ...row.deviceArgs(support.device)];
    const seconds = async (frames: number): Promise<number | null> => {
      const { stderr, failed } = await run([
        ...[...opening, '-f', 'lavfi', '-i', FILM, '-frames:v', String(frames)],
        ...encoding,
      ]);
      const took = /^.*\bbench: .*\brtime=([\d.]+)s/m.exec(stderr)?.[1];
      return failed || took === undefined ? null : Math.max(0.001, Number(took));
    };
    const fps = await framesPerSecond(seconds);
    if (fps !== null) speeds.push({ encoder: name, isHardware: row.hardware !== null, fps, at: at().toISOString() });
  }
  return speeds;
} // prettier-ignore

async function framesPerSecond(seconds: (frames: number) => Promise<number | null>): Promise<number | null> {
  const firstSec = await seconds(FIRST);
  if (firstSec === null) return null;
  if (firstSec >= AIM_SEC) return rounded(FIRST / firstSec);
  const frames = Math.min(MOST, Math.max(2 * FIRST, Math.round((FIRST * AIM_SEC) / firstSec)));
  const laterSec = await seconds(frames);
  if (laterSec === null) return rounded(FIRST / firstSec);
  return rounded(laterSec > firstSec ? (frames - FIRST) / (laterSec - firstSec) : frames / laterSec);
}

const rounded = (fps: number): number => Number(fps.toPrecision(3));
