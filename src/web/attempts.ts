import { setTimeout as sleep } from 'node:timers/promises';
import type { Request, RequestHandler } from 'express';
import { AppError } from '../domain/errors.js';
import { steadyClock } from '../lib/steady-clock.js';

/** So many wrong ones cost no time. */
const FREE = 5;
const FIRST_PAUSE_MS = 1000;
const LONGEST_PAUSE_MS = 15_000;
/** So many of one sender wait at a time; each holds a connection. */
const WAITING = 30;
/** After this long without a wrong one a sender begins anew. */
const FORGIVEN_MS = 15 * 60_000;
const SENDERS = 10_000;

interface Sender {
  wrong: number;
  running: number;
  lastMs: number;
}

/**
 * Guesses at a password. From the sixth wrong one on every further attempt of the same sender waits, twice as long each time
 * up to a limit, and is then looked at: whoever knows the password gets in, whatever others behind the same address do.
 */
export class Attempts {
  readonly #senders = new Map<string, Sender>();
  readonly #pause: (ms: number) => Promise<unknown>;
  readonly #steadyMs: () => number;

  constructor({
    pause = sleep,
    steadyMs = steadyClock,
  }: { pause?: (ms: number) => Promise<unknown>; steadyMs?: () => number } = {}) {
    this.#pause = pause;
    this.#steadyMs = steadyMs;
  }

  /** Resolves when it is the sender's turn, with what must be told how it went. Throws `rate_limited` when too many wait. */
  async turn(key: string): Promise<(isRight: boolean) => void> {
    const sender = this.#senderOf(key);
    if (sender.running >= WAITING) {
      throw new AppError('rate_limited', 'Too many attempts at the same time. Wait a minute, then try again.');
    }
    // What is under way counts as wrong: many at once shall be no way around the pause.
    const past = sender.wrong + sender.running - FREE;
    sender.running++;
    if (past >= 0) await this.#pause(Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** Math.min(past, 10)));
    return (isRight) => {
      sender.running--;
      if (isRight) return;
      sender.wrong++;
      sender.lastMs = this.#steadyMs();
    };
  }

  #senderOf(key: string): Sender {
    const known = this.#senders.get(key);
    this.#senders.delete(key);
    const isForgiven = !known || (known.running === 0 && this.#steadyMs() - known.lastMs > FORGIVEN_MS);
    const sender = isForgiven ? { wrong: 0, running: 0, lastMs: this.#steadyMs() } : known;
    this.#senders.set(key, sender);
    const [oldest] = this.#senders.keys();
    if (this.#senders.size > SENDERS && oldest !== undefined) this.#senders.delete(oldest);
    return sender;
  }
}

/** Lets a request that guesses go on when it is its sender's turn, and counts how it went. */
export function inTurn(attempts: Attempts, senderOf: (req: Request) => string): RequestHandler {
  return (req, res, next) => {
    attempts
      .turn(senderOf(req))
      .then((tell) => {
        // Whoever hung up while waiting is not looked at, and must not go on counting as one that waits.
        if (res.closed) {
          tell(false);
          return;
        }
        res.once('close', () => {
          tell(res.writableEnded && res.statusCode < 400);
        });
        next();
      })
      .catch(next);
  };
}
