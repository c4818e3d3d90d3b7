import { encoderNamed, hardwareEncoders, isHardwareEncoder, softwareEncoder } from '../presets/encoders.js';
import type { EncodedCodec, EncodeSpeed } from '../presets/video-target.js';
import type { Job } from '../jobs/job.js';
import { median } from './learned-savings.js';
import { resolutionOf, type MediaFile, type Resolution } from '../library/media.js';
import type { Preset } from '../presets/preset.js';
import type { Confidence } from './recommendation.js';
import { pixelsLeft } from './savings.js';
import { SPEED_PICTURE, type EncoderSpeed } from '../workers/worker.js';

/** How much there is to do: pictures to encode, or bytes to copy with sound to encode beside them. */
export type Work =
  | { kind: 'encode'; codec: EncodedCodec; speed: EncodeSpeed; resolution: Resolution; megapixels: number }
  | { kind: 'copy'; bytes: number; audioSec: number };

/** How long work takes on one worker. Verifying the result comes on top. */
export interface TimeEstimate {
  seconds: number;
  confidence: Confidence;
  /**
   * `measured`: jobs like this one ran there. `related`: other jobs ran there. `tested`: its speed was
   * measured with a test film. `default`: nothing is known of the worker.
   */
  basis: 'measured' | 'related' | 'tested' | 'default';
}

/** How quickly one finished job went. Megapixels of the result, or bytes of the source, in one second. */
export interface SpeedSample {
  /** As `speedKey` names it. */
  workerId: string;
  work: Work;
  seconds: number;
}

/** One job may have shared the machine; two agree or at least show it. */
const ENOUGH_SAMPLES = 2;
const MANY_SAMPLES = 5;
/** The latest so many of a kind count: machines are changed. */
const SAMPLES_KEPT = 50;

const HARDWARE_MARK = '+gpu';

/** Under what name a worker's speed is learned: its graphics card is another machine than its processor. */
export const speedKey = (workerId: string, encoder: string | null): string =>
  encoder !== null && isHardwareEncoder(encoder) ? `${workerId}${HARDWARE_MARK}` : workerId;

/** What an encoder's effort does to its speed, as a multiple of `medium`; the same rough figures for all three. */
const SPEED_FACTOR: Readonly<Record<EncodeSpeed, number>> = {
  ultrafast: 6,
  superfast: 4.5,
  veryfast: 3,
  faster: 2,
  fast: 1.4,
  medium: 1,
  slow: 0.6,
  slower: 0.3,
  veryslow: 0.15,
};

/** A hard disk that reads and writes at once, bytes in a second. */
const DEFAULT_COPY_BYTES = 80e6;
/** Sound is encoded at this multiple of real time. */
const AUDIO_SPEED = 40;
/** For a file that does not say how long it runs, kbit/s. */
const ASSUMED_KBPS = 8000;
const ASSUMED_FPS = 24;

/** What there is to do for a file with a preset; a file whose picture is unknown counts as 1080p. */
export function workOf(file: MediaFile, preset: Preset): Work {
  const durationSec = file.durationMs > 0 ? file.durationMs / 1000 : (file.sizeBytes * 8) / (ASSUMED_KBPS * 1000);
  const { width, height, fps } = file.video?.width ? file.video : { width: 1920, height: 1080, fps: null };
  return workFor({ width, height, fps, durationSec }, file.sizeBytes, preset);
}

function workFor(
  source: { width: number; height: number; fps: number | null; durationSec: number },
  bytes: number,
  preset: Preset,
): Work {
  const { codec, speed } = preset.video;
  if (codec === 'copy')
    return { kind: 'copy', bytes, audioSec: preset.audio.codec === 'copy' ? 0 : source.durationSec };
  const left = pixelsLeft(source, preset);
  const side = Math.sqrt(left);
  const frames = source.durationSec * (source.fps !== null && source.fps > 0 ? source.fps : ASSUMED_FPS);
  return {
    kind: 'encode',
    codec,
    speed,
    resolution: resolutionOf({ width: source.width * side, height: source.height * side }),
    megapixels: (source.width * source.height * left * frames) / 1e6,
  };
}

/** How quickly a finished job went; null when it does not tell, or its preset is gone. */
export function speedSampleOf(job: Job, preset: Preset | null): SpeedSample | null {
  const { state, encodeMs, workerId, source } = job;
  if (state !== 'done' || preset === null || !encodeMs || workerId === null) return null;
  // Older jobs do not say how long their film is; for bytes that went from disk to disk it does not matter.
  const known = source ?? { width: 0, height: 0, fps: null, durationSec: 0 };
  const work = workFor(known, job.sizeBeforeBytes, preset);
  const key = speedKey(workerId, job.encoder?.name ?? null);
  return sizeOf(work) > 0 ? { workerId: key, work, seconds: encodeMs / 1000 } : null;
}

const sizeOf = (work: Work): number => (work.kind === 'encode' ? work.megapixels : work.bytes);

/** Files of one kind need the same time for the same amount of work, so their work may be added up under this key. */
export const workKey = (work: Work): string =>
  work.kind === 'copy' ? 'copy' : `${work.codec}/${work.speed}/${work.resolution}`;

/** Two amounts of work of one kind as one. */
export const addWork = (a: Work, b: Work): Work =>
  a.kind === 'encode'
    ? { ...a, megapixels: a.megapixels + (b.kind === 'encode' ? b.megapixels : 0) }
    : {
        ...a,
        bytes: a.bytes + (b.kind === 'copy' ? b.bytes : 0),
        audioSec: a.audioSec + (b.kind === 'copy' ? b.audioSec : 0),
      };

