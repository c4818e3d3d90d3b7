import type { Request } from 'express';
import { ownPath, refererPath } from './hosts.js';
import type { Route } from './route.js';

/** The page on which a form was filled in, with what its action asks. */
export interface FormPage {
  route: Route;
  /** Its path without url base and query. */
  path: string;
  /** The same with its query, for a link or a redirect. */
  address: string;
  input: Record<string, unknown>;
}

/** The page a form belongs to: the one its row names, else the one the browser came from. Null when there is none. */
export function pageOfForm(routes: readonly Route[], route: Route, req: Request, urlBase: string): FormPage | null {
  const from = withoutBase(refererPath(req), urlBase);
  const [cameFrom = '', search = ''] = (from ?? '').split('?');
  const named = route.form === undefined ? undefined : filledIn(route.form, req.params);
  const path = named ?? cameFrom;
  const page = routes.find(({ method, page, view }) => method === 'get' && view !== null && matches(page, path));
  if (page === undefined) return null;
  const query = path === cameFrom ? search : '';
  const address = path + (query === '' ? '' : `?${query}`);
  const { next } = (req.body ?? {}) as { next?: unknown };
  const input = {
    ...Object.fromEntries(new URLSearchParams(query)),
    ...stepOf(route),
    ...(typeof next === 'string' ? { next } : {}),
    ...pathValues(page.page, path),
  };
  return { route: page, path, address, input };
}

/** The page of a part that htmx asks for, as the address of the browser names it. Null when it is none of ours. */
export function pageAround(req: Request, urlBase: string): string | null {
  const current = req.get('HX-Current-URL');
  if (current === undefined || !URL.canParse(current)) return null;
  const { host, pathname, search } = new URL(current);
  return host === req.host ? withoutBase(ownPath(pathname + search), urlBase) : null;
}

function withoutBase(path: string | null, urlBase: string): string | null {
  if (path === null) return null;
  if (urlBase === '') return path;
  return path === urlBase || path.startsWith(`${urlBase}/`) ? path.slice(urlBase.length) || '/' : null;
}

/** `/library/edit/:id` with the id in its place. */
export const filledIn = (path: string | undefined, values: Record<string, unknown>): string | undefined =>
  path?.replace(/:(\w+)/g, (_, name: string) => encodeURIComponent(String(values[name])));

const partsOf = (path: string | null): string[] => (path ?? '').split('/');

/** Whether `/settings/:tab` is the row of `/settings/safety`. */
function matches(pattern: string | null, path: string): boolean {
  if (pattern === null) return false;
  const [names, values] = [partsOf(pattern), partsOf(path)];
  return names.length === values.length && names.every((name, at) => name.startsWith(':') || name === values[at]);
}

const pathValues = (pattern: string | null, path: string): Record<string, string> =>
  Object.fromEntries(
    partsOf(pattern).flatMap((name, at) =>
      name.startsWith(':') ? [[name.slice(1), decoded(partsOf(path)[at] ?? '')]] : [],
    ),
  );

/** Text that is not encoded properly stands for nothing we have. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return '';
  }
}

/** `/setup/paths` is a step of the page `/setup`, and `/setup/plex/pin` belongs to the step `plex`. */
const stepOf = ({ page, form }: Route): Record<string, string> =>
  form !== undefined && page?.startsWith(`${form}/`) ? { step: page.slice(form.length + 1).split('/')[0] ?? '' } : {};
