import { randomBytes } from 'node:crypto';

/** A new id such as `job-m2x9k1f0-4fq8zt`: sorts by time of making, unique without a counter. */
export function newId(prefix: string): string {
  const random = randomBytes(5).readUIntBE(0, 5).toString(36).padStart(8, '0');
  return `${prefix}-${Date.now().toString(36)}-${random}`;
}
