import type { FileStats } from '../domain/settings/disk.js';
import { systemError } from './system-error.js';

/** As `touch -t` takes it: `202611280527.05`, UTC. */
export const asTouch = (seconds: number): string =>
  new Date(Math.floor(seconds) * 1000)
    .toISOString()
    .slice(0, 19)
    .replaceAll(/[-T:]/g, '')
    .replace(/(\d\d)$/, '.$1');

const KINDS: Readonly<Record<number, FileStats['kind']>> = { 0o100000: 'file', 0o040000: 'folder', 0o120000: 'link' };

/** What `STAT` of the disk scripts says. Throws what it said when that cannot be read. */
export function readStats(said: string): FileStats {
  const [bits = '', dev = '', ino = '', bytes, mtime = '', atime = '', names, uid, gid] = said.trim().split(' ');
  const kindAndMode = Number.parseInt(bits, 16);
  if (!Number.isFinite(kindAndMode) || ino === '') throw systemError(`stat said ${said.slice(0, 100)}`);
  return {
    kind: KINDS[kindAndMode & 0o170000] ?? 'other',
    dev,
    ino,
    sizeBytes: Number(bytes),
    mtimeNs: nanoseconds(mtime),
    atimeNs: nanoseconds(atime),
    nlink: Number(names),
    uid: Number(uid),
    gid: Number(gid),
    mode: kindAndMode & 0o7777,
  };
}

/** `1764307625.123456789`; some systems know whole seconds alone. */
function nanoseconds(text: string): bigint {
  const [seconds = '0', rest = ''] = text.split('.');
  return BigInt(seconds) * 1_000_000_000n + BigInt(rest.padEnd(9, '0').slice(0, 9));
}
