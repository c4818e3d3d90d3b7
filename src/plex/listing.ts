import { EventLoopYield } from '../lib/event-loop-yield.js';
import { countOf, itemsOf } from './answer.js';
import type { PlexClient } from './client.js';
import { toStr, type Raw } from './coerce.js';
import { badAnswer } from './failure.js';

/** Entries that are asked for at a time. */
export const PAGE_SIZE = 500;
/** So many of them are on their way while the caller works on one: while one is being sent the server already reads the next. */
const PAGES_AHEAD = 2;
/** A list may grow while it is read, but not by more than itself and so many entries. */
const GROWTH = 5000;
/** More than any library holds: where a list does not say how long it is, it ends here at the latest. */
const MOST_ENTRIES = 1_000_000;

/** One page of a listing, without what earlier pages held already. */
export interface RawPage {
  items: Raw[];
  total: number;
  /** Fields of the answer around the items, such as `librarySectionID`. */
  container: Raw;
}

interface ListRequest {
  path: string;
  query?: Readonly<Record<string, string | number>>;
  pageSize: number;
  /** Whether to insist on as many different items as the server counts. Off where items may move while we read. */
  exact: boolean;
  signal?: AbortSignal | undefined;
}

/**
 * Reads a whole listing page by page; the next ones are on their way while the caller works on this one.
 *
 * Advances by what came, not by what was asked. When the server counts fewer items than before, what moved up is read
 * again. Throws `plex_bad_answer` when a list ends before the server's own count, goes on behind it, or never ends.
 */
export async function* pagesOf(client: PlexClient, request: ListRequest): AsyncGenerator<RawPage> {
  const abandon = new AbortController();
  const signal = request.signal ? AbortSignal.any([request.signal, abandon.signal]) : abandon.signal;
  const ahead = new PagesAhead((start) => askPage(client, { ...request, signal }, start), request.pageSize);
  const seen = new Set<string>();
  const loopYield = new EventLoopYield();
  let known = 0;
  let first: number | null = null;
  let gone = 0;
  /** Up to where the list was read; behind a removal some of that is read again. */
  let furthest = 0;
  try {
    for (let start: number | null = 0; start !== null;) {
      const page: AnsweredPage = await ahead.take(start);
      // It was parsed just now, perhaps within the turn in which the caller's own work ended.
      await loopYield.pause();
      const { length } = page.items;
      const end: number = start + length;
      // Without a count, a full page promises another one.
      const total: number = page.total ?? end + (length === request.pageSize ? 1 : 0);
      const isLast: boolean = page.total === null ? length !== request.pageSize : end >= total;
      const removed: number = page.total === null ? 0 : Math.max(0, known - total);
      if (length === 0 && !isLast) throw badAnswer(endsEarly(start, total));
      const fresh = page.items.filter((item) => isFirst(item, seen));
      if (fresh.length === 0 && !isLast && start >= furthest && removed === 0)
        throw badAnswer('it repeats the same page of a list');
      furthest = Math.max(furthest, end);
      known = total;
      gone += removed;
      first ??= page.total;
      if (total > (first === null ? MOST_ENTRIES : 2 * first + GROWTH))
        throw badAnswer('a list does not come to an end');
      if (request.exact && page.total !== null && seen.size > total + gone)
        throw badAnswer(`a list holds more than the ${total} entries it counts`);
      const isReread: boolean = removed > 0;
      start = isReread ? Math.max(0, start - removed) : isLast ? null : end;
      // Where items moved, or fewer came than were asked for, what was asked ahead holds something else by now.
      const isAsExpected = !isReread && length === request.pageSize;
      if (!isAsExpected) ahead.forget();
      // Of what changed only the first page is needed as a rule.
      if (start !== null) ahead.ask(start, total, request.exact && isAsExpected ? PAGES_AHEAD : 1);
      else if (request.exact && seen.size < total) throw badAnswer(endsEarly(seen.size, total));
      yield { items: fresh, total, container: page.container };
    }
  } finally {
    abandon.abort();
  }
}

interface AnsweredPage {
  items: readonly Raw[];
  total: number | null;
  container: Raw;
}

/** Pages that were asked for and not taken yet, by where they start. */
class PagesAhead {
  readonly #askAt: (start: number) => Promise<AnsweredPage>;
  readonly #pageSize: number;
  readonly #asked = new Map<number, Promise<AnsweredPage>>();

  constructor(askAt: (start: number) => Promise<AnsweredPage>, pageSize: number) {
    this.#askAt = askAt;
    this.#pageSize = pageSize;
  }

  take(start: number): Promise<AnsweredPage> {
    const answer = this.#asked.get(start) ?? this.#askAt(start);
    this.#asked.delete(start);
    return answer;
  }

  /** Asks for the page that starts here, and up to `count` with those behind it; only the first may start at the end of the list. */
  ask(start: number, total: number, count: number): void {
    for (let at = start, n = 0; n < count && (n === 0 || at < total); at += this.#pageSize, n++) {
      if (this.#asked.has(at)) continue;
      const answer = this.#askAt(at);
      // It may fail while the caller still works on the page before; the failure is thrown when that page is due.
      answer.catch(() => undefined);
      this.#asked.set(at, answer);
    }
  }

  forget(): void {
    this.#asked.clear();
  }
}

async function askPage(client: PlexClient, request: ListRequest, start: number): Promise<AnsweredPage> {
  const { container, totalSize } = await client.get({
    path: request.path,
    query: {
      ...request.query,
      'X-Plex-Container-Start': start,
      // A size without a start is ignored, and the whole library comes in one answer.
      'X-Plex-Container-Size': request.pageSize,
    },
    signal: request.signal,
  });
  return { items: itemsOf(container), total: countOf(container, 'totalSize') ?? totalSize, container };
}

/** Something without a key cannot be told apart, so it counts as new. */
function isFirst(item: Raw, seen: Set<string>): boolean {
  const key = toStr(item['ratingKey']) ?? `without a key ${seen.size}`;
  return seen.size < seen.add(key).size;
}

const endsEarly = (got: number, total: number): string => `a list ended after ${got} of ${total} entries`;
