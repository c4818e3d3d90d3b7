import { setTimeout as sleep } from 'node:timers/promises';
import { AppError, invalid } from '../domain/errors.js';
import type { LibraryItem, Section } from '../domain/library/library.js';
import type { ItemPage, MediaServer, PlaySession, ServerIdentity, ServerSection } from '../domain/plex/media-server.js';
import type { ServerEvent } from '../domain/library/server-event.js';
import type { Poster, PosterSize } from '../domain/library/poster.js';
import { EventLoopYield } from '../lib/event-loop-yield.js';
import { withoutEnd } from '../lib/without-end.js';
import { directoriesOf, itemsOf } from './answer.js';
import { PlexClient } from './client.js';
import { PlexCollections } from './collections.js';
import { toBool, toBoolOrNull, toIso, toKey, toList, toStr, toText, type Raw } from './coerce.js';
import { askedFor, checkLibraries, checkSection, isWanted } from './entries.js';
import { badAnswer } from './failure.js';
import { pagesOf, PAGE_SIZE } from './listing.js';
import { toItem } from './mapping.js';
import { MetadataEditor } from './metadata-edit.js';
import { notifications, type NotificationOptions } from './notifications.js';
import { toPlaySession } from './play-sessions.js';
import { Posters } from './posters.js';
import { keyOf, pathOf } from './request-path.js';
import { SectionListing } from './section-listing.js';
import { isSameServerPath, serverBasename } from './server-path.js';

const DETAILS_AT_ONCE = 50;
/** So many are read between two looks at the clock. */
const ITEMS_PER_TURN = 50;
const DEFAULT_TIMEOUT_MS = 60_000;
/** A server that is busy scanning may not show an item for a moment. */
const SECOND_LOOK_MS = 500;

/**
 * A Plex Media Server. Speaks JSON and understands XML; the token travels in a header only, and only to the server
 * with the expected id. Aborting throws the signal's reason.
 */
export class PlexServer implements MediaServer {
  readonly collections: PlexCollections;
  readonly metadata: MetadataEditor;
  readonly #client: PlexClient;
  readonly #posters: Posters;
  readonly #notifications: NotificationOptions;
  readonly #prefix: string;
  readonly #listing: SectionListing;

