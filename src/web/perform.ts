import type { Request } from 'express';
import { z } from 'zod';
import { AppError } from '../domain/errors.js';
import { fieldSentence, refusalMessage, refusedFields } from '../lib/plain-refusals.js';
import { tooMuch } from './bounds.js';
import { fromForm } from './forms.js';
import type { Doors } from './doors.js';
import type { Route } from './route.js';

/** The one place where outside input becomes a typed call, and where a result is cut down to what may leave. */
export const perform = (doors: Pick<Doors, 'ctx'>, route: Route, req: Request): Promise<unknown> => {
  const given = givenBy(req);
  const isForm = req.is('application/x-www-form-urlencoded') !== false;
  return performWith(doors, route, req, isForm ? fromForm(route.action.input, given) : given);
};

/** The same with an input of its own. */
export async function performWith(
  { ctx }: Pick<Doors, 'ctx'>,
  { action }: Route,
  req: Request,
  given: Record<string, unknown>,
): Promise<unknown> {
  const { input } = action;
  const excess = Object.entries(tooMuch(input, given));
  if (excess.length > 0) {
    const fields = Object.fromEntries(excess.map(([name, text]) => [name, fieldSentence(input, [name], text)]));
    throw new AppError('invalid', refusalMessage(fields), { fields });
  }
  const raw = { ...given };
  if (input instanceof z.ZodObject && 'origin' in input.shape) {
    raw['origin'] = `${req.protocol}://${req.host}${ctx.config.urlBase}`;
  }
  const parsed = input.safeParse(raw);
  if (!parsed.success) {
    const fields = refusedFields(input, parsed.error);
    throw new AppError('invalid', refusalMessage(fields), { fields });
  }
  return action.output.parse(await action(ctx, parsed.data as never));
}

/** Path over body over query. */
function givenBy(req: Request): Record<string, unknown> {
  const body: unknown = req.body;
  if (body !== undefined && (typeof body !== 'object' || body === null || Array.isArray(body))) {
    throw new AppError('invalid', 'The body of the request must be a JSON object.');
  }
  const fields = Object.entries(body ?? {}).filter(([name]) => name !== '_csrf');
  return { ...req.query, ...Object.fromEntries(fields), ...req.params };
}
