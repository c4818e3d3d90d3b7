import { createHash } from 'node:crypto';
import { withoutEnd } from '../lib/without-end.js';

/** What `ssh-keygen -lf` shows of a host key: `SHA256:` and the hash in base64 without padding. */
export const fingerprintOf = (key: Buffer): string =>
  `SHA256:${withoutEnd(createHash('sha256').update(key).digest('base64'), '=')}`;
