import { mkdir, readdir, readFile, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { AppError } from '../domain/errors.js';
import { SwapRecord, type SwapProblem } from '../domain/replace/swap.js';
import { syncFolder, writeDurably } from '../lib/durable.js';
import { errnoOf, isMissing, naming } from './file-error.js';
import { renameOver } from './duplicate.js';

const DAMAGED = '.damaged';

/** What every running swap is about to do, one file each, on disk before it happens. */
export class SwapJournal {
  readonly #dir: string;

  constructor(dir: string) {
    this.#dir = dir;
  }

  #pathOf(id: string): string {
    return join(this.#dir, `${id}.json`);
  }

  /** Resolves when the record is on disk. */
  async write(record: SwapRecord): Promise<void> {
    const path = this.#pathOf(record.plan.id);
    await naming(path, () => writeDurably(path, `${JSON.stringify(record, null, 2)}\n`, 0o600));
  }

  /** The record, or null when there is none. One that cannot be read is set aside; throws `damaged`, also on every later call. */
  async read(id: string): Promise<SwapRecord | null> {
    const path = this.#pathOf(id);
    let text: string;
    try {
      text = await readFile(path, 'utf8');
    } catch (error) {
      if (!isMissing(error)) return naming(path, () => Promise.reject(error as Error));
      const aside = (await this.#names()).find((name) => name.startsWith(`${id}.json${DAMAGED}`));
      if (aside !== undefined) throw this.#damaged(aside);
      return null;
    }
    const record = parse(text);
    if (record?.plan.id === id) return record;
    const aside = `${id}.json${DAMAGED}-${Date.now()}`;
    await renameOver(path, join(this.#dir, aside));
    await syncFolder(this.#dir);
    throw this.#damaged(aside);
  }

  /** Every id that has a record, in order. */
  async ids(): Promise<string[]> {
    return (await this.#names())
      .filter((name) => name.endsWith('.json') && !name.startsWith('.'))
      .map((name) => name.slice(0, -'.json'.length))
      .sort();
  }

  /** Forgets a record; nothing happens when there is none. */
  async remove(id: string): Promise<void> {
    try {
      await unlink(this.#pathOf(id));
    } catch (error) {
      if (errnoOf(error) === 'ENOENT') return;
      await naming(this.#pathOf(id), () => Promise.reject(error as Error));
    }
    await syncFolder(this.#dir);
  }

  /** Records that were set aside, until the owner deletes them. */
  async damaged(): Promise<SwapProblem[]> {
    return (await this.#names())
      .filter((name) => name.includes(`.json${DAMAGED}`))
      .map((name) => ({ id: null, message: this.#damaged(name).message }));
  }

  #damaged(name: string): AppError {
    return new AppError(
      'damaged',
      `The journal of a file swap, ${join(this.#dir, name)}, cannot be read. Nothing was changed. ` +
        `Look for .mediaflow-*.part beside the film and for the original in the quarantine, then delete the journal file.`,
    );
  }

  async #names(): Promise<string[]> {
    return naming(this.#dir, async () => {
      await mkdir(this.#dir, { recursive: true });
      return readdir(this.#dir);
    });
  }
}

function parse(text: string): SwapRecord | null {
  try {
    return SwapRecord.safeParse(JSON.parse(text)).data ?? null;
  } catch {
    return null;
  }
}
