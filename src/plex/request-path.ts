import { invalid } from '../domain/errors.js';

/** A path of these parts, whatever stands in them. */
export const pathOf = (...parts: string[]): string => `/${parts.map(encodeURIComponent).join('/')}`;

/** An id that may stand in a path. Throws `invalid` for an empty one: that would address everything. */
export function keyOf(id: string): string {
  if (id === '' || id === '.' || id === '..') throw invalid('That id cannot be asked for.');
  return id;
}
