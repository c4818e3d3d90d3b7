import { connect as connectSocket } from 'node:net';
import type { Client, ConnectConfig } from 'ssh2';
import { isForbiddenHost, isForbiddenIp } from '../domain/access/address.js';
import { AppError } from '../domain/errors.js';
import { lookupWithout } from '../lib/guarded-lookup.js';
import { fingerprintOf } from './host-keys.js';
import { connectFailure, lost } from './ssh-error.js';

type SshAuth =
  | { kind: 'key'; privateKey: string; passphrase?: string | undefined }
  | { kind: 'password'; password: string }
  | { kind: 'agent' };

export interface SshAddress {
  host: string;
  port: number;
  username: string;
  auth: SshAuth;
  /** `SHA256:...` that the owner confirmed; with any other key nothing is sent. */
  hostKey: string;
  /** Where the agent listens; only for `auth.kind` agent. */
  agentSocket?: string | undefined;
}

const READY_MS = 20_000;
/** A line that says nothing for about four times this long is taken for lost. */
const KEEPALIVE_MS = 5000;
const KEEPALIVE_TRIES = 3;
const NO_WORKER =
  'The address of this worker is link-local, or where a cloud keeps its metadata. Enter the address that the worker has in your network.';

/** A name may lead elsewhere today than when the worker was added: never to a link-local address, or the metadata of a cloud. */
const lookup = lookupWithout(isForbiddenIp);

/** The host key that a machine shows, without sending it anything. Throws `worker_unreachable`. */
export async function seeHostKey(
  { host, port }: { host: string; port: number },
  signal?: AbortSignal,
): Promise<string> {
  const connecting = connect(
    { host, port, username: 'nobody', auth: { kind: 'password', password: '' }, hostKey: '' },
    signal,
  );
  const error: unknown = await connecting.catch((thrown: unknown) => thrown);
  if (error instanceof HostKeyRefused) return error.seen;
  throw error instanceof Error ? error : lost(host);
}

/** The machine shows another key than the one that was confirmed; `seen` is its fingerprint. */
export class HostKeyRefused extends AppError {
  readonly seen: string;

  constructor(host: string, seen: string, pinned: string) {
    super(
      'worker_host_key',
      pinned === ''
        ? `The host key of ${host} is not confirmed yet: ${seen}.`
        : `${host} shows another host key than the one you confirmed: ${seen} instead of ${pinned}. Nothing was sent to it. If it was installed anew, confirm the new key.`,
      { fields: { hostKey: seen } },
    );
    this.seen = seen;
  }
}

/**
 * Connects and signs in. Throws `worker_unreachable`, `worker_unauthorized`, `HostKeyRefused` (`worker_host_key`), or the
 * signal's reason.
 */
export async function connect(address: SshAddress, signal?: AbortSignal): Promise<Client> {
  signal?.throwIfAborted();
  // Loaded with the first worker: most of what runs MediaFlow has none.
  const { Client } = (await import('ssh2')).default;
  const client = new Client();
  const { host, port, username } = address;
  if (isForbiddenHost(host)) throw new AppError('worker_unreachable', NO_WORKER);
  let seen = '';
  const settings: ConnectConfig = {
    ...{ host, port, username, ...credentials(address) },
    ...{ readyTimeout: READY_MS, keepaliveInterval: KEEPALIVE_MS, keepaliveCountMax: KEEPALIVE_TRIES },
    agentForward: false,
    hostVerifier: (key: Buffer) => (seen = fingerprintOf(key)) === address.hostKey,
  };
  const sock = connectSocket({ host, port, lookup }).setMaxListeners(0);
  // An error that comes before ssh2 listens would end the whole program.
  sock.on('error', () => undefined);
  const abandon = (): void => {
    client.destroy();
  };
  signal?.addEventListener('abort', abandon, { once: true });
  try {
    await new Promise<void>((resolve, reject) => {
      client
        .once('ready', resolve)
        .on('error', reject)
        .once('close', () => {
          reject(lost(address.host));
        });
      client.connect({ ...settings, sock });
    });
    // ssh2 leaves small packets waiting for company, which costs a hundredfold in what a transfer can do.
    client.setNoDelay(true);
    return client;
  } catch (error) {
    client.destroy();
    sock.destroy();
    signal?.throwIfAborted();
    if (seen !== '' && seen !== address.hostKey) throw new HostKeyRefused(address.host, seen, address.hostKey);
    throw connectFailure(error, address);
  } finally {
    signal?.removeEventListener('abort', abandon);
  }
}

function credentials({ auth, agentSocket }: SshAddress): ConnectConfig {
  if (auth.kind === 'password') return { password: auth.password };
  if (auth.kind === 'agent') {
    if (!agentSocket)
      throw new AppError('worker_unauthorized', 'No SSH agent: SSH_AUTH_SOCK is not set for MediaFlow.');
    return { agent: agentSocket };
  }
  return { privateKey: auth.privateKey, ...(auth.passphrase === undefined ? {} : { passphrase: auth.passphrase }) };
}
