import { lookup as ask, type LookupAddress, type LookupOptions } from 'node:dns';
import { Agent } from 'node:http';
import { Agent as SecureAgent } from 'node:https';
import { isForbiddenIp, whyNoServerUrl } from '../domain/address.js';
import { AppError } from '../domain/errors.js';

type Answer = (error: NodeJS.ErrnoException | null, address: string | LookupAddress[], family?: number) => void;

/** `dns.lookup`, but a name that leads to a link-local address or to the metadata of a cloud leads nowhere. */
export function guardedLookup(hostname: string, options: LookupOptions, answer: Answer): void {
  ask(hostname, { ...options, all: true }, (error, found) => {
    const allowed = error ? [] : found.filter(({ address }) => !isForbiddenIp(address));
    const [first] = allowed;
    if (first === undefined) {
      const none: NodeJS.ErrnoException = error ?? new Error(`${hostname} leads to no address of a server`);
      none.code ??= 'ENOTFOUND';
      answer(none, '');
    } else if (options.all) answer(null, allowed);
    else answer(null, first.address, first.family);
  });
}

const kept = { keepAlive: true, lookup: guardedLookup };
/** For every request whose address came from a setting or from plex.tv. */
export const guardedAgents = { httpAgent: new Agent(kept), httpsAgent: new SecureAgent(kept) };

/** Throws `plex_unreachable` for an address that is not asked at all: an IP address needs no name service. */
export function mustBeServerUrl(url: string): void {
  const reason = whyNoServerUrl(url);
  if (reason === null) return;
  throw new AppError('plex_unreachable', `The address of the Plex server ${reason}. Enter another one.`);
}
