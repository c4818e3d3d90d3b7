// A queue of so many waiting jobs, in a data folder of its own: how long moves, enqueueing and asking for the next take.
import { mkdtemp, open, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { entryRank, movedRank, type MoveTo } from '../src/domain/queue/rank.js';
import { createLog } from '../src/lib/log.js';
import { inQueue } from '../src/store/row-keys.js';
import { openStore } from '../src/store/store.js';
import { aJob } from '../tests/support/builders.js';
import { answer } from './child.js';
import { median, percentile, timed } from './figure.js';

const MOVES = 200;
const WHERE: readonly MoveTo[] = ['top', 'up', 'down', 'bottom'];

const count = Number(process.argv[2] ?? 10_000);
const dir = await mkdtemp(join(tmpdir(), 'mediaflow-bench-queue-'));
const store = await openStore({ dir, log: createLog('silent'), now: () => new Date() });
const createdAt = new Date().toISOString();
const jobs = Array.from({ length: count }, (_, at) => {
  const score = 100 - ((at * 37) % 90);
  return aJob({
    id: `job-${at}`,
    sourcePath: `/films/${at}.mkv`,
    score,
    createdAt,
    rank: entryRank(score, createdAt, at),
  });
});
await store.jobs.putMany(jobs);
await store.jobs.flush();

const moves: number[] = [];
const bare: number[] = [];
for (let n = 0; n < MOVES; n++) {
  const id = `job-${(n * 991) % count}`;
  const rank = (): string => movedRank(store.jobs.sorted(inQueue), id, WHERE[n % WHERE.length] ?? 'top');
  moves.push(await timed(() => store.jobs.patch(id, { rank: rank() })));
  bare.push(await timed(writeAndSync));
}
const { size } = await stat(join(dir, 'jobs/open/0.json'));
await store.close();
await rm(dir, { recursive: true });
answer({ moveMs: median(moves), moveP95Ms: percentile(moves, 0.95), bareMs: median(bare), fileBytes: size });

/** The yardstick: what a durable write of four kilobytes costs on this disk. */
async function writeAndSync(): Promise<void> {
  const file = await open(join(dir, 'yardstick.tmp'), 'w');
  try {
    await file.write(Buffer.alloc(4096));
    await file.sync();
  } finally {
    await file.close();
  }
}
