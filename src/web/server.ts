import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import compression from 'compression';
import express, { type ErrorRequestHandler, type Express, type Router } from 'express';
import type { Context } from '../actions/action.js';
import { notFound } from '../domain/errors.js';
import { Guard } from './guard.js';
import { securityHeaders } from './headers.js';
import { isTrustedProxy } from './hosts.js';
import { Live } from './live.js';
import { answerError, mount, type Doors } from './mount.js';
import { API_PAGE, docsPage, openApi } from './openapi.js';
import { Views } from './render.js';
import { routes } from './routes.js';
import { SessionStore } from './sessions.js';
import { plexWebhook } from './webhook.js';

export interface WebOptions {
  context: Context;
  viewsDir: string;
  publicDir: string;
}

const REQUEST_TIMEOUT_MS = 60_000;
const HEADERS_TIMEOUT_MS = 20_000;
/** What still runs after this is cut off when stopping. */
const FAREWELL_MS = 2000;

/** Pages, API, webhook and live events on one port. */
export class WebServer {
  readonly #options: WebOptions;
  #server: Server | null = null;
  #live: Live | null = null;

  constructor(options: WebOptions) {
    this.#options = options;
  }

  /** Resolves with the port that is listened on. Throws when the port is taken or the templates cannot be read. */
  async start({ port, host }: { port: number; host: string }): Promise<number> {
    const { context, viewsDir } = this.#options;
    const views = await Views.open(viewsDir, context.config.urlBase);
    views.add('docs/page', API_PAGE);
    const sessions = new SessionStore(context);
    const guard = new Guard(context, sessions);
    const live = new Live(context, sessions, guard.session);
    const onSession = (): void => {
      live.recheck();
    };
    const app = this.#build({ ctx: context, guard, views, routes: [...routes, docsPage(routes)], onSession });

    const server = createServer({ requestTimeout: REQUEST_TIMEOUT_MS, headersTimeout: HEADERS_TIMEOUT_MS }, app);
    live.start(server);
    this.#live = live;
    this.#server = server;
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(port, host, resolve);
    });
    return (server.address() as AddressInfo).port;
  }

  /** Takes nothing new, lets running requests end, and then cuts off what is left. */
  async stop(): Promise<void> {
    const server = this.#server;
    this.#server = null;
    if (!server) return;
    const closed = this.#live?.stop();
    server.closeIdleConnections();
    const timer = new AbortController();
    await Promise.race([closed, sleep(FAREWELL_MS, undefined, { signal: timer.signal }).catch(() => undefined)]);
    timer.abort();
    server.closeAllConnections();
    await closed;
  }

  #build(doors: Doors): Express {
    const { ctx } = doors;
    const app = express();
    app.disable('x-powered-by');
    app.set('trust proxy', (address: string) =>
      isTrustedProxy(address, ctx.store.settings.value.security.trustedProxies),
    );
    app.use((_req, res, next) => {
      res.set('X-Request-Id', ctx.newId('req'));
      next();
    });
    app.use(securityHeaders(ctx.config.publicUrl));
    app.use(healthChecks(ctx));
    app.use(ctx.config.urlBase || '/', this.#inside(doors));
    const refuse: ErrorRequestHandler = (error: unknown, req, res, next) => {
      if (res.headersSent) {
        next(error);
        return;
      }
      answerError(doors, error, req, res).catch(next);
    };
    app.use((req, _res, next) => {
      next(notFound('page', req.path));
    });
    app.use(refuse);
    return app;
  }

  /** Everything below the url base. */
  #inside(doors: Doors): Router {
    const { ctx, guard } = doors;
    const router = express.Router();
    router.use(healthChecks(ctx));
    // Before the host check: Plex may know this machine by any name, and the secret in the path says it is Plex.
    router.post('/hooks/plex/:secret', plexWebhook(ctx));
    router.use(guard.checkHost);
    router.use(compression());
    router.use(express.static(this.#options.publicDir, { index: false, maxAge: '1h', redirect: false }));
    router.use((_req, res, next) => {
      res.set('Cache-Control', 'no-store');
      next();
    });
    router.use(guard.identify);
    router.use(express.json({ limit: '1mb' }));
    router.use(express.urlencoded({ extended: true, limit: '256kb', parameterLimit: 2000 }));
    router.get('/api/openapi.json', (req, res) => {
      guard.allow(req, 'owner');
      res.json(openApi(routes, ctx.config.version, ctx.config.urlBase));
    });
    mount(router, doors);
    router.use((req, _res, next) => {
      next(notFound('page', req.path));
    });
    const refuse: ErrorRequestHandler = (error: unknown, req, res, next) => {
      if (res.headersSent) next(error);
      else answerError(doors, error, req, res).catch(next);
    };
    router.use(refuse);
    return router;
  }
}

/** For Docker and load balancers: no sign-in, no detail, under any name. */
function healthChecks(ctx: Context): Router {
  const router = express.Router();
  router.get(['/ping', '/healthz'], (_req, res) => {
    res.type('text/plain').set('Cache-Control', 'no-store').send('ok');
  });
  router.get('/readyz', (_req, res) => {
    const { ready } = ctx.readiness();
    res
      .status(ready ? 200 : 503)
      .type('text/plain')
      .set('Cache-Control', 'no-store')
      .send(ready ? 'ready' : 'not ready');
  });
  return router;
}
