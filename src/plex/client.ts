import axios, { type AxiosResponse } from 'axios';
import { AppError } from '../domain/errors.js';
import { withBackoff } from '../lib/backoff.js';
import { Gate } from '../lib/gate.js';
import { withoutEnd } from '../lib/without-end.js';
import { readContainer } from './answer.js';
import { toInt, toStr, type Raw } from './coerce.js';
import { badAnswer, statusFailure, transportFailure } from './failure.js';
import { guardedAgents, mustBeServerUrl } from './guarded-lookup.js';
import { overLivingLine } from './kept-line.js';

const MAX_BODY_BYTES = 64_000_000;
/** Plex keeps its library in SQLite: more at once makes everything slower. */
const REQUESTS_AT_ONCE = 2;
const TRIES = 3;

export interface ClientOptions {
  /** Without a trailing slash; may end in a path behind a reverse proxy. */
  url: string;
  token: string;
  /** Plex ties tokens and limits to it; the same for the whole life of an installation. */
  clientId: string;
  version: string;
  /** The token is sent to no other server. Null for a server that is not known yet. */
  expectedServerId: string | null;
  timeoutMs: number;
}

export interface Request {
  path: string;
  /** Goes into the address, so never a secret. */
  query?: Readonly<Record<string, string | number>>;
  headers?: Readonly<Record<string, string>>;
  signal?: AbortSignal | undefined;
}

export interface Answer {
  container: Raw;
  /** `X-Plex-Container-Total-Size`, when it was sent. */
  totalSize: number | null;
}

/**
 * One server's HTTP: headers, deadlines, retries, and errors as `AppError`s with a `plex_*` code.
 * Aborting throws the signal's reason.
 */
export class PlexClient {
  readonly #options: ClientOptions;
  readonly #gate = new Gate(REQUESTS_AT_ONCE);
  /** The id of the server that answers, null when the connection was lost since it was asked. */
  #serverId: string | null = null;

  constructor(options: ClientOptions) {
    this.#options = { ...options, url: withoutEnd(options.url, '/') };
  }

  /** The id of the server that answers; asked without the token. Throws `plex_wrong_server` when another was expected. */
  async serverId(signal?: AbortSignal): Promise<string> {
    return this.#serverId ?? this.#patiently(() => this.#askServerId(signal), signal);
  }

  /** Asks `/identity` anew. Needs no token, so it also works where the token does not. */
  async askIdentity(signal?: AbortSignal): Promise<Raw> {
    return this.#patiently(() => this.#identity(signal), signal);
  }

