import { randomBytes } from 'node:crypto';
import { steadyClock } from '../lib/steady-clock.js';

/** What no event tells, such as a disk's own state or how long ago something was, may be this old on a page. */
const KEPT_MS = 2000;
/** One that may be behind is drawn anew after this time while whoever asked has it already. */
const RENEWED_MS = 1500;
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
  /** What the two counters said then. */
  version: number;
  beside: number | null;
  sizeBytes: number;
  isRenewed: boolean;
  timer?: NodeJS.Timeout;
}

export interface DrawnPagesParts {
  /** Another number than before when anything changed that a page shows. */
  version: () => number;
  /**
   * While a whole library is read or analyzed, which changes something many times a second: another number than before when
   * anything beside that changed. Null at all other times.
   */
  besideReading?: () => number | null;
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
  readonly #besideReading: () => number | null;
  readonly #steadyMs: () => number;
  readonly #pages = new Map<string, Kept>();
  #sizeBytes = 0;

  constructor({ version, besideReading = () => null, steadyMs = steadyClock }: DrawnPagesParts) {
    this.#versionNow = version;
    this.#besideReading = besideReading;
    this.#steadyMs = steadyMs;
  }

  /**
   * The page of this key with the token of a session: as it was drawn, or drawn now. `mayLag`: it reads what came since by itself,
   * so while a library is read it may be two seconds behind. Throws what drawing throws, and keeps nothing then.
   */
  async take(key: string, token: string, draw: () => Promise<string>, mayLag = false): Promise<Buffer> {
    const version = this.#versionNow();
    const beside = this.#besideReading();
    const nowMs = this.#steadyMs();
    if (beside === null) for (const [known, kept] of this.#pages) if (kept.version !== version) this.#forget(known);
    const known = this.#pages.get(key);
    const isYoung = known !== undefined && nowMs - known.startedMs < KEPT_MS;
    if (isYoung && known.version === version) return this.#withToken(await known.drawing, token);
    if (isYoung && mayLag && beside !== null && known.beside === beside) {
      const page = this.#withToken(await known.drawing, token);
      if (nowMs - known.startedMs >= RENEWED_MS) this.#renew(key, known, draw);
      return page;
    }
    const kept = this.#begin(nowMs, draw);
    this.#keep(key, kept);
    return this.#withToken(await kept.drawing, token);
  }

  #withToken({ bytes, places }: Drawing, token: string): Buffer {
    if (token.length !== this.token.length) return Buffer.from(bytes.toString().replaceAll(this.token, token));
    const page = Buffer.from(bytes);
    for (const place of places) page.write(token, place, 'latin1');
    return page;
  }

  #begin(startedMs: number, draw: () => Promise<string>): Kept {
    const [version, beside] = [this.#versionNow(), this.#besideReading()];
    const drawing = draw().then((html) => {
      const bytes = Buffer.from(html);
      return { bytes, places: placesOf(this.token, bytes) };
    });
    return { drawing, startedMs, version, beside, sizeBytes: 0, isRenewed: false };
  }

  /** Draws it once more, and only then lets go of the one before. */
  #renew(key: string, before: Kept, draw: () => Promise<string>): void {
    if (before.isRenewed) return;
    before.isRenewed = true;
    setImmediate(() => {
      const kept = this.#begin(this.#steadyMs(), draw);
      const take = (): void => {
        if (this.#pages.get(key) === before) this.#keep(key, kept);
      };
      // One that cannot be drawn now is drawn for the next who asks, who hears why.
      kept.drawing.then(take, () => undefined);
    });
  }

  #keep(key: string, kept: Kept): void {
    this.#forget(key);
    this.#pages.set(key, kept);
    const forget = (): void => {
      if (this.#pages.get(key) === kept) this.#forget(key);
    };
    kept.timer = setTimeout(forget, KEPT_MS).unref();
    kept.drawing.then(({ bytes }) => {
      if (this.#pages.get(key) !== kept) return;
      kept.sizeBytes = bytes.length;
      this.#sizeBytes += bytes.length;
      for (const oldest of this.#pages.keys()) if (this.#sizeBytes > MOST_BYTES) this.#forget(oldest);
    }, forget);
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
