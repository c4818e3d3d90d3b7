import type { Job } from '../jobs/job.js';
import { resolutionOf, type Resolution } from '../library/media.js';
import type { Confidence } from './recommendation.js';

/** What one finished job teaches: how much of a file was left. */
export interface SavingSample {
  fromCodec: string;
  toCodec: string;
  resolution: Resolution;
  /** See `recipeHash`. */
  recipe: string;
  /** Size of the result as a share of the source's; above 1 when it grew. */
  remains: number;
}

/** What was learned about files of one kind. Shares of the source's size, each between 0 and 1. */
export interface LearnedRatio {
  remains: number;
  /** The range in which the share of a single file lies nine times in ten. */
  leastRemains: number;
  mostRemains: number;
  confidence: Confidence;
  /** How many jobs it rests on, without the outliers. */
  samples: number;
}

/** What is asked of a learned book: the answer for one kind of file, or null as long as too few jobs tell of it. */
export interface Learned {
  ratioOf(kind: Omit<SavingSample, 'remains'>): LearnedRatio | null;
}

/** Nothing was learned yet. */
export const NOTHING_LEARNED: Learned = { ratioOf: () => null };

/** Fewer finished jobs than this prove nothing. */
const ENOUGH_SAMPLES = 3;
/** So many that agree, of the very same kind and preset, are worth high confidence. */
const MANY_SAMPLES = 8;
/** The latest so many of a kind count, so that a new encoder or taste is noticed. */
const SAMPLES_KEPT = 200;

/** A median absolute deviation times this estimates the standard deviation of normally distributed values. */
const MAD_TO_DEVIATION = 1.4826;
/** Further from the median than so many deviations is an outlier. */
const OUTLIER_DEVIATIONS = 3;
/** Shares that differ by less than this are taken to agree: no two films are alike. */
const AGREEING = 0.02;
/** Samples that scatter further than this around their mean (a tenth of the file) are worth less confidence. */
const WIDE_SPREAD = 0.1;
/** Answers are rounded to half a percent: a job more must not change every recommendation there is. */
const STEPS = 200;
/** No more than this share is left out: so many that differ are no outliers but another kind of film. */
const OUTLIER_SHARE = 0.25;

/**
 * What finished jobs teach about the next one. Kept by codec pair, resolution and recipe; as long as fewer than three
 * jobs tell of that, by codec pair and resolution, then by codec pair alone. Adding one job costs microseconds.
 */
export class LearnedSavings implements Learned {
  readonly #kinds = new Map<string, { remains: number[]; answer: LearnedRatio | null }>();

  /** Takes in one finished job. A share that is no positive number is passed over. */
  add(sample: SavingSample): void {
    if (!(sample.remains > 0) || !Number.isFinite(sample.remains)) return;
    for (const key of keysOf(sample)) {
      const kind = this.#kinds.get(key) ?? { remains: [], answer: null };
      kind.remains.push(sample.remains);
      if (kind.remains.length > SAMPLES_KEPT) kind.remains.shift();
      kind.answer = null;
      this.#kinds.set(key, kind);
    }
  }

  ratioOf(asked: Omit<SavingSample, 'remains'>): LearnedRatio | null {
    for (const [level, key] of keysOf(asked).entries()) {
      const kind = this.#kinds.get(key);
      if (!kind || kind.remains.length < ENOUGH_SAMPLES) continue;
      return (kind.answer ??= ratioFrom(kind.remains, level === 0));
    }
    return null;
  }
}

/** From the closest kind to the widest. */
const keysOf = ({ fromCodec, toCodec, resolution, recipe }: Omit<SavingSample, 'remains'>): string[] => {
  const pair = `${fromCodec}>${toCodec}`;
  return [`${pair}/${resolution}/${recipe}`, `${pair}/${resolution}`, pair];
};

