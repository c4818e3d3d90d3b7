/** Every way in which MediaFlow can say "no". The code decides the HTTP status (in `web`) and whether trying again can help. */
// prettier-ignore
export const ERROR_CODES = [
  // What the caller asked for
  'invalid', 'unauthorized', 'forbidden', 'not_found', 'conflict', 'too_large', 'rate_limited',
  // Plex
  'plex_not_configured', 'plex_unauthorized', 'plex_forbidden', 'plex_not_found', 'plex_rate_limited', 'plex_unavailable',
  'plex_maintenance', 'plex_unreachable', 'plex_timeout', 'plex_bad_answer', 'plex_wrong_server',
  // Files
  'path_unmapped', 'path_forbidden', 'file_missing', 'file_changed', 'file_in_use', 'file_linked', 'file_exists', 'no_space', 'file_denied',
  // The machine on which a file lies does not answer
  'storage_unreachable',
  // Encoding
  'probe_failed', 'plan_refused', 'encoder_missing', 'encode_failed', 'hardware_failed', 'verify_failed', 'not_smaller', 'too_many_attempts', 'dry_run',
  // Workers: nobody answers; it does not let us in; its host key is not the confirmed one; what came over is not what was sent
  'worker_unavailable', 'worker_unreachable', 'worker_unauthorized', 'worker_host_key', 'transfer_failed',
  // Everything else
  'cancelled', 'interrupted', 'rule_failed', 'damaged', 'unavailable', 'internal',
] as const;

export type ErrorCode = (typeof ERROR_CODES)[number];

const RETRIABLE: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'plex_rate_limited',
  'plex_unavailable',
  'plex_maintenance',
  'plex_unreachable',
  'plex_timeout',
  'plex_bad_answer',
  'file_in_use',
  'no_space',
  'storage_unreachable',
  'interrupted',
  'worker_unavailable',
  'worker_unreachable',
  'transfer_failed',
  'unavailable',
]);

/** The one error type. `message` is for the owner: what failed, and what to do about it. */
export class AppError extends Error {
  readonly code: ErrorCode;
  /** Input field -> what is wrong with it. */
  readonly fields: Readonly<Record<string, string>>;
  /** What a program said of it in its own words, for whoever looks for the cause; empty when there are none. */
  readonly details: string;

  constructor(
    code: ErrorCode,
    message: string,
    options: { cause?: unknown; fields?: Record<string, string>; details?: string } = {},
  ) {
    super(message, options.cause === undefined ? {} : { cause: options.cause });
    this.name = 'AppError';
    this.code = code;
    this.fields = options.fields ?? {};
    this.details = options.details ?? '';
  }

  /** Whether the same request may succeed later without anybody changing anything. */
  get isRetriable(): boolean {
    return RETRIABLE.has(this.code);
  }
}

export const notFound = (what: string, id: string): AppError =>
  new AppError('not_found', `There is no ${what} with the id ${id}`);
export const conflict = (message: string): AppError => new AppError('conflict', message);
export const invalid = (message: string, fields: Record<string, string> = {}): AppError =>
  new AppError('invalid', message, { fields });

/** Turns anything thrown into an `AppError`; unknown errors become `internal` with their cause kept. */
export function toAppError(error: unknown): AppError {
  if (error instanceof AppError) return error;
  const code = (error as { code?: unknown } | null)?.code;
  if (code === 'ENOSPC' || code === 'EDQUOT') {
    return new AppError('no_space', 'The disk is full. Free some space, then try again.', { cause: error });
  }
  if (code === 'EROFS') {
    const message = 'A disk that MediaFlow has to write to is mounted read-only. Mount it writable, then try again.';
    return new AppError('file_denied', message, { cause: error });
  }
  if ((code === 'EACCES' || code === 'EPERM') && typeof (error as { path?: unknown }).path === 'string') {
    const message = 'MediaFlow may not write to one of its folders. Check their owner and permissions, then try again.';
    return new AppError('file_denied', message, { cause: error });
  }
  const message = error instanceof Error ? error.message : String(error);
  return new AppError('internal', message || 'Something went wrong inside MediaFlow', { cause: error });
}
