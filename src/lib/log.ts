import { pino, type DestinationStream, type Logger } from 'pino';

export type Log = Logger;

/** Fields that may hold a secret, wherever they stand in a logged object, two levels deep. */
const SECRET_FIELDS = [
  'token',
  'plexToken',
  'password',
  'secret',
  'apiKey',
  'webhookSecret',
  'cookie',
  'authorization',
  'passphrase',
  'privateKey',
];

/** Hides what looks like a credential inside free text: query tokens, header lines, webhook addresses. */
export function redactText(text: string): string {
  return text
    .replace(/(X-Plex-Token[=:]\s*)[^&"'\s]+/gi, '$1[hidden]')
    .replace(/(X-Api-Key[=:]\s*)[^&"'\s]+/gi, '$1[hidden]')
    .replace(/(\/hooks\/(?:plex|arr)\/)[^/?"'\s]+/gi, '$1[hidden]')
    .replace(/(Bearer\s+)[^"'\s]+/gi, '$1[hidden]');
}

/** The program's log: JSON lines, secrets hidden in fields and in text. */
export function createLog(level: string, destination?: DestinationStream): Log {
  const paths = SECRET_FIELDS.flatMap((field) => [field, `*.${field}`, `*.*.${field}`]);
  const options = {
    level,
    redact: { paths: [...paths, '*.headers["x-plex-token"]', '*.headers["x-api-key"]'], censor: '[hidden]' },
    base: null,
    serializers: { err: safeError, error: safeError },
    hooks: {
      logMethod(args: Parameters<pino.LogFn>, method: pino.LogFn): void {
        const safe = args.map((arg: unknown) => (typeof arg === 'string' ? redactText(arg) : arg)) as typeof args;
        method.apply(this as unknown as Logger, safe);
      },
    },
  };
  return pino(options, destination ?? standardOutput());
}

/** A terminal that was closed, or a full disk behind it, takes the words with it, not the program. */
function standardOutput(): DestinationStream {
  const output = pino.destination({ dest: 1, sync: true });
  output.on('error', () => undefined);
  return output;
}

/** An error as one flat object: message and causes only, so that a client's request headers never reach the log. */
function safeError(error: unknown): unknown {
  if (!(error instanceof Error)) return typeof error === 'string' ? redactText(error) : error;
  const { code } = error as { code?: unknown };
  return {
    message: redactText(error.message),
    ...(typeof code === 'string' ? { code } : {}),
    ...(error.stack ? { stack: redactText(error.stack) } : {}),
    ...(error.cause instanceof Error ? { cause: safeError(error.cause) } : {}),
  };
}