/**
 * Mean of the samples without outliers, and the range a single further one lies in with 90 %.
 *
 * Outliers: whatever is further than three scaled median absolute deviations from the median (Leys, Ley, Klein, Bernard,
 * Licata: "Detecting outliers: Do not use standard deviation around the mean, use absolute deviation around the median",
 * J. Exp. Soc. Psychol. 49, 2013), the furthest first, at most a quarter of the samples.
 * Range: mean +- t * s * sqrt(1 + 1/n), the prediction interval for one further value (Hahn, Meeker: "Statistical
 * Intervals", 1991, section 4.8).
 */
function ratioFrom(samples: readonly number[], isExact: boolean): LearnedRatio {
  const kept = withoutOutliers(samples);
  const n = kept.length;
  const mean = kept.reduce((sum, value) => sum + value, 0) / n;
  const variance = kept.reduce((sum, value) => sum + (value - mean) ** 2, 0) / Math.max(1, n - 1);
  const spread = Math.max(AGREEING / 2, Math.sqrt(variance));
  const half = studentT90(n - 1) * spread * Math.sqrt(1 + 1 / n);
  const remains = rounded(mean);
  return {
    remains,
    leastRemains: Math.min(remains, rounded(mean - half)),
    mostRemains: Math.max(remains, rounded(mean + half)),
    confidence: confidenceOf(n, spread > WIDE_SPREAD, isExact),
    samples: n,
  };
}

function withoutOutliers(samples: readonly number[]): number[] {
  const middle = median(samples);
  const distance = (value: number): number => Math.abs(value - middle);
  const reach = Math.max(AGREEING, OUTLIER_DEVIATIONS * MAD_TO_DEVIATION * median(samples.map(distance)));
  const atMost = Math.max(1, Math.floor(samples.length * OUTLIER_SHARE));
  const furthestFirst = [...samples].sort((a, b) => distance(b) - distance(a));
  const outliers = furthestFirst.slice(0, atMost).filter((value) => distance(value) > reach);
  return furthestFirst.slice(outliers.length);
}

/** Only jobs with the very same preset and resolution can make an estimate certain. */
function confidenceOf(samples: number, isWide: boolean, isExact: boolean): Confidence {
  const isMany = isExact && samples >= MANY_SAMPLES;
  if (isWide) return isMany ? 'medium' : 'low';
  return isMany ? 'high' : 'medium';
}

/** The 95 % quantile of Student's t, within 1 % of the tables. */
const studentT90 = (freedom: number): number => (freedom < 2 ? 6.314 : 1.645 + 1.52 / (freedom - 0.81));

/** Between 0 and 1, to half a percent. */
const rounded = (share: number): number => Math.round(Math.min(1, Math.max(0, share)) * STEPS) / STEPS;

/** The value in the middle; the mean of both when there is an even number. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const at = sorted.length / 2;
  const upper = sorted[Math.floor(at)] ?? 0;
  return Number.isInteger(at) ? ((sorted[at - 1] ?? upper) + upper) / 2 : upper;
}

/** What a job encoded; of jobs that older versions ran, as much as their streams tell. */
function sourceOf(job: Job): { codec: string; width: number; height: number } | null {
  if (job.source) return job.source;
  for (const line of job.streamsBefore) {
    const [, codec, width, height] = /^video (\S+) (\d+)x(\d+)/.exec(line) ?? [];
    if (codec) return { codec, width: Number(width), height: Number(height) };
  }
  return null;
}

/** What a finished job teaches about savings; null when its video was copied or it does not tell enough. */
export function savingSampleOf(job: Job, recipe: string): SavingSample | null {
  const source = sourceOf(job);
  const { state, outputVideoCodec, sizeBeforeBytes, sizeAfterBytes } = job;
  if (state !== 'done' || !source || outputVideoCodec === null || !sizeAfterBytes || sizeBeforeBytes === 0) return null;
  return {
    fromCodec: source.codec,
    toCodec: outputVideoCodec,
    resolution: resolutionOf(source),
    recipe,
    remains: sizeAfterBytes / sizeBeforeBytes,
  };
}
