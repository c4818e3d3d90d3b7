import { isFromPlex, type WebhookOutcome } from '../../domain/plex/webhook.js';
import type { Log } from '../../lib/log.js';
import type { Store } from '../../store/store.js';

/** Counts webhooks. A flood of them shares its trips to the disk, and nobody waits for the count. */
export class WebhookTally {
  readonly #store: Store;
  readonly #log: Log;
  readonly #now: () => Date;
  readonly #counted = new Map<WebhookOutcome, number>();
  #last: { at: string; event: string } | null = null;
  readonly #lastAtOf = new Map<WebhookOutcome, string>();
  #writing: Promise<void> | null = null;

  constructor(parts: { store: Store; log: Log; now: () => Date }) {
    this.#store = parts.store;
    this.#log = parts.log;
    this.#now = parts.now;
  }

  add(outcome: WebhookOutcome, event: string): void {
    this.#counted.set(outcome, (this.#counted.get(outcome) ?? 0) + 1);
    const at = this.#now().toISOString();
    this.#lastAtOf.set(outcome, at);
    if (isFromPlex(outcome)) this.#last = { at, event: event.slice(0, 100) };
    this.#writing ??= this.#write();
  }

  /** Resolves when all counts are on disk. */
  async flush(): Promise<void> {
    while (this.#writing) await this.#writing;
  }

  async #write(): Promise<void> {
    try {
      while (this.#counted.size > 0) {
        const value = { ...this.#store.webhookCounts.value };
        for (const [outcome, count] of this.#counted) value[outcome] += count;
        this.#counted.clear();
        value.lastAtOf = { ...value.lastAtOf, ...Object.fromEntries(this.#lastAtOf) };
        if (this.#last) Object.assign(value, { lastAt: this.#last.at, lastEvent: this.#last.event });
        await this.#store.webhookCounts.put(value);
      }
    } catch (error) {
      this.#log.warn({ err: error }, 'The count of webhooks could not be stored');
    } finally {
      this.#writing = null;
    }
  }
}
