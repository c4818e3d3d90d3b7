import type { IncomingMessage } from 'node:http';
import type { Request } from 'express';
import ipaddr from 'ipaddr.js';

/** Names that no stranger can point at this machine: reserved, or without a dot and so never in the public DNS. */
const PRIVATE_NAME = /^(?:[a-z0-9_-]+|.*\.(?:localhost|local|internal|home\.arpa))$/i;

const nameOf = (host: string): string => host.replace(/:\d+$/, '').replace(/^\[|\]$/g, '');

/**
 * Whether a Host header may be answered. An unknown name means that somebody's page made the owner's browser
 * believe this machine is theirs (DNS rebinding).
 */
export function isKnownHost(host: string, publicUrl: string | null, allowed: readonly string[]): boolean {
  if (!/^[\w.:[\]-]+$/.test(host)) return false;
  const name = nameOf(host).toLowerCase();
  if (ipaddr.isValid(name) || PRIVATE_NAME.test(name)) return true;
  if (publicUrl !== null && new URL(publicUrl).hostname.toLowerCase() === name) return true;
  return allowed.some((entry) => nameOf(entry).toLowerCase() === name);
}

/** Whether an address is one of the owner's proxies (addresses or networks such as `10.0.0.0/8`). Only they may say who a visitor is. */
export function isTrustedProxy(address: string, proxies: readonly string[]): boolean {
  if (!ipaddr.isValid(address)) return false;
  const visitor = ipaddr.process(address);
  return proxies.some((proxy) => {
    if (ipaddr.isValidCIDR(proxy)) {
      const [network, bits] = ipaddr.parseCIDR(proxy);
      return network.kind() === visitor.kind() && visitor.match(network, bits);
    }
    return ipaddr.isValid(proxy) && ipaddr.process(proxy).toNormalizedString() === visitor.toNormalizedString();
  });
}

/** Whether an Origin header names this very place: the host the browser asked, or the owner's public address. */
export function isOwnOrigin(origin: string, host: string, publicUrl: string | null): boolean {
  if (!URL.canParse(origin)) return false;
  const { host: from, protocol } = new URL(origin);
  if (protocol !== 'http:' && protocol !== 'https:') return false;
  return from === host.toLowerCase() || (publicUrl !== null && from === new URL(publicUrl).host);
}

/** Whether htmx asks for a part of a page; a boosted link or a return in history wants the whole. */
export const wantsFragment = (req: Request): boolean =>
  req.get('HX-Request') === 'true' && !req.get('HX-Boosted') && !req.get('HX-History-Restore-Request');

/** A path of our own out of text from outside, or null: never another site, however it is written. */
export function ownPath(text: unknown): string | null {
  const anywhere = 'http://mediaflow.invalid';
  if (typeof text !== 'string' || !text.startsWith('/') || !URL.canParse(text, anywhere)) return null;
  const url = new URL(text, anywhere);
  const path = url.pathname + url.search;
  // Taking out `.` and `..` may leave what begins like another host: /.//host, /x/..//host.
  return url.origin === anywhere && !/^[/\\]{2}/.test(path) ? path : null;
}

/** Whether a request names no two hosts: a proxy and MediaFlow may each believe another one. */
export function hasOneHostAtMost({ rawHeaders }: Pick<IncomingMessage, 'rawHeaders'>): boolean {
  return rawHeaders.filter((name, at) => at % 2 === 0 && name.toLowerCase() === 'host').length <= 1;
}

/** The page a form came from, or null; never another site. */
export function refererPath(req: Request): string | null {
  const referer = req.get('Referer');
  if (referer === undefined) return null;
  if (referer.startsWith('/')) return ownPath(referer);
  if (!URL.canParse(referer)) return null;
  const url = new URL(referer);
  return url.host === req.host ? ownPath(url.pathname + url.search) : null;
}
