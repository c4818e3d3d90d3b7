import { AppError, type ErrorCode } from '../domain/errors.js';
import type { FoundServer, ServerConnection, TriedConnection } from '../domain/plex/account.js';
import { PlexClient } from './client.js';

const REASONS: Partial<Record<ErrorCode, string>> = {
  plex_wrong_server: 'another server answers there',
  plex_bad_answer: 'what answers there is not Plex',
  plex_maintenance: 'starting up, not ready yet',
  plex_unavailable: 'it reports an error of its own',
  plex_unreachable: 'cannot be reached from here',
};

/**
 * Asks every address of a server who it is, all at once and without a token. One that belongs to another server does not
 * work: addresses such as 172.17.0.2 exist in many houses. Keeps the order; never throws.
 */
export async function tryConnections(
  server: Pick<FoundServer, 'serverId' | 'connections'>,
  options: { clientId: string; version: string; timeoutMs: number },
): Promise<TriedConnection[]> {
  return Promise.all(
    server.connections.map(async (connection) => {
      const reason = await whyNot(connection, server.serverId, options);
      return { ...connection, works: reason === null, reason };
    }),
  );
}

async function whyNot(
  { url }: ServerConnection,
  serverId: string,
  { clientId, version, timeoutMs }: { clientId: string; version: string; timeoutMs: number },
): Promise<string | null> {
  const client = new PlexClient({ url, token: '', clientId, version, expectedServerId: serverId, timeoutMs });
  try {
    const { machineIdentifier } = await client.askIdentity(AbortSignal.timeout(timeoutMs));
    return machineIdentifier === serverId ? null : 'what answers there does not say who it is';
  } catch (error) {
    return (error instanceof AppError ? REASONS[error.code] : undefined) ?? 'no answer';
  }
}
