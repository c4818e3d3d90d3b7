import type { AnyAction } from '../actions/action.js';
import type { AccessLevel } from '../domain/access/access.js';

type Method = 'get' | 'post' | 'put' | 'delete';

/** One thing MediaFlow can be asked over HTTP. */
export interface Route {
  method: Method;
  /** Browser path without the url base, or null for API only. Whatever is not a GET comes from a form. */
  page: string | null;
  /** Full `/api/...` path, or null for browsers only. */
  api: string | null;
  action: AnyAction;
  /** Handlebars template of the answer. A form with a view shows what came out instead of going back to its page. */
  view: string | null;
  access: AccessLevel;
  /** Where a plain form goes when it went well; by default to the page it came from. `:id` is taken from the result or the path. */
  after?: string;
  /** The page (of a GET row) that is drawn again with the message when a plain form is refused. */
  form?: string;
  /** What the browser's session becomes when it went well. */
  session?: 'owner' | 'setup' | 'end';
  /** What to tell the owner when a form went well. Given what the action returned. */
  notice?: (result: never) => string;
  /** The answer is a picture; its action returns a `Picture`. */
  sends?: 'picture' | 'download';
  /** Leads to the setup as long as that is not done. */
  needsSetup?: true;
  /** JSON of more than the usual 256 kB is taken here. */
  maxJsonBytes?: number;
  /**
   * The page as it was drawn is shown to others until something in the store changes or an event tells of it. Only for pages
   * whose figures all change with one of the two.
   */
  isKept?: true;
}

type Extra = Partial<
  Pick<Route, 'access' | 'after' | 'form' | 'session' | 'needsSetup' | 'view' | 'notice' | 'maxJsonBytes' | 'isKept'>
>;

// Whoever writes a row and says nothing about access gets a row for the owner.
const row = (method: Method, page: string | null, api: string | null, action: AnyAction, extra: object): Route => ({
  method,
  page,
  api,
  action,
  view: null,
  access: 'owner',
  ...extra,
});
/** A page, its fragments, and its JSON. */
export const page = (path: string, api: string | null, action: AnyAction, view: string, extra: Extra = {}): Route =>
  row('get', path, api, action, { view, ...extra });
/** JSON to read. */
export const read = (api: string, action: AnyAction, extra: Extra = {}): Route => row('get', null, api, action, extra);
/** A form and the same as JSON, both POST. */
export const post = (path: string | null, api: string | null, action: AnyAction, extra: Extra = {}): Route =>
  row('post', path, api, action, extra);
/** A picture for pages and scripts. */
export const picture = (path: string, action: AnyAction): Route => row('get', path, null, action, { sends: 'picture' });
/** JSON to take something away. */
export const remove = (api: string, action: AnyAction): Route => row('delete', null, api, action, {});
/** A file to keep. */
export const download = (path: string, api: string, action: AnyAction): Route =>
  row('get', path, api, action, { sends: 'download' });
/** JSON to change. */
export const put = (api: string, action: AnyAction, extra: Extra = {}): Route => row('put', null, api, action, extra);
