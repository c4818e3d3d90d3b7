import { expect } from 'chai';
import { load } from 'cheerio';
import { browseLibrary, chooseColumns } from '../../../src/actions/library/browser.js';
import { exportLibrary } from '../../../src/actions/library/export.js';
import { listLibrary } from '../../../src/actions/library/library.js';
import { join } from 'node:path';
import { askAboutTitles, queueSelection, sumTitles } from '../../../src/actions/library/bulk.js';
import { createJobs } from '../../../src/actions/jobs/jobs.js';
import { showItem } from '../../../src/actions/library/library.js';
import { saveSettings } from '../../../src/actions/settings/settings.js';
import { openPresets } from '../../../src/catalog/presets.js';
import { LeftOut } from '../../../src/domain/recommendations/left-out.js';
import { changeFilter, listFilters, removeFilter, saveFilter } from '../../../src/actions/library/saved-filters.js';
import type { Context } from '../../../src/actions/action.js';
import type { AppError } from '../../../src/domain/errors.js';
import { aFile, aJob, anItem, aRecommendation } from '../../support/builders.js';
import { API_KEY, Browser, startWeb, type WebTest } from '../../support/web.js';

const ITEMS = [
  anItem({ id: 'x-1', title: 'Alien', year: 1979, file: { id: 'f1', video: { codec: 'mpeg4' }, sizeBytes: 3e9 } }),
  anItem({ id: 'x-2', title: '=cmd|calc', year: 1980, sectionId: '2', file: { id: 'f2', sizeBytes: 1e9 } }),
  anItem({
    id: 'x-3',
    title: 'Comma, "quote"',
    year: 1981,
    files: [aFile({ id: 'f3', sizeBytes: 5e9 }), aFile({ id: 'f4', sizeBytes: 1e9, video: { codec: 'hevc' } })],
  }),
];

