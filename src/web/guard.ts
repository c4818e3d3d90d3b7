import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { csrfSync } from 'csrf-sync';
import type { Request, RequestHandler } from 'express';
import { parseCookie } from 'cookie';
import { ipKeyGenerator, rateLimit } from 'express-rate-limit';
import session from 'express-session';
import type { Context } from '../actions/action.js';
import type { AccessLevel } from '../domain/access/access.js';
import { AppError } from '../domain/errors.js';
import { inTurn, type Attempts } from './attempts.js';
import { isKnownHost, isOwnOrigin } from './hosts.js';
import type { SessionStore } from './sessions.js';

const WINDOW_MS = 15 * 60_000;
/** Failures per visitor and window. */
const KEY_FAILURES = 20;
const DEVICE_COOKIE = 'mediaflow.device';
const DEVICE_DAYS = 365;
const DAY_MS = 86_400_000;

const unauthorized = (message: string): AppError => new AppError('unauthorized', message);

const limiter = (limit: number, what: string): RequestHandler =>
  rateLimit({
    windowMs: WINDOW_MS,
    limit,
    standardHeaders: 'draft-8',
    legacyHeaders: false,
    skipSuccessfulRequests: true,
    validate: false,
    handler: (_req, _res, next) => {
      next(new AppError('rate_limited', `Too many ${what}. Wait a quarter of an hour, then try again.`));
    },
  });

