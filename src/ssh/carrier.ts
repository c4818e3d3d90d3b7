import { AppError } from '../domain/errors.js';
import type { Log } from '../lib/log.js';
import { orAborted } from './connection.js';
import { carry, type TransferRequest, type Watch } from './transfer-request.js';
import { Lost, ownProgram, TransferProcess, type Program } from './transfer-process.js';

/** It is kept at hand for so long after it was last used. Milliseconds. */
const IDLE_MS = 60_000;
/** How often the same file is begun again after the process was lost. */
const TRIES = 2;

/**
 * Carries files in a process of its own: encrypting a gigabit in a second keeps a processor so busy that pages would wait for it, and
 * what it throws away would have the whole library's memory searched several times a second. Where no process can be started, they are
 * carried in this one.
 */
export class Carrier {
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

  /** Throws what `carry` throws, and `transfer_failed` when the process is lost again and again. */
  async carry(load: TransferRequest, watch: Watch): Promise<void> {
    this.#loads++;
    if (this.#idle) clearTimeout(this.#idle);
    try {
      await this.#carry(load, watch);
    } finally {
      this.#loads--;
      if (this.#loads === 0) this.#idle = setTimeout(() => void this.close(), this.#idleMs).unref();
    }
  }

  /** Ends the process; what it carries fails. It is started anew when it is needed again. */
  async close(): Promise<void> {
    const starting = this.#transferProcess;
    this.#transferProcess = null;
    const transferProcess = await starting;
    transferProcess?.end();
    await transferProcess?.ended;
  }

  async #carry(load: TransferRequest, watch: Watch): Promise<void> {
    for (let tried = 1; ; tried++) {
      const transferProcess = await orAborted(this.#ready(), watch.signal);
      if (transferProcess === null) return carry(load, watch);
      try {
        await transferProcess.carry(load, watch);
        return;
      } catch (error) {
        watch.signal.throwIfAborted();
        if (!(error instanceof Lost)) throw error;
        this.#log.warn({ reason: error.message }, 'The process that carries files ended');
        if (tried < TRIES) continue;
        const text = `The process that carries files to and from ${load.address.host} ended again and again: ${error.message}.`;
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
    this.#log.warn('No process for carrying files could be started; they are carried in this one');
    return null;
  }
}
