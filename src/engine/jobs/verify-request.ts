import type { Probe } from '../../domain/jobs/probe.js';
import type { EncodePlan } from '../../domain/presets/plan.js';

/** A result, what it was made of, and what it is held against. */
export interface VerifyRequest {
  plan: EncodePlan;
  /** What the source was when the plan was made. */
  source: Probe;
  sourcePath: string;
  outputPath: string;
  minSavingPercent: number;
  /** Whether the whole result is decoded. */
  decode: boolean;
  ffmpeg: string;
  ffprobe: string;
  signal: AbortSignal;
  report: (percent: number) => void;
}
