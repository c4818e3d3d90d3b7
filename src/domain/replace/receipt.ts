import { z } from 'zod';
import { Check } from '../jobs/job.js';
import type { Probe, ProbedStream } from '../jobs/probe.js';
import { ServerSnapshot } from './server-snapshot.js';

/** The lasting record of one replacement: what was there, what is there, and that Plex agrees. */
export const Receipt = z.object({
  id: z.string(),
  jobId: z.string(),
  itemId: z.string(),
  title: z.string(),
  ruleId: z.string().nullable(),
  presetId: z.string(),
  workerId: z.string().nullable(),
  at: z.string(),
  before: z.object({ path: z.string(), sizeBytes: z.int(), sha256: z.string(), streams: z.array(z.string()) }),
  after: z.object({ path: z.string(), sizeBytes: z.int(), sha256: z.string(), streams: z.array(z.string()) }),
  quarantineId: z.string(),
  checks: z.array(Check),
  encodeMs: z.int().nonnegative(),
  plexBefore: ServerSnapshot.nullable(),
  plexAfter: ServerSnapshot.nullable(),
  /** True when Plex shows the new size and codec. */
  plexShowsResult: z.boolean(),
  /** What differs in Plex beyond size and codec, in words; empty is what we want. */
  differences: z.array(z.string()),
});
export type Receipt = z.infer<typeof Receipt>;

/** Every stream of a file in a line for people: `video hevc 1920x1080 10 bit`, `audio ac3 6 channels, eng`. */
export const streamLines = (probe: Probe): string[] => probe.streams.map(lineOf);

function lineOf(stream: ProbedStream): string {
  const { kind, codec, width, height, bitDepth, channels, language, title } = stream;
  const main = [
    kind,
    codec,
    ...(kind === 'video' && width !== null && height !== null ? [`${width}x${height}`] : []),
    ...(kind === 'video' && bitDepth !== null ? [`${bitDepth} bit`] : []),
    ...(kind === 'audio' && channels !== null ? [`${channels} channels`] : []),
  ].join(' ');
  const flags = stream.flags.filter((flag) => flag === 'default' || flag === 'forced');
  return [main, ...[language, title].filter((part) => part !== null), ...flags].join(', ');
}
