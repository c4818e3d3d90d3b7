import ipaddr from 'ipaddr.js';

/** Longer than any address of a server. */
const MAX_LENGTH = 2000;
/** Where clouds tell their machines secrets, beside the link-local addresses. */
const METADATA = new Set(['fd00:ec2::254', '100.100.100.200', '192.0.0.192', '168.63.129.16']);
const METADATA_NAME = /^(?:metadata|instance-data)(?:\.|$)|^metadata\.google\.internal$/i;
const HOST_NAME = /^(?=.{1,253}$)[a-z0-9_](?:[a-z0-9_-]{0,62})(?:\.[a-z0-9_](?:[a-z0-9_-]{0,62}))*$/i;

/** Whether nothing of the owner's can live at an IP address: link-local, or where a cloud tells its machines secrets. */
export function isForbiddenIp(text: string): boolean {
  const bare = text.replace(/^\[|\]$/g, '').replace(/%.*/s, '');
  if (!ipaddr.isValid(bare)) return false;
  const parsed = ipaddr.process(bare);
  // IPv4 inside of IPv6: 64:ff9b::a9fe:a9fe is 169.254.169.254 behind a NAT64.
  const inside = parsed.range() === 'rfc6052' ? ipaddr.fromByteArray(parsed.toByteArray().slice(12)) : parsed;
  return inside.range() === 'linkLocal' || METADATA.has(inside.toString());
}

/** Whether a host of a setting, a name or an IP address, is one that MediaFlow never asks. */
export const isForbiddenHost = (host: string): boolean =>
  isForbiddenIp(host) || METADATA_NAME.test(host.replace(/\.$/, ''));

/** Why a text is no address of a server, or null when it is one: http or https, a host, nothing hidden in it. */
export function whyNoServerUrl(text: string): string | null {
  if (text.length > MAX_LENGTH || !/^https?:\/\//i.test(text) || !URL.canParse(text))
    return 'must be an address such as http://192.168.1.10:32400';
  const { hostname } = new URL(text);
  // eslint-disable-next-line no-control-regex -- an address is one line, however it is pasted
  if (/[@?#\\\s\u0000-\u001f]/.test(text)) return 'must hold no user name, question mark or hash';
  if (!ipaddr.isValid(hostname.replace(/^\[|\]$/g, '')) && !HOST_NAME.test(hostname.replace(/\.$/, '')))
    return 'must be an address such as http://192.168.1.10:32400';
  return isForbiddenHost(hostname) ? 'is an address that no server has: link-local, or the metadata of a cloud' : null;
}

/** Whether a text is the name or address of a host, with or without a port, and nothing else. */
export function isHostWithPort(text: string): boolean {
  const host = /^(\[[0-9a-f:.]+\]|[^:[\]]+)(?::\d{1,5})?$/i.exec(text)?.[1] ?? text;
  return ipaddr.isValid(host.replace(/^\[|\]$/g, '')) || HOST_NAME.test(host.replace(/\.$/, ''));
}

/** Whether a text is an IP address or a network such as `10.0.0.0/8`. */
export const isIpOrNetwork = (text: string): boolean =>
  (ipaddr.isValid(text) && (text.includes(':') || text.split('.').length === 4)) || ipaddr.isValidCIDR(text);
