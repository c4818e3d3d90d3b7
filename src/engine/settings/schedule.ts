import cron, { type ScheduledTask } from 'node-cron';
import { whyNoCron } from '../../domain/settings/cron.js';
import { toAppError } from '../../domain/errors.js';
import type { Events } from '../../domain/events.js';
import type { Bus } from '../../lib/bus.js';
import type { Log } from '../../lib/log.js';

/** Something that happens at set times. `cron` is asked again whenever the settings change; empty: it is off. */
export interface ScheduleTask {
  name: string;
  cron: () => string;
  run: () => Promise<void>;
}

export interface ScheduleParts {
  bus: Bus<Events>;
  log: Log;
  tasks: readonly ScheduleTask[];
}

interface Planned {
  expression: string;
  /** Null when it is off, or the expression cannot be used. */
  timer: ScheduledTask | null;
}

/** Runs tasks at the times of their cron expressions, in the time zone of this machine. No task overlaps itself. */
export class Schedule {
  readonly #parts: ScheduleParts;
  readonly #planned = new Map<ScheduleTask, Planned>();
  readonly #running = new Set<ScheduleTask>();
  #off: (() => void) | null = null;

  constructor(parts: ScheduleParts) {
    this.#parts = parts;
  }

  start(): void {
    this.#off ??= this.#parts.bus.on('settings.changed', () => {
      this.#plan();
    });
    this.#plan();
  }

  /** No task starts any more; one that runs is not waited for. */
  async stop(): Promise<void> {
    this.#off?.();
    this.#off = null;
    const planned = [...this.#planned.values()];
    this.#planned.clear();
    for (const { timer } of planned) await timer?.destroy();
  }

  /** Tasks whose expression cannot be used, and why. They are off until it is mended. */
  problems(): { name: string; cron: string; message: string }[] {
    return [...this.#planned]
      .filter(([, { timer, expression }]) => timer === null && expression !== '')
      .map(([{ name }, { expression }]) => ({ name, cron: expression, message: whyInvalid(expression) }));
  }

  /** When each task comes next; null for one that is off. */
  next(): { name: string; at: Date | null }[] {
    return [...this.#planned].map(([{ name }, { timer }]) => ({ name, at: timer?.getNextRun() ?? null }));
  }

  #plan(): void {
    for (const task of this.#parts.tasks) {
      const expression = task.cron();
      const before = this.#planned.get(task);
      if (before?.expression === expression) continue;
      void before?.timer?.destroy();
      this.#planned.set(task, { expression, timer: this.#timerFor(task, expression) });
    }
  }

  #timerFor(task: ScheduleTask, expression: string): ScheduledTask | null {
    const { log, bus } = this.#parts;
    if (expression === '') return null;
    if (whyNoCron(expression) !== null || !cron.validate(expression)) {
      log.error({ task: task.name, cron: expression }, `"${task.name}" is off: ${whyInvalid(expression)}`);
      bus.emit('problem.changed', {});
      return null;
    }
    return cron.schedule(expression, () => this.#run(task), {
      name: task.name,
      noOverlap: true,
      suppressMissedWarning: true,
      logger: toCronLogger(log),
    });
  }

  /** A timer that was replaced knows nothing of its predecessor's run, so overlaps are kept out here as well. */
  async #run(task: ScheduleTask): Promise<void> {
    if (this.#running.has(task)) return;
    this.#running.add(task);
    try {
      await task.run();
    } catch (error) {
      const { code } = toAppError(error);
      this.#parts.log[code === 'conflict' ? 'debug' : 'error']({ err: error }, `"${task.name}" failed`);
    } finally {
      this.#running.delete(task);
    }
  }
}

function whyInvalid(expression: string): string {
  const reason = whyNoCron(expression) ?? 'that day never comes';
  return `${expression.slice(0, 100)} is no cron expression (${reason})`;
}

const toCronLogger = (log: Log) => ({
  info: (message: string): void => {
    log.debug(message);
  },
  warn: (message: string): void => {
    log.debug(message);
  },
  error: (message: string | Error): void => {
    log.error({ err: message }, 'The schedule reports an error');
  },
  debug: (message: string | Error): void => {
    log.trace({ err: message }, 'schedule');
  },
});
