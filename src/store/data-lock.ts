import { randomUUID } from 'node:crypto';
import { mkdir, open, readFile, readlink, rename, unlink, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { AppError, toAppError } from '../domain/errors.js';
import { beganAt, isProcessAlive } from '../lib/process-life.js';

const Holder = z.object({
  /** Made anew each time the lock is taken. */
  token: z.string(),
  pid: z.int(),
  host: z.string(),
  /** In which numbers of processes mean the same; null where the system does not say. */
  pidSpace: z.string().nullable(),
  /** When the process began, in ticks since the machine did; null where the system does not say. */
  began: z.string().nullable(),
  /** Which start of the machine that was: numbers and ticks mean something only within it. */
  boot: z.string().nullable().default(null),
  /** The last question that the holder answered. */
  answered: z.string().nullable(),
  /** Whether the holder is about to give the folder free. */
  isStopping: z.boolean().default(false),
});
type Holder = z.infer<typeof Holder>;

const LOCK = 'mediaflow.lock';
const QUESTION = 'mediaflow.lock.question';
/** How often the holder looks whether somebody asks. Only reads, so that disks may sleep. */
const LOOK_EVERY_MS = 1000;
/** So long a holder that cannot be seen from here has for its answer. */
const ANSWER_WITHIN_MS = 6000;
/** A holder that was told to stop a moment ago has so long to say that it does ... */
const MARKS_WITHIN_MS = 3000;
/** ... and so long to have done it: a little more than it gives itself. */
const STOPS_WITHIN_MS = 12_000;
const LOOK_AGAIN_MS = 100;

/** How long another holder is waited for, milliseconds. */
export interface LockPatience {
  answerWithinMs?: number;
  marksWithinMs?: number;
  stopsWithinMs?: number;
  /** Hears once that a holder is waited for which stops, with a sentence for the owner. */
  onWait?: (message: string) => void;
  signal?: AbortSignal;
}

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

  /**
   * Waits for a MediaFlow that is just stopping. Throws `conflict` when another one works there, `file_denied` or `no_space` when
   * nothing can be written there, and the signal's reason. A lock that nobody holds any more is taken over.
   */
  static async take(dir: string, patience: LockPatience = {}): Promise<DataLock> {
    const path = join(dir, LOCK);
    if (held.has(dir)) throw inUse(dir, await read(path));
    held.add(dir);
    try {
      await mkdir(dir, { recursive: true, mode: 0o700 });
      const wasLeft = await untilFree(dir, patience);
      const holder: Holder = { token: randomUUID(), ...(await ourselves()), answered: null, isStopping: false };
      await writeNew(path, holder).catch(async (error: unknown) => {
        throw (error as NodeJS.ErrnoException).code === 'EEXIST' ? inUse(dir, await read(path)) : error;
      });
      // Another one may have found the same old lock, and have taken ours away for it.
      if (wasLeft) await sleep(LOOK_AGAIN_MS);
      const now = await read(path);
      if (now?.token !== holder.token) throw inUse(dir, now);
      return new DataLock(dir, holder);
    } catch (error) {
      held.delete(dir);
      throw cannotWrite(error, dir);
    }
  }

  /** Tells whoever wants the folder next that it is worth waiting. */
  async markStopping(): Promise<void> {
    this.#looking = this.#looking.then(() => this.#rewrite({ isStopping: true })).catch(() => undefined);
    await this.#looking;
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
    await this.#rewrite({ answered: asked });
  }

  async #rewrite(change: Partial<Holder>): Promise<void> {
    const holder = { ...this.#holder, ...change };
    const temp = join(this.#dir, `.${holder.token}.tmp`);
    await writeFile(temp, JSON.stringify(holder), { mode: 0o600 });
    await rename(temp, join(this.#dir, LOCK));
    this.#holder = holder;
  }
}

const nameOf = (holder: Holder | null): string =>
  `process ${holder?.pid ?? 'unknown'} on ${holder?.host ?? 'this machine'}`;

const inUse = (dir: string, holder: Holder | null): AppError =>
  new AppError(
    'conflict',
    `Another MediaFlow (${nameOf(holder)}) works in ${dir}. Stop it, or give this one a folder of its own with MEDIAFLOW_DATA_DIR.`,
  );

function cannotWrite(error: unknown, dir: string): AppError {
  const because = (why: string): AppError =>
    new AppError('file_denied', `MediaFlow cannot write to its data folder ${dir}: ${why}`, { cause: error });
  switch ((error as NodeJS.ErrnoException).code) {
    case 'EROFS':
      return because(
        'its disk is mounted read-only. Mount it writable, or choose another folder with MEDIAFLOW_DATA_DIR.',
      );
    case 'EACCES':
    case 'EPERM':
      return because(
        `user ${process.getuid?.() ?? ''} may not. Give the folder to that user, or choose another one with MEDIAFLOW_DATA_DIR.`,
      );
    case 'ENOTDIR':
    case 'EEXIST':
      return because('there is a file in its place. Move it away, or choose another folder with MEDIAFLOW_DATA_DIR.');
    default:
      return toAppError(error);
  }
}

/** Resolves when no living MediaFlow holds the folder; true when a dead one left its lock, which is gone by then. Throws `conflict`. */
async function untilFree(dir: string, patience: LockPatience): Promise<boolean> {
  const path = join(dir, LOCK);
  const { answerWithinMs, marksWithinMs = MARKS_WITHIN_MS, stopsWithinMs = STOPS_WITHIN_MS } = patience;
  const beganMs = performance.now();
  let isWaiting = false;
  for (;;) {
    const holder = await read(path);
    if (holder === null || (await isGone(holder, dir, answerWithinMs ?? ANSWER_WITHIN_MS))) break;
    const limitMs = holder.isStopping ? stopsWithinMs : marksWithinMs;
    if (performance.now() - beganMs > limitMs) throw inUse(dir, holder);
    if (holder.isStopping && !isWaiting) {
      isWaiting = true;
      patience.onWait?.(
        `Waiting for the other MediaFlow (${nameOf(holder)}) to stop, for up to ${stopsWithinMs / 1000} seconds`,
      );
    }
    await sleep(LOOK_AGAIN_MS);
    patience.signal?.throwIfAborted();
  }
  return unlink(path).then(
    () => true,
    (error: unknown) => {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
      throw error;
    },
  );
}

/** Two that start at once: only one of them makes the file. Throws `EEXIST`. */
async function writeNew(path: string, holder: Holder): Promise<void> {
  const file = await open(path, 'wx', 0o600);
  try {
    await file.writeFile(JSON.stringify(holder));
  } catch (error) {
    await unlink(path).catch(() => undefined);
    throw error;
  } finally {
    await file.close();
  }
}

async function ourselves(): Promise<Pick<Holder, 'pid' | 'host' | 'pidSpace' | 'began' | 'boot'>> {
  const { pid } = process;
  return { pid, host: hostname(), pidSpace: await pidSpace(), began: await beganAt(pid), boot: await bootId() };
}

const pidSpace = (): Promise<string | null> => readlink('/proc/self/ns/pid').catch(() => null);

const bootId = async (): Promise<string | null> =>
  (await readFile('/proc/sys/kernel/random/boot_id', 'utf8').catch(() => null))?.trim() ?? null;

/** Who cannot be seen from here is asked; another machine may have the same name, and this one may have been started anew. */
async function isGone(holder: Holder, dir: string, answerWithinMs: number): Promise<boolean> {
  const isVisible =
    holder.host === hostname() &&
    holder.pidSpace === (await pidSpace()) &&
    (holder.boot === null || holder.boot === (await bootId()));
  if (!isVisible) return !(await answers(holder, dir, answerWithinMs));
  return holder.pid === process.pid || !(await isProcessAlive(holder.pid, holder.began));
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

/** Null when there is none, or none that can be read: a power cut may leave an empty file. */
async function read(path: string): Promise<Holder | null> {
  try {
    return Holder.parse(JSON.parse(await readFile(path, 'utf8')));
  } catch {
    return null;
  }
}
