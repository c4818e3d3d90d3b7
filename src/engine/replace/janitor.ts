import { readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { toAppError } from '../../domain/errors.js';
import { purgeHold } from '../../domain/replace/clock-seen.js';
import { Loop } from '../../lib/loop.js';
import { ClockWatch } from './clock-watch.js';
import type { QueueParts } from '../jobs/parts.js';
import type { Restorer } from './restore.js';
import { steadyClock } from '../../lib/steady-clock.js';

const HOUR_MS = 3_600_000;
const DAY_HOURS = 24;
/** Logs of jobs are kept as long as somebody may ask about them. */
const LOG_DAYS = 90;

/** Once an hour: originals whose time is over, and logs that nobody will read again. */
export class Janitor {
  readonly #parts: Pick<QueueParts, 'store' | 'bus' | 'log' | 'now' | 'logsDir'>;
  readonly #restorer: Pick<Restorer, 'purge' | 'lose'>;
  readonly #loop: Loop;
  readonly #clock: ClockWatch;

  /** `steadyMs` counts milliseconds and cannot be set. */
  constructor(
    parts: Pick<QueueParts, 'store' | 'bus' | 'log' | 'now' | 'logsDir'>,
    restorer: Pick<Restorer, 'purge' | 'lose'>,
    steadyMs = steadyClock,
  ) {
    this.#parts = parts;
    this.#restorer = restorer;
    this.#clock = new ClockWatch(parts.store.clock, { nowMs: () => parts.now().getTime(), steadyMs });
    this.#loop = new Loop((signal) => this.sweep(signal), {
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

  /** Deletes what is due, if the clock can be trusted. */
  async sweep(signal: AbortSignal): Promise<void> {
    const { store, bus } = this.#parts;
    const heldBefore = purgeHold(store.clock.value)?.until;
    const { leftMs, jumpedMs } = await this.#clock.look();
    if (purgeHold(store.clock.value)?.until !== heldBefore) bus.emit('problem.changed', {});
    if (leftMs > 0) {
      const level = jumpedMs === 0 ? 'debug' : 'warn';
      const hours = { jumpedHours: Math.round(jumpedMs / HOUR_MS), leftHours: Math.ceil(leftMs / HOUR_MS) };
      this.#parts.log[level](hours, 'Nothing is deleted for its age until the clock has been steady for a day');
      return;
    }
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
        log.info({ id }, 'An original in quarantine was deleted, its time was over');
      } catch (error) {
        const refusal = toAppError(error);
        if (refusal.code === 'file_missing') await this.#restorer.lose(id);
        log.warn({ id, err: refusal }, 'An original in quarantine was not deleted');
      }
    }
  }

  async #dropLogs(): Promise<void> {
    const { logsDir, now } = this.#parts;
    const oldest = now().getTime() - LOG_DAYS * DAY_HOURS * HOUR_MS;
    for (const name of await readdir(logsDir).catch(() => [])) {
      const path = join(logsDir, name);
      const { mtimeMs } = await stat(path);
      if (mtimeMs < oldest) await rm(path, { force: true });
    }
  }
}
