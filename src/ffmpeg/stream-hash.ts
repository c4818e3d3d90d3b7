import { execa } from 'execa';
import { inputFile, inputGuards } from './inputs.js';
import { bareEnvironment, giveWay } from './program.js';

/**
 * Hashes the packets of streams as they are, in the order of `streams` (indexes of the file). Equal hashes mean a copy byte
 * for byte. Null when the file cannot be read without any complaint. `path` is absolute. Throws the signal's reason.
 */
export async function streamHashes(
  path: string,
  streams: readonly number[],
  { ffmpeg, signal }: { ffmpeg: string; signal: AbortSignal },
): Promise<string[] | null> {
  const input = ['-nostdin', '-v', 'error', '-xerror', ...inputGuards(), '-i', inputFile(path)];
  const maps = streams.flatMap((index) => ['-map', `0:${index}`]);
  const child = execa(ffmpeg, [...input, ...maps, '-c', 'copy', '-f', 'streamhash', 'pipe:1'], {
    reject: false,
    stdin: 'ignore',
    extendEnv: false,
    env: bareEnvironment(ffmpeg),
    cancelSignal: signal,
  });
  giveWay(child.pid);
  const result = await child;
  signal.throwIfAborted();
  // `0,v,SHA256=...`
  const hashes = result.stdout.split('\n').map((line) => line.split('=')[1] ?? '');
  const isWhole = !result.failed && result.stderr.trim() === '' && hashes.length === streams.length;
  return isWhole && hashes.every((hash) => hash !== '') ? hashes : null;
}
