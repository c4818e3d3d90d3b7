import { expect } from 'chai';
import { mkdtemp, readdir, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { purgeHold } from '../../../src/domain/replace/clock-seen.js';
import type { Events } from '../../../src/domain/events.js';
import type { Fingerprint } from '../../../src/domain/jobs/job.js';
import { isUnsettled, type Look } from '../../../src/engine/library/settled.js';
import { requireRest } from '../../../src/engine/jobs/file-rest.js';
import { Janitor } from '../../../src/engine/replace/janitor.js';
import { Bus } from '../../../src/lib/bus.js';
import { createLog } from '../../../src/lib/log.js';
import { openStore, type Store } from '../../../src/store/store.js';
import { aFile, anItem } from '../../support/builders.js';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

describe('a clock that is wrong', () => {
  let dir: string;
  /** What the wall clock says, and what the clock says that nobody can set. */
  let wallMs: number;
  let steadyMs: number;
  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'mediaflow-clock-'));
    wallMs = Date.parse('2026-03-01T12:00:00Z');
    steadyMs = 5_000_000;
  });
  afterEach(() => rm(dir, { recursive: true }));

  const now = (): Date => new Date(wallMs);
  const pass = (ms: number): void => {
    wallMs += ms;
    steadyMs += ms;
  };
  const silent = createLog('silent');

  /** MediaFlow as far as it deletes: an original that is due in two days, and a log of today. */
  async function household() {
    const logsDir = join(dir, 'logs', 'jobs');
    const purged: string[] = [];
    const told: string[] = [];
    const bus = new Bus<Events>(() => undefined);
    bus.on('problem.changed', () => told.push(purgeHold(store.clock.value)?.reason ?? 'trusted'));
    const restorer = {
      purge: (id: string) => {
        purged.push(id);
        return store.quarantine.patch(id, { state: 'purged' });
      },
      lose: () => Promise.reject(new Error('nothing is lost')),
    };
    let store: Store;
    let janitor: Janitor;
    const start = async (): Promise<void> => {
      store = await openStore({ dir: join(dir, 'data'), log: silent, now });
      await store.settings.change({ safety: { dryRun: false } });
      janitor = new Janitor({ store, bus, log: silent, now, logsDir }, restorer, () => steadyMs);
    };
    await start();
    return {
      purged,
      told,
      hold: () => purgeHold(store.clock.value),
      due: (id: string, inMs: number) =>
        store.quarantine.put({
          ...{ id, jobId: 'job', itemId: 'item', title: 'A Film', originalPath: '/m/a.mkv', storedPath: '/m/q/a.mkv' },
          ...{ replacementPath: '/m/a.mkv', replacementSha256: '', replacementSizeBytes: 1, sizeBytes: 1, sha256: '' },
          fingerprint: { dev: '1', ino: '1', sizeBytes: 1, mtimeNs: '1', nlink: 1 },
          ...{ state: 'kept', keptAt: now().toISOString(), endedAt: null, kind: 'replaced', keepItemId: '' },
          purgeAt: new Date(wallMs + inMs).toISOString(),
        }),
      /** An hour as the janitor lives it. */
      hour: async () => {
        pass(HOUR_MS);
        await janitor.sweep(new AbortController().signal);
      },
      sweep: () => janitor.sweep(new AbortController().signal),
      restart: async () => {
        await store.close();
        // Another process counts from another zero.
        steadyMs = 1000;
        await start();
      },
      close: () => store.close(),
    };
  }

  it('deletes no original by a clock that jumped, in either direction, until it has been steady for a day', async () => {
    const house = await household();
    for (let hour = 0; hour < 25; hour++) await house.hour();
    await house.due('soon', 2 * HOUR_MS);
    for (let hour = 0; hour < 3; hour++) await house.hour();
    expect(house.purged, 'a steady clock is trusted').to.deep.equal(['soon']);
    for (const [name, jumpMs] of [
      ['ahead', 40 * DAY_MS],
      ['back', -40 * DAY_MS],
    ] as const) {
      await house.due(name, 2 * DAY_MS);
      await house.due(`old ${name}`, -50 * DAY_MS);
      wallMs += jumpMs;
      await house.hour();
      const hold = house.hold();
      expect(hold?.reason, name).to.contain(jumpMs > 0 ? 'jumped ahead by 40 days' : 'set back by 40 days');
      expect(Date.parse(hold?.until ?? '') - wallMs, 'a day of steadiness').to.equal(DAY_MS);
      for (let hour = 1; hour < 23; hour++) await house.hour();
      expect(house.hold(), 'the time does not move').to.deep.equal(hold);
      expect(house.purged, name).to.not.include.oneOf([name, `old ${name}`]);
      for (let hour = 0; hour < 3; hour++) await house.hour();
      expect(house.hold(), name).to.equal(null);
      expect(house.purged, name).to.include(`old ${name}`);
      expect(house.purged.includes(name), name).to.equal(jumpMs > 0);
    }
    expect(house.told.map((reason) => reason.split(' by ')[0])).to.deep.equal([
      ...['The clock of this server jumped ahead', 'trusted', 'The clock of this server was set back', 'trusted'],
    ]);
    await house.close();
  });

  it('sees a jump over a restart, and takes a restart for none', async () => {
    const house = await household();
    for (let hour = 0; hour < 25; hour++) await house.hour();
    await house.due('first', HOUR_MS);
    pass(2 * HOUR_MS);
    await house.restart();
    await house.sweep();
    expect(house.purged).to.deep.equal(['first']);
    await house.due('second', HOUR_MS);
    wallMs += 2 * DAY_MS;
    await house.restart();
    await house.sweep();
    for (let hour = 0; hour < 23; hour++) await house.hour();
    expect(house.purged).to.deep.equal(['first']);
    for (let hour = 0; hour < 2; hour++) await house.hour();
    expect(house.purged).to.deep.equal(['first', 'second']);
    await house.close();
  });

  it('says what is odd about a file from the future, and takes it once it has stayed the same', () => {
    const file = (mtimeMs: number): Fingerprint => ({
      dev: '1',
      ino: '1',
      sizeBytes: 10,
      nlink: 1,
      mtimeNs: String(BigInt(mtimeMs) * 1_000_000n),
    });
    const ask = (mtimeMs: number, path = '/m/a.mkv'): string => {
      try {
        requireRest(path, file(mtimeMs), { minAgeSec: 60, nowMs: wallMs, steadyMs });
        return 'taken';
      } catch (error) {
        return (error as Error).message;
      }
    };
    const future = wallMs + 400 * DAY_MS;
    expect(ask(wallMs - 10_500)).to.contain('changed 10 seconds ago');
    expect(ask(wallMs - 61_000)).to.equal('taken');
    expect(ask(future)).to.contain('modification date lies in the future (2027-04-05)');
    pass(59_000);
    expect(ask(future)).to.contain('lies in the future');
    pass(2000);
    expect(ask(future)).to.equal('taken');
    expect(ask(future + 1000), 'written to').to.contain('lies in the future');
    // The clock is set back: the date lies ahead now, and the time that was watched counts on.
    wallMs -= 2 * DAY_MS;
    pass(61_000);
    expect(ask(future + 1000)).to.equal('taken');
    expect(ask(8.64e15, '/m/b.mkv')).to.contain('lies in the future');
  });

  it('lets a new title settle by what was seen of it, however often it is looked at', async () => {
    const path = join(dir, 'film.mkv');
    await writeFile(path, 'complete');
    await utimes(path, new Date(wallMs + DAY_MS), new Date(wallMs + DAY_MS));
    const item = anItem({ files: [aFile({ path, localPath: path, sizeBytes: 8 })] });
    let before: Look | null = null;
    const reasons: (string | null)[] = [];
    for (let round = 0; round < 7; round++) {
      const seen = await isUnsettled(item, { nowMs: wallMs, settleMs: 30_000, before, toLocal: (at) => at });
      before = seen.look;
      reasons.push(seen.reason);
      pass(5000);
    }
    expect(reasons.slice(0, 6).every((reason) => reason?.includes('lies in the future'))).to.equal(true);
    expect(reasons[6]).to.equal(null);
    expect(await readdir(dir)).to.include('film.mkv');
  });
});
