import type { Request, Response } from 'express';
import { ownPath, wantsFragment } from './hosts.js';

/**
 * The one way to another page. `path` begins with the url base; what could lead elsewhere, wherever it came from, leads to the
 * front page. A part of a page gets `fragmentStatus` and is told to go there as a whole.
 */
export function leadTo(req: Request, res: Response, path: string, urlBase: string, fragmentStatus = 204): void {
  const to = ownPath(path) ?? `${urlBase}/`;
  if (wantsFragment(req)) res.status(fragmentStatus).set('HX-Redirect', to).end();
  else res.redirect(303, to);
}
