import { AppError } from '../domain/errors.js';

const NETWORK: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'refuses the connection. Is its SSH server running, and is the port right?',
  ENOTFOUND: 'is not a known name. Check the address.',
  EAI_AGAIN: 'could not be looked up just now. Check the address and the name server.',
  EHOSTUNREACH: 'cannot be reached from here. Is it switched on, and in the same network?',
  ENETUNREACH: 'cannot be reached from here. Is there a route to its network?',
  ETIMEDOUT: 'does not answer. Is it switched on?',
  ECONNRESET: 'ended the connection. It may be starting, or refuse us for a while after failed attempts.',
};

/** The connection is gone, whatever the reason; another try may help. */
export const lost = (host: string, cause?: unknown): AppError =>
  new AppError('worker_unreachable', `The connection to ${host} was lost.`, { cause });

/** What ssh2 says when a connection cannot be made, for the owner. Nothing of a key or password gets into the message. */
export function connectFailure(error: unknown, { host, username }: { host: string; username: string }): AppError {
  const { message = '', code = '', level = '' } = (error ?? {}) as { message?: string; code?: string; level?: string };
  const fail = (kind: 'worker_unreachable' | 'worker_unauthorized', text: string): AppError =>
    new AppError(kind, text, { cause: error });
  if (error instanceof AppError) return error;
  if (/Encrypted .*key detected, but no passphrase/.test(message))
    return fail('worker_unauthorized', 'The key is protected by a passphrase. Enter it beside the key.');
  if (/bad passphrase|integrity check failed/.test(message))
    return fail('worker_unauthorized', 'The passphrase does not open the key.');
  if (/Cannot parse privateKey|Unsupported key format/.test(message))
    return fail(
      'worker_unauthorized',
      'That is not a private key that MediaFlow can read. Paste the whole file, including its first and last line.',
    );
  if (
    /Invalid username|Failed to (connect to|retrieve identities from) agent|SSH agent/i.test(message) ||
    level === 'agent'
  )
    return fail('worker_unauthorized', 'The SSH agent gives no key. Is SSH_AUTH_SOCK set for MediaFlow?');
  if (level === 'client-authentication')
    return fail(
      'worker_unauthorized',
      `${host} does not let ${username} in. Is the public key in ~/.ssh/authorized_keys there, or the password right?`,
    );
  if (message.includes('no matching'))
    return fail('worker_unreachable', `${host} speaks a version of SSH that is too old or too new: ${message}.`);
  if (message.includes('Connection lost before handshake'))
    return fail(
      'worker_unreachable',
      `${host} answers, but not as an SSH server does. Check the port, or wait until it has started.`,
    );
  if (level === 'client-timeout' || message.includes('Timed out'))
    return fail('worker_unreachable', `${host} does not answer in time. Is it switched on and not overloaded?`);
  const network = NETWORK[code];
  return network === undefined
    ? fail('worker_unreachable', `${host} cannot be reached: ${message || 'no reason was given'}.`)
    : fail('worker_unreachable', `${host} ${network}`);
}
