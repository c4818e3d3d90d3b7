import { setTimeout as sleep } from 'node:timers/promises';
import type { Client, ClientChannel } from 'ssh2';
import { AppError } from '../domain/errors.js';
import { connect, type SshAddress } from './connect.js';
import { lost } from './ssh-error.js';

/** What a script on the other side said. `code` is null when nobody knows how it ended. */
export interface Ran {
  ok: boolean;
  stdout: string;
  stderr: string;
}

/** What OpenSSH allows on one connection unless told otherwise; lowered when a server refuses earlier. */
const USUAL_SESSIONS = 10;
const SCRIPT_TIMEOUT_MS = 30_000;
/** A server that starts nothing at all is asked so often, at such pauses. */
const MOST_REFUSED = 40;
const REFUSED_PAUSE_MS = 50;
const MAX_OUTPUT_BYTES = 4_000_000;
/**
 * Takes a script and its arguments from its input, each ended by a zero byte: not one byte of a file's name is ever read
 * by a shell, and the line itself means the same to every login shell.
 */
const RUN = 'xargs -0 sh -c';

/** One connection to a worker. Programs on it run beside each other, up to what the server allows. */
export class SshConnection {
  readonly host: string;
  readonly #client: Client;
  readonly #onLost = new Set<(error: AppError) => void>();
  readonly #waiting: (() => void)[] = [];
  #lost: AppError | null = null;
  #open = 0;
  #limit = USUAL_SESSIONS;

  private constructor(client: Client, host: string) {
    this.#client = client;
    this.host = host;
    // An error without a listener would end the whole program.
    client.on('error', (error) => {
      this.#lose(error);
    });
    client.on('close', () => {
      this.#lose();
    });
  }

  /**
   * Connects and signs in. Throws `worker_unreachable`, `worker_unauthorized`, `HostKeyRefused` (`worker_host_key`), or the
   * signal's reason.
   */
  static async open(address: SshAddress, signal?: AbortSignal): Promise<SshConnection> {
    return new SshConnection(await connect(address, signal), address.host);
  }

  get isOpen(): boolean {
    return this.#lost === null;
  }

