import { expect } from 'chai';
import { resolve } from 'node:path';
import { openPresets } from '../../src/catalog/presets.js';
import type { Job } from '../../src/domain/jobs/job.js';
import { aJob, anOriginal, aReceipt } from '../support/builders.js';
import { raw } from '../support/raw-http.js';
import { API_KEY, startWeb, type WebTest } from '../support/web.js';

const GB = 1e9;

/** A job that ended an hour ago and left 10 GB of a file. */
const done = (id: string, fromGb: number, change: Partial<Job> = {}): Job =>
  aJob({
    id,
    state: 'done',
    sizeBeforeBytes: fromGb * GB,
    sizeAfterBytes: 10 * GB,
    expectedSavesBytes: 5 * GB,
    quarantineId: `kept-${id}`,
    finishedAt: new Date(Date.now() - 3_600_000).toISOString(),
    ...change,
  });

interface Figures {
  dashboard: number;
  lastMonth: number;
  lastDay: number;
  history: number | undefined;
  summary: number;
  workers: number;
  rules: number;
}

describe('savings over HTTP', () => {
  let web: WebTest;
  beforeEach(async () => {
    const builtInDir = resolve(import.meta.dirname, '../../presets');
    web = await startWeb({ prepare: async () => ({ presets: await openPresets({ builtInDir, userDir: null }) }) });
  });
  afterEach(() => web.stop());

  async function ask<T>(path: string): Promise<T> {
    const { status, text } = await raw(`${web.url}${path}`, { headers: { 'X-Api-Key': API_KEY } });
    expect(status, text).to.equal(200);
    return JSON.parse(text) as T;
  }
  async function figures(): Promise<Figures> {
    const { saved, day } = await ask<{
      saved: { bytes: number; lastMonthBytes: number; history: number[] };
      day: { freedBytes: number };
    }>('/api/dashboard');
    const { items } = await ask<{ items: { record: { freedBytes: number } }[] }>('/api/servers/compare');
    const { total } = await ask<{ total: { achievedBytes: number } }>('/api/recommendations/savings');
    return {
      dashboard: saved.bytes,
      lastMonth: saved.lastMonthBytes,
      lastDay: day.freedBytes,
      history: saved.history.at(-1),
      summary: (await ask<{ saved: number }>('/api/summary')).saved,
      workers: items.reduce((sum, { record }) => sum + record.freedBytes, 0),
      rules: total.achievedBytes,
    };
  }
  const presetPercent = async (): Promise<number | null | undefined> =>
    (await ask<{ items: { id: string; savedPercent: number | null }[] }>('/api/presets')).items.find(
      ({ id }) => id === 'balanced',
    )?.savedPercent;
  const everywhere = (bytes: number): Figures => ({
    ...{ dashboard: bytes, lastMonth: bytes, lastDay: bytes, history: bytes },
    ...{ summary: bytes, workers: bytes, rules: bytes },
  });

  it('are the same on every page, before an original is restored, after it, and once its file is replaced anew', async () => {
    const { store, bus } = web.context;
    const replace = async (job: Job): Promise<void> => {
      const receipt = aReceipt(job);
      await Promise.all([store.jobs.put(job), store.receipts.put(receipt), store.quarantine.put(anOriginal(receipt))]);
      bus.emit('job.changed', job);
    };
    expect(await figures()).to.deep.equal(everywhere(0));
    expect(await presetPercent()).to.equal(null);
    await replace(done('1', 40));
    await replace(done('2', 20));
    expect(await figures()).to.deep.equal(everywhere(40 * GB));
    expect(await presetPercent()).to.equal(67);
    await store.quarantine.patch('kept-1', { state: 'restored' });
    bus.emit('quarantine.changed', { ids: ['kept-1'] });
    expect(await figures()).to.deep.equal(everywhere(10 * GB));
    expect(await presetPercent()).to.equal(50);
    await replace(done('3', 40));
    expect(await figures()).to.deep.equal(everywhere(40 * GB));
    await store.quarantine.patch('kept-2', { state: 'purged' });
    expect(await figures()).to.deep.equal(everywhere(40 * GB));
  });

  it('are what receipts measured, also where the job was told another size', async () => {
    const { store, bus } = web.context;
    const job = done('1', 40);
    const receipt = aReceipt(job, { before: { path: '/a', sizeBytes: 30 * GB, sha256: 'a'.repeat(64), streams: [] } });
    await Promise.all([store.jobs.put(job), store.receipts.put(receipt), store.quarantine.put(anOriginal(receipt))]);
    bus.emit('job.changed', job);
    expect(await figures()).to.deep.equal(everywhere(20 * GB));
  });
});
