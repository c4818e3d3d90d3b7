import { expect } from 'chai';
import fc from 'fast-check';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Job } from '../../src/domain/jobs/job.js';
import { byRank, entryRank } from '../../src/domain/queue/rank.js';
import { createLog } from '../../src/lib/log.js';
import { inQueue } from '../../src/store/row-keys.js';
import { openStore, type Store } from '../../src/store/store.js';
import { aJob } from '../support/builders.js';

describe('rows in an order', () => {
  let dir: string;
  let store: Store;
  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'mediaflow-order-'));
    store = await openStore({ dir, log: createLog('silent'), now: () => new Date() });
  });
  afterEach(async () => {
    await store.close();
    await rm(dir, { recursive: true });
  });

  it('are those that sorting them anew would give, whatever is put and removed (random)', async () => {
    const job = fc.record({
      at: fc.nat(5),
      state: fc.constantFrom<Job['state'][]>('queued', 'running', 'done'),
      score: fc.nat(2),
      isRemoved: fc.boolean(),
    });
    const random = fc.asyncProperty(fc.array(job, { minLength: 1, maxLength: 12 }), async (changes) => {
      for (const { at, state, score, isRemoved } of changes) {
        const id = `job-${at}`;
        if (isRemoved) await store.jobs.remove(id);
        else await store.jobs.put(aJob({ id, state, rank: entryRank(score, '2026-01-02T03:04:05.000Z') }));
        const expected = store.jobs.where((row) => row.state === 'queued').sort(byRank);
        expect(store.jobs.sorted(inQueue)).to.deep.equal(expected);
      }
    });
    await fc.assert(random, { numRuns: 25 });
  });

  it('go back to what the disk holds when it refuses a change', async () => {
    await store.jobs.put(aJob({ id: 'first', rank: 'a1' }));
    await store.jobs.put(aJob({ id: 'second', rank: 'a2' }));
    expect(store.jobs.sorted(inQueue).map(({ id }) => id)).to.deep.equal(['first', 'second']);
    await rm(join(dir, 'jobs'), { recursive: true });
    await writeFile(join(dir, 'jobs'), 'a file where the folder was');
    const refused = await store.jobs.patch('second', { rank: 'a0' }).catch((error: unknown) => error);
    expect(refused).to.be.instanceOf(Error);
    expect(store.jobs.sorted(inQueue).map(({ id }) => id)).to.deep.equal(['first', 'second']);
    await rm(join(dir, 'jobs'));
  });
});
