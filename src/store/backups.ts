import { AppError, toAppError } from '../domain/errors.js';
import { backUp } from './backup.js';

interface Parts {
  dir: string;
  now: () => Date;
  collections: readonly { keepOldCopies(): () => void }[];
}

/** Backups of a data folder that is in use: one at a time, given up when the program stops. */
export class Backups {
  readonly #parts: Parts;
  readonly #closing = new AbortController();
  #running: Promise<string> | null = null;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /** A second call during one joins it. Resolves with the folder. Throws `no_space`, or `cancelled` when stopping. */
  async make(reason: string): Promise<string> {
    this.#running ??= this.#copy(reason).finally(() => (this.#running = null));
    try {
      return await this.#running;
    } catch (error) {
      if (!this.#closing.signal.aborted) throw toAppError(error);
      throw new AppError('cancelled', 'The backup was given up because MediaFlow stops', { cause: error });
    }
  }

  async stop(): Promise<void> {
    this.#closing.abort();
    await this.#running?.catch(() => undefined);
  }

  async #copy(reason: string): Promise<string> {
    const { dir, now, collections } = this.#parts;
    const releases = collections.map((collection) => collection.keepOldCopies());
    try {
      return await backUp(dir, reason, now(), this.#closing.signal);
    } finally {
      for (const release of releases) release();
    }
  }
}
