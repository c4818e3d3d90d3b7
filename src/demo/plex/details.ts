import type { SimulatedDetails, SimulatedItem } from './model.js';

const EMPTY: SimulatedDetails = { titleSort: '', summary: '', studio: '', contentRating: '', genres: [], locked: [] };

/** What people wrote about an item; a copy, so that items without edits can share the empty one. */
export const detailsOf = ({ details }: Pick<SimulatedItem, 'details'>): SimulatedDetails => details ?? EMPTY;

/** What the answer for one item shows of it. */
export function detailAnswer(item: SimulatedItem): Record<string, unknown> {
  const { titleSort, summary, studio, contentRating, genres, locked } = detailsOf(item);
  const list = (tags: readonly string[]): unknown => (tags.length === 0 ? undefined : tags.map((tag) => ({ tag })));
  return {
    titleSort: titleSort === '' || titleSort === item.title ? undefined : titleSort,
    summary,
    studio: studio === '' ? undefined : studio,
    contentRating: contentRating === '' ? undefined : contentRating,
    Genre: list(genres),
    Field: locked.length === 0 ? undefined : locked.map((name) => ({ name, locked: true })),
  };
}
