import { z } from 'zod';
import { Choices } from '../../domain/rules/choices.js';
import { conflict, invalid } from '../../domain/errors.js';
import { displayTitle } from '../../domain/library/library.js';
import { LibraryFilter } from '../../domain/library/filter.js';
import { isSameName, retag, Tag, TagChoice, TagColor, tagIdFor } from '../../domain/library/tag.js';
import { EventLoopYield } from '../../lib/event-loop-yield.js';
import type { Store } from '../../store/store.js';
import { action, type Context } from '../action.js';
import { selectedIds, Selection } from './bulk.js';

const TagRow = Tag.extend({
  /** Titles that have it. */
  items: z.int(),
  /** Of their files; bytes. */
  sizeBytes: z.number(),
});

/** So many items are read and put within one turn, so that no other change to them comes in between. */
const ITEMS_PER_TURN = 50;

const inOrder = (a: Tag, b: Tag): number =>
  a.category.localeCompare(b.category) || a.name.localeCompare(b.name) || a.id.localeCompare(b.id);

/** Throws `conflict` when another tag has this name already. */
function checkName(store: Store, name: string, ownId: string | null): void {
  const other = store.tags.where((tag) => tag.id !== ownId && isSameName(tag.name, name));
  if (other.length > 0) throw conflict(`There is a tag named ${name} already.`);
}

const TITLES_SHOWN = 20;

/** How many titles have this tag, their size, and the first of them by title. */
async function titlesWith({ search }: Context, tagId: string, shown = 0) {
  const filter = LibraryFilter.parse({ tag: [tagId] });
  const { ids, total, sizeBytes } = await search.find({ filter, sort: 'title', page: 1, pageSize: shown });
  return { ids, items: total, sizeBytes };
}

/** As they are stored: the search hears of titles that are being tagged only once all of them are. */
async function idsWith({ store }: Context, tagId: string): Promise<string[]> {
  const ids: string[] = [];
  await store.library.each(({ id, tags }) => {
    if (tags.includes(tagId)) ids.push(id);
  });
  return ids;
}

/** Changes the tags of these items; ids that are unknown or need no change are left out. Returns the ids that changed. */
async function change(
  { store, bus }: Context,
  itemIds: readonly string[],
  what: { add: readonly string[]; remove: readonly string[] },
): Promise<string[]> {
  const changed: string[] = [];
  const loopYield = new EventLoopYield();
  const ids = [...new Set(itemIds)];
  const saves: Promise<void>[] = [];
  for (let at = 0; at < ids.length; at += ITEMS_PER_TURN) {
    if (loopYield.isDue) await loopYield.pause();
    const rows = ids.slice(at, at + ITEMS_PER_TURN).flatMap((id) => {
      const item = store.library.find(id);
      const tags = item ? retag(item.tags, what) : [];
      return item && tags.join() !== item.tags.join() ? { ...item, tags } : [];
    });
    if (rows.length > 0) saves.push(store.library.putMany(rows));
    changed.push(...rows.map(({ id }) => id));
  }
  try {
    await Promise.all(saves);
  } finally {
    if (changed.length > 0) bus.emit('library.changed', { itemIds: changed });
  }
  return changed;
}

/** Every tag with how many titles have it. */
export const listTags = action(
  {
    summary: 'List the tags, with how many titles have each',
    input: z.object({}),
    output: z.object({
      page: z.int(),
      pageSize: z.int(),
      total: z.int(),
      items: z.array(TagRow),
      colors: z.array(TagColor),
      categories: z.array(z.string()),
    }),
  },
  async (ctx) => {
    const items: z.infer<typeof TagRow>[] = [];
    for (const tag of [...ctx.store.tags.values()].sort(inOrder)) {
      const { items: titles, sizeBytes } = await titlesWith(ctx, tag.id);
      items.push({ ...tag, items: titles, sizeBytes });
    }
    const categories = [...new Set(items.map(({ category }) => category))].filter(Boolean);
    return { page: 1, pageSize: items.length, total: items.length, items, colors: TagColor.options, categories };
  },
);

/** Throws `conflict` for a name that is taken. */
export const createTag = action(
  {
    summary: 'Make a tag',
    input: TagChoice.extend({ color: TagColor.default('blue'), category: TagChoice.shape.category.default('') }),
    output: Tag,
  },
  ({ store, now }, choice) => {
    checkName(store, choice.name, null);
    const id = tagIdFor(choice.name, (taken) => store.tags.has(taken));
    return store.tags.put({ id, ...choice, createdAt: now().toISOString() });
  },
);

