import { AppError, toAppError, type ErrorCode } from '../domain/errors.js';

/** Complete by its type: a new code needs a status. Only what is our own fault is 500. */
const STATUS: Readonly<Record<ErrorCode, number>> = {
  invalid: 422,
  unauthorized: 401,
  forbidden: 403,
  not_found: 404,
  conflict: 409,
  too_large: 413,
  rate_limited: 429,
  plex_not_configured: 409,
  plex_unauthorized: 502,
  plex_forbidden: 502,
  plex_not_found: 404,
  plex_rate_limited: 503,
  plex_unavailable: 503,
  plex_maintenance: 503,
  plex_unreachable: 502,
  plex_timeout: 504,
  plex_bad_answer: 502,
  plex_wrong_server: 409,
  path_unmapped: 422,
  path_forbidden: 403,
  file_missing: 409,
  file_changed: 409,
  file_in_use: 423,
  file_linked: 409,
  file_exists: 409,
  no_space: 507,
  file_denied: 409,
  storage_unreachable: 503,
  probe_failed: 422,
  plan_refused: 422,
  encoder_missing: 409,
  encode_failed: 422,
  hardware_failed: 503,
  verify_failed: 422,
  not_smaller: 409,
  too_many_attempts: 409,
  dry_run: 409,
  worker_unavailable: 503,
  worker_unreachable: 502,
  worker_unauthorized: 409,
  worker_host_key: 409,
  transfer_failed: 502,
  cancelled: 409,
  interrupted: 503,
  rule_failed: 422,
  damaged: 503,
  unavailable: 503,
  internal: 500,
};

const HEADINGS: Readonly<Record<number, string>> = {
  401: 'Sign in first',
  403: 'Not allowed',
  404: 'Nothing is here',
  409: 'Not possible right now',
  413: 'Too much at once',
  422: 'That cannot be done',
  423: 'The file is in use',
  429: 'Too many attempts',
  500: 'Something broke',
  502: 'The other side did not answer',
  503: 'Not available right now',
  504: 'Plex did not answer in time',
  507: 'Not enough free space',
};

/** The HTTP status of an error; 500 for whatever is our own fault. */
export const statusOf = (error: AppError): number => STATUS[error.code];

/** What stands above the message of an error, on a page of its own. */
export const headingOf = (status: number): string => HEADINGS[status] ?? 'That did not work';

/** Turns what Express and its body parsers throw into one of ours. Unknown errors become `internal`. */
export function fromHttp(error: unknown): AppError {
  if (error instanceof AppError) return error;
  const { status, type, code } = (error ?? {}) as { status?: unknown; type?: unknown; code?: unknown };
  if (code === 'EBADCSRFTOKEN') {
    return new AppError('forbidden', 'This page is too old, or came from somewhere else. Reload it and try again.');
  }
  if (status === 413) return new AppError('too_large', 'That is more than MediaFlow takes in one request.');
  if (type === 'entity.parse.failed') return new AppError('invalid', 'The body of the request is not valid JSON.');
  if (typeof status === 'number' && status >= 400 && status < 500) {
    return new AppError('invalid', 'MediaFlow does not understand this request.', { cause: error });
  }
  return toAppError(error);
}

/** What may leave: the owner's message, or for our own faults only the id under which the log has the rest. */
export function describe(
  error: AppError,
  requestId: string,
): { code: ErrorCode; message: string; fields: Readonly<Record<string, string>> } {
  const message =
    error.code === 'internal'
      ? `Something went wrong inside MediaFlow. Its log has the details under ${requestId}.`
      : error.message;
  return { code: error.code, message, fields: error.fields };
}
