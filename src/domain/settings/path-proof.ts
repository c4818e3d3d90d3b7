import { z } from 'zod';

/** What a folder was seen to allow, by doing it: a written file, a rename, a hard link. */
export const PathProof = z.object({
  folder: z.string(),
  exists: z.boolean(),
  readable: z.boolean(),
  writable: z.boolean(),
  canRename: z.boolean(),
  canHardLink: z.boolean(),
  caseSensitive: z.boolean(),
  freeBytes: z.int().nullable(),
  /** What to do when something is missing; null when all is well. */
  message: z.string().nullable(),
});
export type PathProof = z.infer<typeof PathProof>;
