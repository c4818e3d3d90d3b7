import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { PlexServer } from '../../src/plex/server.js';

export const TOKEN = 'secretTokenValue123';
export const SERVER_ID = 'abcdef0123456789abcdef0123456789abcdef01';

export interface HandMade {
  url: string;
  seen: { method: string; url: string; headers: IncomingHttpHeaders }[];
  stop(): Promise<void>;
}

type Handler = (req: IncomingMessage, res: ServerResponse, url: URL) => void;

/** A server on the loopback address that does what the test says; `/identity` is answered properly, unless that is the test's. */
export async function handMade(handler: Handler, identity: 'proper' | 'handled' = 'proper'): Promise<HandMade> {
  const seen: HandMade['seen'] = [];
  const server = createServer((req, res) => {
    seen.push({ method: req.method ?? '', url: req.url ?? '', headers: req.headers });
    const url = new URL(req.url ?? '/', 'http://plex');
    if (url.pathname === '/identity' && identity === 'proper') json(res, { size: 0, machineIdentifier: SERVER_ID });
    else handler(req, res, url);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    seen,
    stop: async () => {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

/** Answers once over each connection; whoever uses one again finds it gone, as with a server that closes what rests. */
export function oncePerConnection(answer: (res: ServerResponse) => void): {
  handle: (res: ServerResponse) => void;
  gone: () => number;
} {
  const used = new WeakSet<object>();
  let gone = 0;
  const handle = (res: ServerResponse): void => {
    const { socket } = res;
    if (socket !== null && !used.has(socket)) {
      used.add(socket);
      answer(res);
      return;
    }
    gone++;
    socket?.destroy();
  };
  return { handle, gone: () => gone };
}

export function json(res: ServerResponse, container: Record<string, unknown>): void {
  send(res, 200, 'application/json', JSON.stringify({ MediaContainer: container }));
}

export function send(res: ServerResponse, status: number, type: string, body: string): void {
  res.writeHead(status, { 'Content-Type': type }).end(body);
}

/** Talks to a hand-made server with the token above. */
export const plexAt = (
  url: string,
  options: { timeoutMs?: number; expectedServerId?: string | null; token?: string } = {},
): PlexServer =>
  new PlexServer({
    url,
    token: TOKEN,
    clientId: 'client-1',
    version: '1.0.0',
    expectedServerId: SERVER_ID,
    ...options,
  });

/** A film of a listing, with the fields that matter to paging. */
export const aFilm = (n: number, fields: Record<string, unknown> = {}): Record<string, unknown> => ({
  ratingKey: String(n),
  type: 'movie',
  title: `Film ${n}`,
  addedAt: 1_700_000_000 + n,
  updatedAt: 1_700_000_000 + n,
  ...fields,
});