  /** Calls back once when the connection is gone, also when it is already. Returns a function that takes that back. */
  onLost(listener: (error: AppError) => void): () => void {
    if (this.#lost) listener(this.#lost);
    else this.#onLost.add(listener);
    return () => this.#onLost.delete(listener);
  }

  /**
   * Runs a fixed script of `sh` with arguments, any bytes but zero in them. Throws `worker_unreachable` when the connection
   * is lost or the answer takes longer than `timeoutMs`; a script that fails is an answer, not an error.
   */
  async run(
    script: string,
    args: readonly string[] = [],
    options: { signal?: AbortSignal; timeoutMs?: number } = {},
  ): Promise<Ran> {
    const { signal } = options;
    const limit = AbortSignal.timeout(options.timeoutMs ?? SCRIPT_TIMEOUT_MS);
    const stop = signal ? AbortSignal.any([signal, limit]) : limit;
    const channel = await this.script(script, args, stop).catch((error: unknown) => {
      signal?.throwIfAborted();
      throw limit.aborted ? lost(this.host, limit.reason) : error;
    });
    try {
      const [stdout, stderr] = [collect(channel), collect(channel.stderr)];
      const ended = endOf(channel);
      const code = await orAborted(ended, stop);
      if (code === null) throw this.#lost ?? lost(this.host);
      return { ok: code === 0, stdout: stdout(), stderr: stderr() };
    } catch (error) {
      channel.destroy();
      signal?.throwIfAborted();
      throw limit.aborted ? lost(this.host, limit.reason) : error;
    }
  }

  /** How long the way there and back takes, milliseconds. Throws `worker_unreachable`. */
  async roundTripMs(signal?: AbortSignal): Promise<number> {
    const [first, second] = [await this.#ping(signal), await this.#ping(signal)];
    return Math.min(first, second);
  }

  async #ping(signal?: AbortSignal): Promise<number> {
    const startedMs = performance.now();
    // Asks for something no server has: every server says so without starting a program.
    const answered = this.#orLost<undefined>((resolve) => {
      this.#client.unforwardIn('127.0.0.1', 1, () => {
        resolve(undefined);
      });
    });
    await (signal ? orAborted(answered, signal) : answered);
    return performance.now() - startedMs;
  }

  /** Starts a fixed script with arguments; the caller reads what it says and awaits its end (`endOf`). */
  async script(script: string, args: readonly string[], signal?: AbortSignal): Promise<ClientChannel> {
    const channel = await this.exec(RUN, signal);
    channel.end([script, 'mediaflow', ...args].join('\0') + '\0');
    return channel;
  }

  /** Runs a fixed command, of which the caller reads, writes and awaits the end (`endOf`). Waits while the server allows no more. */
  async exec(command: string, signal?: AbortSignal): Promise<ClientChannel> {
    for (let refused = 0; ;) {
      signal?.throwIfAborted();
      if (this.#lost) throw this.#lost;
      if (this.#open >= this.#limit) {
        await this.#turn(signal);
        continue;
      }
      this.#open++;
      const channel = await this.#begin(command, refused >= MOST_REFUSED);
      if (channel !== null) {
        if (signal?.aborted) channel.destroy();
        return channel;
      }
      // The server counts a session for a moment longer than we do.
      if (this.#open === 0 && ++refused > 0) await sleep(REFUSED_PAUSE_MS);
    }
  }

  /**
   * Opens a port on the worker's own loopback, any free one, that leads here; it is gone with the connection. Resolves with
   * the port. Throws `worker_unavailable` where the server allows no tunnel.
   */
  async tunnel(onConnection: (channel: ClientChannel) => void): Promise<number> {
    const client = this.#client;
    client.on('tcp connection', (_, accept) => {
      onConnection(accept());
    });
    return this.#orLost<number>((resolve, reject) => {
      client.forwardIn('127.0.0.1', 0, (error, port) => {
        if (!error) {
          resolve(port);
          return;
        }
        const text = `${this.host} allows no tunnel (AllowTcpForwarding in its sshd_config).`;
        reject(new AppError('worker_unavailable', text, { cause: error }));
      });
    });
  }

  close(): void {
    this.#lose();
    this.#client.end();
    // What does not answer any more does not say goodbye either.
    setTimeout(() => this.#client.destroy(), 1000).unref();
  }

  /** Null: the server has no room for one more session now; it is asked again when one has ended. */
  async #begin(command: string, isLastTry: boolean): Promise<ClientChannel | null> {
    try {
      const channel = await this.#orLost<ClientChannel>((resolve, reject) => {
        this.#client.exec(command, (error, opened) => {
          if (error) reject(error);
          else resolve(opened);
        });
      });
      channel.on('error', () => undefined);
      channel.stderr.on('error', () => undefined);
      channel.once('close', () => {
        this.#release();
      });
      return channel;
    } catch (error) {
      this.#release();
      if (this.#lost) throw this.#lost;
      if ((error as Error).message.includes('Channel open failure') && !isLastTry) {
        this.#limit = Math.max(1, this.#open);
        return null;
      }
      if (error instanceof AppError) throw error;
      throw new AppError('worker_unavailable', `${this.host} starts no program: ${(error as Error).message}.`, {
        cause: error,
      });
    }
  }

  /** Whoever gives up waiting leaves the queue, or hands the place that was just given to them to the next. */
  async #turn(signal?: AbortSignal): Promise<void> {
    let wake = (): void => undefined;
    const woken = new Promise<void>((resolve) => this.#waiting.push((wake = resolve)));
    try {
      await (signal ? orAborted(woken, signal) : woken);
    } catch (error) {
      const at = this.#waiting.indexOf(wake);
      if (at >= 0) this.#waiting.splice(at, 1);
      else this.#waiting.shift()?.();
      throw error;
    }
  }

  #release(): void {
    this.#open--;
    this.#waiting.shift()?.();
  }

  /** A callback of ssh2 that may never come when the connection is lost. */
  #orLost<T>(start: (resolve: (value: T) => void, reject: (error: Error) => void) => void): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      const off = this.onLost(reject);
      const settle =
        <V>(then: (value: V) => void) =>
        (value: V): void => {
          off();
          then(value);
        };
      try {
        start(settle(resolve), settle(reject));
      } catch (error) {
        // ssh2 throws when there is no connection any more.
        this.#lose(error);
      }
    });
  }

  #lose(cause?: unknown): void {
    if (this.#lost) return;
    const error = lost(this.host, cause);
    this.#lost = error;
    for (const listener of this.#onLost) listener(error);
    this.#onLost.clear();
    for (const wake of this.#waiting.splice(0)) wake();
  }
}

/** Resolves when a program has ended: its exit code, or null when that is not known (a signal, a lost connection). */
export function endOf(channel: ClientChannel): Promise<number | null> {
  return new Promise((resolve) => {
    channel.once('close', (code?: number | null) => {
      resolve(typeof code === 'number' ? code : null);
    });
  });
}

function collect(stream: NodeJS.ReadableStream): () => string {
  const parts: Buffer[] = [];
  let size = 0;
  stream.on('data', (part: Buffer) => {
    size += part.length;
    // What is beyond is read and forgotten: an unread channel never closes.
    if (size <= MAX_OUTPUT_BYTES) parts.push(part);
  });
  return () => Buffer.concat(parts).toString('utf8');
}

/** Rejects with the signal's reason when that comes first: what is frozen never says that it has ended. */
export async function orAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  let abandon = (): void => undefined;
  const aborted = new Promise<never>((_, reject) => {
    abandon = () => {
      reject(signal.reason as Error);
    };
  });
  signal.addEventListener('abort', abandon, { once: true });
  if (signal.aborted) abandon();
  try {
    return await Promise.race([work, aborted]);
  } finally {
    signal.removeEventListener('abort', abandon);
    aborted.catch(() => undefined);
  }
}
