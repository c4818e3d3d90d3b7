import { AppError, type ErrorCode } from '../domain/errors.js';
import { redactText } from '../lib/log.js';

/** The HTTP status and body of an answer that is no success, as an error for the owner. */
export function statusFailure(status: number, body: string): AppError {
  if (status === 401)
    return failure(
      'plex_unauthorized',
      'Plex does not accept the token (401). Sign in to Plex again, or enter a new token.',
    );
  if (status === 403)
    return failure(
      'plex_forbidden',
      'Plex refuses this to our token (403). Use the token of the account that owns the server.',
    );
  if (status === 404 || status === 405)
    return failure(
      'plex_not_found',
      `Plex does not know what was asked for (${status}). It may have been removed meanwhile.`,
    );
  if (status === 429)
    return failure('plex_rate_limited', 'Plex asks us to slow down (429). MediaFlow tries again later.');
  if (status === 503 && /maintenance/i.test(body))
    return failure(
      'plex_maintenance',
      'Plex is running its start-up maintenance. MediaFlow waits; it tries again later.',
    );
  if (status >= 500)
    return failure(
      'plex_unavailable',
      `Plex reports an error of its own (${status}). MediaFlow tries again later; check the server if it goes on.`,
    );
  if (status >= 300 && status < 400)
    return failure(
      'plex_bad_answer',
      `The address of Plex sends us elsewhere (${status}). Enter the final address; the token is not sent along.`,
    );
  return failure(
    'plex_bad_answer',
    `Plex answered with the unexpected status ${status}. Check whether its address leads to Plex itself.`,
  );
}

/** An answer that is not what Plex sends; `detail` says what it was. */
export const badAnswer = (detail: string, cause?: Error): AppError =>
  new AppError(
    'plex_bad_answer',
    `Plex gave no usable answer: ${detail}. Nothing was removed; try again, and check what answers at its address if it stays.`,
    cause ? { cause } : {},
  );

/** An HTTP client's error as one for the owner. The cause kept is a clean copy without request, headers or token. */
export function transportFailure(error: unknown, token: string): AppError {
  const { code, message } = error as { code?: unknown; message?: unknown };
  const name = typeof code === 'string' ? code : 'unknown';
  const cause = new Error(cleanText(`${name}: ${typeof message === 'string' ? message : 'no message'}`, token));
  if (typeof message === 'string' && message.includes('maxContentLength'))
    return badAnswer('it is far larger than any answer of Plex', cause);
  if (name === 'ERR_TLS_CERT_ALTNAME_INVALID')
    return failure(
      'plex_unreachable',
      'The certificate of Plex is for another name. Use the https address that ends in plex.direct, or http inside your own network.',
      cause,
    );
  if (/CERT|SELF_SIGNED|UNABLE_TO|^ERR_(TLS|SSL)|EPROTO/.test(name))
    return failure(
      'plex_unreachable',
      'The secure connection to Plex failed. Check whether the address should begin with http or https.',
      cause,
    );
  if (name === 'ENOTFOUND' || name === 'EAI_AGAIN')
    return failure(
      'plex_unreachable',
      'The name of the Plex server cannot be found. Check its address and the DNS.',
      cause,
    );
  if (name === 'ETIMEDOUT' || name === 'ECONNABORTED')
    return failure('plex_timeout', 'Plex did not answer in time. Is the server busy or the network slow?', cause);
  if (name === 'ERR_INVALID_URL')
    return failure(
      'plex_unreachable',
      'The address of Plex is not a web address. It looks like http://192.168.1.10:32400.',
      cause,
    );
  if (name.startsWith('HPE_')) return badAnswer('it is not HTTP as it should be', cause);
  if (name.startsWith('Z_') || name.startsWith('ERR_BR') || name.startsWith('ERR_ZLIB'))
    return badAnswer('its compression is damaged', cause);
  return failure('plex_unreachable', 'Plex cannot be reached. Is the server running, and is its address right?', cause);
}

/** Text in which neither the token nor anything that looks like one is left. */
export const cleanText = (text: string, token: string): string =>
  redactText(token === '' ? text : text.replaceAll(token, '[hidden]')).slice(0, 300);

const failure = (code: ErrorCode, message: string, cause?: Error): AppError =>
  new AppError(code, message, cause ? { cause } : {});
