import { appendFile, mkdir } from 'node:fs/promises';
import { join } from 'node:path';

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

  append(entry: AuditEntry): Promise<void> {
    const at = this.#now().toISOString();
    const path = join(this.#dir, `audit-${at.slice(0, 7)}.jsonl`);
    const write = this.#writing.then(async () => {
      await mkdir(this.#dir, { recursive: true });
      await appendFile(path, `${JSON.stringify({ at, ...entry })}\n`, { mode: 0o640, flush: true });
    });
    this.#writing = write.catch(() => undefined);
    return write;
  }

  async flush(): Promise<void> {
    await this.#writing;
  }
}
