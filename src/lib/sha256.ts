import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';

/** Large pieces: fewer turns of the event loop for files of many gigabytes. */
const PIECE_BYTES = 1 << 20;

/** SHA-256 of a file's content, in hex. Throws the error of the file system, or the signal's reason. */
export async function sha256Of(path: string, signal?: AbortSignal): Promise<string> {
  signal?.throwIfAborted();
  const hash = createHash('sha256');
  for await (const piece of createReadStream(path, { highWaterMark: PIECE_BYTES })) {
    signal?.throwIfAborted();
    hash.update(piece as Buffer);
  }
  return hash.digest('hex');
}

/** SHA-256 of each part of `partBytes` of a file's content, in hex, the last part shorter. Throws as `sha256Of`. */
export async function sha256OfParts(path: string, partBytes: number, signal?: AbortSignal): Promise<string[]> {
  const { size } = await stat(path);
  const hashes: string[] = [];
  for (let start = 0; start < size; start += partBytes) {
    const hash = createHash('sha256');
    const end = start + partBytes - 1;
    for await (const piece of createReadStream(path, { start, end, highWaterMark: PIECE_BYTES })) {
      signal?.throwIfAborted();
      hash.update(piece as Buffer);
    }
    hashes.push(hash.digest('hex'));
  }
  return hashes;
}
