import { z } from 'zod';
import {
  BatchEdit,
  chosen,
  countTitles,
  EditedTitle,
  TITLES_PER_EDIT,
  TitleCounts,
  TitleState,
} from '../../domain/library/batch-edit.js';
import { AppError, conflict } from '../../domain/errors.js';
import { displayTitle, type LibraryItem } from '../../domain/library/library.js';
import {
  changesOf,
  checkEdit,
  EDIT_FIELDS,
  FieldChange,
  fieldsOf,
  MetadataEdit,
} from '../../domain/library/metadata-edit.js';
import { action, type Context } from '../action.js';
import { Selection, selectedIds } from './bulk.js';
import { listOf, pageOf, Paging } from '../paging.js';

/** Plex is asked about at most so many titles before an edit; of a longer list every so-and-so-many-th. */
const LOOKED_AT = 200;
const SAMPLES = 20;
/** Older ones are forgotten. */
const KEPT_EDITS = 30;

const Id = z.object({ id: z.string() });

const EditSummary = BatchEdit.omit({ titles: true }).extend({
  total: z.int(),
  /** Fields the edit says something about. */
  editedFields: z.array(z.enum(EDIT_FIELDS)),
  counts: TitleCounts,
  /** Of all titles, how many are through; 0 to 100. */
  percent: z.number(),
  /** What it is called when it is for a single title. */
  only: z.string().nullable(),
});

function summaryOf({ titles, ...edit }: BatchEdit): z.infer<typeof EditSummary> {
  const counts = countTitles({ titles });
  const total = titles.length;
  const [first] = titles;
  return {
    ...edit,
    total,
    editedFields: fieldsOf(edit.edit),
    counts,
    percent: total === 0 ? 100 : Math.round(((total - counts.waiting) / total) * 1000) / 10,
    only: total === 1 && first ? first.title : null,
  };
}

/** Throws `conflict` unless nothing was sent yet. */
function draftOf({ edits }: Context, id: string): BatchEdit {
  const edit = edits.find(id);
  if (edit.state !== 'draft') throw conflict('This edit was started already. Choose the titles again for another one.');
  return edit;
}

async function putDraft({ store, newId, now }: Context, titles: EditedTitle[], edit: MetadataEdit): Promise<BatchEdit> {
  const byAge = [...store.edits.values()].sort((a, b) => b.createdAt.localeCompare(a.createdAt));
  const old = byAge.slice(KEPT_EDITS - 1).filter(({ state }) => state !== 'running');
  await store.edits.removeMany(old.map(({ id }) => id));
  const createdAt = now().toISOString();
  return store.edits.put({ id: newId('edit'), state: 'draft', edit, titles, createdAt, startedAt: null, finishedAt: null }); // prettier-ignore
}

/** Chooses the titles of an edit; nothing is sent. Throws like `selectedIds`, and `invalid` for more than 10,000. */
export const chooseTitles = action(
  {
    summary: 'Choose the titles of a metadata edit; nothing is changed yet',
    input: Selection.extend({ edit: MetadataEdit.prefault({}) }),
    output: EditSummary,
  },
  async (ctx, { edit, ...selection }) => {
    const ids = await selectedIds(ctx, selection);
    const titles = ids.flatMap((id) => {
      const item = ctx.store.library.find(id);
      return item === null ? [] : chosen(id, displayTitle(item));
    });
    if (titles.length !== ids.length)
      throw conflict(`${ids.length - titles.length} of the titles are no longer in the library. Choose again.`);
    if (titles.length > TITLES_PER_EDIT)
      throw new AppError('invalid', `An edit has at most ${TITLES_PER_EDIT.toLocaleString('en-US')} titles, and ${titles.length.toLocaleString('en-US')} are selected. Narrow the filter and do it in parts.`); // prettier-ignore
    if (fieldsOf(edit).length > 0) checkEdit(edit, titles.length);
    return summaryOf(await putDraft(ctx, titles, edit));
  },
);

/** The edits that are kept, newest first. */
export const listEdits = action(
  { summary: 'List metadata edits', input: Paging, output: listOf(EditSummary) },
  ({ store, edits }, paging) => {
    const all = [...store.edits.values()].sort((a, b) => b.createdAt.localeCompare(a.createdAt));
    const page = pageOf(all, paging);
    return { ...page, items: page.items.map(({ id }) => summaryOf(edits.find(id))) };
  },
);

/** One edit. Throws `not_found`. */
export const showEdit = action(
  { summary: 'Show a metadata edit', input: Id, output: EditSummary },
  ({ edits }, { id }) => summaryOf(edits.find(id)),
);

/** Says what shall be changed; nothing is sent. Throws `invalid` for what cannot be, `conflict` once it was begun. */
export const changeEdit = action(
  {
    summary: 'Set what a metadata edit will change; nothing is changed yet',
    input: Id.extend({ edit: MetadataEdit }),
    output: EditSummary,
  },
  async (ctx, { id, edit }) => {
    const draft = draftOf(ctx, id);
    checkEdit(edit, draft.titles.length);
    return summaryOf(await ctx.store.edits.put({ ...draft, edit }));
  },
);

const PreviewRow = z.object({
  itemId: z.string(),
  title: z.string(),
  /** Plex no longer has it. */
  isGone: z.boolean(),
  changes: z.array(FieldChange),
});