  /** A reading request; tried again when trying again can help. */
  async get(request: Request): Promise<Answer> {
    return this.#patiently(async () => {
      const response = await this.#send('GET', request);
      const contentType = toStr(response.headers['content-type']) ?? '';
      return {
        container: await readContainer(response.data, contentType, this.#options.token),
        totalSize: toInt(response.headers['x-plex-container-total-size']),
      };
    }, request.signal);
  }

  /** A request that makes something, and tells what. Sent once: twice would make two. */
  async post(request: Request): Promise<Answer> {
    return this.#gate.run(async () => {
      const response = await this.#send('POST', request);
      const contentType = toStr(response.headers['content-type']) ?? '';
      const container = await readContainer(response.data, contentType, this.#options.token);
      return { container, totalSize: null };
    }, request.signal);
  }

  /** A request whose answer has no content. Resolves when Plex has taken it on. */
  async send(method: 'GET' | 'POST' | 'PUT' | 'DELETE', request: Request): Promise<void> {
    const task = async (): Promise<void> => {
      const response = await this.#send(method, request);
      const isPage = /^\s*<(!doctype html|html)/i.test(response.data.toString('utf8', 0, 1000));
      if (isPage) throw badAnswer('a web page came instead, as from a sign-in page or a proxy in between');
    };
    await (method === 'GET' ? this.#patiently(task, request.signal) : this.#gate.run(task, request.signal));
  }

  /** A file, asked for once and past the line of the other requests. Throws `plex_bad_answer` above `maxBytes`. */
  async bytes(request: Request, maxBytes: number): Promise<{ body: Buffer; contentType: string }> {
    const { data, headers } = await this.#send('GET', request, maxBytes);
    return { body: data, contentType: toStr(headers['content-type']) ?? '' };
  }

  async #patiently<T>(task: () => Promise<T>, signal: AbortSignal | undefined): Promise<T> {
    const retryIf = (error: unknown): boolean => error instanceof AppError && isWorthAnotherTry(error);
    const backoff = { firstMs: 200, maxMs: 1000, tries: TRIES, retryIf, ...(signal ? { signal } : {}) };
    try {
      return await this.#gate.run(() => withBackoff(task, backoff), signal);
    } catch (error) {
      // A pause that is cut short throws an error of its own.
      signal?.throwIfAborted();
      throw error;
    }
  }

  /** Sends with the token, once the server is known to be the right one. */
  async #send(method: string, request: Request, maxBytes = MAX_BODY_BYTES): Promise<AxiosResponse<Buffer>> {
    const { token, expectedServerId } = this.#options;
    if (!/^[\x21-\x7e]+$/.test(token))
      throw new AppError('plex_unauthorized', 'The Plex token contains characters that no token has. Enter it again.');
    if (expectedServerId !== null && this.#serverId === null) await this.#askServerId(request.signal);
    return this.#exchange(method, request, maxBytes, { 'X-Plex-Token': token });
  }

  async #askServerId(signal: AbortSignal | undefined): Promise<string> {
    const id = toStr((await this.#identity(signal))['machineIdentifier']);
    if (id === null) throw badAnswer('it does not say which server it is from');
    return id;
  }

  async #identity(signal: AbortSignal | undefined): Promise<Raw> {
    const response = await this.#exchange('GET', { path: '/identity', signal }, MAX_BODY_BYTES, {});
    const identity = await readContainer(
      response.data,
      toStr(response.headers['content-type']) ?? '',
      this.#options.token,
    );
    const id = toStr(identity['machineIdentifier']);
    const { expectedServerId } = this.#options;
    if (expectedServerId !== null && id !== null && id !== expectedServerId)
      throw new AppError(
        'plex_wrong_server',
        'Another Plex server answers at this address. Check the address, or connect the server anew; our token was not sent.',
      );
    this.#serverId = id;
    return identity;
  }

  async #exchange(
    method: string,
    request: Request,
    maxBytes: number,
    secret: Record<string, string>,
  ): Promise<AxiosResponse<Buffer>> {
    const { token, timeoutMs } = this.#options;
    request.signal?.throwIfAborted();
    mustBeServerUrl(this.#options.url);
    const deadline = new AbortController();
    const giveUp = (): void => {
      deadline.abort();
    };
    // axios' own timeout starts anew with every byte that drips in.
    const timer = setTimeout(giveUp, timeoutMs);
    request.signal?.addEventListener('abort', giveUp, { once: true });
    try {
      const config = {
        method,
        url: this.#address(request),
        headers: { ...this.#headers(), ...request.headers, ...secret },
        signal: deadline.signal,
        // What it says in which encoding is looked at when it is read.
        responseType: 'arraybuffer' as const,
        validateStatus: () => true,
        maxContentLength: maxBytes,
        // A redirect to another host, or a proxy in between, would be handed the token.
        maxRedirects: 0,
        proxy: false as const,
        ...guardedAgents,
      };
      const ask = (): Promise<AxiosResponse<unknown>> => axios.request<unknown>(config);
      const response = await (method === 'GET' ? overLivingLine(ask) : ask());
      const data = Buffer.isBuffer(response.data) ? response.data : Buffer.alloc(0);
      if (response.status < 200 || response.status > 299)
        throw statusFailure(response.status, data.toString('utf8', 0, 10_000));
      return { ...response, data };
    } catch (error) {
      request.signal?.throwIfAborted();
      if (error instanceof AppError) throw error;
      // Whoever answers next may be another server.
      this.#serverId = null;
      if (deadline.signal.aborted)
        throw transportFailure({ code: 'ETIMEDOUT', message: `no answer in ${timeoutMs} ms` }, token);
      throw transportFailure(error, token);
    } finally {
      clearTimeout(timer);
      request.signal?.removeEventListener('abort', giveUp);
    }
  }

  #address({ path, query = {} }: Request): string {
    const pairs = Object.entries(query).map(
      ([key, value]) => `${encodeURIComponent(key)}=${encodeURIComponent(value)}`,
    );
    return `${this.#options.url}${path}${pairs.length === 0 ? '' : `?${pairs.join('&')}`}`;
  }

  #headers(): Record<string, string> {
    return {
      Accept: 'application/json',
      'X-Plex-Client-Identifier': this.#options.clientId,
      'X-Plex-Product': 'MediaFlow',
      'X-Plex-Version': this.#options.version,
      'X-Plex-Platform': process.platform,
      'X-Plex-Device-Name': 'MediaFlow',
    };
  }
}

/** A moment later Plex may be back from a restart. What takes longer is for the caller to wait for. */
const isWorthAnotherTry = ({ code }: AppError): boolean => code === 'plex_unreachable' || code === 'plex_unavailable';
