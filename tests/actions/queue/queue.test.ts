import { expect } from 'chai';
import { load } from 'cheerio';
import type { Progress } from '../../../src/domain/jobs/executor.js';
import type { Job } from '../../../src/domain/jobs/job.js';
import { aJob, anItem } from '../../support/builders.js';
import { API_KEY, Browser, startWeb, type WebTest } from '../../support/web.js';

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

describe('failed jobs', () => {
  const ITEMS = 4;
  let web: WebTest;
  before(async () => {
    web = await startWeb({
      prepare: async ({ store, queue }) => {
        const items = Array.from({ length: ITEMS }, (_, n) => anItem({ id: `01234567-${n}`, title: `Film ${n}` }));
        await store.library.putMany(items);
        await store.jobs.putMany(
          Array.from({ length: 136 }, (_, n) =>
            aJob({
              ...{
                id: `failed-${n}`,
                itemId: `01234567-${n % 8}`,
                sourcePath: `/data/${n % 130}.mkv`,
                state: 'failed',
              },
              finishedAt: '2026-01-02T03:04:05.000Z',
              error:
                n < 120
                  ? { code: 'encode_failed', message: `ffmpeg could not encode the video: trouble ${n}.` }
                  : { code: 'verify_failed', message: `The result was thrown away. Reason ${n}.` },
            }),
          ),
        );
        const retry = (id: string): Promise<Job> =>
          store.jobs.put({ ...store.jobs.get(id), state: 'queued', error: null, finishedAt: null });
        return { queue: { ...queue, retry } };
      },
    });
  });
  after(() => web.stop());

  const post = async (body: object): Promise<{ changed: number; refused: { id: string; message: string }[] }> => {
    const response = await fetch(`${web.url}/api/transcode/jobs/bulk`, {
      method: 'POST',
      headers: { 'X-Api-Key': API_KEY, 'Content-Type': 'application/json' },
      body: JSON.stringify(body),
    });
    expect(response.status).to.equal(200);
    return (await response.json()) as never;
  };
  const counts = async (): Promise<Record<string, number>> => {
    const response = await fetch(`${web.url}/api/transcode/failures`, { headers: { 'X-Api-Key': API_KEY } });
    const { items } = (await response.json()) as {
      items: { cause: string; title: string; fix: string; count: number; jobIds: string[] }[];
    };
    for (const { title, fix, count, jobIds } of items) {
      expect(title).to.match(/\S{4}/);
      expect(fix).to.match(/\S{4}/);
      expect(jobIds).to.have.length(count);
    }
    return Object.fromEntries(items.map(({ cause, count }) => [cause, count]));
  };

  it('stand by cause, at most five of each in sight, and all of them on pages', async () => {
    expect(await counts()).to.deep.equal({ 'encode-failed': 120, 'verify-failed': 16 });
    const browser = new Browser(web.url);
    await browser.signIn();
    const $ = load((await browser.get('/queue')).text);
    const groups = $('.causes > li').toArray();
    expect(groups).to.have.length(2);
    for (const group of groups) {
      expect($(group).find('[data-failed]')).to.have.length(5);
      expect($(group).find('details').attr('open')).to.equal(undefined);
      expect(
        $(group)
          .find('button[name="action"]')
          .map((_, button) => $(button).text().trim())
          .get(),
      ).to.deep.equal(['Retry all', 'Exclude all', 'Clear']);
    }
    const all = $('.causes a:contains("Show all 120")').attr('href') ?? '';
    const list = load((await browser.get(all)).text);
    expect(list('[data-row]')).to.have.length(50);
    expect(list('.pager').text()).to.contain('120 jobs');
  });

  it('are asked about without scripts, retried, excluded and cleared, each refusal with its reason', async () => {
    const browser = new Browser(web.url);
    await browser.signIn();
    const filter = { 'filter[state]': 'failed', 'filter[cause]': 'verify-failed' };
    const asked = load((await browser.post('/queue/jobs/question', { ...filter, action: 'clear' })).text);
    expect(asked('.question h1').text()).to.equal('Clear 16 failed jobs?');
    const fields = asked('.question input[name]')
      .toArray()
      .map((input): [string, string] => [asked(input).attr('name') ?? '', asked(input).attr('value') ?? '']);
    const { response } = await browser.post(
      '/queue/jobs',
      fields.filter(([name]) => name !== '_csrf'),
    );
    expect(response.status).to.equal(303);
    expect(await counts()).to.deep.equal({ 'encode-failed': 120 });
    expect(web.context.store.jobs.get('failed-130').clearedAt).to.not.equal(null);

    // Half of the items are no longer in the library.
    const excluded = await post({ ids: ['failed-0', 'failed-7', 'nobody'], action: 'exclude' });
    expect(excluded.changed).to.equal(1);
    expect(excluded.refused.map(({ id }) => id).sort()).to.deep.equal(['failed-7', 'nobody']);
    expect(web.context.store.excluded.has('01234567-0')).to.equal(true);
    expect(await counts()).to.deep.equal({ 'encode-failed': 119 });

    // What is excluded stays so: 14 more jobs of the item are refused.
    const again = await post({ filter: { state: 'failed', cause: 'encode-failed' }, action: 'retry' });
    expect(again).to.have.property('changed', 105);
    expect(again.refused).to.have.length(14);
    expect(again.refused[0]?.message).to.match(/excluded/);
  });
});
