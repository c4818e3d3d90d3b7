import { toAppError } from '../domain/errors.js';
import type { SignIn } from '../domain/plex-account.js';
import { badAccountAnswer, type AccountClient } from './account-client.js';
import { toInt, toObject, toStr } from './coerce.js';

/** plex.tv is asked about one code no more often than this, however many pages wait for it. */
const LOOK_EVERY_MS = 1000;
const FALLBACK_LIFE_SEC = 900;
/** More than these at once is nobody's owner. */
const MAX_SIGN_INS = 8;

interface Waiting {
  signIn: SignIn;
  lookedAtMs: number;
  looking: Promise<void> | null;
}

/** Signs in with a strong code of plex.tv. Knows only the codes it asked for itself; a restart forgets them. */
export class SignIns {
  readonly #client: AccountClient;
  readonly #options: { clientId: () => string; authPage: string; now: () => Date };
  readonly #known = new Map<string, Waiting>();

  /** `authPage`: where the owner signs in, without a fragment. */
  constructor(client: AccountClient, options: { clientId: () => string; authPage: string; now: () => Date }) {
    this.#client = client;
    this.#options = options;
  }

  /** Throws a `plex_*` code. */
  async begin(): Promise<SignIn> {
    const answer = toObject(await this.#client.ask({ method: 'POST', path: '/api/v2/pins?strong=true' }));
    const id = toStr(answer?.['id']);
    const code = toStr(answer?.['code']);
    if (answer === null || id === null || code === null) throw badAccountAnswer('there is no code in it');
    const signIn: SignIn = {
      id,
      state: 'waiting',
      authUrl: this.#authUrl(code),
      expiresAt: this.#endOf(answer['expiresIn'], answer['expiresAt']),
      token: null,
      trouble: null,
    };
    this.#known.set(id, { signIn, lookedAtMs: 0, looking: null });
    for (const old of [...this.#known.keys()].slice(0, -MAX_SIGN_INS)) this.#known.delete(old);
    return { ...signIn };
  }

  /** The one with this id, or the latest. Null when there is none. Never throws. */
  async find(id: string | undefined): Promise<SignIn | null> {
    const waiting = id === undefined ? [...this.#known.values()].at(-1) : this.#known.get(id);
    if (waiting === undefined) return null;
    if (waiting.signIn.state === 'waiting') {
      const isFresh = this.#options.now().getTime() - waiting.lookedAtMs < LOOK_EVERY_MS;
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
      } else if (this.#isOver(signIn)) signIn.state = 'expired';
    } catch (error) {
      const { code, message } = toAppError(error);
      // A code that ends before its time was refused, or withdrawn.
      if (code === 'plex_not_found') signIn.state = this.#isOver(signIn) ? 'expired' : 'denied';
      else if (this.#isOver(signIn)) signIn.state = 'expired';
      signIn.trouble = signIn.state === 'waiting' ? message : null;
    } finally {
      waiting.lookedAtMs = this.#options.now().getTime();
      waiting.looking = null;
    }
  }

  readonly #isOver = ({ expiresAt }: SignIn): boolean => Date.parse(expiresAt) <= this.#options.now().getTime();

  /** Counted from our own clock; the clock of this machine may be wrong. */
  #endOf(expiresIn: unknown, expiresAt: unknown): string {
    const nowMs = this.#options.now().getTime();
    const seconds = toInt(expiresIn);
    if (seconds !== null && seconds > 0) return new Date(nowMs + seconds * 1000).toISOString();
    const end = Date.parse(toStr(expiresAt) ?? '');
    return new Date(end > nowMs ? end : nowMs + FALLBACK_LIFE_SEC * 1000).toISOString();
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
