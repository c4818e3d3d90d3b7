import { parseCookie } from 'cookie';
import type { Request, Response, Router } from 'express';
import type { Context } from '../actions/action.js';
import { showNavigation } from '../actions/health.js';
import { isSetUp } from '../actions/setup.js';
import type { AppError } from '../domain/errors.js';
import { describe, fromHttp, statusOf } from './errors.js';
import { toFields, withRefusal } from './forms.js';
import type { Guard } from './guard.js';
import { ownPath, refererPath, wantsFragment } from './hosts.js';
import { perform } from './perform.js';
import { leadTo } from './redirect.js';
import type { PageFrame, Views } from './render.js';
import type { Route } from './routes.js';
import { sendDownload, sendPicture } from './senders.js';

/** What every door works with. */
export interface Doors {
  ctx: Context;
  guard: Guard;
  views: Views;
  routes: readonly Route[];
  /** Called after a session was granted or ended. */
  onSession: () => void;
}

const SENDERS = { picture: sendPicture, download: sendDownload };

/** Gives every row of the route table its doors: JSON under its API path, page, fragment and form under its page path. */
export function mount(router: Router, doors: Doors): void {
  const { guard } = doors;
  for (const route of doors.routes) {
    const limits = route.access === 'public' && (route.session === 'owner' || route.session === 'setup');
    const before = limits ? [guard.limitSignIn] : [];
    if (route.sends !== undefined) {
      const { sends } = route;
      for (const path of [route.api, route.page])
        if (path !== null) router.get(path, (req, res) => SENDERS[sends](doors, route, req, res));
      continue;
    }
    if (route.api !== null)
      router[route.method](route.api, ...before, (req, res) => answerJson(doors, route, req, res));
    if (route.page === null) continue;
    if (route.method === 'get') router.get(route.page, (req, res) => answerPage(doors, route, req, res));
    else router[route.method](route.page, ...before, (req, res) => answerForm(doors, route, req, res));
  }
}

async function answerJson(doors: Doors, route: Route, req: Request, res: Response): Promise<void> {
  doors.guard.allow(req, route.access);
  doors.guard.checkSource(req);
  const result = await perform(doors, route, req);
  await settleSession(doors, route, req);
  if (typeof result === 'string') res.type('text/plain').send(result);
  else res.json(result);
}

async function answerPage(doors: Doors, route: Route, req: Request, res: Response): Promise<void> {
  const { ctx, guard } = doors;
  if (!mayEnter(doors, route, req, res)) return;
  if (route.needsSetup && !isSetUp(ctx)) {
    leadTo(req, res, `${ctx.config.urlBase}/setup`, ctx.config.urlBase);
    return;
  }
  guard.checkSource(req);
  const data = (await perform(doors, route, req)) as object;
  await draw(doors, route, withFields(data), req, res);
}