/** Who asks, whether they may, and whether it was really them. Nothing is allowed that no row allows. */
export class Guard {
  readonly #ctx: Context;
  readonly #sessions: SessionStore;
  readonly #withKey = new WeakSet<Request>();
  /** Came with the cookie of a session that is over. */
  readonly #lost = new WeakSet<Request>();
  // Derived from the session's id, not kept: strangers cannot fill a memory that the owner's page needs.
  readonly #csrf = csrfSync({
    getTokenFromState: (req) => this.#sign(`csrf ${req.sessionID}`),
    storeTokenInState: () => undefined,
    getTokenFromRequest: (req) => {
      const { _csrf: field } = (req.body ?? {}) as { _csrf?: unknown };
      return typeof field === 'string' ? field : req.get('X-CSRF-Token');
    },
  });
  readonly #wrongKey: RequestHandler = limiter(KEY_FAILURES, 'wrong API keys');
  /** Before whatever checks a password or the setup token: wrong ones slow their sender down. */
  readonly limitSignIn: RequestHandler;
  /** Reads the session cookie; also used by the live connection. */
  readonly session: RequestHandler;

  constructor(ctx: Context, sessions: SessionStore, attempts: Attempts) {
    this.#ctx = ctx;
    this.limitSignIn = inTurn(attempts, (req) => this.#senderOf(req));
    this.#sessions = sessions;
    this.session = session({
      name: 'mediaflow.sid',
      secret: ctx.access.sessionSecret,
      store: sessions,
      resave: false,
      saveUninitialized: false,
      cookie: { httpOnly: true, sameSite: 'lax', path: ctx.config.urlBase || '/', secure: 'auto' },
    });
  }

  /** Refuses names under which nobody should reach this machine. */
  readonly checkHost: RequestHandler = (req, res, next) => {
    const { allowedHosts } = this.#ctx.store.settings.value.security;
    if (isKnownHost(req.get('Host') ?? '', this.#ctx.config.publicUrl, allowedHosts)) {
      next();
      return;
    }
    const message =
      'MediaFlow is not known under this name. Use its address, or add the name under Settings, Security, Host names.';
    res.status(421).json({ error: { code: 'forbidden', message, fields: {} } });
  };

  /** Finds out who asks: by API key when one is sent, by session otherwise. A wrong key never falls back to the session. */
  readonly identify: RequestHandler = (req, res, next) => {
    const key = req.get('X-Api-Key');
    if (key === undefined) {
      void this.session(req, res, (error?: unknown) => {
        const session = this.#sessionOf(req);
        if (session?.lost) {
          this.#lost.add(req);
          // From now on it is a visitor's.
          delete session.lost;
        }
        next(error);
      });
    } else if (this.#ctx.access.checkApiKey(key)) {
      this.#withKey.add(req);
      next();
    } else {
      void this.#wrongKey(req, res, (error?: unknown) => {
        next(error ?? unauthorized('This API key is not valid.'));
      });
    }
  };

  isOwner(req: Request): boolean {
    return this.#withKey.has(req) || this.#grantOf(req) === 'owner';
  }

  /** The same as `allow`, as an answer. */
  isAllowed(req: Request, level: AccessLevel): boolean {
    try {
      this.allow(req, level);
      return true;
    } catch {
      return false;
    }
  }

  /** Throws `unauthorized` or `forbidden`. */
  allow(req: Request, level: AccessLevel): void {
    if (level === 'public') return;
    const grant = this.#grantOf(req);
    if (this.#withKey.has(req)) {
      if (level === 'owner') return;
      throw new AppError('forbidden', 'An API key may not do this. Sign in on the page instead.');
    }
    if (grant === 'owner' || (grant === 'setup' && level === 'setup')) return;
    throw unauthorized('Sign in first, or send the API key in the header X-Api-Key.');
  }

  /** Throws `forbidden` when another site may have made the browser ask. */
  checkSource(req: Request): void {
    if (['GET', 'HEAD', 'OPTIONS'].includes(req.method) || this.#withKey.has(req)) return;
    if (!this.isFromHere(req))
      throw new AppError('forbidden', 'Another site asked for this in your name. Nothing was done.');
    if (!this.#csrf.isRequestValid(req)) {
      throw new AppError('forbidden', 'This page is too old. Reload it and try again.');
    }
  }

  /** Whether one of our own pages asks, as far as the browser says. */
  isFromHere(req: Request): boolean {
    const origin = req.get('Origin');
    return origin === undefined
      ? ['same-origin', 'none', undefined].includes(req.get('Sec-Fetch-Site'))
      : isOwnOrigin(origin, req.host, this.#ctx.config.publicUrl);
  }

  /** Whether this browser came with a session that is no longer good. */
  hadSession(req: Request): boolean {
    const session = this.#sessionOf(req);
    return session !== undefined && !this.isOwner(req) && (session.grant !== undefined || this.#lost.has(req));
  }

  /** The token that forms must send back; empty for whoever came without a session, such as a script with its key. */
  token(req: Request): string {
    const session = this.#sessionOf(req);
    if (session === undefined) return '';
    // Only what was changed gets a cookie, and without one the token is worth nothing.
    session.seen ??= true;
    return this.#csrf.generateToken(req);
  }

  /** Keeps a sentence for the next page of this session. */
  setNotice(req: Request, text: string): void {
    const session = this.#sessionOf(req);
    if (session !== undefined) session.notice = text;
  }

  /** Whether there is such a sentence. */
  hasNotice(req: Request): boolean {
    return this.#sessionOf(req)?.notice !== undefined;
  }

  /** Takes that sentence; the next call finds none. */
  takeNotice(req: Request): string | null {
    const session = this.#sessionOf(req);
    const text = session?.notice ?? null;
    if (text !== null) delete session?.notice;
    return text;
  }

  /** Gives the browser a fresh session with this grant, or ends the one it has. */
  async become(req: Request, grant: 'owner' | 'setup' | 'end'): Promise<void> {
    if (this.#withKey.has(req)) return;
    await new Promise<void>((resolve, reject) => {
      const done = (error: unknown): void => {
        if (error) reject(error instanceof Error ? error : new Error('The session could not be kept'));
        else resolve();
      };
      if (grant === 'end') {
        req.session.destroy(done);
        return;
      }
      req.session.regenerate((error: unknown) => {
        if (error) {
          done(error);
          return;
        }
        const days = grant === 'owner' ? this.#ctx.store.settings.value.security.sessionDays : 1;
        req.session.cookie.maxAge = days * DAY_MS;
        req.session.grant = grant;
        req.session.epoch = this.#ctx.access.epoch;
        if (grant === 'owner') this.#rememberDevice(req);
        req.session.save(done);
      });
    });
  }

  /** Who guesses: a session that is signed in, a browser that once was, or else an address. */
  #senderOf(req: Request): string {
    if (this.#grantOf(req) === 'owner') return `session ${req.sessionID}`;
    const [device = '', seal = ''] = (parseCookie(req.get('Cookie') ?? '')[DEVICE_COOKIE] ?? '').split('.');
    const expected = this.#sealOf(device);
    const isOurs = seal.length === expected.length && timingSafeEqual(Buffer.from(seal), Buffer.from(expected));
    return isOurs ? `device ${device}` : `address ${ipKeyGenerator(req.ip ?? '')}`;
  }

  /** A browser of the owner is told apart from whoever guesses behind the same address. */
  #rememberDevice(req: Request): void {
    const device = randomBytes(16).toString('hex');
    req.res?.cookie(DEVICE_COOKIE, `${device}.${this.#sealOf(device)}`, {
      ...{ httpOnly: true, sameSite: 'lax', path: this.#ctx.config.urlBase || '/', secure: req.secure },
      maxAge: DEVICE_DAYS * DAY_MS,
    });
  }

  #sealOf(device: string): string {
    return this.#sign(`device ${device} ${this.#ctx.access.epoch}`);
  }

  #sign(text: string): string {
    return createHmac('sha256', this.#ctx.access.sessionSecret).update(text).digest('base64url');
  }

  #grantOf(req: Request): 'owner' | 'setup' | null {
    return this.#sessions.grantOf(this.#sessionOf(req));
  }

  // A request that was refused before its session was read has none, whatever the types say.
  #sessionOf(req: Request): Request['session'] | undefined {
    return (req as { session?: Request['session'] }).session;
  }
}
