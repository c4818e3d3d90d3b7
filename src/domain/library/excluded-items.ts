import { z } from 'zod';

/** An item that the owner excluded from processing: no rule recommends anything for it, and no job is made for it. */
export const ExcludedItem = z.object({
  /** Of the item. */
  id: z.string(),
  /** Shown in lists; the item may be gone. */
  title: z.string(),
  /** The owner's reason. */
  note: z.string().nullable(),
  /** ISO time; items that were excluded together have the same. */
  at: z.string(),
});
export type ExcludedItem = z.infer<typeof ExcludedItem>;

/** Why nothing is done with it. */
export const EXCLUDED_REASON = 'You excluded this from processing.';
