import { basename, join } from 'node:path';
import type { Gate } from '../lib/gate.js';
import { ROWS_PER_SHARD, type Layout } from './layout.js';
import { Shard } from './shard.js';

export interface ShardsOptions<T extends { id: string }> {
  dir: string;
  layout: Layout<T>;
  /** Of the schema that writes the files. */
  mark: string;
  gate: Gate;
  nextStamp: () => number;
  /** The disk refused: the row of this file goes back to what the disk holds. */
  restore: (shard: Shard<T>, id: string, row: T | null | undefined) => void;
  /** A row of a sleeping file was read. */
  awake: (row: T, shard: Shard<T>) => T;
}

/** The files of a collection, and which of them a row goes to. */
export class Shards<T extends { id: string }> {
  readonly #options: ShardsOptions<T>;
  readonly all = new Map<string, Shard<T>>();
  /** Group of rows -> its folder. */
  readonly #folders = new Map<string, string>();
  /** Folder -> the first file that may have free places. */
  readonly #freeIn = new Map<string, { number: number; shard: Shard<T> }>();

  constructor(options: ShardsOptions<T>) {
    this.#options = options;
  }

  /** The file for a row that stands in `current`, or in none. */
  for(row: T, current: Shard<T> | undefined): Shard<T> {
    const { layout } = this.#options;
    if (layout.kind === 'single') return this.open(layout.file);
    if (layout.kind === 'named') return this.open(join(layout.dir, `${layout.prefix}${layout.nameOf(row)}.json`));
    const folder = this.folderOf(layout.groupOf(row));
    return current?.folder === folder ? current : this.#withFreePlace(folder);
  }

  folderOf(group: string): string {
    const { layout } = this.#options;
    const folder = this.#folders.get(group) ?? join('dir' in layout ? layout.dir : '', group);
    this.#folders.set(group, folder);
    return folder;
  }

  #withFreePlace(folder: string): Shard<T> {
    const numbered = (number: number) => ({ number, shard: this.open(join(folder, `${number}.json`)) });
    let free = this.#freeIn.get(folder) ?? numbered(0);
    while (free.shard.size >= ROWS_PER_SHARD) free = numbered(free.number + 1);
    this.#freeIn.set(folder, free);
    return free.shard;
  }

  /** A row went out of this file, so new ones may be put there. */
  noteFreePlace(shard: Shard<T>): void {
    const free = this.#freeIn.get(shard.folder);
    const number = Number(basename(shard.file, '.json'));
    if (free !== undefined && number < free.number) this.#freeIn.set(shard.folder, { number, shard });
  }

  /** The file with this path within the folder of the data. */
  open(file: string): Shard<T> {
    const known = this.all.get(file);
    if (known) return known;
    const { dir, mark, gate, nextStamp, restore, awake } = this.#options;
    const shard: Shard<T> = new Shard<T>({
      path: join(dir, file),
      ...{ file, mark, gate, nextStamp },
      restore: (id, row) => {
        restore(shard, id, row);
      },
      awake: (read) => awake(read, shard),
    });
    this.all.set(file, shard);
    return shard;
  }
}
