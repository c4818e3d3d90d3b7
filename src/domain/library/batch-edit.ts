import { z } from 'zod';
import { FieldChange, MetadataEdit } from './metadata-edit.js';

/** How many titles one edit may have: its result is one row. */
export const TITLES_PER_EDIT = 10_000;

/** `waiting`: nothing was done to it, or nobody knows since MediaFlow was stopped. */
export const TitleState = z.enum(['waiting', 'done', 'unchanged', 'not_taken', 'failed']);
export type TitleState = z.infer<typeof TitleState>;

/** One title of an edit and what became of it. */
export const EditedTitle = z.object({
  itemId: z.string(),
  /** As it was called when it was chosen. */
  title: z.string(),
  state: TitleState,
  changes: z.array(FieldChange),
  open: z.array(FieldChange),
  reason: z.string().nullable(),
});
export type EditedTitle = z.infer<typeof EditedTitle>;

/**
 * One edit of many titles. The titles are chosen once and never become more. `interrupted`: MediaFlow was stopped in the
 * middle; `stopped`: the owner did that.
 */
export const BatchEdit = z.object({
  id: z.string(),
  state: z.enum(['draft', 'running', 'done', 'stopped', 'interrupted']),
  edit: MetadataEdit,
  titles: z.array(EditedTitle),
  createdAt: z.string(),
  startedAt: z.string().nullable(),
  finishedAt: z.string().nullable(),
});
export type BatchEdit = z.infer<typeof BatchEdit>;

/** How many titles are in each state. */
export const TitleCounts = z.record(TitleState, z.int());
export type TitleCounts = z.infer<typeof TitleCounts>;

export function countTitles({ titles }: Pick<BatchEdit, 'titles'>): TitleCounts {
  const counts: TitleCounts = { waiting: 0, done: 0, unchanged: 0, not_taken: 0, failed: 0 };
  for (const { state } of titles) counts[state]++;
  return counts;
}

export const chosen = (itemId: string, title: string): EditedTitle => ({
  itemId,
  title,
  state: 'waiting',
  changes: [],
  open: [],
  reason: null,
});
