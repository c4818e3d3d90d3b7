import { toAppError, type ErrorCode } from '../../domain/errors.js';
import type { LibraryItem } from '../../domain/library/library.js';
import type { Servers } from '../../domain/plex/media-server.js';
import { Gate } from '../../lib/gate.js';
import { together } from '../../lib/together.js';

/** In one request: a longer one some servers refuse. */
const MOST_TOGETHER = 50;
const ALONE_AT_A_TIME = 4;
/** Asking for each title alone would bring the same. */
const ABOUT_ALL: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'plex_not_configured',
  'plex_unauthorized',
  'plex_forbidden',
  'plex_rate_limited',
  'plex_maintenance',
  'plex_unreachable',
  'plex_wrong_server',
]);

/** Reads titles one by one for whoever asks, and many with one request when many are wanted. */
export class ItemReader {
  readonly #server: Servers;
  readonly #signal: () => AbortSignal | undefined;
  readonly #alone = new Gate(ALONE_AT_A_TIME);
  readonly #readers = new Map<string, (ratingKey: string) => Promise<LibraryItem | null>>();

  /** `signal` ends what is under way; asked for anew for each request. */
  constructor(server: Servers, signal: () => AbortSignal | undefined) {
    this.#server = server;
    this.#signal = signal;
  }

  /** As `MediaServer.item`: null for a title that is not there, `invalid` for what is neither film nor episode. */
  read(serverId: string, ratingKey: string): Promise<LibraryItem | null> {
    const reader = this.#readers.get(serverId) ?? together((keys) => this.#readAll(serverId, keys), MOST_TOGETHER);
    this.#readers.set(serverId, reader);
    return reader(ratingKey);
  }

  async #readAll(serverId: string, keys: readonly string[]): Promise<(LibraryItem | null | Error)[]> {
    const found = keys.length > 1 ? await this.#found(serverId, keys) : new Map<string, LibraryItem>();
    return Promise.all(keys.map(async (key) => found.get(key) ?? (await this.#readOne(serverId, key))));
  }

  /** What a request for all of them brings. Nothing where one title may have spoilt it for the others: each is asked for alone then. */
  async #found(serverId: string, keys: readonly string[]): Promise<Map<string, LibraryItem>> {
    try {
      const items = await this.#server(serverId).details(keys, this.#signal());
      return new Map(items.map((item) => [item.ratingKey, item]));
    } catch (error) {
      if (this.#signal()?.aborted === true || ABOUT_ALL.has(toAppError(error).code)) throw error;
      return new Map();
    }
  }

  async #readOne(serverId: string, key: string): Promise<LibraryItem | null | Error> {
    try {
      return await this.#alone.run(() => this.#server(serverId).item(key, this.#signal()));
    } catch (error) {
      return error instanceof Error ? error : toAppError(error);
    }
  }
}
