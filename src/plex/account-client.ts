import axios, { type AxiosResponse } from 'axios';
import { AppError, type ErrorCode } from '../domain/errors.js';
import { toInt, toList, toStr } from './coerce.js';
import { cleanText } from './failure.js';
import { overLivingLine } from './kept-line.js';
import { withoutEnd } from '../lib/without-end.js';

const MAX_BODY_BYTES = 8_000_000;
const FIRST_PAUSE_SEC = 10;
const LONGEST_PAUSE_SEC = 600;
/** plex.tv's number for a code that is not, or no longer, known. */
const UNKNOWN_CODE = 1020;

export interface AccountClientOptions {
  /** Of plex.tv, without a trailing slash. */
  url: string;
  /** Tokens, codes and limits are tied to it; the same for the whole life of an installation. */
  clientId: () => string;
  version: string;
  now: () => Date;
  /** Counts milliseconds and cannot be set. */
  steadyMs: () => number;
  /** For one whole answer. */
  timeoutMs: number;
}

export interface AccountRequest {
  method: 'GET' | 'POST';
  /** Goes into the address, so never a secret. */
  path: string;
  token?: string;
  form?: string;
}

/**
 * The HTTP of plex.tv. Answers are parsed JSON; everything else is an `AppError` with a `plex_*` code. After "too many
 * requests" it asks nothing more until the pause plex.tv named is over.
 */
export class AccountClient {
  readonly #options: AccountClientOptions;
  #quietUntilMs = -Infinity;
  #refusals = 0;

  constructor(options: AccountClientOptions) {
    this.#options = { ...options, url: withoutEnd(options.url, '/') };
  }

  async ask(request: AccountRequest): Promise<unknown> {
    this.#refuseWhileQuiet();
    const { status, contentType, retryAfter, body } = await this.#exchange(request);
    if (status === 429) {
      this.#fallQuiet(retryAfter);
      this.#refuseWhileQuiet();
    }
    this.#refusals = 0;
    if (status < 200 || status > 299) throw statusFailure(status, body);
    return parse(body, contentType);
  }

  #refuseWhileQuiet(): void {
    const leftSec = Math.ceil((this.#quietUntilMs - this.#options.steadyMs()) / 1000);
    if (leftSec <= 0) return;
    const wait = leftSec < 90 ? `${leftSec} seconds` : `${Math.ceil(leftSec / 60)} minutes`;
    throw failure('plex_rate_limited', `plex.tv asks us to slow down. Wait ${wait}, then try again.`);
  }

  /** `Retry-After` in seconds or as a date; without it a pause that doubles with every refusal. */
  #fallQuiet(retryAfter: string | null): void {
    const { now, steadyMs } = this.#options;
    const own = FIRST_PAUSE_SEC * 2 ** Math.min(this.#refusals, 10);
    const named = toInt(retryAfter) ?? (retryAfter === null ? null : (Date.parse(retryAfter) - now().getTime()) / 1000);
    const pauseSec = named === null || Number.isNaN(named) ? own : named;
    this.#refusals++;
    this.#quietUntilMs = steadyMs() + Math.min(LONGEST_PAUSE_SEC, Math.max(1, pauseSec)) * 1000;
  }

  async #exchange({ method, path, token, form }: AccountRequest): Promise<{
    status: number;
    contentType: string;
    retryAfter: string | null;
    body: string;
  }> {
    const { url, timeoutMs } = this.#options;
    // axios' own timeout starts anew with every byte that drips in.
    const deadline = AbortSignal.timeout(timeoutMs);
    try {
      const config = {
        method,
        url: url + path,
        headers: {
          ...this.#headers(),
          ...(token === undefined ? {} : { 'X-Plex-Token': headerSafe(token) }),
          ...(form === undefined ? {} : { 'Content-Type': 'application/x-www-form-urlencoded' }),
        },
        ...(form === undefined ? {} : { data: form }),
        signal: deadline,
        responseType: 'text' as const,
        transformResponse: [(data: unknown) => (typeof data === 'string' ? data : '')],
        validateStatus: () => true,
        maxContentLength: MAX_BODY_BYTES,
        // A redirect to another host, or a proxy in between, would be handed the token.
        maxRedirects: 0,
        proxy: false as const,
      };
      const ask = (): Promise<AxiosResponse<string>> => axios.request<string>(config);
      const response = await (method === 'GET' ? overLivingLine(ask) : ask());
      return {
        status: response.status,
        contentType: toStr(response.headers['content-type']) ?? '',
        retryAfter: toStr(response.headers['retry-after']),
        body: response.data,
      };
    } catch (error) {
      if (error instanceof AppError) throw error;
      throw transportFailure(error, deadline.aborted, token ?? '');
    }
  }

