import { z } from 'zod';

/** One sync or analysis, kept as history. */
export const Run = z.object({
  id: z.string(),
  kind: z.enum(['sync', 'analysis']),
  mode: z.enum(['full', 'changed', 'items']),
  trigger: z.enum(['webhook', 'schedule', 'owner', 'start', 'sync']),
  sectionId: z.string().nullable(),
  startedAt: z.string(),
  finishedAt: z.string().nullable(),
  items: z.int().nonnegative(),
  added: z.int().nonnegative(),
  changed: z.int().nonnegative(),
  removed: z.int().nonnegative(),
  findings: z.int().nonnegative(),
  error: z.string().nullable(),
});
export type Run = z.infer<typeof Run>;
