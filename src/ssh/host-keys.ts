import { createHash } from 'node:crypto';

/** What `ssh-keygen -lf` shows of a host key: `SHA256:` and the hash in base64 without padding. */
export const fingerprintOf = (key: Buffer): string =>
  `SHA256:${createHash('sha256').update(key).digest('base64').replace(/=+$/, '')}`;

/** Whether somebody who typed or pasted a fingerprint means this one; spaces and a missing `SHA256:` are forgiven. */
export function isSameFingerprint(typed: string, fingerprint: string): boolean {
  const bare = (text: string): string =>
    text
      .replace(/\s+/g, '')
      .replace(/^SHA256:/i, '')
      .replace(/=+$/, '');
  return bare(typed) !== '' && bare(typed) === bare(fingerprint);
}
