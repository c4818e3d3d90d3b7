import { z } from 'zod';

/** Which part of a list is asked for; numbers may come as text from an address. */
export const Paging = z.object({
  page: z.coerce.number().int().min(1).default(1),
  pageSize: z.coerce.number().int().min(1).max(200).default(50),
});
export type Paging = z.infer<typeof Paging>;

/** The frame of every list. `previous` and `next` are query strings of the neighbouring pages, null at the ends. */
export const listOf = <Row extends z.ZodType>(row: Row) =>
  z.object({
    page: z.int(),
    pageSize: z.int(),
    total: z.int(),
    items: z.array(row),
    previous: z.string().nullable(),
    next: z.string().nullable(),
  });

type Query = Record<string, string | number | readonly string[] | undefined>;

/** Cuts one page out of rows. `query` is what the links to the neighbours must repeat. */
export function pageOf<Row>(rows: readonly Row[], paging: Paging, query: Query = {}) {
  const start = (paging.page - 1) * paging.pageSize;
  return {
    ...frameOf(rows.length, paging, query),
    items: rows.slice(start, start + paging.pageSize),
  };
}

/** Everything around the rows of a page. */
export function frameOf(total: number, { page, pageSize }: Paging, query: Query = {}) {
  const link = (to: number): string => {
    const params = new URLSearchParams();
    for (const [name, value] of Object.entries(query)) {
      const text = Array.isArray(value) ? value.join(',') : String((value as string | number | undefined) ?? '');
      if (text !== '') params.set(name, text);
    }
    params.set('page', String(to));
    params.set('pageSize', String(pageSize));
    return `?${params.toString()}`;
  };
  return {
    page,
    pageSize,
    total,
    previous: page > 1 ? link(page - 1) : null,
    next: page * pageSize < total ? link(page + 1) : null,
  };
}
