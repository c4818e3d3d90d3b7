import { expect } from 'chai';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { isFinished, Job } from '../../src/domain/jobs/job.js';
import { LibraryItem } from '../../src/domain/library/library.js';
import { Collection } from '../../src/store/collection.js';
import type { Layout } from '../../src/store/layout.js';
import { aJob, anItem } from '../support/builders.js';

describe('Collection', () => {
  let dir: string;
  beforeEach(async () => (dir = await mkdtemp(join(tmpdir(), 'collection-'))));
  const opened: { flush(): Promise<void> }[] = [];
  afterEach(async () => {
    // Old copies are taken out in the background.
    await Promise.all(opened.splice(0).map((collection) => collection.flush()));
    await rm(dir, { recursive: true });
  });

  const library: Layout<LibraryItem> = { kind: 'filled', dir: 'library', groupOf: ({ sectionId }) => sectionId };
  const jobLayout: Layout<Job> = {
    kind: 'named',
    dir: 'jobs',
    prefix: '',
    nameOf: ({ state, finishedAt }) => (isFinished(state) ? `done-${finishedAt?.slice(0, 7) ?? ''}` : 'open'),
  };
  const remembered = async <T extends { flush(): Promise<void> }>(opening: Promise<T>): Promise<T> => {
    const collection = await opening;
    opened.push(collection);
    return collection;
  };
  const openLibrary = () =>
    remembered(Collection.open({ dir, noun: 'library item', schema: LibraryItem, layout: library }));
  const openJobs = () => remembered(Collection.open({ dir, noun: 'job', schema: Job, layout: jobLayout }));
  const readJobs = async (file: string): Promise<string[]> =>
    (JSON.parse(await readFile(join(dir, 'jobs', file), 'utf8')) as { rows: Job[] }).rows.map(({ id }) => id);

  it('gives back after opening what was put', async () => {
    const first = await openLibrary();
    await first.put(anItem());
    await first.patch('01234567-101', { title: 'Another Film' });
    const second = await openLibrary();
    expect([...second.values()]).to.deep.equal([anItem({ title: 'Another Film' })]);
  });

  it('takes over only rows that its schema would not change, and refuses what it would refuse', async () => {
    const options = { dir, noun: 'library item', schema: LibraryItem, layout: library };
    const given = anItem();
    const withMore = { ...anItem({ id: 'more' }), more: 1 };
    const owner = await remembered(Collection.open({ ...options, takesOver: true }));
    await owner.putMany([given, withMore]);
    expect(owner.get(given.id)).to.equal(given);
    expect(owner.get('more')).to.deep.equal(anItem({ id: 'more' }));
    const refusal = await owner.put(anItem({ plays: -1 })).catch((reason: unknown) => reason);
    expect(refusal).to.be.instanceOf(z.ZodError);
    const copier = await remembered(Collection.open(options));
    await copier.put(given);
    expect(copier.get(given.id)).to.deep.equal(given);
    expect(copier.get(given.id) === given).to.equal(false);
  });

  it('fills files of 128 rows per group', async () => {
    const rows = Array.from({ length: 1200 }, (_, n) => anItem({ id: `item-${n}`, sectionId: n % 2 ? '2' : '1' }));
    await (await openLibrary()).putMany(rows);
    expect((await readdir(join(dir, 'library', '1'))).sort()).to.deep.equal([
      '0.json',
      '1.json',
      '2.json',
      '3.json',
      '4.json',
    ]);
    expect((await openLibrary()).size).to.equal(1200);
  });

  it('writes a file that is filled bit by bit when it is full, when somebody is in a hurry, or when it has waited long enough', async () => {
    const films = await openLibrary();
    const file = join(dir, 'library/1/0.json');
    const onDisk = async (): Promise<number> =>
      readFile(file, 'utf8').then(
        (text) => (JSON.parse(text) as { rows: unknown[] }).rows.length,
        () => 0,
      );
    const rows = Array.from({ length: 130 }, (_, n) => anItem({ id: `01234567-${n}` }));
    const noHurry = { mayWaitMs: 60_000 };
    const saves = [films.putMany(rows.slice(0, 10), noHurry)];
    saves.push(films.putMany(rows.slice(10, 20), noHurry));
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(await onDisk(), 'nobody needs it yet').to.equal(0);
    expect(films.size, 'but it can be read').to.equal(20);
    await films.put(rows[20] ?? anItem());
    await Promise.all(saves.splice(0));
    expect(await onDisk(), 'somebody was in a hurry').to.equal(21);
    saves.push(films.putMany(rows.slice(21, 120), noHurry));
    const rest = films.putMany(rows.slice(120), noHurry);
    await Promise.all(saves.splice(0));
    expect(await onDisk(), 'it is full').to.equal(128);
    // What waits is written at once when the program ends.
    await films.flush();
    await rest;
    expect((await openLibrary()).size).to.equal(130);
    await films.putMany([anItem({ id: '01234567-129', title: 'Another' })], { mayWaitMs: 20 });
    expect((await openLibrary()).get('01234567-129').title).to.equal('Another');
  });

  it('moves a finished job to the file of its month', async () => {
    const jobs = await openJobs();
    await jobs.put(aJob());
    await jobs.put(aJob({ state: 'done', finishedAt: '2026-11-23T10:00:00.000Z' }));
    await jobs.flush();
    expect(await readJobs('open.json')).to.deep.equal([]);
    expect(await readJobs('done-2026-11.json')).to.deep.equal(['job-1']);
  });

  it('believes the younger file when a crash left a row in two', async () => {
    const jobs = await openJobs();
    await jobs.put(aJob());
    const before = await readFile(join(dir, 'jobs', 'open.json'));
    await jobs.put(aJob({ state: 'done', finishedAt: '2026-11-23T10:00:00.000Z' }));
    await jobs.flush();
    await writeFile(join(dir, 'jobs', 'open.json'), before);
    const again = await openJobs();
    expect([again.size, again.get('job-1').state]).to.deep.equal([1, 'done']);
    await again.flush();
    expect(await readJobs('open.json')).to.deep.equal([]);
  });

  it('refuses a row that breaks its schema and keeps the old one', async () => {
    const jobs = await openJobs();
    await jobs.put(aJob());
    const wrong = { ...aJob(), percent: 700 };
    const error = await jobs.put(wrong).catch((reason: unknown) => reason);
    expect(error).to.be.instanceOf(Error);
    expect(jobs.get('job-1').percent).to.equal(0);
  });

  it('goes back to what the disk holds when the disk refuses', async () => {
    const jobs = await openJobs();
    await jobs.put(aJob());
    await rm(join(dir, 'jobs'), { recursive: true });
    await writeFile(join(dir, 'jobs'), 'a file where the folder was');
    const error = await jobs.patch('job-1', { score: 99 }).catch((reason: unknown) => reason);
    expect(error).to.be.instanceOf(Error);
    expect(jobs.get('job-1').score).to.equal(60);
    await rm(join(dir, 'jobs'));
    await jobs.patch('job-1', { score: 98 });
    expect((await openJobs()).get('job-1').score).to.equal(98);
  });

  it('sets a damaged file aside and opens the rest', async () => {
    await (await openLibrary()).putMany([anItem(), anItem({ id: 'other', sectionId: '2' })]);
    await writeFile(join(dir, 'library', '2', '0.json'), '{"stamp": 3, "rows": [{');
    const opened = await openLibrary();
    expect(opened.size).to.equal(1);
    expect(opened.damaged.map(({ file }) => file)).to.deep.equal([join('library', '2', '0.json')]);
    expect((await readdir(join(dir, 'library', '2'))).join()).to.match(/^0\.json\.damaged-\d+$/);
  });

  it('sets aside a row that breaks its schema, and only that', async () => {
    await (await openLibrary()).putMany([anItem(), anItem({ id: 'other' }), anItem({ id: 'third' })]);
    const path = join(dir, 'library', '1', '0.json');
    const text = await readFile(path, 'utf8');
    await writeFile(path, text.replace('"id":"other",', '"id":"other","year":"soon",').replace('"year":1999', '"x":1'));
    const opened = await openLibrary();
    expect([...opened.values()].map(({ id }) => id)).to.have.members(['other', 'third']);
    const [damage] = opened.damaged;
    expect(damage).to.include({ file: join('library', '1', '0.json'), rows: 1, kept: 2 });
    expect(damage?.message).to.match(/^01234567-101: year: /);
    expect(await readFile(join(dir, damage?.setAsideAs ?? ''), 'utf8')).to.contain('"x": 1');
    const again = await openLibrary();
    expect([again.size, again.damaged]).to.deep.equal([2, []]);
  });

  it('keeps the readable rows of a file with a broken line', async () => {
    await (await openLibrary()).putMany([anItem(), anItem({ id: 'other' }), anItem({ id: 'third' })]);
    const path = join(dir, 'library', '1', '0.json');
    const text = await readFile(path, 'utf8');
    await writeFile(path, text.replace('{"id":"other"', '{"id":"oth\u0000'));
    const opened = await openLibrary();
    expect([...opened.values()].map(({ id }) => id)).to.have.members(['01234567-101', 'third']);
    expect(opened.damaged.map(({ rows, kept }) => ({ rows, kept }))).to.deep.equal([{ rows: null, kept: 2 }]);
    const again = await openLibrary();
    expect([again.size, again.damaged]).to.deep.equal([2, []]);
  });

  it('reads a file as it was edited by hand', async () => {
    await (await openLibrary()).put(anItem({ title: 'Amélie ☕' }));
    const path = join(dir, 'library', '1', '0.json');
    const data: unknown = JSON.parse((await readFile(path, 'utf8')).replace('Amélie', 'Émilie'));
    await writeFile(path, JSON.stringify(data, null, 2));
    expect((await openLibrary()).get('01234567-101').title).to.equal('Émilie ☕');
  });

  it('looks again at rows that another schema wrote', async () => {
    await (await openLibrary()).put(anItem());
    const stricter = LibraryItem.extend({ title: z.string().max(3) });
    const opened = await Collection.open({ dir, noun: 'library item', schema: stricter, layout: library });
    expect([opened.size, opened.damaged[0]?.rows]).to.deep.equal([0, 1]);
  });

  it('puts nothing of a list with one bad row', async () => {
    const jobs = await openJobs();
    const error = await jobs.putMany([aJob(), { ...aJob({ id: 'job-2' }), percent: 700 }]).catch((e: unknown) => e);
    expect(error).to.be.instanceOf(Error);
    expect(jobs.size).to.equal(0);
  });

  it('does not bring a removed row back from an older copy', async () => {
    const jobs = await openJobs();
    await jobs.put(aJob());
    const before = await readFile(join(dir, 'jobs', 'open.json'));
    await jobs.put(aJob({ state: 'done', finishedAt: '2026-11-23T10:00:00.000Z' }));
    await jobs.flush();
    await writeFile(join(dir, 'jobs', 'open.json'), before);
    const again = await openJobs();
    await again.remove('job-1');
    await again.flush();
    expect((await openJobs()).size).to.equal(0);
  });

  it('throws not_found for an unknown id', async () => {
    const jobs = await openJobs();
    expect(() => jobs.get('nope'))
      .to.throw('There is no job with the id nope')
      .with.property('code', 'not_found');
  });
});
