import { randomBytes } from 'node:crypto';

/** What no event tells, such as a disk's own state or how long ago something was, may be this old on a page. */
const KEPT_MS = 2000;
/** Letters of all pages together that are kept. */
const MOST_LETTERS = 4_000_000;

interface Kept {
  drawing: Promise<readonly string[]>;
  startedMs: number;
  letters: number;
}

export interface DrawnPagesParts {
  /** Another number than before when anything changed that a page shows. */
  version: () => number;
  nowMs: () => number;
}

/**
 * Pages as they were drawn last, for as long as nothing changed: many browsers that look at the same are answered with
 * one drawing. What belongs to one browser is not in them: a token of ours stands where each form says its own.
 */
export class DrawnPages {
  /** What a page is drawn with in place of the token of a session; nobody can guess it and put it into a title. */
  readonly token = randomBytes(24).toString('hex');
  readonly #parts: DrawnPagesParts;
  readonly #pages = new Map<string, Kept>();
  #version = -1;
  #letters = 0;
  #timer: NodeJS.Timeout | null = null;

  constructor(parts: DrawnPagesParts) {
    this.#parts = parts;
  }

  /** The page of this key with the token of a session: as it was drawn, or drawn now. Throws what drawing throws, and keeps nothing then. */
  async take(key: string, token: string, draw: () => Promise<string>): Promise<string> {
    const version = this.#parts.version();
    if (version !== this.#version) this.#forgetAll();
    this.#version = version;
    const nowMs = this.#parts.nowMs();
    const known = this.#pages.get(key);
    // A clock may also go back.
    const isFresh = known !== undefined && Math.abs(nowMs - known.startedMs) < KEPT_MS;
    const page = await (isFresh ? known.drawing : this.#draw(key, nowMs, draw));
    return page.join(token);
  }

  #draw(key: string, startedMs: number, draw: () => Promise<string>): Promise<readonly string[]> {
    this.#forget(key);
    const drawing = draw().then((html) => html.split(this.token));
    const kept: Kept = { drawing, startedMs, letters: 0 };
    this.#pages.set(key, kept);
    this.#timer ??= setTimeout(() => {
      this.#forgetAll();
    }, KEPT_MS).unref();
    drawing.then(
      (page) => {
        if (this.#pages.get(key) !== kept) return;
        kept.letters = page.reduce((sum, piece) => sum + piece.length, 0);
        this.#letters += kept.letters;
        for (const oldest of this.#pages.keys()) if (this.#letters > MOST_LETTERS) this.#forget(oldest);
      },
      () => {
        if (this.#pages.get(key) === kept) this.#forget(key);
      },
    );
    return drawing;
  }

  #forget(key: string): void {
    this.#letters -= this.#pages.get(key)?.letters ?? 0;
    this.#pages.delete(key);
  }

  #forgetAll(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    this.#pages.clear();
    this.#letters = 0;
  }
}
