import { AppError } from '../../domain/errors.js';
import type { Fingerprint } from '../../domain/jobs/job.js';

interface Watched {
  sizeBytes: number;
  mtimeNs: string;
  sinceMs: number;
}

/** Files whose modification date lies in the future, and since when each is seen as it is. */
const watched = new Map<string, Watched>();
const MOST_WATCHED = 10_000;

/**
 * Throws `file_in_use` for a file that changed too recently. Of a date that lies in the future nobody can tell the age: such
 * a file has to stay the same for as long while MediaFlow watches. `steadyMs` is a clock that nobody can set.
 */
export function requireRest(
  path: string,
  { sizeBytes, mtimeNs }: Fingerprint,
  options: { minAgeSec: number; nowMs: number; steadyMs?: number },
): void {
  const { minAgeSec, nowMs, steadyMs = performance.now() } = options;
  const mtimeMs = Number(BigInt(mtimeNs) / 1_000_000n);
  const ageSec = (nowMs - mtimeMs) / 1000;
  if (ageSec >= 0) {
    watched.delete(path);
    if (ageSec >= minAgeSec) return;
    throw inUse(`The file changed ${Math.floor(ageSec)} seconds ago. It is taken once it is ${minAgeSec} seconds old.`);
  }
  if (minAgeSec <= 0) return;
  const before = watched.get(path);
  const isSame = before?.sizeBytes === sizeBytes && before.mtimeNs === mtimeNs;
  const sinceMs = isSame ? before.sinceMs : steadyMs;
  if (steadyMs - sinceMs >= minAgeSec * 1000) return;
  if (watched.size >= MOST_WATCHED) watched.clear();
  watched.set(path, { sizeBytes, mtimeNs, sinceMs });
  throw inUse(
    `Its modification date lies in the future (${dayOf(mtimeMs)}). It is taken once it has stayed the same for ${minAgeSec} seconds.`,
  );
}

const inUse = (message: string): AppError => new AppError('file_in_use', message);

/** A date may lie further ahead than a calendar goes. */
function dayOf(ms: number): string {
  const date = new Date(ms);
  return Number.isNaN(date.getTime()) ? 'no calendar goes that far' : date.toISOString().slice(0, 10);
}
