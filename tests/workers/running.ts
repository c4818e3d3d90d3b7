import { readdir, readFile } from 'node:fs/promises';

/** Process ids of ffmpeg runs on this machine that have `text` in their command line, as Linux shows them. */
export async function running(text: string): Promise<string[]> {
  const ids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const lines = await Promise.all(
    ids.map(async (id) => ({ id, line: await readFile(`/proc/${id}/cmdline`, 'utf8').catch(() => '') })),
  );
  return lines.filter(({ line }) => /^[^\0]*ffmpeg\0/.test(line) && line.includes(text)).map(({ id }) => id);
}
