import { expect } from 'chai';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Context } from '../../../src/actions/action.js';
import {
  changeTag,
  createTag,
  deleteTag,
  listTags,
  showItemTags,
  showTag,
  tagItem,
  tagItems,
} from '../../../src/actions/library/tags.js';
import type { AppError } from '../../../src/domain/errors.js';
import type { Events } from '../../../src/domain/events.js';
import { retag, TagChoice, tagIdFor } from '../../../src/domain/library/tag.js';
import { Bus } from '../../../src/lib/bus.js';
import { createLog } from '../../../src/lib/log.js';
import { LibrarySearch } from '../../../src/engine/library/search.js';
import { openStore } from '../../../src/store/store.js';
import { anItem } from '../../support/builders.js';

const GB12 = 12_000_000_000;

describe('tags', () => {
  let dir: string;
  let ctx: Context;
  let changed: string[][];
  let search: LibrarySearch;
  const open = async (): Promise<void> => {
    const log = createLog('silent');
    const store = await openStore({ dir, log, now: () => new Date() });
    const bus = new Bus<Events>(() => undefined);
    bus.on('library.changed', ({ itemIds }) => changed.push(itemIds));
    search = new LibrarySearch({ store, bus });
    search.start();
    ctx = { store, bus, search, log, now: () => new Date('2026-11-01T00:00:00Z') } as unknown as Context;
  };
  const make = (name: string, category = '') => createTag(ctx, { name, color: 'blue', category });
  const tagsOn = (id: string): string[] => ctx.store.library.get(id).tags;
  const codeOf = async (promise: Promise<unknown>): Promise<string> =>
    promise.then(
      () => 'none',
      (error: unknown) => (error as AppError).code,
    );

  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'mediaflow-tags-'));
    changed = [];
    await open();
    await ctx.store.library.putMany([1, 2, 3].map((n) => anItem({ id: `i${n}`, title: `Film ${n}` })));
    ctx.bus.emit('library.changed', { itemIds: ['i1', 'i2', 'i3'] });
    changed = [];
  });
  afterEach(async () => {
    await search.stop();
    await ctx.store.close();
    await rm(dir, { recursive: true });
  });

  it('are made, listed by category and name with their titles and bytes, and outlive a restart', async () => {
    await make('Keep', 'Care');
    await make('zebra');
    await make('Apple');
    await tagItems(ctx, { itemIds: ['i1', 'i2'], add: ['keep'], remove: [] });
    await ctx.store.close();
    await open();
    const list = await listTags(ctx, {});
    expect(list.items.map(({ id, items, sizeBytes }) => [id, items, sizeBytes])).to.deep.equal([
      ['apple', 0, 0],
      ['zebra', 0, 0],
      ['keep', 2, 2 * GB12],
    ]);
    expect(list).to.deep.include({ total: 3, categories: ['Care'] });
    expect((await showTag(ctx, { id: 'keep' })).titles).to.deep.equal([
      { id: 'i1', title: 'Film 1 (1999)' },
      { id: 'i2', title: 'Film 2 (1999)' },
    ]);
  });

  it('have a name of their own, whatever its case', async () => {
    await make('Kids');
    expect(await codeOf(make('KIDS'))).to.equal('conflict');
    await make('Old');
    expect(await codeOf(changeTag(ctx, { id: 'old', name: 'kids' }))).to.equal('conflict');
    expect((await changeTag(ctx, { id: 'kids', name: 'KIDS' })).name).to.equal('KIDS');
  });

  it('keep their titles under a new name, and say which titles are found differently now', async () => {
    await make('Kids');
    await tagItems(ctx, { itemIds: ['i2'], add: ['kids'], remove: [] });
    changed = [];
    const tag = await changeTag(ctx, { id: 'kids', name: 'For children', color: 'rose' });
    expect(tag).to.include({ id: 'kids', name: 'For children', color: 'rose', category: '' });
    expect(tagsOn('i2')).to.deep.equal(['kids']);
    expect((await showItemTags(ctx, { id: 'i2' })).tags.map(({ name }) => name)).to.deep.equal(['For children']);
    expect(changed).to.deep.equal([['i2']]);
  });

  it('are put on many at once and taken off, once each, and only what changed is told', async () => {
    await make('A');
    await make('B');
    expect(
      await tagItems(ctx, { itemIds: ['i1', 'i2', 'i1', 'gone'], add: ['a', 'b', 'a'], remove: [] }),
    ).to.deep.equal({
      changed: 2,
      unknown: 1,
    });
    expect(await tagItems(ctx, { itemIds: ['i1', 'i2', 'i3'], add: ['a'], remove: ['b'] })).to.deep.equal({
      changed: 3,
      unknown: 0,
    });
    expect(await tagItems(ctx, { itemIds: ['i1'], add: ['a'], remove: ['b'] })).to.deep.equal({
      changed: 0,
      unknown: 0,
    });
    expect([tagsOn('i1'), tagsOn('i2'), tagsOn('i3')]).to.deep.equal([['a'], ['a'], ['a']]);
    expect(changed).to.deep.equal([
      ['i1', 'i2'],
      ['i1', 'i2', 'i3'],
    ]);
  });

  it('are never put on anything when one of them does not exist, or nothing was chosen', async () => {
    await make('A');
    expect(await codeOf(tagItems(ctx, { itemIds: ['i1'], add: ['a', 'nope'], remove: [] }))).to.equal('not_found');
    expect(await codeOf(tagItem(ctx, { id: 'nope', add: ['a'], remove: [] }))).to.equal('not_found');
    expect(tagsOn('i1')).to.deep.equal([]);
    expect(await codeOf(tagItems(ctx, { itemIds: [], add: ['a'], remove: [] }))).to.equal('invalid');
    expect(await codeOf(tagItems(ctx, { itemIds: ['i1'], add: [], remove: [] }))).to.equal('invalid');
    expect(tagItems.input.safeParse({ itemIds: ['i1'], add: 'a, b' }).data).to.deep.include({ add: ['a', 'b'] });
  });

  it('leave nothing behind when they are deleted', async () => {
    await make('A');
    await make('B');
    await tagItems(ctx, { itemIds: ['i1', 'i2'], add: ['a', 'b'], remove: [] });
    expect(await deleteTag(ctx, { id: 'a' })).to.deep.equal({ name: 'A', items: 2 });
    expect([tagsOn('i1'), tagsOn('i2')]).to.deep.equal([['b'], ['b']]);
    expect(ctx.store.tags.has('a')).to.equal(false);
    expect(await codeOf(deleteTag(ctx, { id: 'a' }))).to.equal('not_found');
    // Stored, but the search has not heard of it: others are still being tagged.
    await ctx.store.library.patch('i3', { tags: ['b'] });
    expect(await deleteTag(ctx, { id: 'b' })).to.deep.equal({ name: 'B', items: 3 });
    expect(tagsOn('i3')).to.deep.equal([]);
  });

  it('are put on thousands without losing a change that comes in between', async () => {
    await make('A');
    const many = Array.from({ length: 2000 }, (_, n) => anItem({ id: `m${n}` }));
    await ctx.store.library.putMany(many);
    const tagging = tagItems(ctx, { itemIds: many.map(({ id }) => id), add: ['a'], remove: [] });
    const last = ctx.store.library.get('m1999');
    await ctx.store.library.put({ ...last, plays: 7 });
    expect((await tagging).changed).to.equal(2000);
    expect(ctx.store.library.get('m1999')).to.deep.include({ plays: 7, tags: ['a'] });
  });
});

