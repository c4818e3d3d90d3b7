import type { IncomingMessage } from 'node:http';
import type { RequestHandler } from 'express';
import helmet from 'helmet';

/** Headers of every answer. On plain http nothing asks the browser for https: a home server often has none. */
export function securityHeaders(publicUrl: string | null): RequestHandler {
  const isHttps = publicUrl?.startsWith('https:') === true;
  return helmet({
    contentSecurityPolicy: {
      useDefaults: false,
      directives: {
        defaultSrc: ["'none'"],
        scriptSrc: ["'self'"],
        styleSrc: ["'self'"],
        imgSrc: ["'self'", 'data:'],
        fontSrc: ["'self'"],
        // Older browsers do not count a WebSocket to the same host as 'self'.
        connectSrc: ["'self'", (req) => `ws://${hostOf(req)}`, (req) => `wss://${hostOf(req)}`],
        formAction: ["'self'"],
        baseUri: ["'none'"],
        objectSrc: ["'none'"],
        frameAncestors: ["'self'"],
      },
    },
    strictTransportSecurity: isHttps,
    crossOriginOpenerPolicy: isHttps,
    originAgentCluster: isHttps,
    // Forms without script return to the page they came from.
    referrerPolicy: { policy: 'same-origin' },
  });
}

/** The host, or nothing when it holds what does not belong into a header. */
const hostOf = ({ headers: { host = '' } }: IncomingMessage): string =>
  /^[\w.:[\]-]+$/.test(host) ? host : 'localhost';
