import type { LibraryItem } from '../../domain/library/library.js';
import { stat } from '../../files/disks.js';

/** What local files were at the last look, and since when each is like that. */
export interface Look {
  files: Record<string, { sizeBytes: number; mtimeMs: number; sinceMs: number }>;
}

const IN_THE_FUTURE = 'Its modification date lies in the future; MediaFlow watches whether the file changes';

/**
 * Whether an item is complete and its files have come to rest: the server has analyzed them, their size is the one the
 * server saw, and nobody wrote to them for `settleMs`. Null when it is, otherwise what it waits for.
 * `look` is what this look saw, to be handed in as `before` the next time.
 */
export async function isUnsettled(
  item: LibraryItem,
  options: { nowMs: number; settleMs: number; before: Look | null; toLocal: (path: string) => string | null },
): Promise<{ reason: string | null; look: Look }> {
  const { nowMs, settleMs, before } = options;
  const look: Look = { files: {} };
  const originals = item.files.filter(({ optimized }) => !optimized);
  if (originals.length === 0) return { reason: 'Plex does not show a file for it yet', look };
  if (originals.some(({ video, sizeBytes }) => video === null || video.codec === '' || sizeBytes === 0))
    return { reason: 'Plex has not analyzed the file yet', look };
  for (const file of originals) {
    // Several pieces are described by one size; they are never touched anyway.
    const path = file.stackedParts > 1 ? null : options.toLocal(file.path);
    const local = path === null ? null : await stat(path).catch(() => null);
    if (!local) continue;
    const { sizeBytes: size } = local;
    const mtimeMs = Number(local.mtimeNs / 1_000_000n);
    const last = before?.files[file.id];
    const isSame = last?.sizeBytes === size && last.mtimeMs === mtimeMs;
    // A clock that was set back meanwhile counts from anew.
    const sinceMs = isSame ? Math.min(last.sinceMs, nowMs) : nowMs;
    look.files[file.id] = { sizeBytes: size, mtimeMs, sinceMs };
    if (size !== file.sizeBytes)
      return { reason: 'The file is still growing, or Plex has not seen its new size', look };
    if (nowMs - mtimeMs >= settleMs) continue;
    // A date that is wrong must not hold it for ever: unchanged for as long as we watched will do.
    const isStill = isSame && nowMs - sinceMs >= settleMs;
    if (!isStill) return { reason: mtimeMs > nowMs ? IN_THE_FUTURE : 'The file was written to a moment ago', look };
  }
  return { reason: null, look };
}

/** Whether every file of a stored item that can be seen here has the size it is known by. */
export async function hasSameSizes({ files }: LibraryItem): Promise<boolean> {
  const looks = files.map(async ({ localPath, sizeBytes, stackedParts }) => {
    const local = localPath === null || stackedParts > 1 ? null : await stat(localPath).catch(() => null);
    return local === null || local.sizeBytes === sizeBytes;
  });
  return (await Promise.all(looks)).every((isSame) => isSame);
}