  #headers(): Record<string, string> {
    return {
      Accept: 'application/json',
      'X-Plex-Client-Identifier': this.#options.clientId(),
      'X-Plex-Product': 'MediaFlow',
      'X-Plex-Version': this.#options.version,
      'X-Plex-Platform': process.platform,
      'X-Plex-Device': 'MediaFlow',
      'X-Plex-Device-Name': 'MediaFlow',
    };
  }
}

/** An answer of plex.tv that is not what it sends; `detail` says what it was. */
export const badAccountAnswer = (detail: string): AppError =>
  failure('plex_bad_answer', `plex.tv gave no usable answer: ${detail}. Nothing was changed; try again in a while.`);

function headerSafe(token: string): string {
  if (/^[\x21-\x7e]+$/.test(token)) return token;
  throw failure('plex_unauthorized', 'The Plex token contains characters that no token has. Sign in with Plex again.');
}

function parse(body: string, contentType: string): unknown {
  const start = body.trimStart().slice(0, 100).toLowerCase();
  // Adding to a list is answered without content.
  if (start === '') return null;
  if (start.startsWith('<') || contentType.includes('html'))
    throw badAccountAnswer('a web page came instead, as from a hotel network or a proxy in between');
  try {
    return JSON.parse(body);
  } catch {
    throw badAccountAnswer('it is damaged or cut off');
  }
}

function statusFailure(status: number, body: string): AppError {
  if (status === 401 || (status === 422 && /invalid token/i.test(body)))
    return failure('plex_unauthorized', 'plex.tv no longer accepts our sign-in. Sign in with Plex again.');
  if (status === 403)
    return failure(
      'plex_forbidden',
      'plex.tv does not allow this for the account. It may need Plex Pass, or the account that owns the server.',
    );
  if (status === 404 || status === 410)
    return failure('plex_not_found', isUnknownCode(body) ? 'The code has ended.' : 'plex.tv does not know of it.');
  if (status >= 500)
    return failure('plex_unavailable', `plex.tv reports an error of its own (${status}). Try again in a while.`);
  if (status >= 300 && status < 400)
    return badAccountAnswer(`it sends us elsewhere (${status}), as a hotel network or a proxy in between does`);
  return badAccountAnswer(`the unexpected status ${status}`);
}

/** `{"errors":[{"code":1020}]}` */
function isUnknownCode(body: string): boolean {
  try {
    const { errors } = JSON.parse(body) as { errors?: unknown };
    return toList(errors).some(({ code }) => toInt(code) === UNKNOWN_CODE);
  } catch {
    return false;
  }
}

function transportFailure(error: unknown, isLate: boolean, token: string): AppError {
  const { code, message } = error as { code?: unknown; message?: unknown };
  const name = typeof code === 'string' ? code : 'unknown';
  const cause = new Error(cleanText(`${name}: ${typeof message === 'string' ? message : 'no message'}`, token));
  if (isLate || name === 'ETIMEDOUT' || name === 'ECONNABORTED')
    return failure('plex_timeout', 'plex.tv did not answer in time. Try again in a while.', cause);
  if (name === 'ENOTFOUND' || name === 'EAI_AGAIN')
    return failure(
      'plex_unreachable',
      'The name plex.tv cannot be found. Check whether this machine reaches the internet, and its DNS.',
      cause,
    );
  if (/CERT|SELF_SIGNED|UNABLE_TO|^ERR_(TLS|SSL)|EPROTO/.test(name))
    return failure(
      'plex_unreachable',
      'The secure connection to plex.tv failed. Check the clock of this machine, and any proxy between it and the internet.',
      cause,
    );
  if (typeof message === 'string' && message.includes('maxContentLength'))
    return badAccountAnswer('it is far larger than any answer of plex.tv');
  return failure(
    'plex_unreachable',
    'plex.tv cannot be reached. Check whether this machine reaches the internet, or enter address and token by hand.',
    cause,
  );
}

const failure = (code: ErrorCode, message: string, cause?: Error): AppError =>
  new AppError(code, message, cause ? { cause } : {});
