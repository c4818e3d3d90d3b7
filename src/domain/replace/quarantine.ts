import { z } from 'zod';
import { Fingerprint } from '../jobs/job.js';

/** An original that was replaced, or a surplus copy that was set aside; kept until `purgeAt`. */
export const QuarantineEntry = z.object({
  id: z.string(),
  /** `surplus`: nothing stands in its place; `replacementPath` is another copy of the same title, which stays. */
  kind: z.enum(['replaced', 'surplus']).default('replaced'),
  /** Empty for a surplus copy. */
  jobId: z.string(),
  itemId: z.string(),
  /** Of a surplus copy: the title whose copy stays. */
  keepItemId: z.string().default(''),
  title: z.string(),
  originalPath: z.string(),
  storedPath: z.string(),
  /** What stands in the original's place now; differs from `originalPath` when the extension changed. */
  replacementPath: z.string(),
  /** Empty for a surplus copy, whose move reads neither file; so is `sha256`. */
  replacementSha256: z.string(),
  sizeBytes: z.int().nonnegative(),
  replacementSizeBytes: z.int().nonnegative(),
  sha256: z.string(),
  /** Of the stored file; checked again at the moment of deleting. */
  fingerprint: Fingerprint,
  /** `moving`: on its way to or from `storedPath`; what a crash leaves so is decided by looking at both paths. */
  state: z.enum(['moving', 'kept', 'restored', 'purged', 'lost']),
  keptAt: z.string(),
  purgeAt: z.string(),
  endedAt: z.string().nullable(),
});
export type QuarantineEntry = z.infer<typeof QuarantineEntry>;
