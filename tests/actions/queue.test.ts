import { expect } from 'chai';
import { load } from 'cheerio';
import type { Progress } from '../../src/domain/executor.js';
import { aJob, anItem } from '../support/builders.js';
import { API_KEY, Browser, startWeb, type WebTest } from '../support/web.js';

const PROGRESS: Progress = { percent: 41.5, fps: 60, speed: 2, etaSec: 90, outputBytes: 1e9 };

describe('jobs as they stand', () => {
  let web: WebTest;
  before(async () => {
    web = await startWeb({
      prepare: async ({ store, queue }) => {
        await store.library.putMany([anItem(), anItem({ id: '01234567-102', title: 'Another' })]);
        await store.jobs.putMany([
          aJob({ id: 'encodes', state: 'running', stage: 'encode', startedAt: '2026-01-02T03:04:05.000Z' }),
          aJob({ id: 'prepares', itemId: '01234567-102', state: 'running', stage: 'prepare' }),
        ]);
        return {
          analyzer: { decide: () => Promise.resolve([]) } as never,
          queue: { ...queue, progress: (id) => (id === 'encodes' ? PROGRESS : null) },
        };
      },
    });
  });
  after(() => web.stop());

  const ask = async (path: string): Promise<Record<string, unknown>> => {
    const response = await fetch(`${web.url}/api${path}`, { headers: { 'X-Api-Key': API_KEY } });
    expect(response.status, path).to.equal(200);
    return (await response.json()) as Record<string, unknown>;
  };

  it('answer how far a running job is, wherever it is told', async () => {
    const [one, list, queue, item, library] = await Promise.all([
      ask('/transcode/jobs/encodes'),
      ask('/transcode/jobs?state=running'),
      ask('/transcode/queue'),
      ask('/library/items/01234567-101'),
      ask('/library/items?sort=title'),
    ]);
    expect(one['percent']).to.equal(41.5);
    expect((list['items'] as { percent: number }[]).map(({ percent }) => percent).sort()).to.deep.equal([0, 41.5]);
    expect((queue['now'] as { percent: number }[]).map(({ percent }) => percent).sort()).to.deep.equal([0, 41.5]);
    expect((item['jobs'] as { percent: number }[]).map(({ percent }) => percent)).to.deep.equal([41.5]);
    const [first] = library['items'] as { next: { percent: number } }[];
    expect(first?.next.percent).to.equal(41.5);
  });

  it('shows no percent sign without a number while a job prepares', async () => {
    const browser = new Browser(web.url);
    await browser.signIn();
    for (const path of ['/queue', '/queue/prepares', '/library', '/']) {
      const $ = load((await browser.get(path)).text);
      $('script, style').remove();
      const texts = $('[data-job="prepares"], [data-job="prepares"] *')
        .map((_, element) => $(element).text().trim())
        .get();
      expect(texts, path).to.not.include('%').and.not.include('0 %');
    }
    const $ = load((await browser.get('/queue')).text);
    expect($('#queue [data-job="prepares"] .now-pct').text()).to.contain('Preparing');
  });
});
