import type { IncomingHttpHeaders, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Fault } from './model.js';
import { toXml } from './xml-writer.js';

/** What a client asks. */
export interface Call {
  method: string;
  path: string;
  query: URLSearchParams;
  headers: IncomingHttpHeaders;
}

/** What a route answers. */
export type Reply =
  | { kind: 'container'; container: Record<string, unknown> }
  | { kind: 'status'; status: number }
  | { kind: 'image'; body: Buffer };

const NAMES: Record<number, string> = {
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not Found',
  405: 'Method Not Allowed',
  429: 'Too Many Requests',
  500: 'Internal Server Error',
  503: 'Service Unavailable',
};

const SIGN_IN =
  '<!DOCTYPE html><html><head><title>Sign in</title></head><body><form method="post">Sign in to go on</form></body></html>';
const MAINTENANCE =
  '<?xml version="1.0" encoding="utf-8"?>\n<Response code="503" title="Maintenance" status="The server is currently running startup maintenance tasks." />';

/** Errors are HTML, whatever was asked for; an action that was taken on has no content. */
export function sendStatus(res: ServerResponse, status: number): void {
  if (status === 200) {
    res.writeHead(200, { 'Content-Length': 0 }).end();
    return;
  }
  const name = NAMES[status] ?? 'Error';
  send(
    res,
    status,
    'text/html',
    `<html><head><title>${name}</title></head><body><h1>${status} ${name}</h1></body></html>`,
  );
}

/** The same where a connection to listen was asked for. */
export function refuseUpgrade(socket: Duplex, status: number): void {
  const name = NAMES[status] ?? 'Error';
  socket.end(
    `HTTP/1.1 ${status} ${name}\r\nContent-Type: text/html\r\nConnection: close\r\n\r\n<html><body>${name}</body></html>`,
  );
}

/** Sends what a route said. `cut` ends the JSON in the middle, as a proxy that gave up does. */
export function sendReply(res: ServerResponse, reply: Reply, options: { json: boolean; cut: boolean }): void {
  if (reply.kind === 'status') {
    sendStatus(res, reply.status);
    return;
  }
  if (reply.kind === 'image') {
    send(res, 200, 'image/jpeg', reply.body);
    return;
  }
  const text = options.json ? JSON.stringify({ MediaContainer: reply.container }) : toXml(reply.container);
  const { totalSize } = reply.container;
  if (typeof totalSize === 'number') res.setHeader('X-Plex-Container-Total-Size', totalSize);
  const body = options.cut ? text.slice(0, Math.ceil(text.length / 2)) : text;
  send(res, 200, options.json ? 'application/json' : 'text/xml;charset=utf-8', body);
}

/** Answers a request the way a broken server does; false when this fault leaves the answer to the routes. */
export function sendFault(res: ServerResponse, fault: Fault | null, isIdentity: boolean): boolean {
  if (fault === 'hang') return true;
  if (fault === 'reset') res.socket?.resetAndDestroy();
  else if (fault === 'html') send(res, 200, 'text/html', SIGN_IN);
  else if (fault === 'maintenance') send(res, 503, 'text/xml', MAINTENANCE);
  else if (typeof fault === 'number' && !(isIdentity && (fault === 401 || fault === 403))) sendStatus(res, fault);
  else return false;
  return true;
}

function send(res: ServerResponse, status: number, type: string, body: string | Buffer): void {
  res.writeHead(status, { 'Content-Type': type, 'Content-Length': Buffer.byteLength(body) }).end(body);
}
