import { Agent } from 'node:http';
import { Agent as SecureAgent } from 'node:https';
import { isForbiddenIp, whyNoServerUrl } from '../domain/access/address.js';
import { AppError } from '../domain/errors.js';
import { lookupWithout } from '../lib/guarded-lookup.js';

/** `dns.lookup`, but a name that leads to a link-local address or to the metadata of a cloud leads nowhere. */
export const guardedLookup = lookupWithout(isForbiddenIp);

const kept = { keepAlive: true, lookup: guardedLookup };
/** For every request whose address came from a setting or from plex.tv. */
export const guardedAgents = { httpAgent: new Agent(kept), httpsAgent: new SecureAgent(kept) };

/** Throws `plex_unreachable` for an address that is not asked at all: an IP address needs no name service. */
export function mustBeServerUrl(url: string): void {
  const reason = whyNoServerUrl(url);
  if (reason === null) return;
  throw new AppError('plex_unreachable', `The address of the Plex server ${reason}. Enter another one.`);
}
