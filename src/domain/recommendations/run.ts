import { z } from 'zod';

const Count = z.int().nonnegative();

/** One sync or analysis, kept as history. */
export const Run = z.object({
  id: z.string(),
  kind: z.enum(['sync', 'analysis']),
  /** `items`: some titles only. Analyses of that kind are summed: one row for a day and trigger. */
  mode: z.enum(['full', 'changed', 'items']),
  trigger: z.enum(['webhook', 'schedule', 'owner', 'start', 'sync']),
  sectionId: z.string().nullable(),
  startedAt: z.string(),
  finishedAt: z.string().nullable(),
  items: Count,
  added: Count,
  changed: Count,
  /** Of an analysis: recommendations that were closed. */
  removed: Count,
  findings: Count,
  error: z.string().nullable(),
  /** Expected saving of the open recommendations it found, each file once; those about groups are left out. Analyses only. */
  savesBytes: Count.optional(),
  /** Milliseconds; of summed runs all of them together. Absent in rows of older versions. */
  durationMs: Count.optional(),
  /** How many runs are summed here; absent for one. */
  runs: z.int().positive().optional(),
  /** The rules that were asked, when it were not all that are on: they had been changed. */
  ruleIds: z.array(z.string()).optional(),
});
export type Run = z.infer<typeof Run>;

/** Milliseconds a run took, also when its row is older than the figure; null while it goes on. */
export function durationOf({ durationMs, startedAt, finishedAt }: Run): number | null {
  if (durationMs !== undefined) return durationMs;
  return finishedAt === null ? null : Math.max(0, Date.parse(finishedAt) - Date.parse(startedAt));
}

/** Whether an analysis looked at everything with every rule that is on. */
export const isWhole = ({ mode, sectionId, ruleIds }: Run): boolean =>
  mode === 'full' && sectionId === null && ruleIds === undefined;

/** Whether anything came of an analysis. */
export const hasNews = ({ added, changed, removed, error }: Run): boolean =>
  added + changed + removed > 0 || error !== null;

/** The row that an analysis of some titles is summed in. */
export const dayRunId = ({ startedAt, trigger }: Pick<Run, 'startedAt' | 'trigger'>): string =>
  `run-day-${startedAt.slice(0, 10)}-${trigger}`;

/** Adds an analysis of some titles to the sum of its day. */
export function addToDay(day: Run | null, run: Run): Run {
  const duration = durationOf(run) ?? 0;
  if (day === null) return { ...run, id: dayRunId(run), durationMs: duration, runs: 1 };
  return {
    ...day,
    finishedAt: run.finishedAt,
    items: day.items + run.items,
    added: day.added + run.added,
    changed: day.changed + run.changed,
    removed: day.removed + run.removed,
    findings: day.findings + run.findings,
    error: run.error ?? day.error,
    savesBytes: (day.savesBytes ?? 0) + (run.savesBytes ?? 0),
    durationMs: (day.durationMs ?? 0) + duration,
    runs: (day.runs ?? 1) + 1,
  };
}
