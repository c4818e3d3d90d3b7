import { constants } from 'node:zlib';
import compression from 'compression';
import express, { type ErrorRequestHandler, type Express, type RequestHandler, type Router } from 'express';
import type { Context } from '../actions/action.js';
import { AppError } from '../domain/errors.js';
import type { Assets } from './assets.js';
import { securityHeaders } from './headers.js';
import { hasOneHostAtMost, isTrustedProxy } from './hosts.js';
import type { Doors } from './doors.js';
import { answerError, mount } from './mount.js';
import { openApi } from './openapi.js';
import { routes } from './routes.js';
import { beforeLongTasks, oneByOne } from './turns.js';
import { rememberTyped } from './typed.js';

/** What is drawn is compressed while somebody waits. A page of 230 kB: 3 ms and 22 kB with gzip, 4 ms and 14 kB with brotli. */
const COMPRESSION = {
  level: 2,
  chunkSize: 65_536,
  brotli: { params: { [constants.BROTLI_PARAM_QUALITY]: 5 } },
};

/** Puts every door of the web layer but the webhook in its place: health checks, files, then what the route table says. */
export function buildApp(doors: Doors, assets: Assets): Express {
  const { ctx } = doors;
  const app = express();
  app.disable('x-powered-by');
  // Nothing but files may be kept by a browser, and those have marks of their own.
  app.disable('etag');
  app.set('trust proxy', (address: string) =>
    isTrustedProxy(address, ctx.store.settings.value.security.trustedProxies),
  );
  const secure = securityHeaders(ctx.config.publicUrl);
  const head: RequestHandler = (req, res, next) => {
    res.set('X-Request-Id', ctx.newId('req'));
    secure(req, res, next);
  };
  app.use(head);
  app.use((req, res, next) => {
    if (hasOneHostAtMost(req)) next();
    else res.status(400).type('text/plain').set('Connection', 'close').send('A request names its host once.');
  });
  app.use(healthChecks(ctx));
  app.use(ctx.config.urlBase || '/', inside(doors, assets));
  const refuse: ErrorRequestHandler = (error: unknown, req, res, next) => {
    if (res.headersSent) {
      next(error);
      return;
    }
    const answer = (): void => {
      answerError(doors, error, req, res).catch(next);
    };
    // An address that cannot be read fails before anything else is done.
    if (res.hasHeader('X-Request-Id')) answer();
    else head(req, res, answer);
  };
  app.use((req, _res, next) => {
    next(nothingAt(req.path));
  });
  app.use(refuse);
  return app;
}

const nothingAt = (path: string): AppError => new AppError('not_found', `There is no page at ${path}.`);

/** Everything below the url base. */
function inside(doors: Doors, assets: Assets): Router {
  const { ctx, guard, missed, acts } = doors;
  const router = express.Router();
  router.use(healthChecks(ctx));
  router.use(guard.checkHost);
  router.use(compression(COMPRESSION));
  router.use(assets.serve());
  router.use(oneByOne());
  router.use((_req, res, next) => {
    res.set('Cache-Control', 'no-store');
    next();
  });
  router.use(missed.mark);
  router.use(acts.watch);
  router.use(guard.identify);
  router.use(beforeLongTasks());
  // JSON is read by each row, once it is known who asks.
  router.use(express.urlencoded({ extended: true, limit: '256kb', parameterLimit: 2000, verify: rememberTyped }));
  router.get('/api/openapi.json', (req, res) => {
    guard.allow(req, 'owner');
    res.json(openApi(routes, ctx.config.version, ctx.config.urlBase));
  });
  mount(router, doors);
  router.use((req, _res, next) => {
    next(nothingAt(req.path));
  });
  const refuse: ErrorRequestHandler = (error: unknown, req, res, next) => {
    if (res.headersSent) next(error);
    else answerError(doors, error, req, res).catch(next);
  };
  router.use(refuse);
  return router;
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