/** Part of an amount of work; negative shares take it away. */
export const shareOfWork = (work: Work, share: number): Work =>
  work.kind === 'encode'
    ? { ...work, megapixels: work.megapixels * share }
    : { ...work, bytes: work.bytes * share, audioSec: work.audioSec * share };

/**
 * How quickly each worker is, from what it did: the median of two or more jobs of the same codec, effort and resolution;
 * else of the same codec and effort; else what its test film took; else the documented defaults times what all its jobs say about the machine; else the
 * defaults alone. Time is work divided by that rate. Adding one job costs microseconds.
 */
export class EncodeSpeeds {
  readonly #rates = new Map<string, number[]>();
  readonly #tested: (workerId: string) => readonly EncoderSpeed[];

  /** `tested`: what was measured on a worker, by its id. */
  constructor(tested: (workerId: string) => readonly EncoderSpeed[] = () => []) {
    this.#tested = tested;
  }

  /** Takes in one finished job. */
  add({ workerId, work, seconds }: SpeedSample): void {
    const rate = rateIn(work, seconds);
    if (!(rate > 0) || !Number.isFinite(rate)) return;
    this.#note(`${workerId}/${workKey(work)}`, rate);
    if (work.kind === 'copy') return;
    this.#note(`${workerId}/${work.codec}/${work.speed}`, rate);
    this.#note(`${workerId}/*`, rate / defaultRate(work, workerId));
  }

  /** Seconds this work takes on a worker. */
  estimate(work: Work, workerId: string): TimeEstimate {
    const exact = this.#rateOf(`${workerId}/${workKey(work)}`);
    if (exact)
      return { seconds: secondsAt(work, exact.rate), confidence: exact.isMany ? 'high' : 'medium', basis: 'measured' };
    if (work.kind === 'encode') {
      const near = this.#rateOf(`${workerId}/${work.codec}/${work.speed}`);
      if (near) return { seconds: secondsAt(work, near.rate), confidence: 'medium', basis: 'related' };
      const tested = this.#testedRate(work, workerId);
      if (tested !== null) return { seconds: secondsAt(work, tested), confidence: 'low', basis: 'tested' };
      const machine = this.#rateOf(`${workerId}/*`);
      if (machine)
        return {
          seconds: secondsAt(work, defaultRate(work, workerId) * machine.rate),
          confidence: 'low',
          basis: 'related',
        };
    }
    return { seconds: secondsAt(work, defaultRate(work, workerId)), confidence: 'low', basis: 'default' };
  }

  /** Megapixels in a second; a graphics card's are taken for every effort. */
  #testedRate({ codec, speed }: Work & { kind: 'encode' }, key: string): number | null {
    const isHardware = key.endsWith(HARDWARE_MARK);
    const speeds = this.#tested(isHardware ? key.slice(0, -HARDWARE_MARK.length) : key);
    const found = speeds.find((one) => one.isHardware === isHardware && encoderNamed(one.encoder)?.codec === codec);
    if (!found) return null;
    const megapixels = (SPEED_PICTURE.width * SPEED_PICTURE.height) / 1e6;
    return found.fps * megapixels * (isHardware ? 1 : SPEED_FACTOR[speed]);
  }

  #note(key: string, rate: number): void {
    const rates = this.#rates.get(key) ?? [];
    rates.push(rate);
    if (rates.length > SAMPLES_KEPT) rates.shift();
    this.#rates.set(key, rates);
  }

  #rateOf(key: string): { rate: number; isMany: boolean } | null {
    const rates = this.#rates.get(key) ?? [];
    if (rates.length < ENOUGH_SAMPLES) return null;
    return { rate: median(rates), isMany: rates.length >= MANY_SAMPLES };
  }
}

/** Megapixels or bytes in a second of a worker that was never measured: good for "an hour or a week". */
function defaultRate(work: Work, workerId: string): number {
  if (work.kind === 'copy') return DEFAULT_COPY_BYTES;
  const software = softwareEncoder(work.codec);
  const [card = software] = hardwareEncoders(work.codec);
  // A card's speed hardly depends on its effort.
  return workerId.endsWith(HARDWARE_MARK)
    ? card.megapixelsPerSec
    : software.megapixelsPerSec * SPEED_FACTOR[work.speed];
}

/** Sound beside a copy is taken to go at its usual speed, so that the rest is the disk's. */
function rateIn(work: Work, seconds: number): number {
  if (work.kind === 'encode') return work.megapixels / seconds;
  const copying = Math.max(seconds / 10, seconds - work.audioSec / AUDIO_SPEED);
  return work.bytes / copying;
}

const secondsAt = (work: Work, rate: number): number =>
  work.kind === 'encode' ? work.megapixels / rate : work.bytes / rate + work.audioSec / AUDIO_SPEED;

/** Several estimates as one: as certain as at least half of its seconds are. */
export function totalTime(estimates: Iterable<TimeEstimate>): { seconds: number; confidence: Confidence } {
  const by = { high: 0, medium: 0, low: 0 };
  for (const { seconds, confidence } of estimates) by[confidence] += seconds;
  const seconds = by.high + by.medium + by.low;
  const isMostly = (part: number): boolean => seconds > 0 && part >= seconds / 2;
  return { seconds, confidence: isMostly(by.high) ? 'high' : isMostly(by.high + by.medium) ? 'medium' : 'low' };
}
