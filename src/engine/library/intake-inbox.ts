import { setTimeout as sleep } from 'node:timers/promises';
import type { PlexWebhook, WebhookOutcome } from '../../domain/plex/webhook.js';
import { EventLoopYield } from '../../lib/event-loop-yield.js';

/** So many events are sorted side by side: each may need a look at a file. */
const AT_A_TIME = 50;
/** While more come so shortly one after the other, answering them goes first ... */
const CALM_MS = 20;
/** ... though no longer than this, until nothing waits any more. */
const LONGEST_MS = 5000;

interface Waiting {
  event: PlexWebhook;
  settle: (outcome: Promise<WebhookOutcome>) => void;
}

/** Events that were answered and wait to be sorted, in the order in which they came. A burst is taken in first and worked on then. */
export class IntakeInbox {
  readonly #sort: (event: PlexWebhook) => Promise<WebhookOutcome>;
  #waiting: Waiting[] = [];
  #lastMs = 0;
  #emptying: Promise<void> | null = null;

  constructor(sort: (event: PlexWebhook) => Promise<WebhookOutcome>) {
    this.#sort = sort;
  }

  /** Resolves when the event was sorted and what came of it is stored. */
  add(event: PlexWebhook): Promise<WebhookOutcome> {
    const isBurst = this.#emptying !== null;
    this.#lastMs = performance.now();
    return new Promise((resolve) => {
      this.#waiting.push({ event, settle: resolve });
      if (!isBurst) this.#emptying = this.#empty();
    });
  }

  /** Resolves when nothing waits any more. */
  async flush(): Promise<void> {
    while (this.#emptying) await this.#emptying;
  }

  async #empty(): Promise<void> {
    // Whoever posted it is answered first.
    await new Promise(setImmediate);
    const loopYield = new EventLoopYield();
    const endsAtMs = performance.now() + LONGEST_MS;
    while (this.#waiting.length > 0) {
      if (this.#waiting.length > AT_A_TIME) await this.#untilCalm(endsAtMs);
      const some = this.#waiting.splice(0, AT_A_TIME);
      const sorted = some.map(({ event, settle }) => {
        const outcome = this.#sort(event);
        settle(outcome);
        return outcome;
      });
      // Not until they are on the disk: those that follow share the trip.
      if (this.#waiting.length === 0) await Promise.allSettled(sorted);
      if (loopYield.isDue) await loopYield.pause();
    }
    this.#emptying = null;
  }

  async #untilCalm(endsAtMs: number): Promise<void> {
    while (performance.now() - this.#lastMs < CALM_MS && performance.now() < endsAtMs) await sleep(CALM_MS);
  }
}
