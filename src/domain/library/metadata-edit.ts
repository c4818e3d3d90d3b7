import { z } from 'zod';
import { invalid } from '../errors.js';

const TEXT_FIELDS = ['title', 'titleSort', 'summary', 'studio', 'contentRating'] as const;
const TAG_FIELDS = ['genres', 'labels', 'collections'] as const;
/** What can be edited, in the order in which it is shown. */
export const EDIT_FIELDS = [...TEXT_FIELDS, ...TAG_FIELDS] as const;
type TextField = (typeof TEXT_FIELDS)[number];
type TagField = (typeof TAG_FIELDS)[number];
export type EditField = (typeof EDIT_FIELDS)[number];

/** A text travels in an address, where a letter may take nine characters. */
const ENCODED_CHARS = 6000;
const TAG_CHARS = 100;
const TAGS = 50;

// Control characters and halves of letters, which no address can hold.
const UNSOUND = /[\p{Surrogate}\u0000-\u0009\u000b-\u001f\u007f]/u; // eslint-disable-line no-control-regex

const Text = z
  .string()
  .default('')
  .transform((text) => text.replaceAll(/\r\n?/g, '\n').trim())
  .pipe(
    z.string().superRefine((text, check) => {
      if (UNSOUND.test(text)) check.addIssue({ code: 'custom', message: 'It holds characters that are no letters' });
      else if (encodeURIComponent(text).length > ENCODED_CHARS)
        check.addIssue({ code: 'custom', message: 'It is too long for Plex to take' });
    }),
  );

const Flag = z
  .union([z.boolean(), z.enum(['true', 'false', 'on'])])
  .default(false)
  .transform((given) => given === true || given === 'true' || given === 'on')
  .pipe(z.boolean());

/**
 * What becomes of a field's lock. A locked field is left alone when Plex refreshes metadata. `auto` locks a field whose
 * value is changed, as Plex does, and leaves every other lock as it is.
 */
const LockChoice = z.enum(['auto', 'lock', 'unlock']).default('auto');

/** What becomes of a text: an empty `value` leaves it as it is, `clear` empties it. */
const TextEdit = z.object({ value: Text, clear: Flag, lock: LockChoice });
type TextEdit = z.infer<typeof TextEdit>;

const Tags = z
  .union([z.string().transform((text) => text.split(',')), z.array(z.string())])
  .default([])
  .transform((names) => distinct(names.map((name) => name.trim()).filter(Boolean)))
  .pipe(
    z.array(z.string()).superRefine((names, check) => {
      if (names.length > TAGS) check.addIssue({ code: 'custom', message: `At most ${TAGS} at once` });
      for (const name of names) {
        if (UNSOUND.test(name) || name.includes('\n'))
          check.addIssue({ code: 'custom', message: 'It holds characters that are no letters' });
        else if (name.length > TAG_CHARS)
          check.addIssue({ code: 'custom', message: `A name has at most ${TAG_CHARS} letters` });
      }
    }),
  );

/** What becomes of a list of tags; names come as a list, or as one text with commas. No names leave it as it is. */
const TagEdit = z
  .object({ mode: z.enum(['add', 'remove', 'replace', 'clear']).default('add'), tags: Tags, lock: LockChoice })
  .superRefine(({ mode, tags }, check) => {
    if ((mode === 'replace' || mode === 'remove') && tags.length === 0)
      check.addIssue({ code: 'custom', path: ['tags'], message: 'Name at least one' });
  });
type TagEdit = z.infer<typeof TagEdit>;

const text = TextEdit.prefault({});
const tags = TagEdit.prefault({});

/** A change to the metadata of titles on the media server: the same for all of them. */
export const MetadataEdit = z.object({
  title: text,
  titleSort: text,
  summary: text,
  studio: text,
  contentRating: text,
  genres: tags,
  labels: tags,
  collections: tags,
});
export type MetadataEdit = z.infer<typeof MetadataEdit>;

const FieldValue = z.union([z.string(), z.array(z.string())]);

/** A field that has one value and shall have another. Only the lock differs when both values are the same. */
export const FieldChange = z.object({
  field: z.enum(EDIT_FIELDS),
  before: FieldValue,
  after: FieldValue,
  isLocked: z.boolean(),
  willBeLocked: z.boolean(),
});
export type FieldChange = z.infer<typeof FieldChange>;

/** What can be edited about a film or episode, as the media server shows it. */
export type ItemMetadata = Record<TextField, string> &
  Record<TagField, readonly string[]> & {
    ratingKey: string;
    /** The server's own key of the library; empty when it does not say. */
    sectionKey: string;
    type: 'movie' | 'episode';
    locked: readonly EditField[];
  };

