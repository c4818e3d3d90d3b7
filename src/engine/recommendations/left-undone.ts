import { toAppError } from '../../domain/errors.js';
import type { Subject } from '../../domain/rules/rule.js';
import type { Run } from '../../domain/recommendations/run.js';
import type { Log } from '../../lib/log.js';
import type { Store } from '../../store/store.js';
import type { Automation } from './automate.js';

export interface LeftUndoneParts {
  store: Store;
  log: Log;
  analyzer: {
    hasMissed: boolean;
    settled(): Promise<void>;
    library(trigger: Run['trigger']): Promise<unknown>;
    membersOf(group: { codec: string; resolution: string }, ruleId: string): Subject[];
  };
  automation: Pick<Automation, 'consider' | 'considerGroup'>;
}

/**
 * At the start, goes on with what a program that ended in the middle left: titles that were stored and at which no rule has looked, and
 * findings of automatic rules that were stored and are not queued. Neither would ever be told of again.
 */
export class LeftUndone {
  readonly #parts: LeftUndoneParts;
  #running: Promise<void> = Promise.resolve();
  #isStopped = false;

  constructor(parts: LeftUndoneParts) {
    this.#parts = parts;
  }

  /** Nobody has to wait for it. */
  start(): void {
    this.#isStopped = false;
    this.#running = this.#run().catch((error: unknown) => {
      if (toAppError(error).code !== 'conflict') this.#parts.log.error({ err: error }, 'What was left undone stays so');
    });
  }

  /** Before the analyzer, which ends what is under way. */
  stop(): void {
    this.#isStopped = true;
  }

  /** Resolves when nothing is left undone. */
  async settled(): Promise<void> {
    await this.#running;
  }

  async #run(): Promise<void> {
    const { store, analyzer } = this.#parts;
    await analyzer.settled();
    if (this.#isStopped) return;
    // A look at everything considers all that is open as well.
    if (analyzer.hasMissed && store.settings.value.intel.autoAnalyzeOnSync) await analyzer.library('schedule');
    else this.#considerOpen();
  }

  #considerOpen(): void {
    const { store, analyzer, automation } = this.#parts;
    const automatic = new Set(store.rules.where(({ mode }) => mode === 'automatic').map(({ id }) => id));
    if (automatic.size === 0) return;
    const rows = store.recommendations.where(({ state, ruleId }) => state === 'open' && automatic.has(ruleId));
    automation.consider(rows.filter(({ group }) => group === null).map(({ id }) => id));
    for (const { id, group, ruleId } of rows)
      if (group !== null) automation.considerGroup(id, analyzer.membersOf(group, ruleId));
  }
}
