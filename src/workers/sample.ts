import { createHash } from 'node:crypto';
import { open } from 'node:fs/promises';
import { SAMPLE_BYTES, SAMPLE_OF } from '../ssh/scripts.js';
import type { ReconnectingSsh } from '../ssh/reconnecting.js';

/** Size, and the hashes of the first MiB, of one in the middle and of the last one, as `SAMPLE_OF` says them. */
export async function sampleOf(path: string): Promise<string> {
  const file = await open(path);
  try {
    const { size } = await file.stat();
    const hashAt = async (position: number): Promise<string> => {
      const { buffer, bytesRead } = await file.read(Buffer.alloc(SAMPLE_BYTES), 0, SAMPLE_BYTES, position);
      return createHash('sha256').update(buffer.subarray(0, bytesRead)).digest('hex');
    };
    const middle = Math.floor(size / (2 * SAMPLE_BYTES)) * SAMPLE_BYTES;
    const at = [0, middle, Math.max(0, size - SAMPLE_BYTES)];
    return [String(size), ...(await Promise.all(at.map(hashAt)))].join();
  } finally {
    await file.close();
  }
}

/** The same of a file on the other side of a line; null when there is none. */
export async function sampleThere(line: ReconnectingSsh, path: string, signal: AbortSignal): Promise<string | null> {
  const ran = await line.persist((connection) => connection.run(SAMPLE_OF, [path], { signal }), signal);
  return ran.ok ? ran.stdout.trim().split(/\s+/).join() : null;
}
