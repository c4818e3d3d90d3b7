import { expect } from 'chai';
import type { PurgeHold } from '../../../src/domain/replace/clock-seen.js';
import { Problems } from '../../../src/engine/health/problems.js';
import { API_KEY, startWeb, type WebTest } from '../../support/web.js';

const DAY_MS = 86_400_000;

describe('quarantine while the clock cannot be trusted', () => {
  let web: WebTest;
  const seenAt = '2026-03-01T12:00:00.000Z';
  before(async () => {
    web = await startWeb();
    await web.context.store.quarantine.put({
      ...{
        id: 'q-1',
        jobId: 'job',
        itemId: 'item',
        title: 'A Film',
        originalPath: '/m/a.mkv',
        storedPath: '/m/q/a.mkv',
      },
      ...{ replacementPath: '/m/a.mkv', replacementSha256: '', replacementSizeBytes: 1, sizeBytes: 1, sha256: '' },
      fingerprint: { dev: '1', ino: '1', sizeBytes: 1, mtimeNs: '1', nlink: 1 },
      ...{ state: 'kept', keptAt: seenAt, endedAt: null, kind: 'replaced', keepItemId: '', purgeAt: seenAt },
    });
  });
  after(() => web.stop());

  const read = async (path: string): Promise<string> =>
    (await fetch(web.url + path, { headers: { 'X-Api-Key': API_KEY } })).text();
  const listed = async (): Promise<PurgeHold | null> =>
    (JSON.parse(await read('/api/transcode/quarantine')) as { hold: PurgeHold | null }).hold;
  /** What Health would say of it. */
  const problems = (): string[] => {
    const { store } = web.context;
    const none = { list: () => [], found: () => [], problems: () => [] };
    const parts = {
      store,
      fleet: { localHealth: () => null },
      schedule: none,
      presets: { problems: [] },
      rules: none,
      files: none,
    };
    return new Problems(parts as never).list().map(({ summary }) => summary);
  };

  it('says on its page and in Health why nothing is deleted by its date, and until when', async () => {
    const { clock, settings } = web.context.store;
    await settings.change({ safety: { dryRun: false } });
    await clock.put({ seenAt, steadyForMs: 6 * 3_600_000, jumpedMs: 40 * DAY_MS });
    const hold = await listed();
    expect(hold?.until).to.equal('2026-03-02T06:00:00.000Z');
    expect(hold?.reason).to.contain('jumped ahead by 40 days');
    expect(await read('/quarantine'))
      .to.contain('jumped ahead by 40 days')
      .and.contain('steady for a day');
    expect(problems().join()).to.contain('No original is deleted by its date before 2026-03-02 06:00 UTC');

    await settings.change({ safety: { dryRun: true } });
    expect(problems(), 'in dry run none is deleted anyway').to.deep.equal([]);
    await settings.change({ safety: { dryRun: false } });
    await clock.put({ seenAt, steadyForMs: DAY_MS, jumpedMs: 0 });
    expect(await listed()).to.equal(null);
    expect(await read('/quarantine')).not.to.contain('The clock of this server');
    expect(problems()).to.deep.equal([]);
  });
});
