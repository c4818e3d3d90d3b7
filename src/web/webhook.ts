import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import type { Context } from '../actions/action.js';
import { countWebhook, receiveWebhook, senderOf } from '../actions/plex/webhooks.js';
import { AppError, invalid, toAppError } from '../domain/errors.js';
import { PlexWebhook, type WebhookOutcome } from '../domain/plex/webhook.js';
import { withoutEnd } from '../lib/without-end.js';
import { hasOneHostAtMost } from './hosts.js';
import { readPayload } from './webhook-body.js';

/** No browser comes here, and if one does it has nothing to show: what a page needs is left out, for Plex posts in bursts. */
const HEADERS = {
  'Content-Type': 'application/json; charset=utf-8',
  'Cache-Control': 'no-store',
  'Content-Security-Policy': "default-src 'none'; frame-ancestors 'none'",
  'X-Content-Type-Options': 'nosniff',
};

/**
 * Answers `POST /hooks/plex/<secret>` and leaves everything else to `others`. Before everything, Express included, for it comes in bursts
 * of thousands, of which Express would take a third; and before the host check: Plex may know this machine by any name, and the secret
 * in the path says that it is Plex.
 */
export function webhookFirst(ctx: Context, others: RequestListener): RequestListener {
  const take = plexWebhook(ctx);
  const root = `${ctx.config.urlBase}/hooks/plex/`.toLowerCase();
  return (req, res) => {
    const secret = req.method === 'POST' ? secretBelow(root, req.url ?? '') : null;
    if (secret === null) {
      others(req, res);
      return;
    }
    take(req, res, secret).catch((error: unknown) => {
      ctx.log.error({ err: error }, 'A webhook could not be answered');
      req.destroy();
    });
  };
}

/** The one segment of an address below that path; null for any other address. */
function secretBelow(root: string, url: string): string | null {
  const [path = ''] = url.split('?', 1);
  if (!path.toLowerCase().startsWith(root)) return null;
  const secret = withoutEnd(path.slice(root.length), '/');
  return secret === '' || secret.includes('/') ? null : secret;
}

/** Checked, answered at once, worked on afterwards. */
function plexWebhook(ctx: Context): (req: IncomingMessage, res: ServerResponse, secret: string) => Promise<void> {
  const refuse = (outcome: WebhookOutcome, event: string): void => {
    countWebhook(ctx, { outcome, event }).catch((error: unknown) => {
      ctx.log.warn({ err: error }, 'A refused webhook could not be counted');
    });
  };
  return async (req, res, secret) => {
    if (!hasOneHostAtMost(req)) {
      turnAway(res, 400, 'invalid', 'A request names its host once.');
      return;
    }
    const sender = senderOf(ctx, secret);
    if (sender === null) {
      refuse('wrong_secret', '');
      turnAway(res, 404, 'not_found', 'There is nothing here.');
      return;
    }
    const event = await readEvent(req).catch((error: unknown) => toAppError(error));
    if (event instanceof AppError) {
      const isLarge = event.code === 'too_large';
      refuse(isLarge ? 'too_large' : 'malformed', '');
      turnAway(res, isLarge ? 413 : 400, isLarge ? 'too_large' : 'invalid', event.message);
      return;
    }
    answer(res, 200, { ok: true });
    receiveWebhook(ctx, { event, onlyFrom: sender === 'all' ? null : sender.serverId }).catch((error: unknown) => {
      ctx.log.error({ err: error, event: event.event }, 'A webhook was answered but could not be worked on');
    });
  };
}

function answer(res: ServerResponse, status: number, body: object): void {
  const text = JSON.stringify(body);
  res.writeHead(status, { ...HEADERS, 'Content-Length': Buffer.byteLength(text) }).end(text);
}

function turnAway(res: ServerResponse, status: number, code: string, message: string): void {
  res.setHeader('Connection', 'close');
  answer(res, status, { error: { code, message, fields: {} } });
}

/** Throws `too_large` or `invalid`. */
async function readEvent(req: IncomingMessage): Promise<PlexWebhook> {
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
