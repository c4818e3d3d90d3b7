import { join } from 'node:path';
import { Low } from 'lowdb';
import { z } from 'zod';
import { toAppError } from '../domain/errors.js';
import { damagedError, setFileAside, unreadable, type Damage } from './damage.js';
import { DurableJson } from './durable-json.js';

/** Whether an object has names, but none that the schema knows: with a default for every name it would pass as an empty one. */
function isForeign(schema: z.ZodType, data: unknown): boolean {
  if (!(schema instanceof z.ZodObject) || typeof data !== 'object' || data === null) return false;
  const names = Object.keys(data);
  return names.length > 0 && !names.some((name) => Object.hasOwn(schema.shape, name));
}

/** One value in one JSON file, checked by its schema on the way in and out. */
export class Document<T> {
  readonly #low: Low;
  readonly #schema: z.ZodType<T>;
  #value: T;
  /** What the disk holds. */
  #saved: T;
  #version = 0;
  #scheduled: Promise<void> | null = null;
  #writing: Promise<void> = Promise.resolve();
  readonly damaged: Damage | null;

  private constructor(low: Low, schema: z.ZodType<T>, value: T, damaged: Damage | null) {
    this.#low = low;
    this.#schema = schema;
    this.#value = value;
    this.#saved = value;
    this.damaged = damaged;
  }

  /**
   * Opens the file; a missing one gives the value the schema makes of `initial`, and so does a damaged one after it
   * was set aside. Throws when the file may not be read, and `damaged` for a damaged one that must not be set aside.
   */
  static async open<T>(
    dir: string,
    file: string,
    schema: z.ZodType<T>,
    initial: unknown,
    onDamage: 'set-aside' | 'refuse' = 'set-aside',
  ): Promise<Document<T>> {
    const low = new Low<unknown>(new DurableJson(join(dir, file)), initial);
    try {
      await low.read();
      if (isForeign(schema, low.data)) throw new Error('it holds nothing of what belongs into it');
      return new Document(low, schema, schema.parse(low.data), null);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== undefined) throw unreadable(join(dir, file), error);
      if (onDamage === 'refuse') throw await damagedError(dir, file, error);
      return new Document(low, schema, schema.parse(initial), await setFileAside(dir, file, error));
    }
  }

  get value(): T {
    return this.#value;
  }

  /** Another number than before: the value changed since. */
  get version(): number {
    return this.#version;
  }

  /**
   * Readable at once; resolves when it is on disk. Values put while a write is under way share the next one. When the
   * disk refuses, what it holds stands again and the error says why.
   */
  async put(value: T): Promise<T> {
    const valid = this.#schema.parse(value);
    this.#value = valid;
    this.#version++;
    this.#scheduled ??= this.#afterCurrentWrite();
    try {
      await this.#scheduled;
    } catch (error) {
      throw toAppError(error);
    }
    return valid;
  }

  /** Resolves when no write is under way, whatever became of it. */
  async flush(): Promise<void> {
    while (this.#scheduled) await this.#scheduled.catch(() => undefined);
    await this.#writing.catch(() => undefined);
  }

  async #afterCurrentWrite(): Promise<void> {
    await this.#writing.catch(() => undefined);
    await new Promise(setImmediate);
    this.#scheduled = null;
    this.#writing = this.#write(this.#value);
    await this.#writing;
  }

  async #write(value: T): Promise<void> {
    try {
      this.#low.data = value;
      await this.#low.write();
      this.#saved = value;
    } catch (error) {
      if (this.#value === value) this.#value = this.#saved;
      this.#version++;
      throw error;
    }
  }
}
