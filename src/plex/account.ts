import { AppError } from '../domain/errors.js';
import type { FoundServer, PlexAccount, PlexTv, SignIn, TriedConnection } from '../domain/plex/account.js';
import { Gate } from '../lib/gate.js';
import { AccountClient, badAccountAnswer, type AccountRequest } from './account-client.js';
import { toBool, toObject, toStr } from './coerce.js';
import { tryConnections } from './connections.js';
import { toServers } from './resources.js';
import { SignIns } from './sign-in.js';
import { steadyClock } from '../lib/steady-clock.js';
import { withoutEnd } from '../lib/without-end.js';

const PLEX_TV = 'https://plex.tv';
const TIMEOUT_MS = 8000;
const CONNECTION_TIMEOUT_MS = 4000;
const ACCOUNT_LIFE_MS = 10 * 60_000;
const SERVERS_LIFE_MS = 60_000;
const WEBHOOKS = '/api/v2/user/webhooks';

export interface PlexTvOptions {
  /** Where plex.tv is. A stand-in also shows its own page to sign in, under `/auth`. */
  url: string;
  clientId: () => string;
  version: string;
  now: () => Date;
  /** Counts milliseconds and cannot be set. */
  steadyMs?: () => number;
  timeoutMs?: number;
  connectionTimeoutMs?: number;
}

interface Kept<T> {
  token: string;
  untilMs: number;
  value: T;
}

/** The account's side of Plex. Tokens travel in a header only. */
export class PlexTvService implements PlexTv {
  readonly #options: PlexTvOptions;
  readonly #steadyMs: () => number;
  readonly #client: AccountClient;
  readonly #signIns: SignIns;
  /** Reading the list of webhooks and writing it back is one step. */
  readonly #oneAtATime = new Gate(1);
  #account: Kept<PlexAccount> | null = null;
  #servers: Kept<FoundServer[]> | null = null;

  constructor(options: PlexTvOptions) {
    this.#options = options;
    this.#steadyMs = options.steadyMs ?? steadyClock;
    const steadyMs = this.#steadyMs;
    this.#client = new AccountClient({ ...options, steadyMs, timeoutMs: options.timeoutMs ?? TIMEOUT_MS });
    const url = withoutEnd(options.url, '/');
    const authPage = url === PLEX_TV ? 'https://app.plex.tv/auth' : `${url}/auth`;
    this.#signIns = new SignIns(this.#client, { ...options, steadyMs, authPage });
  }

  beginSignIn(): Promise<SignIn> {
    return this.#signIns.begin();
  }

  findSignIn(id?: string): Promise<SignIn | null> {
    return this.#signIns.find(id);
  }

  settleSignIn(id: string): void {
    this.#signIns.settle(id);
  }

  async account(token: string): Promise<PlexAccount> {
    const nowMs = this.#steadyMs();
    if (this.#account?.token === token && this.#account.untilMs > nowMs) return this.#account.value;
    this.#account = null;
    const user = toObject(await this.#ask({ method: 'GET', path: '/api/v2/user', token }));
    const subscription = toObject(user?.['subscription']);
    if (user === null || toStr(user['id']) === null) throw badAccountAnswer('it does not say whose account this is');
    const features = Array.isArray(subscription?.['features']) ? subscription['features'].map(String) : [];
    const value: PlexAccount = {
      name: toStr(user['friendlyName']) ?? toStr(user['username']) ?? toStr(user['title']) ?? 'your account',
      hasPlexPass: toBool(subscription?.['active']) || features.includes('pass'),
      hasWebhooks: features.includes('webhooks'),
    };
    this.#account = { token, untilMs: nowMs + ACCOUNT_LIFE_MS, value };
    return value;
  }

  async servers(token: string): Promise<FoundServer[]> {
    const nowMs = this.#steadyMs();
    if (this.#servers?.token === token && this.#servers.untilMs > nowMs) return this.#servers.value;
    this.#servers = null;
    const path = '/api/v2/resources?includeHttps=1&includeRelay=1&includeIPv6=1';
    const value = toServers(await this.#ask({ method: 'GET', path, token }));
    this.#servers = { token, untilMs: nowMs + SERVERS_LIFE_MS, value };
    return value;
  }

  tryConnections(server: Pick<FoundServer, 'serverId' | 'connections'>): Promise<TriedConnection[]> {
    const { clientId, version, connectionTimeoutMs = CONNECTION_TIMEOUT_MS } = this.#options;
    return tryConnections(server, { clientId: clientId(), version, timeoutMs: connectionTimeoutMs });
  }

  async webhooks(token: string): Promise<string[]> {
    const answer = await this.#ask({ method: 'GET', path: WEBHOOKS, token });
    if (!Array.isArray(answer)) throw badAccountAnswer('it is no list of webhooks');
    return answer.map((entry) => {
      const url = toStr(toObject(entry)?.['url']);
      // An entry that cannot be read would be lost when the list is written back.
      if (url === null) throw badAccountAnswer('one of the webhooks in it cannot be read');
      return url;
    });
  }

  async addWebhook(token: string, url: string): Promise<string[]> {
    return this.#oneAtATime.run(async () => {
      const before = await this.webhooks(token);
      if (before.includes(url)) return before;
      // What is posted replaces the whole list.
      const form = [...before, url].map((entry) => `urls[]=${encodeURIComponent(entry)}`).join('&');
      await this.#client.ask({ method: 'POST', path: WEBHOOKS, token, form });
      const after = await this.webhooks(token);
      if (![...before, url].every((entry) => after.includes(entry)))
        throw new AppError(
          'plex_bad_answer',
          'plex.tv took the webhook but does not list all of them now. Look at Settings, Webhooks in Plex.',
        );
      return after;
    });
  }

  /** A token that was refused once is not vouched for by what was kept. */
  async #ask(request: AccountRequest): Promise<unknown> {
    try {
      return await this.#client.ask(request);
    } catch (error) {
      if (error instanceof AppError && error.code === 'plex_unauthorized') this.#account = this.#servers = null;
      throw error;
    }
  }
}
