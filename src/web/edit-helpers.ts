import type { FieldChange } from '../domain/library/metadata-edit.js';

const FIELDS: Record<string, string> = {
  title: 'Title',
  titleSort: 'Sort title',
  summary: 'Summary',
  studio: 'Studio',
  contentRating: 'Content rating',
  genres: 'Genres',
  labels: 'Labels',
  collections: 'Collections',
};

const STATES: Record<string, string> = {
  draft: 'Not begun',
  running: 'Editing',
  done: 'Done',
  stopped: 'Stopped',
  interrupted: 'Interrupted',
};

const OUTCOMES: Record<string, { tone: string; icon: string; word: string }> = {
  waiting: { tone: '', icon: 'clock', word: 'No result' },
  done: { tone: 'ok', icon: 'check', word: 'Changed' },
  unchanged: { tone: '', icon: 'minus', word: 'Had it already' },
  not_taken: { tone: 'warn', icon: 'warn', word: 'Not taken' },
  failed: { tone: 'bad', icon: 'alert', word: 'Failed' },
};

const listOf = (value: FieldChange['before']): readonly string[] => (typeof value === 'string' ? [] : value);

/** A change in the parts in which it is drawn: what stays, what goes, what comes. */
function shown({ field, before, after, isLocked, willBeLocked }: FieldChange) {
  const isTags = typeof before !== 'string';
  const [old, now] = [listOf(before), listOf(after)];
  return {
    name: FIELDS[field] ?? field,
    isTags,
    kept: old.filter((tag) => now.includes(tag)),
    gone: old.filter((tag) => !now.includes(tag)),
    added: now.filter((tag) => !old.includes(tag)),
    isEmpty: old.length === 0 && now.length === 0,
    isSame: before === after,
    before,
    after,
    lock: isLocked === willBeLocked ? '' : willBeLocked ? 'locked' : 'unlocked',
  };
}

/** Helpers of the pages that edit metadata. */
export const editHelpers = {
  editField: (field: unknown) => FIELDS[String(field)] ?? '',
  editState: (state: unknown) => STATES[String(state)] ?? '',
  /** What became of a title, in words; `edit` is the state of the whole. */
  editOutcome: (state: unknown, edit: unknown) =>
    state === 'waiting' && edit === 'running'
      ? { tone: '', icon: 'clock', word: 'Waiting' }
      : (OUTCOMES[String(state)] ?? OUTCOMES['waiting']),
  editShown: (change: unknown) => shown(change as FieldChange),
};
