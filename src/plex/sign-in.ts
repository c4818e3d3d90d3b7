import { toAppError } from '../domain/errors.js';
import type { SignIn } from '../domain/plex/account.js';
import { badAccountAnswer, type AccountClient } from './account-client.js';
import { toInt, toObject, toStr } from './coerce.js';

/** plex.tv is asked about one code no more often than this, however many pages wait for it. */
const LOOK_EVERY_MS = 1000;
const FALLBACK_LIFE_SEC = 900;
/** What plex.tv says beyond this is a slip of one of the two clocks. */
const LONGEST_LIFE_SEC = 86_400;
/** More than these at once is nobody's owner. */
const MAX_SIGN_INS = 8;

interface Waiting {
  signIn: SignIn;
  /** By the steady clock; `signIn.expiresAt` is for people. */
  endsAtMs: number;
  lookedAtMs: number;
  looking: Promise<void> | null;
}

interface SignInOptions {
  clientId: () => string;
  /** Where the owner signs in, without a fragment. */
  authPage: string;
  now: () => Date;
  /** Counts milliseconds and cannot be set. */
  steadyMs: () => number;
}

/** Signs in with a strong code of plex.tv. Knows only the codes it asked for itself; a restart forgets them. */
export class SignIns {
  readonly #client: AccountClient;
  readonly #options: SignInOptions;
  readonly #known = new Map<string, Waiting>();

  constructor(client: AccountClient, options: SignInOptions) {
    this.#client = client;
    this.#options = options;
  }

  /** Throws a `plex_*` code. */
  async begin(): Promise<SignIn> {
    const answer = toObject(await this.#client.ask({ method: 'POST', path: '/api/v2/pins?strong=true' }));
    const id = toStr(answer?.['id']);
    const code = toStr(answer?.['code']);
    if (answer === null || id === null || code === null) throw badAccountAnswer('there is no code in it');
    const { now, steadyMs } = this.#options;
    const lifeMs = this.#lifeOf(answer['expiresIn'], answer['expiresAt']);
    const signIn: SignIn = {
      id,
      state: 'waiting',
      authUrl: this.#authUrl(code),
      expiresAt: new Date(now().getTime() + lifeMs).toISOString(),
      token: null,
      trouble: null,
    };
    this.#known.set(id, { signIn, endsAtMs: steadyMs() + lifeMs, lookedAtMs: -Infinity, looking: null });
    for (const old of [...this.#known.keys()].slice(0, -MAX_SIGN_INS)) this.#known.delete(old);
    return { ...signIn };
  }

  /** The one with this id, or the latest. Null when there is none. Never throws. */
  async find(id: string | undefined): Promise<SignIn | null> {
    const waiting = id === undefined ? [...this.#known.values()].at(-1) : this.#known.get(id);
    if (waiting === undefined) return null;
    if (waiting.signIn.state === 'waiting') {
      const isFresh = this.#options.steadyMs() - waiting.lookedAtMs < LOOK_EVERY_MS;
      if (!isFresh || waiting.looking) await (waiting.looking ??= this.#look(waiting));
    }
    return { ...waiting.signIn };
  }

  settle(id: string): void {
    const waiting = this.#known.get(id);
    if (waiting) waiting.signIn.token = null;
  }

  async #look(waiting: Waiting): Promise<void> {
    const { signIn } = waiting;
    try {
      const answer = toObject(
        await this.#client.ask({ method: 'GET', path: `/api/v2/pins/${encodeURIComponent(signIn.id)}` }),
      );
      if (answer === null) throw badAccountAnswer('there is no code in it');
      const token = toStr(answer['authToken']);
      signIn.trouble = null;
      if (token !== null) {
        signIn.state = 'approved';
        signIn.token = token;
      } else if (this.#isOver(waiting)) signIn.state = 'expired';
    } catch (error) {
      const { code, message } = toAppError(error);
      // A code that ends before its time was refused, or withdrawn.
      if (code === 'plex_not_found') signIn.state = this.#isOver(waiting) ? 'expired' : 'denied';
      else if (this.#isOver(waiting)) signIn.state = 'expired';
      signIn.trouble = signIn.state === 'waiting' ? message : null;
    } finally {
      waiting.lookedAtMs = this.#options.steadyMs();
      waiting.looking = null;
    }
  }

  readonly #isOver = ({ endsAtMs }: Waiting): boolean => endsAtMs <= this.#options.steadyMs();

  /** Milliseconds from now; the clock of this machine may be wrong. */
  #lifeOf(expiresIn: unknown, expiresAt: unknown): number {
    const seconds = toInt(expiresIn);
    if (seconds !== null && seconds > 0) return Math.min(seconds, LONGEST_LIFE_SEC) * 1000;
    const lifeMs = Date.parse(toStr(expiresAt) ?? '') - this.#options.now().getTime();
    return lifeMs > 0 && lifeMs < LONGEST_LIFE_SEC * 1000 ? lifeMs : FALLBACK_LIFE_SEC * 1000;
  }

  /** The page reads its parameters from behind the hash, so they never reach a server's log. */
  #authUrl(code: string): string {
    const pairs = [
      ['clientID', this.#options.clientId()],
      ['code', code],
      ['context[device][product]', 'MediaFlow'],
    ];
    const fragment = pairs.map((pair) => pair.map(encodeURIComponent).join('=')).join('&');
    return `${this.#options.authPage}#?${fragment}`;
  }
}
