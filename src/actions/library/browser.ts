import { z } from 'zod';
import { filterOf, LibraryFilter, LibrarySort } from '../../domain/library/filter.js';
import { LibraryColumn } from '../../domain/library/columns.js';
import { Run } from '../../domain/recommendations/run.js';
import { SavedFilter } from '../../domain/library/saved-filter.js';
import { action, type Context } from '../action.js';
import { findPage, LibraryPage, LibraryQuery, queryOf } from './library.js';
import { presetChoices } from '../presets/choice.js';
import { savedFilters, tidyQuery } from './saved-filters.js';

const View = z.enum(['table', 'grid']);

const USUAL_SORT = '-sizeBytes';

/** After so many pages a list that grows by itself waits to be asked. */
const PAGES_BY_THEMSELVES = 10;

/** A thing that is filtered by, as a sentence of its own that can be taken back. */
const Chip = z.object({ name: z.string(), value: z.string(), query: z.string() });

/** The library as a page: a page of rows, every choice with its count, and what the owner set up for it. */
export const browseLibrary = action(
  {
    summary: 'Browse the library',
    input: LibraryQuery.omit({ facets: true, sort: true }).extend({
      sort: LibrarySort.optional(),
      /** Everything that matches comes selected. */
      picked: z.literal('all').optional(),
    }),
    output: LibraryPage.extend({
      filter: z.object({ ...LibraryFilter.shape, sort: LibrarySort }),
      /** The whole view as a query string, without page. */
      query: z.string(),
      chips: z.array(Chip),
      view: View,
      columns: z.array(z.object({ id: LibraryColumn, isShown: z.boolean() })),
      shown: z.record(LibraryColumn, z.boolean()),
      saved: z.array(SavedFilter.extend({ isCurrent: z.boolean() })),
      choices: z.array(z.object({ id: z.string(), title: z.string() })),
      /** Title of the preset that is taken where nothing is recommended. */
      defaultPreset: z.string(),
      tags: z.array(z.object({ id: z.string(), name: z.string() })),
      isPicked: z.boolean(),
      growsByItself: z.boolean(),
      /** Titles in the library, whatever the filter. */
      all: z.int(),
      /** Items that are excluded from processing. */
      excluded: z.int(),
      lastSync: Run.nullable(),
    }),
  },
  async (ctx, given) => {
    const { store, sync } = ctx;
    const input = { ...given, ...(openingView(ctx, given) ?? { sort: given.sort ?? USUAL_SORT }) };
    const { columns, view } = store.settings.value.library;
    const found = await findPage(ctx, { ...input, facets: true });
    const query = new URLSearchParams(queryOf(input)).toString();
    const current = tidyQuery(query);
    return {
      ...found,
      filter: input,
      query,
      chips: chipsOf(input),
      view,
      columns: LibraryColumn.options.map((id) => ({ id, isShown: columns.includes(id) })),
      shown: Object.fromEntries(LibraryColumn.options.map((id) => [id, columns.includes(id)])) as Record<
        LibraryColumn,
        boolean
      >,
      saved: savedFilters(ctx).map((one) => ({ ...one, isCurrent: one.query === current })),
      ...presetChoices(ctx),
      tags: [...store.tags.values()].map(({ id, name }) => ({ id, name })).sort((a, b) => a.name.localeCompare(b.name)),
      isPicked: given.picked === 'all',
      growsByItself: input.page < PAGES_BY_THEMSELVES,
      all: store.library.size,
      excluded: store.excluded.size,
      lastSync: sync.status().lastRun,
    };
  },
);

/** The view that the owner wants to see first, for whoever opens the library without asking for anything. */
function openingView(ctx: Context, given: LibraryFilter & { sort?: LibrarySort | undefined }) {
  const asksForSomething = given.sort !== undefined || Object.keys(queryOf({ ...given, sort: USUAL_SORT })).length > 1;
  const first = asksForSomething ? undefined : savedFilters(ctx).find(({ isDefault }) => isDefault);
  if (!first) return null;
  const sort = LibrarySort.safeParse(new URLSearchParams(first.query).get('sort'));
  return { ...filterOf(first.query), sort: sort.data ?? USUAL_SORT };
}

/** One chip for each value of each name that is set; its query is the view without it. */
function chipsOf(query: LibraryFilter & { sort: LibrarySort }): z.infer<typeof Chip>[] {
  const asked = queryOf(query);
  return Object.entries(asked).flatMap(([name, text]) => {
    if (name === 'sort' || name === 'q') return [];
    const values = Array.isArray(query[name as keyof LibraryFilter]) ? text.split(',') : [text];
    return values.map((value) => {
      const rest = values.filter((other) => other !== value).join(',');
      const left = new URLSearchParams({ ...asked, [name]: rest });
      if (rest === '') left.delete(name);
      return { name, value, query: left.toString() };
    });
  });
}

/** A form without a tick sends the empty text that stands in it. */
const Columns = z
  .union([LibraryColumn.or(z.literal('')), z.array(LibraryColumn.or(z.literal('')))])
  .transform((names) => [...new Set([names].flat())].filter((name) => name !== ''));

/** Which columns the library's table shows, and whether it is a table or posters; remembered. */
export const chooseColumns = action(
  {
    summary: 'Choose the columns of the library',
    input: z.object({ columns: Columns.optional(), view: View.optional() }),
    output: z.object({ columns: z.array(LibraryColumn), view: View }),
  },
  async ({ store, bus }: Context, { columns, view }) => {
    const { library } = await store.settings.change({
      library: { ...(columns ? { columns } : {}), ...(view ? { view } : {}) },
    });
    bus.emit('settings.changed', {});
    return library;
  },
);
