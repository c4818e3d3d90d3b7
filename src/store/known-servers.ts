import type { LibraryItem } from '../domain/library/library.js';
import { mappingsOf, type PathMapping } from '../domain/settings/paths.js';
import type { Server, ServerAddress } from '../domain/plex/server.js';
import type { Collection } from './collection.js';
import type { Secrets } from './secrets.js';
import type { SettingsDocument } from './settings.js';

/** The media servers MediaFlow is connected to: the first one stands in the settings, the others in a file of their own. */
export class KnownServers {
  /** All but the first. */
  readonly others: Collection<Server>;
  readonly #settings: SettingsDocument;
  readonly #secrets: Secrets;
  readonly #library: Collection<LibraryItem>;

  constructor(parts: {
    others: Collection<Server>;
    settings: SettingsDocument;
    secrets: Secrets;
    library: Collection<LibraryItem>;
  }) {
    this.others = parts.others;
    this.#settings = parts.settings;
    this.#secrets = parts.secrets;
    this.#library = parts.library;
  }

  /** Of the first server; empty until it has told it. */
  get firstId(): string {
    return this.#settings.value.plex.serverId;
  }

  /** The first one's in front. */
  ids(): string[] {
    return [this.firstId, ...[...this.others.values()].map(({ id }) => id)];
  }

  /** Whether it was not removed meanwhile. Before the first server has told its id, nobody can say. */
  isKnown(serverId: string): boolean {
    return this.firstId === '' || serverId === this.firstId || this.others.has(serverId);
  }

  nameOf(serverId: string): string {
    return this.others.find(serverId)?.name ?? this.#settings.value.plex.serverName;
  }

  /** False for a server that somebody shares; the first one counts as the owner's. */
  isOwned(serverId: string): boolean {
    return this.others.find(serverId)?.isOwned ?? true;
  }

  /**
   * The path mappings that count for a server. None for one that somebody shares: its folders may be called like ours, and
   * its files are not.
   */
  mappingsOf(serverId: string): PathMapping[] {
    return this.isOwned(serverId) ? mappingsOf(serverId, this.#settings.value.paths.mappings) : [];
  }

  /** Whose title it is, also of one that is gone; the first server's when nobody knows. */
  ofItem(itemId: string): string {
    const known = this.#library.find(itemId)?.serverId;
    return known ?? this.ids().find((id) => itemId.startsWith(`${id.slice(0, 8)}-`)) ?? this.firstId;
  }

  /** Of the first server without an id. Null when it is not connected, or there is no such server. */
  address(serverId = this.firstId): ServerAddress | null {
    const { url } = this.#settings.value.plex;
    // One that has not told its id may have been named by what came from it.
    if (serverId === this.firstId || this.firstId === '') {
      return addressOf({ serverId: this.firstId, url, isFirst: true }, this.#secrets.find('plexToken'));
    }
    const server = this.others.find(serverId);
    if (!server) return null;
    return addressOf({ serverId, url: server.url, isFirst: false }, this.#secrets.find(`plexToken:${serverId}`));
  }
}

const addressOf = (server: Omit<ServerAddress, 'token'>, token: string | null): ServerAddress | null =>
  server.url === '' || token === null ? null : { ...server, token };
