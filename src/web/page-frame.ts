import { parseCookie } from 'cookie';
import type { Request } from 'express';
import { showNavigation } from '../actions/health/health.js';
import type { Doors } from './doors.js';
import type { PageFrame } from './render.js';
import type { Route } from './route.js';

const TITLES: Record<string, string> = {
  quarantine: 'Quarantine',
  docs: 'API',
  'sign-in': 'Sign in',
  setup: 'Set up',
};

/** The owner's choice, kept by the page's script in a cookie so that no page flashes in the wrong one. */
export function themeOf(req: Request): PageFrame['theme'] {
  const { 'mediaflow.theme': theme } = parseCookie(req.get('Cookie') ?? '');
  return theme === 'light' || theme === 'auto' ? theme : 'dark';
}

/** What stands around a page; `data` is null for a part of one. */
export async function frame(
  doors: Doors,
  { view, page, access }: Route,
  req: Request,
  data: object | null,
): Promise<PageFrame> {
  const { ctx, guard, missed } = doors;
  const [noun = ''] = (view ?? '').split('/');
  const words = noun.replaceAll('-', ' ');
  const { title, displayTitle } = (data ?? {}) as { title?: unknown; displayTitle?: unknown };
  const own = [displayTitle, title].find((text) => typeof text === 'string');
  // Doors such as sign-in and setup stand outside the house: no menu there.
  const hasMenu = data !== null && access !== 'public' && access !== 'setup' && guard.isOwner(req);
  const [, first = ''] = (page ?? '').split('/');
  return {
    title: typeof own === 'string' ? own : (TITLES[noun] ?? words.charAt(0).toUpperCase() + words.slice(1)),
    section: first === 'settings' ? '/settings/safety' : `/${first}`,
    csrfToken: guard.token(req),
    urlBase: ctx.config.urlBase,
    theme: themeOf(req),
    notice: data ? guard.takeNotice(req) : null,
    since: missed.placeOf(req),
    shell: hasMenu ? await showNavigation(ctx, {}) : null,
  };
}

/** The same around what went wrong. */
export async function frameOfError({ ctx, guard, missed }: Doors, req: Request, hasMenu: boolean): Promise<PageFrame> {
  return {
    title: 'Error',
    section: '',
    csrfToken: hasMenu ? guard.token(req) : '',
    urlBase: ctx.config.urlBase,
    theme: themeOf(req),
    notice: null,
    since: missed.placeOf(req),
    // The menu may be what is broken.
    shell: hasMenu ? await showNavigation(ctx, {}).catch(() => null) : null,
  };
}
