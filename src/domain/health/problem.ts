import { z } from 'zod';

/** Something the owner should know or mend. */
export const Problem = z.object({
  /** Stable, such as `plex.unreachable`. */
  id: z.string(),
  severity: z.enum(['warning', 'error']),
  summary: z.string(),
  /** What to do about it. */
  fix: z.string(),
  /** Page that helps. */
  link: z.string().nullable(),
});
export type Problem = z.infer<typeof Problem>;

/** Its parts in the order in which the owner reads them. */
export const problem = (
  id: string,
  severity: Problem['severity'],
  summary: string,
  fix: string,
  link: string | null,
): Problem => ({ id, severity, summary, fix, link });
