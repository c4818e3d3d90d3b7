import { readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { toAppError } from '../../domain/errors.js';
import { Loop } from '../../lib/loop.js';
import type { QueueParts } from './parts.js';
import type { Restorer } from './restore.js';

const HOUR_MS = 3_600_000;
/** Logs of jobs are kept as long as somebody may ask about them. */
const LOG_DAYS = 90;

/** Once an hour: originals whose time is over, and logs that nobody will read again. */
export class Janitor {
  readonly #parts: QueueParts;
  readonly #restorer: Restorer;
  readonly #loop: Loop;

  constructor(parts: QueueParts, restorer: Restorer) {
    this.#parts = parts;
    this.#restorer = restorer;
    this.#loop = new Loop((signal) => this.#sweep(signal), {
      everyMs: HOUR_MS,
      onError: (error) => {
        parts.log.error({ err: error }, 'The hourly cleaning could not be done');
      },
    });
  }

  start(): void {
    this.#loop.start();
  }

  async stop(): Promise<void> {
    await this.#loop.stop();
  }

  async #sweep(signal: AbortSignal): Promise<void> {
    await this.#purgeDue(signal);
    await this.#dropLogs();
  }

  /** Dry run touches nothing, kept originals included. */
  async #purgeDue(signal: AbortSignal): Promise<void> {
    const { store, now, log } = this.#parts;
    if (store.settings.value.safety.dryRun) return;
    const at = now().toISOString();
    for (const { id } of store.quarantine.where(({ state, purgeAt }) => state === 'kept' && purgeAt <= at)) {
      if (signal.aborted) return;
      try {
        await this.#restorer.purge(id, 'schedule');
        log.info({ id }, 'A kept original was deleted, its time was over');
      } catch (error) {
        const refusal = toAppError(error);
        if (refusal.code === 'file_missing') await this.#restorer.lose(id);
        log.warn({ id, err: refusal }, 'A kept original was not deleted');
      }
    }
  }

  async #dropLogs(): Promise<void> {
    const { logsDir, now } = this.#parts;
    const oldest = now().getTime() - LOG_DAYS * 24 * HOUR_MS;
    for (const name of await readdir(logsDir).catch(() => [])) {
      const path = join(logsDir, name);
      const { mtimeMs } = await stat(path);
      if (mtimeMs < oldest) await rm(path, { force: true });
    }
  }
}
