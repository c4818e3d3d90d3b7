import { rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { z } from 'zod';
import { entryRank } from '../domain/queue/rank.js';
import { makeFolder, syncFolder } from '../lib/durable.js';
import { filesOf, ROWS_PER_SHARD } from './layout.js';
import { ShardFile, type ShardData } from './shard-file.js';

/** As far as a job of data version 0 has to be known here. */
const OldJob = z.looseObject({ priority: z.number(), createdAt: z.string() });

/**
 * Data version 1. The place of a job in the queue is its `rank`, and what was its `priority` is only its `score`. Jobs lie in files of
 * `ROWS_PER_SHARD` rows, so that one of ten thousand waiting jobs is changed by writing a small file: `jobs/open.json` becomes
 * `jobs/open/0.json` and those after it. A file is taken away when everything in it is on the disk in its new place, so this can
 * be broken off and done again at any moment.
 */
export async function rankJobs(dir: string): Promise<void> {
  for (const name of await filesOf({ kind: 'named', dir: 'jobs', prefix: '', nameOf: () => '' }, dir)) {
    const old = join(dir, name);
    const folder = join(dirname(old), basename(old, '.json'));
    await makeFolder(folder);
    // What cannot be read as a whole moves as it is: it is set aside, and told of, when it is opened.
    const data = await new ShardFile(old, '').read().catch(() => null);
    if (data?.damage !== null) await rename(old, join(folder, '0.json'));
    else {
      await writeParts(folder, data);
      await rm(old);
    }
    await syncFolder(folder);
    await syncFolder(dirname(old));
  }
}

async function writeParts(folder: string, data: ShardData): Promise<void> {
  const rows = data.rows.map(ranked);
  for (let part = 0; part === 0 || part * ROWS_PER_SHARD < rows.length; part++) {
    const own = rows.slice(part * ROWS_PER_SHARD, (part + 1) * ROWS_PER_SHARD);
    const ids = new Set(own.map((row) => (row as { id?: unknown }).id));
    const versions = Object.fromEntries(Object.entries(data.versions).filter(([id]) => ids.has(id)));
    const gone = part === 0 ? data.gone : [];
    await new ShardFile(join(folder, `${part}.json`), '').write({ ...data, rows: own, versions, gone });
  }
}

function ranked(row: unknown): unknown {
  const { success, data } = OldJob.safeParse(row);
  if (!success) return row;
  const { priority, ...job } = data;
  return { ...job, score: priority, rank: entryRank(priority, job.createdAt) };
}
