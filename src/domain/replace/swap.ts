import { z } from 'zod';
import { Fingerprint } from '../jobs/job.js';

/**
 * One exchange of a file against another.
 *
 * `replace`: source = the original, output = the verified encode, stored = where the original is kept.
 * `restore`: source = the replacement that stands now, output = the kept original, target = its old path.
 */
export const SwapPlan = z.object({
  kind: z.enum(['replace', 'restore']),
  /** Id of the job, or of the quarantine entry. */
  id: z.string().regex(/^[A-Za-z0-9_-]{1,80}$/),
  sourcePath: z.string(),
  /** Equal to `sourcePath` when the name is kept. */
  targetPath: z.string(),
  outputPath: z.string(),
  /** Null for `restore`. */
  storedPath: z.string().nullable(),
  /** Null: nothing stands at `sourcePath` any more. Only for `restore`. */
  sourceFingerprint: Fingerprint.nullable(),
  /** When known, the source must have it. */
  sourceSha256: z.string().nullable().optional(),
  outputSha256: z.string(),
  outputSizeBytes: z.int().nonnegative(),
});
export type SwapPlan = z.infer<typeof SwapPlan>;

/** What a finished `place` has seen. */
export const Placed = z.object({
  /** Empty when nothing stood at `sourcePath`. */
  sourceSha256: z.string(),
  outputSha256: z.string(),
  /** Of the kept original; null for `restore`. */
  storedFingerprint: Fingerprint.nullable(),
  /** What the file system refused to carry over to the new file. */
  notKept: z.array(z.enum(['owner', 'mode', 'times'])),
});
export type Placed = z.infer<typeof Placed>;

/** How far a swap has come. Written down before the disk is touched. */
export const SwapPhase = z.enum([
  // The new file is brought beside its target.
  'staging',
  // It is there and complete; the old file gets its second home.
  'keeping',
  // Both are safe; the new file takes the name.
  'placing',
  'placed',
  // The old name, and what the swap kept for a way back, are taken away.
  'retiring',
  'retired',
  'undoing',
  'undone',
]);
export type SwapPhase = z.infer<typeof SwapPhase>;

/** A swap as it is written down. */
export const SwapRecord = z.object({
  version: z.literal(1),
  plan: SwapPlan,
  phase: SwapPhase,
  /** A second home of the old file may exist and is ours to take away. */
  mayBeKept: z.boolean(),
  /** The new file may stand at the target and is ours to take away. */
  mayStand: z.boolean(),
  /** Somebody exchanged or deleted the old file meanwhile: going back does not bring it back, and what was kept of it stays. */
  isSuperseded: z.boolean(),
  sourceSha256: z.string().nullable(),
  /** Of the complete new file beside its target. */
  stagedFingerprint: Fingerprint.nullable(),
  notKept: Placed.shape.notKept,
  placed: Placed.nullable(),
});
export type SwapRecord = z.infer<typeof SwapRecord>;

/** A swap that stands still until somebody looks at it. */
export interface SwapProblem {
  /** Of the swap; null when its journal could not be read. */
  id: string | null;
  /** What happened and what to do. */
  message: string;
}

/** Whether the new file takes the very name of the old one. */
export const keepsName = (plan: SwapPlan): boolean => plan.sourcePath === plan.targetPath;
