import { createHash } from 'node:crypto';

/** What `ssh-keygen -lf` shows of a host key: `SHA256:` and the hash in base64 without padding. */
export const fingerprintOf = (key: Buffer): string =>
  `SHA256:${createHash('sha256').update(key).digest('base64').replace(/=+$/, '')}`;