describe('the library browser', () => {
  let web: WebTest;
  let ctx: Context;
  const queued: string[] = [];
  const queuedFiles: string[] = [];
  beforeEach(async () => {
    queued.length = 0;
    web = await startWeb({
      prepare: async ({ store }) => {
        await store.library.putMany(ITEMS);
        await store.recommendations.put(
          aRecommendation({ id: 'x-1.f1.codec-modernization', itemId: 'x-1', fileId: 'f1', savesBytes: 2e9 }),
        );
        return {
          presets: await openPresets({ builtInDir: join(import.meta.dirname, '../../../presets'), userDir: null }),
          enqueue: {
            busyPaths: () => new Map(),
            check: ({ itemId, fileId }: { itemId: string; fileId?: string }) => {
              if (itemId === 'x-2') throw new LeftOut('excluded', 'You exclude it from processing.');
              const file = fileId ?? store.library.get(itemId).files[0]?.id ?? '';
              return aJob({ itemId, fileId: file, sourcePath: `/films/${itemId}` });
            },
            job: ({ itemId, presetId, fileId = '' }: { itemId: string; presetId: string; fileId?: string }) => {
              queued.push(itemId);
              queuedFiles.push(fileId);
              return Promise.resolve(aJob({ id: `job-${itemId}`, itemId, presetId }));
            },
          } as never,
        };
      },
    });
    ctx = web.context;
  });
  afterEach(() => web.stop());

  const ask = (given: object) => listLibrary(ctx, listLibrary.input.parse(given));
  const idsOf = async (given: object): Promise<string[]> => (await ask(given)).items.map(({ id }) => id);

  it('filters, sorts and counts', async () => {
    expect(await idsOf({})).to.deep.equal(['x-3', 'x-1', 'x-2']);
    expect(await idsOf({ codec: 'hevc,mpeg4', sort: 'title' })).to.deep.equal(['x-1', 'x-3']);
    expect(await idsOf({ codec: ['hevc', 'mpeg4'], minSizeBytes: '2000000000' })).to.deep.equal(['x-1']);
    expect(await idsOf({ minSizeBytes: '4000000000' })).to.deep.equal(['x-3']);
    expect(await idsOf({ ruleId: 'codec-modernization' })).to.deep.equal(['x-1']);
    const { facets, total, sizeBytes } = await ask({ codec: 'mpeg4,vp6', facets: '1' });
    expect([total, sizeBytes]).to.deep.equal([1, 3e9]);
    expect(facets?.codec).to.deep.include({ value: 'h264', label: 'h264', count: 2, isChosen: false });
    expect(facets?.codec).to.deep.include({ value: 'vp6', label: 'vp6', count: 0, isChosen: true });
    expect((await ask({})).facets).to.equal(null);
  });

  it('follows what changes, and leads from page to page with the whole view in the address', async () => {
    const first = await ask({ pageSize: '2', codec: 'h264,mpeg4', sort: 'title' });
    expect(first.items.map(({ id }) => id)).to.deep.equal(['x-2', 'x-1']);
    const link = new URLSearchParams(first.next ?? '');
    expect(Object.fromEntries(link)).to.deep.equal({ codec: 'h264,mpeg4', sort: 'title', page: '2', pageSize: '2' });
    expect(await idsOf(Object.fromEntries(link))).to.deep.equal(['x-3']);
    await ctx.store.library.put(anItem({ id: 'x-9', title: 'Zulu', file: { video: { codec: 'mpeg4' } } }));
    await ctx.store.library.remove('x-1');
    ctx.bus.emit('library.changed', { itemIds: ['x-9', 'x-1'] });
    expect(await idsOf({ codec: 'mpeg4' })).to.deep.equal(['x-9']);
    const tell = async (state: 'queued' | 'done'): Promise<void> => {
      ctx.bus.emit('job.changed', await ctx.store.jobs.put(aJob({ id: 'j', itemId: 'x-9', state })));
    };
    await tell('queued');
    expect(await idsOf({ state: 'waiting' })).to.deep.equal(['x-9']);
    await tell('done');
    expect([await idsOf({ state: 'waiting' }), await idsOf({ state: 'done' })]).to.deep.equal([[], ['x-9']]);
  });

  it('shows the version that matches, and never one that is only beside it', async () => {
    const both = anItem({
      id: 'x-5',
      title: 'Twice',
      files: [
        aFile({
          id: 'uhd',
          path: '/f/Twice UHD.mkv',
          sizeBytes: 60e9,
          video: { codec: 'vc1', width: 3840, height: 2160 },
        }),
        aFile({ id: 'old', path: '/f/Twice HD.mkv', sizeBytes: 4e9, video: { codec: 'h264', bitrateKbps: 5000 } }),
      ],
    });
    await ctx.store.library.put(both);
    ctx.bus.emit('library.changed', { itemIds: ['x-5'] });
    const rowOf = async (given: object) => (await ask(given)).items.find(({ id }) => id === 'x-5');
    expect(await rowOf({ codec: 'h264', resolution: '1080' })).to.deep.include({
      matchedFileIds: ['old'],
      versions: 2,
      sizeBytes: 4e9,
      bitrateKbps: 5000,
      resolution: '1080',
    });
    expect(await rowOf({ codec: 'h264', resolution: '4k' })).to.equal(undefined);
    expect(await rowOf({ codec: 'h264', minSizeBytes: '5000000000' })).to.equal(undefined);
    expect(await rowOf({ q: 'twice uhd', codec: 'h264' })).to.equal(undefined);
    expect((await rowOf({}))?.matchedFileIds).to.deep.equal(['uhd', 'old']);
    const found = await ask({ codec: 'h264', facets: '1' });
    // The smaller version stands where its own size belongs.
    expect(found.items.map(({ id, sizeBytes }) => [id, sizeBytes])).to.deep.equal([
      ['x-3', 5e9],
      ['x-5', 4e9],
      ['x-2', 1e9],
    ]);
    expect(found.sizeBytes).to.equal(10e9);
    expect(found.facets?.resolution).to.deep.equal([{ value: '1080', label: '1080', count: 3, isChosen: false }]);
    const exported = async (format: string): Promise<string> => {
      const query = `codec=h264&q=twice&format=${format}`;
      const answer = await fetch(`${web.url}/api/library/export?${query}`, { headers: { 'X-Api-Key': API_KEY } });
      return answer.text();
    };
    expect((await exported('csv')).split('\r\n').filter((line) => line.includes('/f/Twice'))).to.have.length(1);
    expect(JSON.parse(await exported('json'))).to.have.nested.property('[0].matchedFileIds[0]', 'old');

    // What is queued is the version that was shown, whether all that match are chosen or its row alone.
    const id = `x-5.uhd.codec-modernization`;
    await ctx.store.recommendations.put(aRecommendation({ id, itemId: 'x-5', fileId: 'uhd', savesBytes: 40e9 }));
    const filesOf = async (given: object): Promise<string[]> => {
      queuedFiles.length = 0;
      await queueSelection(ctx, queueSelection.input.parse(given));
      return [...queuedFiles];
    };
    expect(await filesOf({ all: 'codec=h264&q=twice', expected: '1' })).to.deep.equal(['old']);
    expect(await filesOf({ itemIds: 'x-5', within: 'codec=h264' })).to.deep.equal(['old']);
    expect(await filesOf({ itemIds: 'x-5', within: 'codec=vc1' })).to.deep.equal(['uhd']);
    expect(await filesOf({ itemIds: 'x-5' })).to.deep.equal(['uhd']);
    const question = askAboutTitles.input.parse({ itemIds: 'x-5', within: 'codec=h264' });
    expect(await askAboutTitles(ctx, question)).to.include({ sizeBytes: 4e9, within: 'codec=h264' });
    const page = load(
      await (await fetch(`${web.url}/library?codec=h264`, { headers: { 'X-Api-Key': API_KEY } })).text(),
    );
    expect(page('#bulk input[name="within"]').attr('value')).to.contain('codec=h264');
    expect(page('#row-acts input[name="within"]').attr('value')).to.contain('codec=h264');
  });

  it('has a menu on each row that queues, approves, excludes and tags, and leads to what is excluded', async () => {
    const open = async (path: string) =>
      load(await (await fetch(web.url + path, { headers: { 'X-Api-Key': API_KEY } })).text());
    const $ = await open('/library?sort=title');
    const entries = (id: string): string[] =>
      $(`#t-${id} .row-menu .pop > *`)
        .toArray()
        .map((entry) => $(entry).text().trim());
    expect(entries('x-1').slice(0, 4)).to.deep.equal(['Queue', 'Approve', 'Exclude', 'Tags']);
    expect(entries('x-3').slice(0, 3)).to.deep.equal(['Queue', 'Exclude', 'Tags']);
    expect($('a[href="/library/excluded"]')).to.have.length(0);
    expect($('#bulk button[formaction="/library/excluded/question"]').text()).to.contain('Exclude');

    const browser = new Browser(web.url);
    await browser.signIn();
    const asked = load((await browser.post('/library/excluded/question', [['itemIds', 'x-1'], ['itemIds', 'x-3']])).text); // prettier-ignore
    expect(asked('.question h1').text()).to.equal('Exclude 2 items from processing?');
    expect(asked('.question').text()).to.contain('1 open recommendation is closed');
    await browser.post('/library/x-1/exclude');
    const after = await open('/library?sort=title');
    expect(after('a[href="/library/excluded"]').text()).to.equal('1 item is excluded');
  });

  it('says of a skipped file that it was skipped, in the list, its filter and on its page', async () => {
    const error = { code: 'file_linked' as const, message: 'It has other names. Replacing it would free nothing.' };
    const job = aJob({ id: 'j', itemId: 'x-1', fileId: 'f1', state: 'skipped', sizeBeforeBytes: 3e9, error });
    ctx.bus.emit('job.changed', await ctx.store.jobs.put({ ...job, finishedAt: '2026-02-01T00:00:00.000Z' }));
    const [row] = (await ask({ state: 'skipped' })).items;
    expect(row).to.deep.include({ id: 'x-1' });
    expect(row?.status).to.include({ state: 'skipped', reason: error.message, jobId: 'j' });
    expect(await idsOf({ state: 'suggested' })).to.deep.equal([]);
    const whyNot = 'Its codec is modern enough.';
    const decision = { fileId: 'f1', ruleId: 'codec-modernization', finding: null, whyNot };
    Object.assign(ctx, { analyzer: { decide: () => Promise.resolve([decision]) } });
    const browser = new Browser(web.url);
    await browser.signIn();
    const $ = load((await browser.get('/library/x-1')).text);
    expect($('#last-word').text()).to.contain('Skipped').and.to.contain(error.message);
    const rule = $('[aria-labelledby="why"] li');
    expect(rule.text()).to.contain('No').and.to.contain(whyNot);
    expect(rule.find('use').attr('href')).to.match(/#x$|#i-x$/);
    const list = load((await browser.get('/library')).text);
    expect(list('[id="t-x-1"] .next').text()).to.contain('Skipped').and.not.to.contain('score');
  });

  it('refuses what is no filter, and says which field', async () => {
    for (const wrong of ['minSizeBytes=-1', 'addedAfter=soon', 'sort=color', 'page=0', 'pageSize=201']) {
      const response = await fetch(`${web.url}/api/library/items?${wrong}`, { headers: { 'X-Api-Key': API_KEY } });
      const { error } = (await response.json()) as { error: { fields: Record<string, string> } };
      expect([response.status, Object.keys(error.fields)], wrong).to.deep.equal([422, [wrong.split('=')[0]]]);
    }
  });

  it('says what is filtered by, each thing with the way back', async () => {
    const page = await browseLibrary(ctx, browseLibrary.input.parse({ codec: 'h264,mpeg4', maxPlays: '3' }));
    expect(page.chips.map(({ name, value }) => [name, value])).to.deep.equal([
      ['codec', 'h264'],
      ['codec', 'mpeg4'],
      ['maxPlays', '3'],
    ]);
    expect(page.chips[0]?.query).to.equal('codec=mpeg4&maxPlays=3&sort=-sizeBytes');
    expect(page.chips[2]?.query).to.equal('codec=h264%2Cmpeg4&sort=-sizeBytes');
  });

  it('remembers columns and the way of showing', async () => {
    await chooseColumns(ctx, chooseColumns.input.parse({ columns: ['size', 'tags'] }));
    await chooseColumns(ctx, chooseColumns.input.parse({ view: 'grid' }));
    const page = await browseLibrary(ctx, browseLibrary.input.parse({}));
    expect([page.view, page.shown.tags, page.shown.video]).to.deep.equal(['grid', true, false]);
    expect((await chooseColumns(ctx, chooseColumns.input.parse({ columns: ['', 'hdr'] }))).columns).to.deep.equal([
      'hdr',
    ]);
    expect((await chooseColumns(ctx, chooseColumns.input.parse({ columns: '' }))).columns).to.deep.equal([]);
  });

  it('saves views: one a name, one default, nothing that could not be asked for', async () => {
    const save = (given: object) => saveFilter(ctx, saveFilter.input.parse(given));
    const old = await save({ name: 'Old', query: 'sort=title&codec=mpeg4&page=7&junk=1', isDefault: 'true' });
    expect(old.query).to.equal('codec=mpeg4&sort=title');
    const big = await save({ name: 'Big', query: 'minSizeBytes=5000000000', isDefault: 'true' });
    expect((await listFilters(ctx, {})).items.map(({ name, isDefault }) => [name, isDefault])).to.deep.equal([
      ['Big', true],
      ['Old', false],
    ]);
    expect((await save({ name: 'old', query: 'codec=h264' })).id).to.equal(old.id);
    await expectRefusal(save({ name: 'Bad', query: 'addedAfter=soon' }), 'invalid');
    await expectRefusal(save({ name: 'Bad', query: 'sort=color' }), 'invalid');
    await expectRefusal(changeFilter(ctx, changeFilter.input.parse({ id: big.id, name: 'OLD' })), 'conflict');
    const page = await browseLibrary(ctx, browseLibrary.input.parse({ codec: 'h264', sort: '-sizeBytes' }));
    expect(page.saved.map(({ isCurrent }) => isCurrent)).to.deep.equal([false, false]);
    const opened = async (given: object) => {
      const { items, filter } = await browseLibrary(ctx, browseLibrary.input.parse(given));
      return [items.map(({ id }) => id), filter.minSizeBytes];
    };
    expect(await opened({})).to.deep.equal([['x-3'], 5e9]);
    expect(await opened({ sort: '-sizeBytes' })).to.deep.equal([['x-3', 'x-1', 'x-2'], undefined]);
    expect(await opened({ q: 'alien' })).to.deep.equal([['x-1'], undefined]);
    await removeFilter(ctx, { id: big.id });
    expect((await opened({}))[1]).to.equal(undefined);
    expect((await listFilters(ctx, {})).items).to.have.length(1);
  });

  it('queues what is ticked, or everything that matches, and goes on past what cannot be queued', async () => {
    const queue = (given: object) =>
      queueSelection(ctx, queueSelection.input.parse({ presetId: 'balanced', ...given }));
    expect((await queue({ itemIds: 'x-1' })).items).to.have.length(1);
    const { items, refused } = await queue({ all: 'sort=-sizeBytes&page=3', expected: '3' });
    expect(items.map(({ itemId }) => itemId).sort()).to.deep.equal(['x-1', 'x-3']);
    expect(refused).to.deep.equal([{ message: 'excluded from processing', count: 1, itemIds: ['x-2'] }]);
    queued.length = 0;
    await expectRefusal(queue({ all: 'sort=title', expected: '2' }), 'conflict');
    await expectRefusal(queue({ all: 'sort=title' }), 'invalid');
    await expectRefusal(queue({ all: 'codecc=h264', expected: '3' }), 'invalid');
    await expectRefusal(queue({ all: 'q=zzzz', expected: '0' }), 'invalid');
    await expectRefusal(queue({}), 'invalid');
    expect(queued).to.deep.equal([]);
  });

  it('says before it queues how many, with what, what it frees and what is left out, and does exactly that', async () => {
    const everything = { all: 'sort=title', expected: '3' };
    const ask = (given: object) => askAboutTitles(ctx, askAboutTitles.input.parse({ ...everything, ...given }));
    const question = await ask({});
    expect(question).to.include({ count: 3, sizeBytes: 10e9, jobs: 2, leftOutCount: 1, presetId: '' });
    expect(question.leftOut).to.deep.equal([{ reason: 'excluded', words: 'excluded from processing', count: 1 }]);
    expect(question.presets).to.deep.equal([{ id: 'balanced', title: 'Balanced', count: 2 }]);
    // What is recommended is promised as it was recommended; the other title is estimated.
    expect(question.savesBytes).to.be.above(2e9);
    expect(question.seconds).to.be.above(0);
    const sound = await ask({ presetId: 'audio-saver' });
    expect(sound.savesBytes).to.be.below(question.savesBytes);
    expect(
      (await sumTitles(ctx, sumTitles.input.parse({ ...everything, presetId: 'audio-saver' }))).savesBytes,
    ).to.equal(sound.savesBytes);

    await saveSettings(ctx, { queue: { defaultPresetId: 'storage-saver' } });
    await expectRefusal(saveSettings(ctx, { queue: { defaultPresetId: 'gone' } }), 'invalid');
    const own = (await ask({})).presets.map(({ id, count }) => [id, count]);
    expect(own).to.deep.equal([['balanced', 1], ['storage-saver', 1]]); // prettier-ignore
    ctx.countLinks = () => Promise.resolve(new Map([['/films/x-3', 2]]));
    const linked = await ask({});
    expect(linked.leftOut.map(({ reason, count }) => [reason, count])).to.deep.include(['hard-links', 1]);
    const { items, refused } = await queueSelection(ctx, queueSelection.input.parse(everything));
    expect([items.length, refused.length]).to.deep.equal([linked.jobs, linked.leftOut.length]);
    expect(items.map(({ presetId }) => presetId)).to.deep.equal(['balanced']);
  });

  it('proposes on a title what is recommended for it, else the default preset, everywhere', async () => {
    const presetOf = async (id: string): Promise<string> => (await showItem(ctx, { id })).presetId;
    ctx.analyzer = { decide: () => Promise.resolve([]) } as unknown as Context['analyzer'];
    expect([await presetOf('x-1'), await presetOf('x-3')]).to.deep.equal(['balanced', 'balanced']);
    await ctx.store.recommendations.patch('x-1.f1.codec-modernization', { presetId: 'remux' });
    await saveSettings(ctx, { queue: { defaultPresetId: 'storage-saver' } });
    expect([await presetOf('x-1'), await presetOf('x-3')]).to.deep.equal(['remux', 'storage-saver']);
    const { items } = await createJobs(ctx, createJobs.input.parse({ itemIds: ['x-1', 'x-3'] }));
    expect(items.map(({ presetId }) => presetId)).to.deep.equal(['remux', 'storage-saver']);
    await ctx.store.jobs.put(aJob({ id: 'job-x', itemId: 'x-1', presetId: 'remux' }));
    const { jobs } = await showItem(ctx, { id: 'x-1' });
    expect(jobs.map(({ presetTitle }) => presetTitle)).to.deep.equal(['Remux']);
    const page = await fetch(`${web.url}/settings/queue`, { headers: { 'X-Api-Key': API_KEY } });
    expect(await page.text()).to.match(/<option value="storage-saver" selected>Storage Saver</);
  });

  async function exported(given: object): Promise<string> {
    const { pieces } = await exportLibrary(ctx, exportLibrary.input.parse(given));
    let text = '';
    for await (const piece of pieces) text += piece;
    return text;
  }

  it('exports a line a file, quoted, with nothing that a table program would run', async () => {
    const lines = (await exported({})).split('\r\n');
    expect(lines[0]).to.match(/^\uFEFFid,title,year,/);
    expect(lines).to.have.length(1 + 4 + 1);
    expect(lines[1]).to.match(/^x-2,'=cmd\|calc,1980,/);
    expect(lines[3]).to.match(/^x-3,"Comma, ""quote""",1981,/);
  });

  it('calls tags by their names', async () => {
    const tag = { id: 't-1', name: 'Film club, weekly', color: 'rose' as const, category: '', createdAt: '2026-01-01' };
    await ctx.store.tags.put(tag);
    await ctx.store.library.patch('x-1', { tags: ['t-1'] });
    expect(await exported({ codec: 'mpeg4' })).to.contain(',"Film club, weekly",');
    await chooseColumns(ctx, chooseColumns.input.parse({ columns: ['tags'] }));
    const page = await fetch(`${web.url}/library?codec=mpeg4`, { headers: { 'X-Api-Key': API_KEY } });
    expect(await page.text()).to.match(/data-label="Tags">Film club, weekly</);
  });

  it('exports JSON that reads back', async () => {
    const rows = JSON.parse(await exported({ format: 'json', codec: 'mpeg4' })) as { id: string }[];
    expect(rows.map(({ id }) => id)).to.deep.equal(['x-1']);
    expect(JSON.parse(await exported({ format: 'json', q: 'zzzz' }))).to.deep.equal([]);
  });
});

async function expectRefusal(work: Promise<unknown>, code: string): Promise<void> {
  const outcome = await work.then(
    () => 'it went through',
    (error: unknown) => (error as AppError).code,
  );
  expect(outcome).to.equal(code);
}
