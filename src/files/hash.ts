import { sha256 } from './disks.js';
import { naming } from './file-error.js';

/** SHA-256 of a file's content, in hex. Throws `file_missing`, `file_denied`, `unavailable`, or the signal's reason. */
export const sha256File = (path: string, signal?: AbortSignal): Promise<string> =>
  naming(path, () => sha256(path, signal));
