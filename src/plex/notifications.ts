import { on, once } from 'node:events';
import WebSocket, { type RawData } from 'ws';
import { AppError } from '../domain/errors.js';
import type { ServerEvent } from '../domain/library/server-event.js';
import { badAnswer, statusFailure, transportFailure } from './failure.js';
import { guardedLookup, mustBeServerUrl } from './guarded-lookup.js';
import { eventsOf } from './notifications-frame.js';

/** Every client uses the first, Plex's own documents name the second. */
const PATHS = ['/:/websockets/notifications', '/:/websocket/notifications'];
/** Only what is read here; log lines would be a flood. */
const FILTERS = 'timeline,playing,status';
/** A frame of a large scan holds some hundred entries; no honest one comes near this. */
const MAX_FRAME_BYTES = 4_000_000;
const HANDSHAKE_MS = 15_000;
const PING_EVERY_MS = 15_000;

export interface NotificationOptions {
  /** Without a trailing slash; http or https. */
  url: string;
  token: string;
  clientId: string;
  version: string;
  /** After this long without an answer to a ping the other side counts as gone; milliseconds. */
  pingEveryMs?: number;
}

interface Line {
  socket: WebSocket;
  frames: AsyncIterable<[RawData, boolean]>;
  /** Aborted with the reason once the connection is over. */
  ended: AbortSignal;
}

/**
 * One connection to the server's notification socket, from `listening` to its end. Throws a `plex_*` code when it cannot
 * be made or breaks off, and the signal's reason when that aborts; it never ends in peace.
 */
export async function* notifications(options: NotificationOptions, signal: AbortSignal): AsyncGenerator<ServerEvent> {
  if (!/^[\x21-\x7e]+$/.test(options.token))
    throw new AppError('plex_unauthorized', 'The Plex token contains characters that no token has. Enter it again.');
  const closing = new AbortController();
  const close = (): void => {
    closing.abort(signal.reason);
  };
  signal.throwIfAborted();
  signal.addEventListener('abort', close, { once: true });
  let watch: NodeJS.Timeout | null = null;
  try {
    const { socket, frames, ended } = await open(options, closing);
    watch = watchOver(socket, options.pingEveryMs ?? PING_EVERY_MS);
    yield { type: 'listening' };
    try {
      for await (const [data, isBinary] of frames) if (!isBinary) yield* eventsOf(textOf(data));
    } catch (error) {
      throw ended.aborted ? ended.reason : error;
    }
  } finally {
    if (watch) clearInterval(watch);
    signal.removeEventListener('abort', close);
    closing.abort();
  }
}

async function open(options: NotificationOptions, closing: AbortController): Promise<Line> {
  let refused: unknown;
  for (const path of PATHS) {
    try {
      return await connect(options, path, closing.signal);
    } catch (error) {
      if (!(error instanceof AppError) || error.code !== 'plex_not_found') throw error;
      refused = error;
    }
  }
  throw new AppError(
    'plex_not_found',
    'This server offers no notifications, or a proxy in between lets none through. The schedule and webhooks still work.',
    { cause: refused },
  );
}

async function connect(options: NotificationOptions, path: string, closing: AbortSignal): Promise<Line> {
  const socket = dial(options, path);
  const over = new AbortController();
  closing.addEventListener('abort', () => {
    over.abort(closing.reason);
    socket.terminate();
  });
  socket.once('unexpected-response', (_request, { statusCode = 0 }) => {
    over.abort(statusFailure(statusCode, ''));
    socket.terminate();
  });
  socket.on('error', (error: Error & { code?: string }) => {
    const isFrame = error.code?.startsWith('WS_ERR') ?? false;
    over.abort(
      isFrame ? badAnswer('a notification came that Plex would not send') : transportFailure(error, options.token),
    );
  });
  socket.once('close', () => {
    over.abort(brokenOff());
  });
  const { signal: ended } = over;
  // Before it is open: the first frames may come along with the answer.
  const frames = on(socket, 'message', { signal: ended }) as AsyncIterableIterator<[RawData, boolean]>;
  try {
    await once(socket, 'open', { signal: ended });
    return { socket, frames, ended };
  } catch (error) {
    throw ended.aborted ? ended.reason : error;
  }
}

function dial({ url, token, clientId, version }: NotificationOptions, path: string): WebSocket {
  mustBeServerUrl(url);
  const address = `${url.replace(/^http/i, 'ws')}${path}?filters=${FILTERS}`;
  try {
    return new WebSocket(address, {
      headers: {
        Accept: 'application/json',
        'X-Plex-Token': token,
        'X-Plex-Client-Identifier': clientId,
        'X-Plex-Product': 'MediaFlow',
        'X-Plex-Version': version,
      },
      // Another host would be handed the token.
      followRedirects: false,
      lookup: guardedLookup,
      handshakeTimeout: HANDSHAKE_MS,
      maxPayload: MAX_FRAME_BYTES,
      perMessageDeflate: false,
    });
  } catch (error) {
    throw transportFailure(error, token);
  }
}

/** A peer that vanished without a word answers no ping. */
function watchOver(socket: WebSocket, everyMs: number): NodeJS.Timeout {
  let isAlive = true;
  const alive = (): void => {
    isAlive = true;
  };
  socket.on('pong', alive).on('ping', alive).on('message', alive);
  return setInterval(() => {
    if (!isAlive) socket.terminate();
    isAlive = false;
    if (socket.readyState === WebSocket.OPEN) socket.ping();
  }, everyMs);
}

function textOf(data: RawData): string {
  if (Array.isArray(data)) return Buffer.concat(data).toString('utf8');
  return Buffer.isBuffer(data) ? data.toString('utf8') : Buffer.from(data).toString('utf8');
}

const brokenOff = (): AppError =>
  new AppError('plex_unreachable', 'Plex ended the notification connection. MediaFlow connects again by itself.');
