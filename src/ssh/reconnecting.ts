import { setTimeout as sleep } from 'node:timers/promises';
import { AppError, toAppError } from '../domain/errors.js';
import type { SshAddress } from './connect.js';
import { SshConnection } from './connection.js';
import { transferFile, type TransferRequest, type Watch } from './transfer-request.js';
import { lanesFor } from './transfer.js';

export type TransferFile = (load: TransferRequest, watch: Watch) => Promise<void>;
export type FileTransferRequest = Pick<TransferRequest, 'kind' | 'path' | 'dir' | 'name' | 'sizeBytes'> &
  Partial<Pick<TransferRequest, 'held'>>;

const FIRST_PAUSE_MS = 250;
const LONGEST_PAUSE_MS = 5000;

/** The way to one worker: a connection that is opened when needed and opened again when it was lost. */
export class ReconnectingSsh {
  readonly address: SshAddress;
  /** How long it is tried again before the worker is given up. Milliseconds. */
  readonly patienceMs: number;
  readonly #transferFile: TransferFile;
  readonly #closed = new AbortController();
  readonly #extra = new Set<SshConnection>();
  #connection: SshConnection | null = null;
  #opening: Promise<SshConnection> | null = null;

  /** `transfer`: who transfers files; by itself, this process does. */
  constructor(address: SshAddress, patienceMs: number, transfer: TransferFile = transferFile) {
    this.address = address;
    this.patienceMs = patienceMs;
    this.#transferFile = transfer;
  }

  /** The connection that everything but transfers shares. Throws what `SshConnection.open` throws. */
  async shared(signal: AbortSignal): Promise<SshConnection> {
    signal.throwIfAborted();
    if (this.#connection?.isOpen) return this.#connection;
    // Whoever gives up waiting does not take it away from the others.
    this.#opening ??= this.#open().finally(() => (this.#opening = null));
    return this.#opening;
  }

  async #open(): Promise<SshConnection> {
    this.#connection = await SshConnection.open(this.address, this.#closed.signal);
    return this.#connection;
  }

  /** A connection of one's own; closed by whoever asked, or with the line. */
  async own(signal: AbortSignal): Promise<SshConnection> {
    const connection = await SshConnection.open(this.address, AbortSignal.any([signal, this.#closed.signal]));
    this.#extra.add(connection);
    connection.onLost(() => this.#extra.delete(connection));
    return connection;
  }

  /**
   * Does what may be done twice, again and again while the connection is lost meanwhile. Throws the last
   * `worker_unreachable` when that has gone on for `patienceMs`, and every other error at once.
   */
  async persist<T>(task: (connection: SshConnection) => Promise<T>, signal: AbortSignal): Promise<T> {
    const startedMs = performance.now();
    for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(LONGEST_PAUSE_MS, pauseMs * 2)) {
      try {
        return await task(await this.shared(signal));
      } catch (error) {
        signal.throwIfAborted();
        const known = toAppError(error);
        if (known.code !== 'worker_unreachable' || this.#closed.signal.aborted) throw known;
        if (performance.now() - startedMs > this.patienceMs) throw this.#givenUp(known);
        await sleep(pauseMs, undefined, { signal }).catch(() => {
          signal.throwIfAborted();
        });
      }
    }
  }

  /**
   * Transfers a file, over as many connections as the way is long. What came is not yet compared. Throws `worker_unreachable`,
   * `transfer_failed`, `no_space`, `file_changed`, or the signal's reason.
   */
  async transferFile(
    file: FileTransferRequest,
    { maxMbps, ...watch }: Watch & { maxMbps: number | null },
  ): Promise<void> {
    const latencyMs = await this.persist((connection) => connection.roundTripMs(watch.signal), watch.signal);
    const load: TransferRequest = {
      ...{ held: [], ...file, address: this.address, lanes: lanesFor(latencyMs), patienceMs: this.patienceMs },
      bytesPerSec: maxMbps === null ? null : (maxMbps * 1e6) / 8,
    };
    await this.#transferFile(load, { ...watch, signal: AbortSignal.any([watch.signal, this.#closed.signal]) });
  }

  /** Ends all connections; nothing can be asked afterwards. Safe to call twice. */
  close(): void {
    this.#closed.abort(new AppError('interrupted', 'MediaFlow is stopping.'));
    this.#connection?.close();
    for (const connection of this.#extra) connection.close();
  }

  #givenUp(cause: AppError): AppError {
    const seconds = Math.round(this.patienceMs / 1000);
    return new AppError(
      'worker_unreachable',
      `${this.address.host} could not be reached for ${seconds} seconds. ${cause.message}`,
      {
        cause,
      },
    );
  }
}
