import { randomUUID } from 'node:crypto';

/** A new id such as `job-m2x9k1f0-4fq8zt`: sorts by time of making, unique without a counter. */
export function newId(prefix: string): string {
  // Of its first digits 40 bits are random; a UUID costs a fifth of asking for random bytes, and each request has an id.
  const [first = '', second = ''] = randomUUID().split('-');
  const random = Number.parseInt(first + second.slice(0, 2), 16)
    .toString(36)
    .padStart(8, '0');
  return `${prefix}-${Date.now().toString(36)}-${random}`;
}
