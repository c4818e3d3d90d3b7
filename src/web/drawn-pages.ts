import { randomBytes } from 'node:crypto';
import { steadyClock } from '../lib/steady-clock.js';

/** What no event tells, such as a disk's own state or how long ago something was, may be this old on a page. */
const KEPT_MS = 2000;
/** Of all pages together that are kept. */
const MOST_BYTES = 8_000_000;
/** As long as the token of a session, so that one can be written over the other. */
const TOKEN_BYTES = 32;

/** A page with the places of our token in it. */
interface Drawing {
  bytes: Buffer;
  places: readonly number[];
}

interface Kept {
  drawing: Promise<Drawing>;
  startedMs: number;
  sizeBytes: number;
  timer: NodeJS.Timeout;
}

export interface DrawnPagesParts {
  /** Another number than before when anything changed that a page shows. */
  version: () => number;
  /** Counts milliseconds and cannot be set. */
  steadyMs?: () => number;
}

/**
 * Pages as they were drawn last, for as long as nothing changed: many browsers that look at the same are answered with
 * one drawing. What belongs to one browser is not in them: a token of ours stands where each form says its own.
 */
export class DrawnPages {
  /** What a page is drawn with in place of the token of a session; nobody can guess it and put it into a title. */
  readonly token = randomBytes(TOKEN_BYTES).toString('base64url');
  readonly #versionNow: () => number;
  readonly #steadyMs: () => number;
  readonly #pages = new Map<string, Kept>();
  #version = -1;
  #sizeBytes = 0;

  constructor({ version, steadyMs = steadyClock }: DrawnPagesParts) {
    this.#versionNow = version;
    this.#steadyMs = steadyMs;
  }

  /** The page of this key with the token of a session: as it was drawn, or drawn now. Throws what drawing throws, and keeps nothing then. */
  async take(key: string, token: string, draw: () => Promise<string>): Promise<Buffer> {
    const version = this.#versionNow();
    if (version !== this.#version) for (const known of this.#pages.keys()) this.#forget(known);
    this.#version = version;
    const nowMs = this.#steadyMs();
    const known = this.#pages.get(key);
    const isFresh = known !== undefined && nowMs - known.startedMs < KEPT_MS;
    return this.#withToken(await (isFresh ? known.drawing : this.#draw(key, nowMs, draw)), token);
  }

  #withToken({ bytes, places }: Drawing, token: string): Buffer {
    if (token.length !== this.token.length) return Buffer.from(bytes.toString().replaceAll(this.token, token));
    const page = Buffer.from(bytes);
    for (const place of places) page.write(token, place, 'latin1');
    return page;
  }

  #draw(key: string, startedMs: number, draw: () => Promise<string>): Promise<Drawing> {
    this.#forget(key);
    const drawing = draw().then((html) => {
      const bytes = Buffer.from(html);
      return { bytes, places: placesOf(this.token, bytes) };
    });
    const forget = (): void => {
      if (this.#pages.get(key) === kept) this.#forget(key);
    };
    const kept: Kept = { drawing, startedMs, sizeBytes: 0, timer: setTimeout(forget, KEPT_MS).unref() };
    this.#pages.set(key, kept);
    drawing.then(({ bytes }) => {
      if (this.#pages.get(key) !== kept) return;
      kept.sizeBytes = bytes.length;
      this.#sizeBytes += bytes.length;
      for (const oldest of this.#pages.keys()) if (this.#sizeBytes > MOST_BYTES) this.#forget(oldest);
    }, forget);
    return drawing;
  }

  #forget(key: string): void {
    const kept = this.#pages.get(key);
    if (!kept) return;
    clearTimeout(kept.timer);
    this.#sizeBytes -= kept.sizeBytes;
    this.#pages.delete(key);
  }
}

function placesOf(token: string, bytes: Buffer): number[] {
  const places: number[] = [];
  for (let at = bytes.indexOf(token); at >= 0; at = bytes.indexOf(token, at + token.length)) places.push(at);
  return places;
}
