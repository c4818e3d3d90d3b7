import { stat } from './disks.js';

/**
 * How many names each of these local files has on its disk. Files that cannot be read, or whose disk does not answer
 * within `limitMs`, are left out: a sleeping disk must hold up no page.
 */
export async function countLinks(paths: readonly string[], limitMs: number): Promise<Map<string, number>> {
  const found = new Map<string, number>();
  const looks = paths.map(async (path) => {
    const stats = await stat(path).catch(() => null);
    if (stats?.kind === 'file') found.set(path, stats.nlink);
  });
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, limitMs);
  });
  await Promise.race([Promise.all(looks), limit]);
  clearTimeout(timer);
  // What answers later must not change what the caller already uses.
  return new Map(found);
}
