import { AppError, notFound } from '../domain/errors.js';
import type { MediaServer } from '../domain/plex/media-server.js';
import type { ServerAddress } from '../domain/plex/server.js';
import { PlexServer } from './server.js';

/** The connections to the servers that are set up: one each, and a new one when its address or token changes. */
export class PlexServers {
  readonly #addressOf: (serverId?: string) => ServerAddress | null;
  readonly #about: { clientId: () => string; version: string };
  /** Server id -> its connection, and what it was made of. */
  readonly #open = new Map<string, { key: string; server: PlexServer }>();

  constructor(parts: {
    addressOf: (serverId?: string) => ServerAddress | null;
    clientId: () => string;
    version: string;
  }) {
    this.#addressOf = parts.addressOf;
    this.#about = parts;
  }

  /** Without an id, the first server. Throws `plex_not_configured`, or `not_found` for a server that is not set up. */
  server(serverId?: string): MediaServer {
    const address = this.#addressOf(serverId);
    if (address === null) {
      const isFirst = this.#addressOf() === null;
      throw isFirst ? notConfigured() : notFound('Plex server', serverId ?? '');
    }
    const key = JSON.stringify(address);
    const known = this.#open.get(address.serverId);
    if (known?.key === key) return known.server;
    const server = this.connect(address);
    this.#open.set(address.serverId, { key, server });
    return server;
  }

  /** A connection that is not kept. */
  connect({
    url,
    token,
    serverId = '',
    isFirst = true,
  }: Partial<ServerAddress> & Pick<ServerAddress, 'url' | 'token'>) {
    return new PlexServer({
      url,
      token,
      clientId: this.#about.clientId(),
      version: this.#about.version,
      expectedServerId: serverId === '' ? null : serverId,
      sectionPrefix: isFirst ? '' : `${serverId.slice(0, 8)}-`,
    });
  }
}

const notConfigured = (): AppError =>
  new AppError('plex_not_configured', 'Plex is not connected yet. Enter its address and token in the settings.');