/** What htmx tells the page: an event of its own, whose text may hold any letter but whose header may not. */
const toHeader = (event: string, message: string): string =>
  JSON.stringify({ [event]: { message } }).replace(
    /[\u0080-\uffff]/g,
    (letter) => `\\u${letter.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );

async function answerForm(doors: Doors, route: Route, req: Request, res: Response): Promise<void> {
  if (!mayEnter(doors, route, req, res)) return;
  let result: unknown;
  try {
    doors.guard.checkSource(req);
    result = await perform(doors, route, req);
  } catch (error) {
    await redraw(doors, route, fromHttp(error), req, res);
    return;
  }
  await settleSession(doors, route, req);
  const { urlBase } = doors.ctx.config;
  const { next } = (req.body ?? {}) as { next?: unknown };
  const wanted = route.session === 'owner' ? ownPath(next) : null;
  if (route.view !== null) {
    await draw(doors, route, result as object, req, res);
    return;
  }
  const notice = route.notice?.(result as never) ?? '';
  const after = wanted ?? filledIn(route.after, { ...req.params, ...(result as object | undefined) });
  const from = refererPath(req);
  const to = after === undefined ? (from ?? `${urlBase}/`) : urlBase + after;
  if (wantsFragment(req) && (after === undefined || from?.split('?')[0] === to)) {
    // The page stays: it hears that something happened and reads its live regions again.
    res.status(204).set('HX-Trigger', toHeader('mf:done', notice)).end();
    return;
  }
  if (notice !== '') doors.guard.setNotice(req, notice);
  leadTo(req, res, to, urlBase);
}

async function settleSession({ guard, onSession }: Doors, { session }: Route, req: Request): Promise<void> {
  if (session === undefined) return;
  await guard.become(req, session);
  onSession();
}

/** Sends whoever is not signed in to the page where they can. */
function mayEnter({ ctx, guard }: Doors, route: Route, req: Request, res: Response): boolean {
  try {
    guard.allow(req, route.access);
    return true;
  } catch (error) {
    const refusal = fromHttp(error);
    if (refusal.code !== 'unauthorized') throw error;
    const { urlBase } = ctx.config;
    const here = req.method === 'GET' && !wantsFragment(req) ? req.url : '/';
    const query = here === '/' ? '' : `?next=${encodeURIComponent(here)}`;
    const to = ctx.access.hasPassword ? `${urlBase}/sign-in${query}` : `${urlBase}/setup/token`;
    leadTo(req, res, to, urlBase, 401);
    return false;
  }
}

/** A form that describes itself by a schema gets its inputs drawn. */
function withFields(data: object): object {
  const { schema, values, locked } = data as { schema?: unknown; values?: unknown; locked?: unknown };
  if (typeof schema !== 'object' || schema === null || typeof values !== 'object' || values === null) return data;
  const fields = toFields(
    schema as Record<string, unknown>,
    values as Record<string, unknown>,
    (locked ?? {}) as Record<string, string>,
  );
  return { ...data, fields };
}

/** The page of a refused form once more, with the message and what was typed; without such a page, the message alone. */
async function redraw(doors: Doors, route: Route, error: AppError, req: Request, res: Response): Promise<void> {
  const again = doors.routes.find(({ method, page, view }) => method === 'get' && view && matches(page, route.form));
  const shown = describe(error, String(res.get('X-Request-Id')));
  if (!again || error.code === 'internal') throw error;
  const input = again.action.input.safeParse({
    ...pathValues(again.page, route.form),
    ...req.params,
    ...stepOf(route),
    next: '',
  });
  if (!input.success) throw error;
  const data = (await again.action(doors.ctx, input.data as never)) as object;
  res.status(statusOf(error));
  await draw(doors, again, withRefusal(withFields(data), shown, (req.body ?? {}) as Record<string, unknown>), req, res);
}

/** `/library/edit/:id` with the id in its place. */
const filledIn = (path: string | undefined, values: Record<string, unknown>): string | undefined =>
  path?.replace(/:(\w+)/g, (_, name: string) => encodeURIComponent(String(values[name])));

const partsOf = (path: string | null | undefined): string[] => (path ?? '').split('/');

/** Whether `/settings/:tab` is the row of `/settings/safety`. */
function matches(pattern: string | null, path: string | undefined): boolean {
  if (pattern === null || path === undefined) return false;
  const [names, values] = [partsOf(pattern), partsOf(path)];
  return names.length === values.length && names.every((name, at) => name.startsWith(':') || name === values[at]);
}

const pathValues = (pattern: string | null, path: string | undefined): Record<string, string> =>
  Object.fromEntries(
    partsOf(pattern).flatMap((name, at) => (name.startsWith(':') ? [[name.slice(1), partsOf(path)[at] ?? '']] : [])),
  );

/** `/setup/paths` is a step of the page `/setup`, and `/setup/plex/pin` belongs to the step `plex`. */
const stepOf = ({ page, form }: Route): Record<string, string> =>
  form !== undefined && page?.startsWith(`${form}/`) ? { step: page.slice(form.length + 1).split('/')[0] ?? '' } : {};

async function draw(doors: Doors, route: Route, data: object, req: Request, res: Response): Promise<void> {
  const view = route.view ?? 'error/page';
  res.vary('HX-Request').type('html');
  if (wantsFragment(req)) res.send(doors.views.fragment(view, data, await frame(doors, route, req, null)));
  else res.send(doors.views.page(view, data, await frame(doors, route, req, data)));
}

const TITLES: Record<string, string> = {
  quarantine: 'Kept originals',
  docs: 'API',
  'sign-in': 'Sign in',
  setup: 'Set up',
};

/** The owner's choice, kept by the page's script in a cookie so that no page flashes in the wrong one. */
function themeOf(req: Request): PageFrame['theme'] {
  const { 'mediaflow.theme': theme } = parseCookie(req.get('Cookie') ?? '');
  return theme === 'light' || theme === 'auto' ? theme : 'dark';
}

async function frame(
  doors: Doors,
  { view, page, access }: Route,
  req: Request,
  data: object | null,
): Promise<PageFrame> {
  const { ctx, guard } = doors;
  const [noun = ''] = (view ?? '').split('/');
  const words = noun.replaceAll('-', ' ');
  const { title, displayTitle } = (data ?? {}) as { title?: unknown; displayTitle?: unknown };
  const own = [displayTitle, title].find((text) => typeof text === 'string');
  // Doors such as sign-in and setup stand outside the house: no menu there.
  const hasMenu = data !== null && access !== 'public' && access !== 'setup' && guard.isOwner(req);
  const [, first = ''] = partsOf(page);
  return {
    title: typeof own === 'string' ? own : (TITLES[noun] ?? words.charAt(0).toUpperCase() + words.slice(1)),
    section: first === 'settings' ? '/settings/safety' : `/${first}`,
    csrfToken: guard.token(req),
    urlBase: ctx.config.urlBase,
    theme: themeOf(req),
    notice: data ? guard.takeNotice(req) : null,
    shell: hasMenu ? await showNavigation(ctx, {}) : null,
  };
}

/** What a refusal outside a form looks like: JSON below `/api`, a page or a part of one elsewhere. */
export async function answerError(doors: Doors, error: unknown, req: Request, res: Response): Promise<void> {
  const { ctx, guard, views } = doors;
  const refusal = fromHttp(error);
  const status = statusOf(refusal);
  const requestId = String(res.get('X-Request-Id'));
  if (status === 500) ctx.log.error({ err: error, requestId, path: req.path, method: req.method }, 'A request failed');
  const shown = describe(refusal, requestId);
  res.status(status);
  if (req.path.startsWith('/api/') || !req.accepts('html')) {
    res.json({ error: shown });
    return;
  }
  res.vary('HX-Request').type('html');
  const data = { error: shown, status, heading: HEADINGS[status] ?? 'That did not work', back: refererPath(req) };
  if (!wantsFragment(req)) {
    res.send(views.page('error/page', data, await frameOfError(doors, req, guard.isOwner(req))));
    return;
  }
  // A form within a page: the page stays as it is and says why.
  if (req.method !== 'GET') res.set('HX-Reswap', 'none').set('HX-Trigger', toHeader('mf:refused', shown.message));
  res.send(views.fragment('error/page', data, await frameOfError(doors, req, false)));
}

const HEADINGS: Record<number, string> = {
  403: 'Not allowed',
  404: 'Nothing is here',
  409: 'That does not go now',
  413: 'Too much at once',
  422: 'Something is missing',
  429: 'Too many attempts',
  500: 'Something broke',
};

async function frameOfError({ ctx, guard }: Doors, req: Request, hasMenu: boolean): Promise<PageFrame> {
  return {
    title: 'Error',
    section: '',
    csrfToken: hasMenu ? guard.token(req) : '',
    urlBase: ctx.config.urlBase,
    theme: themeOf(req),
    notice: null,
    // The menu may be what is broken.
    shell: hasMenu ? await showNavigation(ctx, {}).catch(() => null) : null,
  };
}