/**
 * What became of one title: `unchanged` had everything already and was not touched, `not_taken` was sent, but the server
 * still shows something else, `failed` says why.
 */
export interface EditOutcome {
  ratingKey: string;
  state: 'done' | 'unchanged' | 'not_taken' | 'failed';
  /** What was to change, as it was before. */
  changes: FieldChange[];
  /** What the server did not take; `before` is what it shows now. */
  open: FieldChange[];
  reason: string | null;
}

const folded = (name: string): string => name.normalize('NFC').trim().toLocaleLowerCase('en');

/** Whether the media server takes two tags for the same one. */
const isSameTag = (a: string, b: string): boolean => folded(a) === folded(b);

const has = (names: readonly string[], name: string): boolean => names.some((other) => isSameTag(other, name));

function distinct(names: readonly string[]): string[] {
  const kept: string[] = [];
  for (const name of names) if (!has(kept, name)) kept.push(name);
  return kept;
}

const isSameText = (a: string, b: string): boolean =>
  a.normalize('NFC').replaceAll(/\r\n?/g, '\n').trim() === b.normalize('NFC').replaceAll(/\r\n?/g, '\n').trim();

/** The fields that an edit says something about. */
export const fieldsOf = (edit: MetadataEdit): EditField[] =>
  EDIT_FIELDS.filter((field) => edit[field].lock !== 'auto' || asksForValue(edit[field]));

function asksForValue(edit: TextEdit | TagEdit): boolean {
  return 'value' in edit ? edit.clear || edit.value !== '' : edit.mode === 'clear' || edit.tags.length > 0;
}

/** Throws `invalid` for an edit that says nothing, or that would give several titles the same name. */
export function checkEdit(edit: MetadataEdit, titles: number): void {
  const fields = fieldsOf(edit);
  if (fields.length === 0) throw invalid('Nothing is filled in yet. Fill in at least one field.');
  if (edit.title.clear) throw invalid('A title cannot be empty.', { 'edit.title.value': 'Cannot be empty' });
  if (titles > 1 && edit.title.value !== '')
    throw invalid(`A title belongs to one film or episode, and ${titles} are selected. Change titles one at a time.`, {
      'edit.title.value': 'Only for a single film or episode',
    });
}

/** What an edit would change about a title. Nothing when it has everything already. */
export function changesOf(item: ItemMetadata, edit: MetadataEdit): FieldChange[] {
  const changes: FieldChange[] = [];
  const consider = (field: EditField, before: string | readonly string[], after: FieldChange['after'] | null): void => {
    const { lock } = edit[field];
    const isLocked = item.locked.includes(field);
    const willBeLocked = lock === 'auto' ? isLocked || after !== null : lock === 'lock';
    const own = typeof before === 'string' ? before : [...before];
    if (after !== null || willBeLocked !== isLocked)
      changes.push({ field, before: own, after: after ?? own, isLocked, willBeLocked });
  };
  for (const field of TEXT_FIELDS) consider(field, item[field], textAfter(item, edit, field));
  for (const field of TAG_FIELDS) consider(field, item[field], tagsAfter(item[field], edit[field]));
  return changes;
}

/** The new text, or null when the old one stays. */
function textAfter(item: ItemMetadata, edit: MetadataEdit, field: TextField): string | null {
  const { value, clear } = edit[field];
  if (!clear && value === '') return null;
  // Without a sort title of its own, a title sorts by its name.
  const empty = field === 'titleSort' ? edit.title.value || item.title : '';
  const after = clear ? empty : value;
  return isSameText(item[field], after) ? null : after;
}

/** The new list, in which a tag that stays keeps its spelling; null when the old one stays. */
function tagsAfter(before: readonly string[], { mode, tags }: TagEdit): string[] | null {
  if (mode !== 'clear' && tags.length === 0) return null;
  const after =
    mode === 'clear'
      ? []
      : mode === 'add'
        ? [...before, ...tags.filter((tag) => !has(before, tag))]
        : mode === 'remove'
          ? before.filter((tag) => !has(tags, tag))
          : tags.map((tag) => before.find((other) => isSameTag(other, tag)) ?? tag);
  const isSame = after.length === before.length && after.every((tag) => has(before, tag));
  return isSame ? null : after;
}

/** Tags that have to go so that a list becomes another one. */
export const tagsToRemove = (before: readonly string[], after: readonly string[]): string[] =>
  before.filter((tag) => !has(after, tag));
