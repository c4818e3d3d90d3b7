import { AppError } from '../domain/errors.js';
import type { Log } from '../lib/log.js';
import { orAborted } from './connection.js';
import { transferFile, type TransferRequest, type Watch } from './transfer-request.js';
import { Lost, ownProgram, TransferProcess, type Program } from './transfer-process.js';

/** It is kept at hand for so long after it was last used. Milliseconds. */
const IDLE_MS = 60_000;
/** How often the same file is begun again after the process was lost. */
const TRIES = 2;

/**
 * Transfers files in a process of its own: encrypting a gigabit in a second keeps a processor so busy that pages would wait for it, and
 * what it throws away would have the whole library's memory searched several times a second. Where no process can be started, they are
 * transferred in this one.
 */
export class FileTransfers {
  readonly #log: Log;
  readonly #idleMs: number;
  readonly #program: Program;
  #transferProcess: Promise<TransferProcess | null> | null = null;
  #loads = 0;
  #idle: NodeJS.Timeout | null = null;

  constructor({ log, idleMs = IDLE_MS, program = ownProgram() }: { log: Log; idleMs?: number; program?: Program }) {
    this.#log = log;
    this.#idleMs = idleMs;
    this.#program = program;
  }

  /** Throws what `transferFile` throws, and `transfer_failed` when the process is lost again and again. */
  async transferFile(load: TransferRequest, watch: Watch): Promise<void> {
    this.#loads++;
    if (this.#idle) clearTimeout(this.#idle);
    try {
      await this.#transferFile(load, watch);
    } finally {
      this.#loads--;
      if (this.#loads === 0) this.#idle = setTimeout(() => void this.close(), this.#idleMs).unref();
    }
  }

  /** Ends the process; what it transfers fails. It is started anew when it is needed again. */
  async close(): Promise<void> {
    const starting = this.#transferProcess;
    this.#transferProcess = null;
    const transferProcess = await starting;
    transferProcess?.end();
    await transferProcess?.ended;
  }

  async #transferFile(load: TransferRequest, watch: Watch): Promise<void> {
    for (let tried = 1; ; tried++) {
      const transferProcess = await orAborted(this.#ready(), watch.signal);
      if (transferProcess === null) return transferFile(load, watch);
      try {
        await transferProcess.transferFile(load, watch);
        return;
      } catch (error) {
        watch.signal.throwIfAborted();
        if (!(error instanceof Lost)) throw error;
        this.#log.warn({ reason: error.message }, 'The transfer process ended');
        if (tried < TRIES) continue;
        const text = `The transfer process for ${load.address.host} ended again and again: ${error.message}.`;
        throw new AppError('transfer_failed', text, { cause: error });
      }
    }
  }

  async #ready(): Promise<TransferProcess | null> {
    const starting = (this.#transferProcess ??= TransferProcess.start(this.#program));
    const transferProcess = await starting;
    if (transferProcess && !transferProcess.isGone) return transferProcess;
    if (this.#transferProcess === starting) this.#transferProcess = null;
    if (transferProcess) return this.#ready();
    this.#log.warn('No transfer process could be started; files are transferred in this one');
    return null;
  }
}
