import { rename } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { Low } from 'lowdb';
import type { z } from 'zod';
import { toAppError } from '../domain/errors.js';
import type { DamagedShard } from './collection.js';
import { DurableJson } from './shard.js';

/** One value in one JSON file, checked by its schema on the way in and out. */
export class Document<T> {
  readonly #low: Low;
  readonly #schema: z.ZodType<T>;
  #value: T;
  #writing: Promise<void> = Promise.resolve();
  readonly damaged: DamagedShard | null;

  private constructor(low: Low, schema: z.ZodType<T>, value: T, damaged: DamagedShard | null) {
    this.#low = low;
    this.#schema = schema;
    this.#value = value;
    this.damaged = damaged;
  }

  /** Opens the file; a missing or damaged one gives the value the schema makes of `initial`. */
  static async open<T>(dir: string, file: string, schema: z.ZodType<T>, initial: unknown): Promise<Document<T>> {
    const path = join(dir, file);
    const low = new Low<unknown>(new DurableJson(path), initial);
    try {
      await low.read();
      return new Document(low, schema, schema.parse(low.data), null);
    } catch (error) {
      const setAsideAs = `${file}.damaged-${Date.now()}`;
      await rename(path, join(dir, setAsideAs));
      const message = error instanceof Error ? error.message : String(error);
      return new Document(low, schema, schema.parse(initial), { file: basename(path), setAsideAs, message });
    }
  }

  get value(): T {
    return this.#value;
  }

  /** Resolves when it is on disk; when the disk refuses, the old value stands again and the error says why. */
  async put(value: T): Promise<T> {
    const valid = this.#schema.parse(value);
    const before = this.#value;
    this.#value = valid;
    const write = this.#writing.then(() => {
      this.#low.data = valid;
      return this.#low.write();
    });
    this.#writing = write.catch(() => undefined);
    try {
      await write;
    } catch (error) {
      if (this.#value === valid) this.#value = before;
      throw toAppError(error);
    }
    return valid;
  }

  async flush(): Promise<void> {
    await this.#writing;
  }
}