/** What an edit would change, as Plex has the titles now. Nothing is sent. Throws `plex_*` when Plex cannot be asked. */
export const previewEdit = action(
  {
    summary: 'Show what a metadata edit would change, without changing anything',
    input: Id,
    output: EditSummary.extend({
      /** How many titles Plex was asked about, spread over all; the counts are of these. */
      looked: z.int(),
      changing: z.int(),
      unchanged: z.int(),
      gone: z.int(),
      byField: z.array(z.object({ field: z.enum(EDIT_FIELDS), titles: z.int() })),
      rows: z.array(PreviewRow),
      hasEpisodes: z.boolean(),
    }),
  },
  async (ctx, { id }) => {
    const draft = draftOf(ctx, id);
    checkEdit(draft.edit, draft.titles.length);
    const step = Math.max(1, Math.ceil(draft.titles.length / LOOKED_AT));
    const looked = draft.titles.filter((_, at) => at % step === 0);
    const rows = await rowsOf(ctx, looked, draft.edit);
    const changing = rows.filter(({ changes }) => changes.length > 0);
    const gone = rows.filter(({ isGone }) => isGone);
    const kept = rows.filter(({ isGone, changes }) => !isGone && changes.length === 0);
    const byField = fieldsOf(draft.edit).map((field) => ({
      field,
      titles: changing.filter(({ changes }) => changes.some((change) => change.field === field)).length,
    }));
    const hasEpisodes = looked.some(({ itemId }) => ctx.store.library.find(itemId)?.type === 'episode');
    const shown = [...changing, ...gone, ...kept].slice(0, SAMPLES);
    return { ...summaryOf(draft), looked: rows.length, changing: changing.length, unchanged: kept.length, gone: gone.length, byField, rows: shown, hasEpisodes }; // prettier-ignore
  },
);

/** Reads titles from their servers and says what would change about each, in their order. */
async function rowsOf(
  { store, server }: Pick<Context, 'store' | 'server'>,
  titles: readonly EditedTitle[],
  edit: MetadataEdit,
): Promise<z.infer<typeof PreviewRow>[]> {
  const items = titles.flatMap(({ itemId }) => store.library.find(itemId) ?? []);
  const changes = new Map<string, FieldChange[]>();
  const byServer = new Map<string, LibraryItem[]>();
  for (const item of items) byServer.set(item.serverId, [...(byServer.get(item.serverId) ?? []), item]);
  for (const [serverId, own] of byServer) {
    const found = await server(serverId).metadata.read(own.map(({ ratingKey }) => ratingKey));
    const byKey = new Map(found.map((item) => [item.ratingKey, item]));
    for (const { id, ratingKey } of own) {
      const item = byKey.get(ratingKey);
      if (item !== undefined) changes.set(id, changesOf(item, edit));
    }
  }
  return titles.map(({ itemId, title }) => ({
    itemId,
    title,
    isGone: !changes.has(itemId),
    changes: changes.get(itemId) ?? [],
  }));
}

/** Begins to edit; returns at once. Throws `conflict` when `expected` is not the number of titles, or another edit is running. */
export const applyEdit = action(
  {
    summary: 'Apply a metadata edit to as many titles as were shown',
    input: Id.extend({ expected: z.coerce.number().int().positive() }),
    output: EditSummary,
  },
  async ({ edits, store }, { id, expected }) => {
    const edit = await edits.begin(id, expected);
    const detail = { titles: expected, fields: fieldsOf(edit.edit) };
    await store.audit.append({ who: 'owner', action: 'begin metadata edit', object: id, detail });
    return summaryOf(edit);
  },
);

/** Stops after the request that is under way. Throws `conflict` when it is not running. */
export const stopEdit = action(
  { summary: 'Stop a metadata edit', input: Id, output: EditSummary },
  async ({ edits }, { id }) => summaryOf(await edits.halt(id)),
);

/** The same edit once more, for the titles that do not have it yet. Nothing is sent until it is applied. */
export const repeatEdit = action(
  { summary: 'Make a new metadata edit for the titles that did not take it', input: Id, output: EditSummary },
  async (ctx, { id }) => {
    const edit = ctx.edits.find(id);
    if (edit.state === 'running') throw conflict('This edit is still running. Wait until it is done, or stop it.');
    const left = edit.titles.filter(({ state, itemId }) => state !== 'done' && state !== 'unchanged' && ctx.store.library.has(itemId)); // prettier-ignore
    if (left.length === 0) throw conflict('Every title that is still in the library has this already.');
    return summaryOf(await putDraft(ctx, left.map(({ itemId, title }) => chosen(itemId, title)), edit.edit)); // prettier-ignore
  },
);

/** What needs a look comes first; while an edit runs, waiting is nothing to look at. */
const orderOf = (state: BatchEdit['state']): readonly TitleState[] =>
  state === 'running'
    ? ['failed', 'not_taken', 'done', 'unchanged', 'waiting']
    : ['failed', 'not_taken', 'waiting', 'done', 'unchanged'];

/** What became of every title: what needs a look comes first. Throws `not_found`. */
export const showEditResult = action(
  {
    summary: 'Show what a metadata edit did to every title',
    input: Id.extend(Paging.shape).extend({ state: z.union([TitleState, z.literal('')]).default('') }),
    output: EditSummary.extend({
      /** Which titles are listed; empty for all. */
      shown: z.union([TitleState, z.literal('')]),
      titles: listOf(EditedTitle),
    }),
  },
  ({ edits }, { id, state, ...paging }) => {
    const edit = edits.find(id);
    const order = orderOf(edit.state);
    const titles = edit.titles
      .filter((title) => state === '' || title.state === state)
      .sort((a, b) => order.indexOf(a.state) - order.indexOf(b.state));
    return { ...summaryOf(edit), shown: state, titles: pageOf(titles, paging, { state }) };
  },
);
