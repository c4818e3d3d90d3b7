import { randomBytes } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { WorkerPath } from '../domain/workers/worker.js';
import type { ReconnectingSsh } from '../ssh/reconnecting.js';
import { ANSWER } from '../ssh/scripts.js';
import { withoutEnd } from '../lib/without-end.js';

/** Network disks show what the other side wrote only after a while. Milliseconds. */
const SHOWN_MS = 70_000;
const LOOK_MS = 250;

/**
 * Whether both machines see the same folder, and may write in it: this one writes a word that nobody can guess, the worker
 * reads it and writes another one. Null when they do, else what is wrong, for the owner. Nothing stays behind.
 */
export async function verifyShared(
  line: ReconnectingSsh,
  { here, there }: Pick<WorkerPath, 'here' | 'there'>,
  signal: AbortSignal,
): Promise<string | null> {
  let own: string;
  try {
    // As private as the folders in which results are written.
    own = await mkdtemp(join(here, '.mediaflow-check-'));
  } catch (error) {
    return `This machine cannot write in ${here}: ${(error as Error).message}.`;
  }
  try {
    const [asked, answer] = [randomBytes(16).toString('hex'), randomBytes(16).toString('hex')];
    await writeFile(join(own, 'asked'), asked, { flush: true });
    const folder = `${withoutEnd(there, '/')}/${basename(own)}`;
    const said = await answered(line, [folder, asked, answer], signal);
    if (said !== null)
      return `${line.address.host} does not see in ${there} what is in ${here}, or may not write there: ${said}.`;
    for (const untilMs = performance.now() + SHOWN_MS; performance.now() < untilMs;) {
      if ((await readFile(join(own, 'answered'), 'utf8').catch(() => '')) === answer) return null;
      await sleep(LOOK_MS, undefined, { signal });
    }
    return `This machine does not see in ${here} what ${line.address.host} writes in ${there}.`;
  } finally {
    await rm(own, { recursive: true, force: true });
  }
}

/** Asked again for a while: the folder was made a moment ago. Null when it answered. */
async function answered(line: ReconnectingSsh, args: readonly string[], signal: AbortSignal): Promise<string | null> {
  for (let tried = 1; ; tried++) {
    const ran = await line.persist((connection) => connection.run(ANSWER, args, { signal }), signal);
    if (ran.ok) return null;
    if (tried >= 4) return ran.stderr.trim().slice(0, 300) || 'it does not say why';
    await sleep(LOOK_MS * 2 ** tried, undefined, { signal });
  }
}
