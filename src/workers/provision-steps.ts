import { toAppError } from '../domain/errors.js';
import type { ProvisionStep } from '../domain/workers/provision.js';

/** What a step may say while it goes on. */
export interface StepTalk {
  say: (text: string) => void;
  log: (text: string) => void;
}

/** How much of what commands wrote is kept of a step. Characters. */
const MOST_LOG = 16_000;

/** Tells of each step when it begins, when there is news of it, and how it ended. */
export class StepLog {
  readonly #report: (step: ProvisionStep) => void;

  constructor(report: (step: ProvisionStep) => void) {
    this.#report = report;
  }

  /** Tells why something is not done. */
  skip(name: string, text: string): void {
    this.#report({ name, state: 'skipped', text, log: '' });
  }

  /** Does one step. What it throws ends the step, and is thrown on. */
  async step<T>(name: string, work: (talk: StepTalk) => Promise<{ value: T; text: string; log?: string }>): Promise<T> {
    let log = '';
    const tell = (state: ProvisionStep['state'], text: string): void => {
      this.#report({ name, state, text, log });
    };
    const add = (text: string): void => {
      // The last words tell the most.
      log = (log + text).slice(-MOST_LOG);
    };
    tell('running', '');
    try {
      const {
        value,
        text,
        log: more = '',
      } = await work({
        say: (words) => {
          tell('running', words);
        },
        log: add,
      });
      add(more);
      tell('done', text);
      return value;
    } catch (error) {
      tell('failed', toAppError(error).message);
      throw error;
    }
  }
}
