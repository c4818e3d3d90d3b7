import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';

/** Large pieces: fewer turns of the event loop for files of many gigabytes. */
const PIECE_BYTES = 1 << 20;

/**
 * SHA-256 of a file's content, or of the part from the byte `start` up to and with `end`, in hex. Throws the error of the
 * file system, or the signal's reason.
 */
export async function sha256Of(
  path: string,
  signal?: AbortSignal,
  part: { start?: number; end?: number } = {},
): Promise<string> {
  signal?.throwIfAborted();
  const hash = createHash('sha256');
  for await (const piece of createReadStream(path, { ...part, highWaterMark: PIECE_BYTES })) {
    signal?.throwIfAborted();
    hash.update(piece as Buffer);
  }
  return hash.digest('hex');
}