/** One tag and some of the titles that have it. Throws `not_found`. */
export const showTag = action(
  {
    summary: 'Show one tag with the titles that have it',
    input: z.object({ id: z.string() }),
    output: TagRow.extend({
      colors: z.array(TagColor),
      /** The first 20 by title. */
      titles: z.array(z.object({ id: z.string(), title: z.string() })),
    }),
  },
  async (ctx, { id }) => {
    const { library, tags } = ctx.store;
    const tag = tags.get(id);
    const { ids, items, sizeBytes } = await titlesWith(ctx, id, TITLES_SHOWN);
    const found = ids.map((itemId) => library.find(itemId)).filter((item) => item !== null);
    const titles = found.map((item) => ({ id: item.id, title: displayTitle(item) }));
    return { ...tag, items, sizeBytes, colors: TagColor.options, titles };
  },
);

/** A new name, colour or category; the titles keep the tag. Throws `not_found`, or `conflict` for a name that is taken. */
export const changeTag = action(
  { summary: 'Change a tag', input: TagChoice.partial().extend({ id: z.string() }), output: Tag },
  async (ctx, { id, name, color, category }) => {
    const { store, bus } = ctx;
    const tag = store.tags.get(id);
    if (name !== undefined) checkName(store, name, id);
    const changed = await store.tags.put({
      ...tag,
      name: name ?? tag.name,
      color: color ?? tag.color,
      category: category ?? tag.category,
    });
    // The name is what a search of the library finds.
    if (changed.name !== tag.name) {
      const itemIds = await idsWith(ctx, id);
      if (itemIds.length > 0) bus.emit('library.changed', { itemIds });
    }
    return changed;
  },
);

/** Takes the tag off every title, then away. The titles themselves are left alone. Throws `not_found`. */
export const deleteTag = action(
  {
    summary: 'Delete a tag',
    input: z.object({ id: z.string() }),
    output: z.object({ name: z.string(), items: z.int() }),
  },
  async (ctx, { id }) => {
    const { store } = ctx;
    const { name } = store.tags.get(id);
    const took = await change(ctx, await idsWith(ctx, id), { add: [], remove: [id] });
    await store.tags.remove(id);
    return { name, items: took.length };
  },
);

const Retag = z.object({ add: Choices, remove: Choices });

/** Throws `not_found` for a tag to be added that does not exist: a list of items never holds one that means nothing. */
function checkTags(store: Store, add: readonly string[]): void {
  for (const id of add) store.tags.get(id);
}

/**
 * Puts tags on many titles, or on everything that matches a filter, or takes them off. Titles that are gone are counted
 * in `unknown`. Throws `not_found` for an unknown tag, `invalid` for none, and `conflict` when another number matches now.
 */
export const tagItems = action(
  {
    summary: 'Add tags to many library items, or remove them',
    input: Retag.extend(Selection.shape),
    output: z.object({ changed: z.int(), unknown: z.int() }),
  },
  async (ctx, { add, remove, ...selection }) => {
    if (add.length + remove.length === 0) throw invalid('Choose a tag to add or to remove.', { add: 'is empty' });
    checkTags(ctx.store, add);
    const itemIds = await selectedIds(ctx, selection);
    const unknown = new Set(itemIds.filter((id) => !ctx.store.library.has(id))).size;
    const changed = await change(ctx, itemIds, { add, remove });
    return { changed: changed.length, unknown };
  },
);

const ItemTags = z.object({
  id: z.string(),
  displayTitle: z.string(),
  tags: z.array(Tag),
  others: z.array(Tag),
});

function tagsOf(store: Store, id: string): z.infer<typeof ItemTags> {
  const item = store.library.get(id);
  const all = [...store.tags.values()].sort(inOrder);
  return {
    id,
    displayTitle: displayTitle(item),
    tags: all.filter((tag) => item.tags.includes(tag.id)),
    others: all.filter((tag) => !item.tags.includes(tag.id)),
  };
}

/** The tags of one title, and those it could have. Throws `not_found`. */
export const showItemTags = action(
  { summary: 'Show the tags of a library item', input: z.object({ id: z.string() }), output: ItemTags },
  ({ store }, { id }) => tagsOf(store, id),
);

/** Adds tags to one title, or removes them; answers what it has now. Throws `not_found`. */
export const tagItem = action(
  {
    summary: 'Add tags to a library item, or remove them',
    input: Retag.extend({ id: z.string() }),
    output: ItemTags,
  },
  async (ctx, { id, add, remove }) => {
    ctx.store.library.get(id);
    checkTags(ctx.store, add);
    await change(ctx, [id], { add, remove });
    return tagsOf(ctx.store, id);
  },
);
