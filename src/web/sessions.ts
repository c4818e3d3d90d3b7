import { createHash } from 'node:crypto';
import session, { type SessionData } from 'express-session';
import type { SessionGrant } from '../domain/access/access.js';
import type { Context } from '../actions/action.js';
import { steadyClock } from '../lib/steady-clock.js';

declare module 'express-session' {
  interface SessionData {
    grant?: SessionGrant;
    /** The password's epoch when it was granted. */
    epoch?: string;
    /** What the last form did, until a page said it. */
    notice?: string;
    /** A page with a form was drawn for it, so it needs a cookie. */
    seen?: boolean;
    /** Its id was ours, but nothing is kept under it any more. */
    lost?: boolean;
  }
}

/** Visitors who proved nothing are kept in memory only, and not for long. */
const VISITORS = 1000;
const VISITOR_MS = 3_600_000;
const DAY_MS = 86_400_000;
/** Sessions that a full disk did not take. */
const UNSAVED = 100;
/** Ended rows are swept out at most this often. */
const SWEEP_MS = 3_600_000;

const rowId = (sid: string): string => createHash('sha256').update(sid).digest('hex');

/** express-session speaks callbacks. */
function settle(work: Promise<unknown>, done: ((error?: unknown) => void) | undefined): void {
  work
    .then(() => done?.())
    .catch((error: unknown) => {
      done?.(error);
    });
}

/** Sessions on disk under the hash of their id: who reads the file cannot sign in with it. */
export class SessionStore extends session.Store {
  readonly #ctx: Pick<Context, 'store' | 'now' | 'access' | 'log'>;
  /** Those in memory end by a clock that cannot be set. */
  readonly #visitors = new Map<string, { data: SessionData; untilMs: number }>();
  readonly #unsaved = new Map<string, { data: SessionData; untilMs: number }>();
  readonly #steadyMs: () => number;
  #sweptMs = -Infinity;
  /** Called with the id of a session that ended. */
  onEnd: (sid: string) => void = () => undefined;

  /** `steadyMs` counts milliseconds and cannot be set. */
  constructor(ctx: Pick<Context, 'store' | 'now' | 'access' | 'log'>, steadyMs = steadyClock) {
    super();
    this.#steadyMs = steadyMs;
    this.#ctx = ctx;
  }

  /** What a session has proved and what still holds, or null. */
  grantOf(data: SessionData | null | undefined): SessionGrant | null {
    const { access } = this.#ctx;
    if (data?.grant === 'owner') return access.hasPassword && data.epoch === access.epoch ? 'owner' : null;
    return data?.grant === 'setup' && !access.hasPassword ? 'setup' : null;
  }

  /** The same by the session's id. */
  grantOfId(sid: string): SessionGrant | null {
    return this.grantOf(this.#read(sid));
  }

  override get(sid: string, done: (error: unknown, data?: SessionData | null) => void): void {
    // Only ids that we signed come here. What is not kept is a visitor's, who may have a cookie but nothing of ours.
    done(null, this.#read(sid) ?? { cookie: new session.Cookie(), seen: true, lost: true });
  }

  override set(sid: string, data: SessionData, done?: (error?: unknown) => void): void {
    if (data.grant === undefined) {
      this.#keepVisitor(sid, data);
      done?.();
      return;
    }
    this.#visitors.delete(sid);
    const lifeMs = data.cookie.originalMaxAge ?? DAY_MS;
    const expiresMs = this.#ctx.now().getTime() + lifeMs;
    const row = { id: rowId(sid), expiresAt: new Date(expiresMs).toISOString(), data: JSON.stringify(data) };
    const kept = this.#ctx.store.sessions.put(row).then(
      () => this.#unsaved.delete(sid),
      (error: unknown) => {
        // Whoever comes to free a full disk must get in.
        this.#ctx.log.error({ err: error }, 'A session could not be written down. It lasts until MediaFlow stops.');
        this.#keepUnsaved(sid, {
          data: JSON.parse(row.data) as SessionData,
          untilMs: this.#steadyMs() + lifeMs,
        });
      },
    );
    settle(kept, done);
    this.#sweep();
  }

  override destroy(sid: string, done?: (error?: unknown) => void): void {
    this.#visitors.delete(sid);
    this.#unsaved.delete(sid);
    this.onEnd(sid);
    if (!this.#ctx.store.sessions.has(rowId(sid))) {
      done?.();
      return;
    }
    settle(this.#ctx.store.sessions.remove(rowId(sid)), done);
  }

  #read(sid: string): SessionData | null {
    const visitor = this.#visitors.get(sid) ?? this.#unsaved.get(sid);
    if (visitor) return visitor.untilMs > this.#steadyMs() ? visitor.data : null;
    const row = this.#ctx.store.sessions.find(rowId(sid));
    if (!row || Date.parse(row.expiresAt) <= this.#ctx.now().getTime()) return null;
    return JSON.parse(row.data) as SessionData;
  }

  #keepUnsaved(sid: string, kept: { data: SessionData; untilMs: number }): void {
    this.#unsaved.set(sid, kept);
    const [oldest] = this.#unsaved.keys();
    if (this.#unsaved.size > UNSAVED && oldest !== undefined) this.#unsaved.delete(oldest);
  }

  #keepVisitor(sid: string, data: SessionData): void {
    this.#visitors.delete(sid);
    this.#visitors.set(sid, {
      data: JSON.parse(JSON.stringify(data)) as SessionData,
      untilMs: this.#steadyMs() + VISITOR_MS,
    });
    const [oldest] = this.#visitors.keys();
    if (this.#visitors.size > VISITORS && oldest !== undefined) this.#visitors.delete(oldest);
  }

  #sweep(): void {
    if (this.#steadyMs() - this.#sweptMs < SWEEP_MS) return;
    this.#sweptMs = this.#steadyMs();
    const now = this.#ctx.now().toISOString();
    const ended = this.#ctx.store.sessions.where(({ expiresAt }) => expiresAt <= now).map(({ id }) => id);
    if (ended.length === 0) return;
    this.#ctx.store.sessions.removeMany(ended).catch((error: unknown) => {
      this.#ctx.log.warn({ err: error }, 'Ended sessions could not be removed');
    });
  }
}
