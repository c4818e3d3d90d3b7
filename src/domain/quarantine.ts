import { z } from 'zod';
import { Fingerprint } from './job.js';

/** An original that was replaced and is kept until `purgeAt`. */
export const QuarantineEntry = z.object({
  id: z.string(),
  jobId: z.string(),
  itemId: z.string(),
  title: z.string(),
  originalPath: z.string(),
  storedPath: z.string(),
  /** What stands in the original's place now; differs from `originalPath` when the extension changed. */
  replacementPath: z.string(),
  replacementSha256: z.string(),
  sizeBytes: z.int().nonnegative(),
  replacementSizeBytes: z.int().nonnegative(),
  sha256: z.string(),
  /** Of the stored file; checked again at the moment of deleting. */
  fingerprint: Fingerprint,
  state: z.enum(['kept', 'restored', 'purged', 'lost']),
  keptAt: z.string(),
  purgeAt: z.string(),
  endedAt: z.string().nullable(),
});
export type QuarantineEntry = z.infer<typeof QuarantineEntry>;
