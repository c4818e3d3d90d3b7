import { watch, type FSWatcher } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';

/** Says that the files of a folder changed, once they have been the same for a moment. */
export class FolderWatch {
  readonly #dir: string;
  readonly #everyMs: number;
  readonly #settleMs: number;
  readonly #changed: () => Promise<void>;
  #seen: string | null = null;
  #watcher: FSWatcher | null = null;
  #timer: NodeJS.Timeout | null = null;
  #looking: Promise<void> | null = null;
  #isStopped = true;

  /** `changed` is called at the first look as well. */
  constructor(options: { dir: string; everyMs: number; settleMs: number; changed: () => Promise<void> }) {
    this.#dir = options.dir;
    this.#everyMs = options.everyMs;
    this.#settleMs = options.settleMs;
    this.#changed = options.changed;
  }

  start(): void {
    this.#isStopped = false;
    this.#soon(0);
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    if (this.#timer) clearTimeout(this.#timer);
    this.#watcher?.close();
    this.#watcher = null;
    await this.#looking;
  }

  #soon(ms: number): void {
    if (this.#isStopped || this.#looking) return;
    if (this.#timer) clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.#looking = this.#look()
        .catch(() => false)
        .then((isSettled) => {
          this.#looking = null;
          this.#soon(isSettled ? this.#everyMs : this.#settleMs);
        });
    }, ms).unref();
  }

  /** False when the folder has to be looked at again soon. */
  async #look(): Promise<boolean> {
    this.#listen();
    const now = await stampOf(this.#dir);
    if (now === null || now === this.#seen) return true;
    await new Promise((resolve) => setTimeout(resolve, this.#settleMs));
    if ((await stampOf(this.#dir)) !== now) return false;
    if (this.#isStopped) return true;
    this.#seen = now;
    await this.#changed();
    return true;
  }

  /** Network mounts tell of nothing and a folder may be exchanged: this only makes the next look come sooner. */
  #listen(): void {
    if (this.#watcher || this.#isStopped) return;
    try {
      const watcher = watch(this.#dir, { persistent: false }, () => {
        this.#soon(this.#settleMs);
      });
      const forget = (): void => {
        watcher.close();
        if (this.#watcher === watcher) this.#watcher = null;
      };
      watcher.on('error', forget).on('close', forget);
      this.#watcher = watcher;
    } catch {
      // Looking now and then has to do.
    }
  }
}

/** Names, sizes and times of a folder's files; null when it cannot be read. */
async function stampOf(dir: string): Promise<string | null> {
  try {
    const names = (await readdir(dir)).sort();
    return (await Promise.all(names.map((name) => fileStamp(join(dir, name), name)))).join('\n');
  } catch {
    return null;
  }
}

/** Changes when a file is written or exchanged; the folder of a link's file is not looked at, its file is. */
export async function fileStamp(path: string, name = ''): Promise<string> {
  const seen = await stat(path).catch(() => null);
  return `${name} ${seen?.mtimeMs ?? 0} ${seen?.size ?? 0} ${seen?.ino ?? 0}`;
}
