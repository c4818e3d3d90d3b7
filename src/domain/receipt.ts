import { z } from 'zod';
import { Check } from './job.js';

/** What the media server said about an item, before or after a swap. */
export const ServerSnapshot = z.object({
  ratingKey: z.string(),
  addedAt: z.string(),
  plays: z.int(),
  viewOffsetMs: z.int(),
  lastPlayedAt: z.string().nullable(),
  userRating: z.number().nullable(),
  labels: z.array(z.string()),
  collections: z.array(z.string()),
  sizeBytes: z.int().nullable(),
  videoCodec: z.string().nullable(),
});
export type ServerSnapshot = z.infer<typeof ServerSnapshot>;

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
