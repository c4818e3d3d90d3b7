import { z } from 'zod';

/** A title that the owner never wants touched: no rule proposes anything for it, and no job is made for it. */
export const Untouched = z.object({
  /** Of the item. */
  id: z.string(),
  /** Shown in lists; the item may be gone. */
  title: z.string(),
  note: z.string().nullable(),
  at: z.string(),
});
export type Untouched = z.infer<typeof Untouched>;

/** Why nothing is done with it. */
export const UNTOUCHED_REASON = 'You said never to touch it.';
