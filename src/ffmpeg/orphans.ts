import { readdir, readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import type { Log } from '../lib/log.js';

/**
 * Ends ffmpeg processes that outlived the program that started them: those with one of the markers in their arguments
 * (a job's own folder, which no other process can name by chance). Without `/proc` there is nothing to look at.
 */
export async function endOrphans(markers: readonly string[], log: Log): Promise<number> {
  if (markers.length === 0) return 0;
  let ended = 0;
  for (const name of await readdir('/proc').catch(() => [])) {
    if (!/^\d+$/.test(name) || Number(name) === process.pid) continue;
    const args = (await readFile(`/proc/${name}/cmdline`, 'utf8').catch(() => '')).split('\0');
    const isFfmpeg = args.some((arg) => /^ff(mpeg|probe)/.test(basename(arg)));
    const isOurs = args.some((arg) => markers.some((marker) => arg.includes(marker)));
    if (!isFfmpeg || !isOurs) continue;
    log.warn({ pid: Number(name) }, 'Ended an encode that a crash had left running');
    try {
      process.kill(Number(name), 'SIGKILL');
      ended++;
    } catch {
      // It ended by itself in the meantime.
    }
  }
  return ended;
}
