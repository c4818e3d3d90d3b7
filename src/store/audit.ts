import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { makeFolder, syncFolder } from '../lib/durable.js';

export interface AuditEntry {
  /** `owner`, `api`, `schedule`, ... */
  who: string;
  /** Verb and noun: `replace file`. */
  action: string;
  object: string;
  detail?: object;
}

/** What was done to whom by whom, one JSON line each, a file a month, only ever appended to. */
export class AuditLog {
  readonly #dir: string;
  readonly #now: () => Date;
  #writing: Promise<void> = Promise.resolve();

  constructor(dir: string, now: () => Date) {
    this.#dir = dir;
    this.#now = now;
  }

  /** Resolves when it is on disk. Throws what the disk says. */
  append(entry: AuditEntry): Promise<void> {
    const at = this.#now().toISOString();
    const path = join(this.#dir, `audit-${at.slice(0, 7)}.jsonl`);
    const write = this.#writing.then(() => this.#append(path, `${JSON.stringify({ at, ...entry })}\n`));
    this.#writing = write.catch(() => undefined);
    return write;
  }

  async flush(): Promise<void> {
    await this.#writing;
  }

  async #append(path: string, line: string): Promise<void> {
    await makeFolder(this.#dir);
    const file = await open(path, 'a+', 0o600);
    let size: number;
    try {
      size = (await file.stat()).size;
      // A crash may have cut the last line short: the next one must not be glued to it.
      const last = size === 0 ? '\n' : (await file.read(Buffer.alloc(1), 0, 1, size - 1)).buffer.toString();
      await file.appendFile(last === '\n' ? line : `\n${line}`);
      await file.sync();
    } finally {
      await file.close();
    }
    if (size === 0) await syncFolder(this.#dir);
  }
}