  /**
   * `expectedServerId` null: a server that is not known yet. `sectionPrefix` stands before the server's own keys in the
   * ids of its libraries. `timeoutMs` is for one whole answer.
   */
  constructor(options: {
    url: string;
    token: string;
    clientId: string;
    version: string;
    expectedServerId?: string | null;
    sectionPrefix?: string;
    timeoutMs?: number;
  }) {
    const { token, clientId, version } = options;
    this.#notifications = { url: withoutEnd(options.url, '/'), token, clientId, version };
    this.#client = new PlexClient({
      ...options,
      expectedServerId: options.expectedServerId ?? null,
      timeoutMs: options.timeoutMs ?? DEFAULT_TIMEOUT_MS,
    });
    this.#prefix = options.sectionPrefix ?? '';
    this.#listing = new SectionListing(this.#client, (id) => this.#keyOfSection(id));
    this.#posters = new Posters(this.#client, options.timeoutMs);
    this.metadata = new MetadataEditor(this.#client, (keys, signal) => this.#metadata(keys, signal));
    this.collections = new PlexCollections(this.#client, (id) => this.#keyOfSection(id));
  }

  /** Proves address and token; says what the server tells of itself. Preferences are for its owner only, so they may be null. */
  async identity(signal?: AbortSignal): Promise<ServerIdentity> {
    const identity = await this.#client.askIdentity(signal);
    const machineIdentifier = toStr(identity['machineIdentifier']);
    if (machineIdentifier === null) throw badAnswer('it does not say which server it is from');
    const { container: root } = await this.#client.get({ path: '/', signal });
    const preferences = await this.#preferences(signal);
    return {
      machineIdentifier,
      name: toStr(root['friendlyName']) ?? 'Plex',
      version: toStr(root['version']) ?? toStr(identity['version']) ?? '',
      platform: toStr(root['platform']) ?? '',
      webhooksEnabled: toBoolOrNull(preferences.get('WebHooksEnabled')),
      pushNotifications: toBoolOrNull(preferences.get('PushNotificationsEnabled') ?? root['pushNotifications']),
    };
  }

  /** The film and show libraries. */
  async sections(signal?: AbortSignal): Promise<ServerSection[]> {
    const { container } = await this.#client.get({ path: '/library/sections', signal });
    const serverId = await this.#client.serverId(signal);
    const directories = directoriesOf(container);
    checkLibraries(directories);
    return directories.flatMap((raw) => {
      const key = toStr(raw['key']);
      const type = toStr(raw['type']);
      if (key === null || (type !== 'movie' && type !== 'show')) return [];
      const locations = toList(raw['Location']).flatMap(({ path }) => toStr(path) ?? []);
      const id = this.#prefix + key;
      return {
        id,
        serverId,
        title: toText(raw['title']) ?? key,
        type,
        locations,
        refreshing: toBool(raw['refreshing']),
      };
    });
  }

  /** Throws `plex_bad_answer` when the server counts more than it lists. With `since`, first what changed, then what was added. */
  async *items(
    section: Pick<Section, 'id' | 'type'>,
    options: { since?: string; signal?: AbortSignal } = {},
  ): AsyncGenerator<ItemPage> {
    const place = { serverId: await this.#client.serverId(options.signal), sectionId: section.id };
    const pages =
      options.since === undefined
        ? this.#listing.list(section, { sort: 'id' }, true, options.signal)
        : this.#listing.changed(section, options.since, options.signal);
    const asked = { key: this.#keyOfSection(section.id), type: section.type };
    const loopYield = new EventLoopYield();
    let passedOver = 0;
    for await (const page of pages) {
      checkSection(page.container, asked.key);
      const items: LibraryItem[] = [];
      for (const [index, raw] of page.items.entries()) {
        const item = isWanted(raw, asked) ? toItem(raw, place) : null;
        if (item === null) passedOver++;
        else items.push(item);
        if (index % ITEMS_PER_TURN === 0 && loopYield.isDue) await loopYield.pause();
      }
      yield { items, total: page.total - passedOver };
    }
  }

  async details(ratingKeys: readonly string[], signal?: AbortSignal): Promise<LibraryItem[]> {
    const items: LibraryItem[] = [];
    const keys = [...new Set(ratingKeys)];
    for (let at = 0; at < keys.length; at += DETAILS_AT_ONCE) {
      for (const raw of await this.#metadata(keys.slice(at, at + DETAILS_AT_ONCE), signal)) {
        const item = toItem(raw, await this.#place(raw, signal));
        if (item !== null) items.push(item);
      }
    }
    return items;
  }

  /** Looks twice before it says null. Throws `invalid` for something that is neither film nor episode. */
  async item(ratingKey: string, signal?: AbortSignal): Promise<LibraryItem | null> {
    let [raw] = await this.#metadata([ratingKey], signal);
    if (raw === undefined) {
      await sleep(SECOND_LOOK_MS, undefined, signal ? { signal } : {}).catch(() => signal?.throwIfAborted());
      [raw] = await this.#metadata([ratingKey], signal);
    }
    if (raw === undefined) return null;
    const item = toItem(raw, await this.#place(raw, signal));
    if (item === null) throw invalid('That is neither a film nor an episode.');
    return item;
  }

  async leaves(ratingKey: string, signal?: AbortSignal): Promise<{ ratingKey: string; addedAt: string }[]> {
    const path = pathOf('library', 'metadata', keyOf(ratingKey), 'allLeaves');
    const leaves: { ratingKey: string; addedAt: string }[] = [];
    for await (const { items } of pagesOf(this.#client, { path, pageSize: PAGE_SIZE, exact: true, signal })) {
      for (const raw of items) {
        const key = toKey(raw['ratingKey']);
        const addedAt = toIso(raw['addedAt']) ?? toIso(raw['updatedAt']);
        if (key !== null && addedAt !== null) leaves.push({ ratingKey: key, addedAt });
      }
    }
    return leaves;
  }

  async findByPath(section: Pick<Section, 'id' | 'type'>, path: string, signal?: AbortSignal): Promise<LibraryItem[]> {
    const holds = (raw: Raw): boolean =>
      toList(raw['Media']).some(({ Part }) =>
        toList(Part).some(({ file }) => isSameServerPath(toStr(file) ?? '', path)),
      );
    const keys: string[] = [];
    // The filter is not documented; what it lets through is compared in full.
    for await (const { items } of this.#listing.list(section, { file: serverBasename(path) }, false, signal))
      keys.push(...items.filter(holds).flatMap((raw) => toStr(raw['ratingKey']) ?? []));
    const found = await this.details(keys, signal);
    return found.filter(({ files }) => files.some((file) => isSameServerPath(file.path, path)));
  }

  /** Throws `invalid` without a folder: that would scan the whole library. */
  async refresh(sectionId: string, folder: string, signal?: AbortSignal): Promise<void> {
    const path = folder.length > 1 ? withoutEnd(folder, '\\/') : folder;
    if (path === '') throw invalid('A scan needs a folder.');
    const request = {
      path: pathOf('library', 'sections', this.#keyOfSection(sectionId), 'refresh'),
      query: { path },
      signal,
    };
    try {
      await this.#client.send('GET', request);
    } catch (error) {
      // Every tool sends GET, Plex's own documents say POST.
      if (!(error instanceof AppError) || error.code !== 'plex_not_found') throw error;
      await this.#client.send('POST', request);
    }
  }

  async analyze(ratingKey: string, signal?: AbortSignal): Promise<void> {
    const path = pathOf('library', 'metadata', keyOf(ratingKey), 'analyze');
    await this.#client.send('PUT', { path, signal });
  }

  async sessions(signal?: AbortSignal): Promise<PlaySession[]> {
    const { container } = await this.#client.get({ path: '/status/sessions', signal });
    return itemsOf(container).map(toPlaySession);
  }

  async *listen(signal: AbortSignal): AsyncGenerator<ServerEvent> {
    // Asked without the token, before every connection: who answers now may be another server.
    const identity = await this.#client.askIdentity(signal);
    if (toStr(identity['machineIdentifier']) === null) throw badAnswer('it does not say which server it is from');
    for await (const event of notifications(this.#notifications, signal)) {
      const isOfSection = 'sectionId' in event && event.sectionId !== null;
      yield isOfSection ? { ...event, sectionId: this.#prefix + (event.sectionId ?? '') } : event;
    }
  }

  poster(thumb: string, size: PosterSize, signal?: AbortSignal): Promise<Poster> {
    return this.#posters.read(thumb, size, signal);
  }

  /** One answer for up to 50 ids. A server that answers 404 for the whole list because of one is asked for the halves. */
  async #metadata(keys: readonly string[], signal: AbortSignal | undefined): Promise<Raw[]> {
    const path = `/library/metadata/${keys.map((key) => encodeURIComponent(keyOf(key))).join(',')}`;
    try {
      // Without skipRefresh a detail answer may wait for the server to read the file again.
      const { container } = await this.#client.get({ path, query: { skipRefresh: 1, includeCollections: 1 }, signal });
      return askedFor(itemsOf(container), keys, container['librarySectionID']);
    } catch (error) {
      if (!(error instanceof AppError) || error.code !== 'plex_not_found') throw error;
      if (keys.length === 1) return [];
      const middle = Math.ceil(keys.length / 2);
      const first = await this.#metadata(keys.slice(0, middle), signal);
      return [...first, ...(await this.#metadata(keys.slice(middle), signal))];
    }
  }

  /** Throws `invalid` for a library of another server: its key would address one of ours. */
  #keyOfSection(id: string): string {
    if (!id.startsWith(this.#prefix)) throw invalid('That library belongs to another server.');
    return keyOf(id.slice(this.#prefix.length));
  }

  async #place(raw: Raw, signal: AbortSignal | undefined): Promise<{ serverId: string; sectionId: string }> {
    const key = toStr(raw['librarySectionID']);
    return { serverId: await this.#client.serverId(signal), sectionId: key === null ? '' : this.#prefix + key };
  }

  async #preferences(signal: AbortSignal | undefined): Promise<Map<string, unknown>> {
    try {
      const { container } = await this.#client.get({ path: '/:/prefs', signal });
      return new Map(toList(container['Setting']).map(({ id, value }) => [toStr(id) ?? '', value]));
    } catch (error) {
      if (error instanceof AppError) return new Map();
      throw error;
    }
  }
}
