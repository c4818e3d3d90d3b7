import { join } from 'node:path';
import type { z } from 'zod';
import { EventLoopYield } from '../lib/event-loop-yield.js';
import type { Copies } from './copies.js';
import { messageOf, setFileAside, setRowsAside, unreadable, type BadRow, type Damage } from './damage.js';
import { beginSlab } from './packed-rows.js';
import type { Shard } from './shard.js';
import type { ShardData } from './shard-file.js';

export interface ReadResult<T extends { id: string }> {
  /** The highest of all files. */
  stamp: number;
  damaged: Damage[];
  /** Files to be written anew, because something in them was set aside. */
  mended: Shard<T>[];
  /** Rows of which old copies or a tombstone stand somewhere. */
  untidy: Set<string>;
}

/** Fills shards and copies with what lies on disk. Throws when a file may not be read, or nothing can be set aside. */
export async function readShards<T extends { id: string }>(parts: {
  dir: string;
  schema: z.ZodType<T>;
  shards: readonly Shard<T>[];
  copies: Copies<T>;
  thrift: ((row: T) => T) | undefined;
}): Promise<ReadResult<T>> {
  const { dir, shards, copies } = parts;
  const result: ReadResult<T> = { stamp: 0, damaged: [], mended: [], untidy: new Set() };
  const loopYield = new EventLoopYield();
  beginSlab();
  for (const shard of shards) {
    const data = await shard.read().catch((error: unknown) => error as Error);
    if (data instanceof Error) {
      // A file that may not be read is no damaged file: moving it away would hide the real trouble.
      if ('code' in data) throw unreadable(join(dir, shard.file), data);
      result.damaged.push(await setFileAside(dir, shard.file, data));
    } else {
      result.stamp = Math.max(result.stamp, data.stamp);
      const bad = take(shard, data, parts);
      for (const id of data.gone) result.untidy.add(id);
      const damaged = await setBadAside(dir, shard, data, bad);
      if (damaged.length > 0) result.mended.push(shard);
      result.damaged.push(...damaged);
    }
    if (loopYield.isDue) await loopYield.pause();
  }
  for (const [id] of copies.allLingering()) result.untidy.add(id);
  forgetVersions(shards, copies);
  return result;
}

/** Takes over what a file holds. Returns the rows that do not fit. */
function take<T extends { id: string }>(
  shard: Shard<T>,
  data: ShardData,
  parts: { copies: Copies<T>; schema: z.ZodType<T>; thrift: ((row: T) => T) | undefined },
): BadRow[] {
  const { copies, schema, thrift } = parts;
  const bad: BadRow[] = [];
  shard.stamp = data.stamp;
  for (const [id, version] of Object.entries(data.versions)) shard.versions.set(id, version);
  if (data.packed) {
    shard.sleep(data.packed);
    for (const id of data.packed.ids) copies.adoptAsleep(id, shard);
  }
  for (const id of data.gone) copies.adopt(id, null, shard);
  for (const raw of data.rows) {
    // A sealed row was checked by this very schema when it was written.
    const checked = data.isSealed ? { success: true as const, data: raw as T } : schema.safeParse(raw);
    if (checked.success) {
      const row = thrift ? thrift(checked.data) : checked.data;
      copies.adopt(row.id, row, shard);
    } else bad.push({ row: raw, message: messageOf(checked.error) });
  }
  return bad;
}

async function setBadAside<T extends { id: string }>(
  dir: string,
  shard: Shard<T>,
  { damage }: ShardData,
  bad: readonly BadRow[],
): Promise<Damage[]> {
  const kept = shard.size;
  const damaged: Damage[] = [];
  if (bad.length > 0) damaged.push(await setRowsAside(dir, shard.file, bad, kept));
  if (damage !== null) damaged.push(await setFileAside(dir, shard.file, damage, { kept, copy: true }));
  return damaged;
}

/** The only copy of a row needs no version. */
function forgetVersions<T extends { id: string }>(shards: readonly Shard<T>[], copies: Copies<T>): void {
  for (const shard of shards)
    for (const id of shard.versions.keys()) if (copies.lingeringOf(id).length === 0) shard.versions.delete(id);
}
