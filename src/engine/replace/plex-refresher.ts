import { setTimeout as sleep } from 'node:timers/promises';
import { toAppError } from '../../domain/errors.js';
import type { LibraryItem } from '../../domain/library/library.js';
import type { Servers } from '../../domain/plex/media-server.js';
import type { MediaFile } from '../../domain/library/media.js';
import { isInside, serverFolderOf } from '../../domain/settings/paths.js';
import { withBackoff } from '../../lib/backoff.js';
import type { Log } from '../../lib/log.js';

/** A file as the media server should come to see it. */
export interface Expected {
  serverPath: string;
  sizeBytes: number;
  /** Null when any codec is right. */
  codec: string | null;
  /** A file that must not be listed any more, or null. */
  gonePath: string | null;
}

export interface Where {
  serverId: string;
  sectionId: string;
  ratingKey: string;
}

const FIRST_LOOK_MS = 500;
const SLOWEST_LOOK_MS = 5000;
/** Asked again after so many looks that showed nothing new: a scan or an analysis may have been lost in a busy server. */
const ASK_AGAIN_AFTER = 6;

/** Tells a media server about files that changed, and waits until it shows them. */
export class PlexRefresher {
  readonly #server: Servers;
  readonly #log: Log;

  constructor(server: Servers, log: Log) {
    this.#server = server;
    this.#log = log;
  }

  /** Asks for a scan of the folder a file lies in. Throws a `plex_*` code after a few tries. */
  async scan({ serverId, sectionId }: Where, serverPath: string, signal: AbortSignal): Promise<void> {
    await this.#patiently(() => this.#server(serverId).refresh(sectionId, serverFolderOf(serverPath), signal), signal);
  }

  async analyze({ serverId, ratingKey }: Where, signal: AbortSignal): Promise<void> {
    await this.#patiently(() => this.#server(serverId).analyze(ratingKey, signal), signal);
  }

  /**
   * Waits until the server shows the file with its size and codec, asking again now and then. Resolves with the item and
   * its file, or null when the time is over. Outages within the time are waited out.
   */
  async waitUntilShown(
    where: Where,
    expected: Expected,
    options: { timeoutMs: number; analyze: boolean; signal: AbortSignal },
  ): Promise<{ item: LibraryItem; file: MediaFile } | null> {
    const endsAt = performance.now() + options.timeoutMs;
    for (let looked = 1, pauseMs = FIRST_LOOK_MS; ; looked++, pauseMs = Math.min(SLOWEST_LOOK_MS, pauseMs * 1.5)) {
      const item = await this.look(where, expected.serverPath, options.signal);
      const file = item?.files.find(({ path }) => path === expected.serverPath) ?? null;
      const hasSize = file?.sizeBytes === expected.sizeBytes;
      const hasCodec = expected.codec === null || file?.video?.codec === expected.codec;
      const isAlone = item?.files.every(({ path }) => path !== expected.gonePath) ?? false;
      if (item && file && hasSize && hasCodec && isAlone) return { item, file };
      if (performance.now() + pauseMs > endsAt) return null;
      await sleep(pauseMs, undefined, { signal: options.signal });
      if (looked % ASK_AGAIN_AFTER !== 0) continue;
      if (!hasSize || !isAlone)
        await this.#quietly(() => this.scan(where, expected.serverPath, options.signal), options.signal);
      if (options.analyze && item) {
        await this.#quietly(
          () => this.analyze({ ...where, ratingKey: item.ratingKey }, options.signal),
          options.signal,
        );
      }
    }
  }

  /** The item as it is now, by its key or else by its file; null when the server does not list it or does not answer. */
  async look(where: Where, serverPath: string, signal: AbortSignal): Promise<LibraryItem | null> {
    try {
      const server = this.#server(where.serverId);
      const item = await server.item(where.ratingKey, signal);
      if (item) return item;
      const section = (await server.sections(signal)).find(({ id }) => id === where.sectionId);
      const [found] = section ? await server.findByPath(section, serverPath, signal) : [];
      if (!found) return null;
      return (await server.item(found.ratingKey, signal)) ?? found;
    } catch (error) {
      signal.throwIfAborted();
      this.#log.debug({ err: toAppError(error) }, 'The media server did not answer while it was watched');
      return null;
    }
  }

  /** The section whose folder holds a path, for items that are gone from our library. */
  async sectionOf(serverId: string, serverPath: string, signal: AbortSignal): Promise<string | null> {
    const sections = await this.#server(serverId).sections(signal);
    const holding = sections.flatMap(({ id, locations }) =>
      locations.filter((folder) => isInside(serverPath, folder)).map((folder) => ({ id, folder })),
    );
    return holding.sort((a, b) => b.folder.length - a.folder.length)[0]?.id ?? null;
  }

  #patiently<T>(ask: () => Promise<T>, signal: AbortSignal): Promise<T> {
    return withBackoff(ask, {
      firstMs: 500,
      maxMs: 5000,
      tries: 4,
      signal,
      retryIf: (error) => toAppError(error).isRetriable,
    });
  }

  async #quietly(ask: () => Promise<void>, signal: AbortSignal): Promise<void> {
    try {
      await ask();
    } catch (error) {
      signal.throwIfAborted();
      this.#log.debug({ err: toAppError(error) }, 'The media server could not be asked again');
    }
  }
}
