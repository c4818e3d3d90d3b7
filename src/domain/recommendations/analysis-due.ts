import { z } from 'zod';

/** Whether titles were taken in at which the rules have not looked yet; it outlives a program that ends in between. */
export const AnalysisDue = z.object({
  /** ISO time since when; null when the rules have looked at everything. */
  since: z.string().nullable().default(null),
});
export type AnalysisDue = z.infer<typeof AnalysisDue>;
