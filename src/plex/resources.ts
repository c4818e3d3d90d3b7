import type { FoundServer, ServerConnection } from '../domain/plex/account.js';
import { badAccountAnswer } from './account-client.js';
import { toBool, toList, toStr, type Raw } from './coerce.js';
import { withoutEnd } from '../lib/without-end.js';

const ORDER: readonly ServerConnection['kind'][] = ['local', 'remote', 'relay'];

/** The media servers among an account's devices, own ones first. Throws `plex_bad_answer` for anything but a list. */
export function toServers(answer: unknown): FoundServer[] {
  if (!Array.isArray(answer)) throw badAccountAnswer('it is no list of servers');
  return toList(answer)
    .flatMap((raw) => toServer(raw) ?? [])
    .sort((a, b) => Number(b.isOwned) - Number(a.isOwned));
}

function toServer(raw: Raw): FoundServer | null {
  const serverId = toStr(raw['clientIdentifier']);
  const accessToken = toStr(raw['accessToken']);
  const provides = (toStr(raw['provides']) ?? '').split(',').map((word) => word.trim());
  if (serverId === null || accessToken === null || !provides.includes('server')) return null;
  const isOwned = toBool(raw['owned']);
  return {
    serverId,
    name: toStr(raw['name']) ?? 'Plex',
    version: toStr(raw['productVersion']) ?? '',
    isOwned,
    sharedBy: isOwned ? null : (toStr(raw['sourceTitle']) ?? 'somebody'),
    isOnline: toBool(raw['presence']),
    accessToken,
    connections: toConnections(raw, isOwned),
  };
}

/** Private addresses of somebody else's network lead nowhere, or to the wrong machine. */
function toConnections(server: Raw, isOwned: boolean): ServerConnection[] {
  const found: ServerConnection[] = [];
  const add = (connection: ServerConnection): void => {
    if (!found.some(({ url }) => url === connection.url)) found.push(connection);
  };
  const raws = toList(server['connections']).filter(({ local }) => isOwned || !toBool(local));
  for (const raw of raws) {
    const url = urlOf(raw['uri']);
    if (url !== null) add({ url, kind: kindOf(raw) });
  }
  // Many routers refuse to look up names of private addresses; there the bare address is all that is left.
  for (const raw of raws) {
    const [address, port] = [toStr(raw['address']), toStr(raw['port'])];
    if (kindOf(raw) !== 'local' || toBool(server['httpsRequired']) || address === null || port === null) continue;
    const url = urlOf(`http://${address.includes(':') ? `[${address}]` : address}:${port}`);
    if (url !== null) add({ url, kind: 'local' });
  }
  return found.sort((a, b) => ORDER.indexOf(a.kind) - ORDER.indexOf(b.kind));
}

function kindOf(raw: Raw): ServerConnection['kind'] {
  if (toBool(raw['relay'])) return 'relay';
  return toBool(raw['local']) ? 'local' : 'remote';
}

/** Taken as it is, without a trailing slash; null for what is no plain web address. */
function urlOf(value: unknown): string | null {
  const text = withoutEnd(toStr(value) ?? '', '/');
  if (!URL.canParse(text)) return null;
  const { protocol, username, search, hash } = new URL(text);
  return /^https?:$/.test(protocol) && username + search + hash === '' ? text : null;
}
