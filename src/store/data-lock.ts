import { randomUUID } from 'node:crypto';
import { mkdir, open, readFile, readlink, rename, unlink, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { AppError } from '../domain/errors.js';

const Holder = z.object({
  /** Made anew each time the lock is taken. */
  token: z.string(),
  pid: z.int(),
  host: z.string(),
  /** In which numbers of processes mean the same; null where the system does not say. */
  pidSpace: z.string().nullable(),
  /** When the process began, in ticks since the machine did; null where the system does not say. */
  began: z.string().nullable(),
  /** The last question that the holder answered. */
  answered: z.string().nullable(),
});
type Holder = z.infer<typeof Holder>;

const LOCK = 'mediaflow.lock';
const QUESTION = 'mediaflow.lock.question';
/** How often the holder looks whether somebody asks. Only reads, so that disks may sleep. */
const LOOK_EVERY_MS = 1000;
/** So long a holder that cannot be seen from here has for its answer. */
const ANSWER_WITHIN_MS = 6000;

/** Folders held by this very process. */
const held = new Set<string>();

/**
 * Keeps a second MediaFlow from working in the same data folder, where each would write over what the other wrote.
 *
 * Whoever finds a lock of a process it can see (same machine, same container) knows at once whether that lives. Otherwise
 * it lays a question beside the lock and waits: who lives answers, and nobody has to write anything as long as nobody asks.
 */
export class DataLock {
  readonly #dir: string;
  readonly #timer: NodeJS.Timeout;
  #holder: Holder;
  #looking: Promise<void> = Promise.resolve();

  private constructor(dir: string, holder: Holder) {
    this.#dir = dir;
    this.#holder = holder;
    this.#timer = setInterval(() => {
      this.#looking = this.#looking.then(() => this.#answer()).catch(() => undefined);
    }, LOOK_EVERY_MS).unref();
  }

  /** Throws `conflict` when another MediaFlow works there; a lock that nobody holds any more is taken over. */
  static async take(dir: string, answerWithinMs = ANSWER_WITHIN_MS): Promise<DataLock> {
    await mkdir(dir, { recursive: true });
    const path = join(dir, LOCK);
    const known = await read(path);
    if (held.has(dir) || (known !== null && (await isAlive(known, dir, answerWithinMs)))) throw inUse(dir, known);
    const holder: Holder = { token: randomUUID(), ...(await ourselves()), answered: null };
    held.add(dir);
    try {
      if (known !== null || (await isDamaged(path))) await unlink(path).catch(() => undefined);
      // Two that start at once: only one of them makes the file.
      const file = await open(path, 'wx', 0o600);
      await file.writeFile(JSON.stringify(holder));
      await file.close();
    } catch (error) {
      held.delete(dir);
      if ((error as NodeJS.ErrnoException).code === 'EEXIST') throw inUse(dir, await read(path));
      throw error;
    }
    return new DataLock(dir, holder);
  }

  /** Gives the folder free. Safe to call twice. */
  async release(): Promise<void> {
    clearInterval(this.#timer);
    await this.#looking;
    const path = join(this.#dir, LOCK);
    if ((await read(path))?.token === this.#holder.token) await unlink(path).catch(() => undefined);
    held.delete(this.#dir);
  }

  async #answer(): Promise<void> {
    const asked = await readFile(join(this.#dir, QUESTION), 'utf8').catch(() => null);
    if (asked === null || asked === this.#holder.answered) return;
    const holder = { ...this.#holder, answered: asked };
    const temp = join(this.#dir, `.${holder.token}.tmp`);
    await writeFile(temp, JSON.stringify(holder), { mode: 0o600 });
    await rename(temp, join(this.#dir, LOCK));
    this.#holder = holder;
  }
}

const inUse = (dir: string, holder: Holder | null): AppError =>
  new AppError(
    'conflict',
    `Another MediaFlow (process ${holder?.pid ?? 'unknown'} on ${holder?.host ?? 'this machine'}) works in ${dir}. Stop it, or give this one a folder of its own with MEDIAFLOW_DATA_DIR.`,
  );

async function ourselves(): Promise<Pick<Holder, 'pid' | 'host' | 'pidSpace' | 'began'>> {
  const { pid } = process;
  return { pid, host: hostname(), pidSpace: await pidSpace(), began: await beganAt(pid) };
}

const pidSpace = (): Promise<string | null> => readlink('/proc/self/ns/pid').catch(() => null);

/** Field 22 of `/proc/<pid>/stat`; the name before it may hold spaces and brackets. */
async function beganAt(pid: number): Promise<string | null> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => null);
  return stat?.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? null;
}

async function isAlive(holder: Holder, dir: string, answerWithinMs: number): Promise<boolean> {
  const isVisible = holder.host === hostname() && holder.pidSpace === (await pidSpace());
  if (!isVisible) return answers(holder, dir, answerWithinMs);
  if (holder.began !== null) return holder.pid !== process.pid && (await beganAt(holder.pid)) === holder.began;
  return holder.pid !== process.pid && isRunning(holder.pid);
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** Whether the holder answers a question that is laid beside its lock. */
async function answers({ token }: Holder, dir: string, withinMs: number): Promise<boolean> {
  const question = randomUUID();
  const path = join(dir, QUESTION);
  await writeFile(path, question, { mode: 0o600 });
  try {
    const endsAt = performance.now() + withinMs;
    for (;;) {
      const now = await read(join(dir, LOCK));
      if (now !== null && (now.answered === question || now.token !== token)) return true;
      if (performance.now() > endsAt) return false;
      await sleep(100);
    }
  } finally {
    await unlink(path).catch(() => undefined);
  }
}

/** Null when there is none, or none that can be read. */
async function read(path: string): Promise<Holder | null> {
  try {
    return Holder.parse(JSON.parse(await readFile(path, 'utf8')));
  } catch {
    return null;
  }
}

/** A power cut may leave an empty file. */
const isDamaged = async (path: string): Promise<boolean> =>
  (await readFile(path, 'utf8').catch(() => null)) !== null && (await read(path)) === null;