describe('the id of a tag', () => {
  it('is its first name, fit for an address and a list with commas', () => {
    const id = (name: string, ...taken: string[]): string => tagIdFor(name, (one) => taken.includes(one));
    expect(id("Kids' Films")).to.equal('kids-films');
    expect(id('a,b/c d')).to.equal('a-b-c-d');
    expect(id('Детское кино')).to.equal('детское-кино');
    expect(id('../..')).to.equal('tag');
    expect(id('★', 'tag', 'tag-2')).to.equal('tag-3');
    expect(id('Keep', 'keep')).to.equal('keep-2');
  });
  it('says what a name may be', () => {
    const isGood = (choice: object): boolean => TagChoice.safeParse({ name: 'A', color: 'blue', category: '', ...choice }).success; // prettier-ignore
    expect([
      isGood({}),
      isGood({ name: ' ' }),
      isGood({ name: 'x'.repeat(41) }),
      isGood({ color: 'red; x' }),
    ]).to.deep.equal([true, false, false, false]);
  });
  it('stays in its place in a list', () => {
    expect(retag(['a', 'b'], { add: ['c', 'a'], remove: ['b'] })).to.deep.equal(['a', 'c']);
    expect(retag(['a'], { add: ['a'], remove: ['a'] })).to.deep.equal([]);
  });
});
