import express, { type Request, type RequestHandler, type Response, type Router } from 'express';
import { isSetUp } from '../actions/settings/setup.js';
import type { AppError } from '../domain/errors.js';
import type { Doors } from './doors.js';
import { describe, fromHttp, headingOf, statusOf } from './errors.js';
import { filledIn, pageAround, pageOfForm } from './form-page.js';
import { toFields, withTypedRows } from './forms.js';
import type { Guard } from './guard.js';
import { ownPath, refererPath, wantsFragment } from './hosts.js';
import { frame, frameOfError, themeOf } from './page-frame.js';
import { perform, performWith } from './perform.js';
import { leadTo } from './redirect.js';
import { hasForm, hasInputs, refill } from './refill.js';
import type { Route } from './route.js';
import { sendDownload, sendPicture } from './senders.js';
import { isSecretName, typedIn } from './typed.js';

const SENDERS = { picture: sendPicture, download: sendDownload };

/** Gives every row of the route table its doors: JSON under its API path, page, fragment and form under its page path. */
export function mount(router: Router, doors: Doors): void {
  const { guard } = doors;
  for (const route of doors.routes) {
    const limits = route.session === 'owner' || route.session === 'setup';
    const before = [...(limits ? [guard.limitSignIn] : []), readJson(guard, route)];
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

const JSON_BYTES = 256_000;

/** Parses JSON of whoever may come in; a stranger's is not even read. */
function readJson(guard: Guard, { access, maxJsonBytes = JSON_BYTES }: Route): RequestHandler {
  const parse: RequestHandler = express.json({ limit: maxJsonBytes });
  return (req, res, next) => {
    if (req.body === undefined && access !== 'public' && guard.isAllowed(req, access)) parse(req, res, next);
    else next();
  };
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
  if (route.access === 'setup' && isSetUp(ctx) && guard.isOwner(req)) {
    leadTo(req, res, `${ctx.config.urlBase}/`, ctx.config.urlBase);
    return;
  }
  guard.checkSource(req);
  if (route.isKept && !doors.held.has(req) && !guard.hasNotice(req)) {
    sendHtml(res, await keptPage(doors, route, req));
    return;
  }
  const data = (await perform(doors, route, req)) as object;
  const held = wantsFragment(req) ? null : doors.held.take(req, res, req.path);
  if (held === null) {
    await draw(doors, route, withFields(data), req, res);
    return;
  }
  const html = await drawn(doors, route, withTypedRows(withFields(data), held.rows), req);
  const note = doors.views.fragment('shared/form-kept', {}, await frame(doors, route, req, null));
  const again = refill(html, { ...held, page: req.originalUrl, fields: {}, note, fieldNote: () => '' });
  if (again === null) doors.guard.setNotice(req, 'Your session had ended, so nothing was done. Do it once more.');
  sendHtml(res, again ?? (await drawn(doors, route, withFields(data), req)));
}

/** A page without anything of its own for this browser but the token, so that all who look at it share one drawing. */
function keptPage(doors: Doors, route: Route, req: Request): Promise<Buffer> {
  const { guard, drawnPages } = doors;
  const key = JSON.stringify([wantsFragment(req), themeOf(req), req.originalUrl]);
  const drawIt = async (): Promise<string> =>
    drawn(doors, route, withFields((await perform(doors, route, req)) as object), req, drawnPages.token);
  // What htmx asks for, such as a page of the history, comes into one that listens already and would not read what came before.
  return drawnPages.take(key, guard.token(req), drawIt, req.get('HX-Request') === undefined);
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

/** Sends whoever is not signed in to the page where they can, and keeps what they typed until then. */
function mayEnter(doors: Doors, route: Route, req: Request, res: Response): boolean {
  const { ctx, guard } = doors;
  try {
    guard.allow(req, route.access);
    return true;
  } catch (error) {
    const refusal = fromHttp(error);
    if (refusal.code !== 'unauthorized') throw error;
    const { urlBase } = ctx.config;
    const to = ctx.access.hasPassword
      ? `${urlBase}/sign-in${whyAndWhere(doors, route, req, res)}`
      : `${urlBase}/setup/token`;
    leadTo(req, res, to, urlBase, 401);
    return false;
  }
}

/** What the sign-in page is told: why somebody is there, and where they go on. Nothing that was typed. */
function whyAndWhere(doors: Doors, route: Route, req: Request, res: Response): string {
  const { ctx, guard, held } = doors;
  const query = new URLSearchParams();
  if (req.method === 'GET') {
    const here = wantsFragment(req) ? pageAround(req, ctx.config.urlBase) : req.url;
    if (here !== null && here !== '/') query.set('next', here);
  } else {
    const page = pageOfForm(doors.routes, route, req, ctx.config.urlBase);
    // Only from our own pages: nobody else fills in a form of ours.
    const isOurs =
      page !== null && (req.get('Origin') ?? req.get('Sec-Fetch-Site')) !== undefined && guard.isFromHere(req);
    if (page !== null) query.set('next', page.address);
    const typed = typedIn(req);
    const form = { path: pathOf(req), typed, rows: (req.body ?? {}) as Record<string, unknown> };
    if (isOurs && typed.length > 0 && held.keep(req, res, { ...form, page: page.path })) query.set('why', 'kept');
  }
  if (!query.has('why') && guard.hadSession(req)) query.set('why', 'ended');
  return query.size === 0 ? '' : `?${query.toString()}`;
}

/** The address of a request without its query, url base included. */
const pathOf = (req: Request): string => req.originalUrl.split('?')[0] ?? '';

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

/** The page of a refused form once more, with the message and all that was typed; without such a page, the message alone. */
async function redraw(doors: Doors, route: Route, error: AppError, req: Request, res: Response): Promise<void> {
  const { ctx, guard, views } = doors;
  // A part of a page stays as it is and says why, unless its row names what to draw.
  const isStaying = route.form === undefined && wantsFragment(req);
  const again = isStaying ? null : pageOfForm(doors.routes, route, req, ctx.config.urlBase);
  if (!again || error.code === 'internal' || !guard.isFromHere(req)) throw error;
  const shown = describe(error, String(res.get('X-Request-Id')));
  const [path, typed] = [pathOf(req), typedIn(req)];
  const drawWith = async (input: Record<string, unknown>): Promise<string> => {
    const data = (await performWith(doors, again.route, req, input)) as object;
    const rows = (req.body ?? {}) as Record<string, unknown>;
    return drawn(doors, again.route, { ...withTypedRows(withFields(data), rows), error: shown }, req);
  };
  let html: string;
  try {
    guard.allow(req, again.route.access);
    html = await drawWith(again.input);
    // The form may be there only once the page knows what was entered before it.
    if (route.form !== undefined && !hasForm(html, path, typed)) {
      const open = typed.filter(([name]) => !isSecretName(name));
      html = await drawWith({ ...Object.fromEntries(open), ...again.input });
    }
  } catch (second) {
    // The page itself is in trouble; what the owner asked for comes first.
    if (statusOf(fromHttp(second)) === 500) throw second;
    throw error;
  }
  // A button alone holds nothing that could get lost.
  if (route.form === undefined && !hasInputs(html, path, typed)) throw error;
  const page = await frame(doors, again.route, req, null);
  const refilled = refill(html, {
    path,
    typed,
    page: ctx.config.urlBase + again.address,
    fields: shown.fields,
    note: views.fragment('shared/form-error', { error: shown }, page),
    fieldNote: (id, message) => views.fragment('shared/field-error', { id, message }, page),
  });
  if (wantsFragment(req)) res.set('HX-Trigger', toHeader('mf:refused', shown.message));
  res.status(statusOf(error));
  sendHtml(res, refilled ?? html);
}

async function draw(doors: Doors, route: Route, data: object, req: Request, res: Response): Promise<void> {
  sendHtml(res, await drawn(doors, route, data, req));
}

async function drawn(
  doors: Doors,
  route: Route,
  data: object,
  req: Request,
  csrfToken = doors.guard.token(req),
): Promise<string> {
  const view = route.view ?? 'shared/error';
  const isFragment = wantsFragment(req);
  const page = { ...(await frame(doors, route, req, isFragment ? null : data)), csrfToken };
  return isFragment ? doors.views.fragment(view, data, page) : doors.views.page(view, data, page);
}

function sendHtml(res: Response, html: string | Buffer): void {
  res.vary('HX-Request').type('html').send(html);
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
  const data = { error: shown, status, heading: headingOf(status), back: refererPath(req) };
  if (!wantsFragment(req)) {
    res.send(views.page('shared/error', data, await frameOfError(doors, req, guard.isOwner(req))));
    return;
  }
  // A form within a page: the page stays as it is and says why.
  if (req.method !== 'GET') res.set('HX-Reswap', 'none').set('HX-Trigger', toHeader('mf:refused', shown.message));
  res.send(views.fragment('shared/error', data, await frameOfError(doors, req, false)));
}
