import { expect } from 'chai';
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Job } from '../../src/domain/jobs/job.js';
import { createLog } from '../../src/lib/log.js';
import { openStore } from '../../src/store/store.js';
import { aJob, anItem } from '../support/builders.js';

describe('backup', () => {
  let dir: string;
  beforeEach(async () => (dir = await mkdtemp(join(tmpdir(), 'backup-'))));
  afterEach(() => rm(dir, { recursive: true }));
  let day = 1;
  const open = (folder = dir) =>
    openStore({
      dir: folder,
      log: createLog('silent'),
      now: () => new Date(Date.UTC(2026, 10, day)),
    });

  it('can be opened in place of the data, without the key, logs and other backups', async () => {
    const store = await open();
    await store.library.put(anItem());
    await store.audit.append({ who: 'owner', action: 'replace file', object: 'x' });
    await mkdir(join(dir, 'logs'));
    await writeFile(join(dir, 'logs', 'a.json'), '{}');
    await store.backup('daily');
    const folder = await store.backup('daily');
    expect(folder).to.equal(join(dir, 'backups', '2026-11-01T00-00-00-daily'));
    expect(await readdir(folder)).to.include.members(['audit-2026-11.jsonl', 'library', 'version.json']);
    expect(await readdir(folder))
      .not.to.include.members(['secret.key'])
      .and.not.include('logs')
      .and.not.include('backups');
    expect((await open(folder)).library.get('01234567-101')).to.deep.equal(anItem());
  });

  it('keeps the last five of a reason, and those of other reasons', async () => {
    const store = await open();
    await store.library.put(anItem());
    await store.backup('before-version-1');
    for (day = 2; day <= 9; day++) await store.backup('daily');
    const names = await readdir(join(dir, 'backups'));
    expect(names.sort()).to.deep.equal([
      '2026-11-01T00-00-00-before-version-1',
      ...[5, 6, 7, 8, 9].map((n) => `2026-11-0${n}T00-00-00-daily`),
    ]);
    day = 1;
  });

  it('holds every job once while jobs move between files', async () => {
    const store = await open();
    const jobs = Array.from({ length: 60 }, (_, n) => aJob({ id: `job-${n}` }));
    await store.jobs.putMany(jobs);
    const end = new AbortController();
    const moving = (async (): Promise<void> => {
      for (let round = 0; !end.signal.aborted; round++) {
        const change: Partial<Job> =
          round % 2 === 0 ? { state: 'done', finishedAt: '2026-11-01T00:00:00.000Z' } : { state: 'queued' };
        await Promise.all(jobs.map(({ id }) => store.jobs.patch(id, change)));
      }
    })();
    const folder = await store.backup('daily');
    end.abort();
    await moving;
    await store.close();
    expect((await open(folder)).jobs.size).to.equal(60);
  });

  it('leaves nothing half done when MediaFlow stops meanwhile', async () => {
    const store = await open();
    await store.library.putMany(Array.from({ length: 2000 }, (_, n) => anItem({ id: `item-${n}` })));
    const backup = store.backup('daily').catch((reason: unknown) => reason);
    await store.close();
    expect(await backup).to.have.property('code', 'cancelled');
    expect(await readdir(join(dir, 'backups'))).to.deep.equal([]);
  });
});
