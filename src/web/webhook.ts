import { finished } from 'node:stream/promises';
import busboy from 'busboy';
import type { Request, RequestHandler } from 'express';
import type { Context } from '../actions/action.js';
import { countWebhook, receiveWebhook, senderOf } from '../actions/webhooks.js';
import { AppError, invalid, toAppError } from '../domain/errors.js';
import { PlexWebhook, type WebhookOutcome } from '../domain/webhook.js';

/** The payload is a few kilobytes; the poster that comes with it is not read. */
const PAYLOAD_BYTES = 1_000_000;
const BODY_BYTES = 10_000_000;

const tooLarge = (): AppError => new AppError('too_large', 'That is more than a Plex webhook ever holds.');

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
  if (Number(req.get('Content-Length') ?? 0) > BODY_BYTES) throw tooLarge();
  const text = req.is('multipart/form-data') ? await readPayload(req) : await readWhole(req);
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

/** The part named `payload`, a field or a file, of a multipart body. */
async function readPayload(req: Request): Promise<string> {
  const limits = { fieldSize: PAYLOAD_BYTES, fileSize: BODY_BYTES, fields: 10, files: 5, parts: 15, headerPairs: 100 };
  let form: busboy.Busboy;
  try {
    form = busboy({ headers: req.headers, limits });
  } catch (cause) {
    throw new AppError('invalid', 'The multipart body has no usable boundary.', { cause });
  }
  const found: string[] = [];
  const seen = { isLarge: false };
  form.on('field', (name, value, { valueTruncated }) => {
    if (valueTruncated) seen.isLarge = true;
    else if (name === 'payload') found.push(value);
  });
  form.on('file', (name, stream) => {
    if (name !== 'payload') {
      stream.resume();
      return;
    }
    const chunks: Buffer[] = [];
    let size = 0;
    stream.on('data', (chunk: Buffer) => {
      size += chunk.length;
      if (size > PAYLOAD_BYTES) seen.isLarge = true;
      else chunks.push(chunk);
    });
    stream.on('end', () => found.push(Buffer.concat(chunks).toString('utf8')));
  });
  let received = 0;
  req.on('data', (chunk: Buffer) => {
    received += chunk.length;
    if (received > BODY_BYTES) form.destroy(tooLarge());
  });
  // A body that is cut off ends in an error of the form and not in silence.
  req.once('aborted', () => form.destroy(invalid('The body was cut off.')));
  req.pipe(form);
  try {
    await finished(form);
  } catch (error) {
    req.unpipe(form);
    req.resume();
    if (error instanceof AppError) throw error;
    throw new AppError('invalid', 'The multipart body is damaged.', { cause: error });
  }
  if (seen.isLarge) throw tooLarge();
  const [payload] = found;
  if (payload === undefined) throw invalid('There is no part named payload.');
  return payload;
}

async function readWhole(req: Request): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of req as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > PAYLOAD_BYTES) throw tooLarge();
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}
