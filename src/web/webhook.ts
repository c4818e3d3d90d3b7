import type { Request, RequestHandler } from 'express';
import type { Context } from '../actions/action.js';
import { countWebhook, receiveWebhook, senderOf } from '../actions/webhooks.js';
import { AppError, invalid, toAppError } from '../domain/errors.js';
import { PlexWebhook, type WebhookOutcome } from '../domain/webhook.js';
import { readPayload } from './webhook-body.js';

/** `POST /hooks/plex/<secret>`: checked, answered at once, worked on afterwards. */
export function plexWebhook(ctx: Context): RequestHandler {
  const refuse = (outcome: WebhookOutcome, event: string): void => {
    countWebhook(ctx, { outcome, event }).catch((error: unknown) => {
      ctx.log.warn({ err: error }, 'A refused webhook could not be counted');
    });
  };
  return async (req, res) => {
    const { secret } = req.params;
    const sender = typeof secret === 'string' ? senderOf(ctx, secret) : null;
    if (sender === null) {
      refuse('wrong_secret', '');
      res.status(404).set('Connection', 'close').json(bodyOf('not_found', 'There is nothing here.'));
      return;
    }
    const event = await readEvent(req).catch((error: unknown) => toAppError(error));
    if (event instanceof AppError) {
      const isLarge = event.code === 'too_large';
      refuse(isLarge ? 'too_large' : 'malformed', '');
      res
        .status(isLarge ? 413 : 400)
        .set('Connection', 'close')
        .json(bodyOf(isLarge ? 'too_large' : 'invalid', event.message));
      return;
    }
    res.status(200).json({ ok: true });
    receiveWebhook(ctx, { event, onlyFrom: sender === 'all' ? null : sender.serverId }).catch((error: unknown) => {
      ctx.log.error({ err: error, event: event.event }, 'A webhook was answered but could not be worked on');
    });
  };
}

const bodyOf = (code: string, message: string): object => ({ error: { code, message, fields: {} } });

/** Throws `too_large` or `invalid`. */
async function readEvent(req: Request): Promise<PlexWebhook> {
  const text = await readPayload(req);
  let json: unknown;
  try {
    json = JSON.parse(text.replace(/^\uFEFF/, ''));
  } catch (cause) {
    throw new AppError('invalid', 'The payload is not JSON.', { cause });
  }
  const event = PlexWebhook.safeParse(json);
  if (!event.success) throw invalid('The payload is not an event of Plex.');
  return event.data;
}
