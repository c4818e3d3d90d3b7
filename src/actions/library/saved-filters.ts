import { z } from 'zod';
import { conflict, invalid } from '../../domain/errors.js';
import { filterOf, LibraryFilter, LibrarySort } from '../../domain/library/filter.js';
import { SavedFilter } from '../../domain/library/saved-filter.js';
import { action, type Context } from '../action.js';

const KNOWN: ReadonlySet<string> = new Set([...Object.keys(LibraryFilter.shape), 'sort']);

/** Only what a filter can hold, in a fixed order, so that equal views are equal text. Throws `invalid`. */
export function tidyQuery(query: string): string {
  const given = new URLSearchParams(query);
  const tidy = new URLSearchParams();
  for (const name of [...KNOWN].sort()) {
    const value = given.getAll(name).filter(Boolean).join(',');
    if (value !== '') tidy.set(name, value);
  }
  filterOf(tidy.toString());
  const sort = LibrarySort.safeParse(tidy.get('sort') ?? '-sizeBytes');
  if (!sort.success) throw invalid('This order is not known.', { query: 'has an unknown order' });
  return tidy.toString();
}

const inOrder = (a: SavedFilter, b: SavedFilter): number => a.name.localeCompare(b.name);

/** All saved views, by name. */
export const savedFilters = ({ store }: Pick<Context, 'store'>): SavedFilter[] =>
  store.filters.where(() => true).sort(inOrder);

/** All saved views of the library, by name. */
export const listFilters = action(
  { summary: 'List saved filters', input: z.object({}), output: z.object({ items: z.array(SavedFilter) }) },
  (ctx) => ({ items: savedFilters(ctx) }),
);

const Name = z.string().trim().min(1, 'needs a name').max(60, 'may have 60 characters at most');

/** Saves a view under a name; under the name of another it takes its place. Throws `invalid`. */
export const saveFilter = action(
  {
    summary: 'Save a filter under a name',
    input: z.object({
      name: Name,
      query: z.string().max(4000).default(''),
      isDefault: z.coerce.boolean().default(false),
    }),
    output: SavedFilter,
  },
  async (ctx, { name, query, isDefault }) => {
    const { store, newId, now } = ctx;
    const same = savedFilters(ctx).find((one) => one.name.toLowerCase() === name.toLowerCase());
    const row: SavedFilter = {
      id: same?.id ?? newId('filter'),
      name,
      query: tidyQuery(query),
      isDefault: isDefault || (same?.isDefault ?? false),
      createdAt: same?.createdAt ?? now().toISOString(),
    };
    await store.filters.putMany([...(isDefault ? othersCleared(ctx, row.id) : []), row]);
    return row;
  },
);

const ById = z.object({ id: z.string() });

/** Renames a view, or makes it the one the library opens with. Throws `not_found`, and `conflict` for a name in use. */
export const changeFilter = action(
  {
    summary: 'Rename a saved filter, or make it the default',
    input: ById.extend({ name: Name.optional(), isDefault: z.coerce.boolean().optional() }),
    output: SavedFilter,
  },
  async (ctx, { id, name, isDefault }) => {
    const before = ctx.store.filters.get(id);
    const row = { ...before, name: name ?? before.name, isDefault: isDefault ?? before.isDefault };
    if (savedFilters(ctx).some((one) => one.id !== id && one.name.toLowerCase() === row.name.toLowerCase()))
      throw conflict(`There is another filter called ${row.name}.`);
    await ctx.store.filters.putMany([...(row.isDefault ? othersCleared(ctx, id) : []), row]);
    return row;
  },
);

/** Forgets a view; no title changes. Throws `not_found`. */
export const removeFilter = action(
  { summary: 'Remove a saved filter', input: ById, output: SavedFilter },
  async ({ store }, { id }) => {
    const row = store.filters.get(id);
    await store.filters.remove(id);
    return row;
  },
);

const othersCleared = (ctx: Context, id: string): SavedFilter[] =>
  savedFilters(ctx)
    .filter((one) => one.isDefault && one.id !== id)
    .map((one) => ({ ...one, isDefault: false }));
