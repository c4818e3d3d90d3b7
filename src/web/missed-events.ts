import { randomBytes } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { RequestHandler } from 'express';
import type { LIVE } from '../domain/events.js';

type LiveEvent = (typeof LIVE)[number];

/**
 * Up to which event a page knows: between drawing it and the moment it listens, however long its line takes, things may happen that
 * nobody would tell it.
 */
export class MissedEvents {
  /** Pages that were drawn before the last start count from there. */
  readonly #start = randomBytes(6).toString('hex');
  readonly #lastOf = new Map<LiveEvent, number>();
  readonly #places = new WeakMap<IncomingMessage, string>();
  #count = 0;

  /** Something of this kind happened. */
  note(name: LiveEvent): void {
    this.#lastOf.set(name, ++this.#count);
  }

  /** Whatever is read to answer a request is no older than its place. */
  readonly mark: RequestHandler = (req, _res, next) => {
    this.#places.set(req, this.#now);
    next();
  };

  /** For the page that answers this request. */
  placeOf(req: IncomingMessage): string {
    return this.#places.get(req) ?? this.#now;
  }

  /** What happened since a page was drawn, as far as its place says; nothing for a page that says none. */
  since(place: unknown): LiveEvent[] {
    const [, start, count] = /^([0-9a-f]{12})-(\d{1,15})$/.exec(typeof place === 'string' ? place : '') ?? [];
    if (start === undefined) return [];
    const known = start === this.#start ? Number(count) : 0;
    return [...this.#lastOf].filter(([, last]) => last > known).map(([name]) => name);
  }

  get #now(): string {
    return `${this.#start}-${this.#count}`;
  }
}
