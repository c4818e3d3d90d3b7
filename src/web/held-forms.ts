import { randomBytes } from 'node:crypto';
import { parseCookie } from 'cookie';
import type { Request, Response } from 'express';
import { isSecretName, type Typed } from './typed.js';
import { steadyClock } from '../lib/steady-clock.js';

/** A form that came after its session had ended. */
export interface HeldForm {
  /** Where it was filled in, without url base and query. */
  page: string;
  /** Where it posts to, url base included. */
  path: string;
  /** What was typed, secrets aside. */
  typed: Typed;
  /** The same as the body was read, for pages that draw rows. */
  rows: Record<string, unknown>;
}

const COOKIE = 'mediaflow.held';
const HELD_MS = 30 * 60_000;
/** Anybody may send one without a session, so they may not become many or large. */
const MOST_HELD = 40;
const MOST_CHARACTERS = 64_000;

/**
 * What people typed into forms whose session had ended, until they have signed in again. In memory only and not for long;
 * a form is found by a random number in a cookie of the browser that sent it, and given back once. Nothing is done with
 * it but to be shown: the owner sends it.
 */
export class HeldForms {
  readonly #held = new Map<string, HeldForm & { untilMs: number }>();
  readonly #steadyMs: () => number;

  /** `steadyMs` counts milliseconds and cannot be set. */
  constructor(steadyMs = steadyClock) {
    this.#steadyMs = steadyMs;
  }

  /** Keeps a form for the browser that sent it. Whether it could be kept. */
  keep(req: Request, res: Response, form: HeldForm): boolean {
    const typed = form.typed.filter(([name]) => !isSecretName(name));
    const size = typed.reduce((sum, [name, value]) => sum + name.length + value.length, 0);
    if (size > MOST_CHARACTERS) return false;
    this.#forgetOld();
    const id = randomBytes(24).toString('base64url');
    const rows = Object.fromEntries(Object.entries(form.rows).filter(([, value]) => Array.isArray(value)));
    this.#held.set(id, { ...form, typed, rows, untilMs: this.#steadyMs() + HELD_MS });
    const before = this.#idOf(req);
    if (before !== null) this.#held.delete(before);
    const [oldest] = this.#held.keys();
    if (this.#held.size > MOST_HELD && oldest !== undefined) this.#held.delete(oldest);
    res.cookie(COOKIE, id, { ...this.#cookie(req), maxAge: HELD_MS });
    return true;
  }

  /** Whether this browser has a form here. */
  has(req: Request): boolean {
    const id = this.#idOf(req);
    return id !== null && this.#held.has(id);
  }

  /** The form that this browser filled in on this page, for the last time; null when there is none. */
  take(req: Request, res: Response, page: string): HeldForm | null {
    const id = this.#idOf(req);
    if (id === null) return null;
    this.#forgetOld();
    const form = this.#held.get(id);
    if (form?.page !== page) return null;
    this.#held.delete(id);
    res.clearCookie(COOKIE, this.#cookie(req));
    return form;
  }

  #idOf(req: Request): string | null {
    return parseCookie(req.get('Cookie') ?? '')[COOKIE] ?? null;
  }

  #cookie(req: Request): { httpOnly: true; sameSite: 'lax'; secure: boolean; path: string } {
    return { httpOnly: true, sameSite: 'lax', secure: req.secure, path: req.baseUrl || '/' };
  }

  #forgetOld(): void {
    for (const [id, { untilMs }] of this.#held) if (untilMs <= this.#steadyMs()) this.#held.delete(id);
  }
}
