import { readFile } from 'node:fs/promises';
import type { Adapter } from 'lowdb';
import { writeDurably } from '../lib/durable.js';

/** lowdb adapter for one value in one file. Its writes survive a power cut; lowdb's own text file is never synced to the disk. */
export class DurableJson<T> implements Adapter<T> {
  readonly #path: string;

  constructor(path: string) {
    this.#path = path;
  }

  async read(): Promise<T | null> {
    try {
      return JSON.parse(await readFile(this.#path, 'utf8')) as T;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
      throw error;
    }
  }

  async write(data: T): Promise<void> {
    await writeDurably(this.#path, JSON.stringify(data));
  }
}
