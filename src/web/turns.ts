import type { RequestHandler } from 'express';
import { beAwaited } from '../lib/event-loop-yield.js';

/**
 * Lets one request a round of the event loop go on to its page. When two hundred browsers ask at the same moment, health
 * checks, files and webhooks, which do not wait in this line, are answered between two pages instead of after all of them.
 */
export function oneByOne(): RequestHandler {
  const waiting: (() => void)[] = [];
  const letNextGoOn = (): void => {
    const goOn = waiting.shift();
    // First, so that nothing a page does can hold up those behind it.
    if (waiting.length > 0) setImmediate(letNextGoOn);
    goOn?.();
  };
  return (_req, res, next) => {
    const goOn = (): void => {
      // Whoever hung up while waiting needs no page.
      if (!res.closed) next();
    };
    if (waiting.push(goOn) === 1) setImmediate(letNextGoOn);
  };
}

/** Has long tasks give way to every request that comes here until it is answered. */
export function beforeLongTasks(): RequestHandler {
  return (_req, res, next) => {
    res.once('close', beAwaited());
    next();
  };
}
