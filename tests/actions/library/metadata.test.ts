import { expect } from 'chai';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { z } from 'zod';
import type { Context } from '../../../src/actions/action.js';
import * as metadata from '../../../src/actions/library/metadata.js';
import type { BatchEdit } from '../../../src/domain/library/batch-edit.js';
import type { AppError } from '../../../src/domain/errors.js';
import type { Events } from '../../../src/domain/events.js';
import type { LibraryItem } from '../../../src/domain/library/library.js';
import { BatchEdits } from '../../../src/engine/library/batch-edits.js';
import { LibrarySearch } from '../../../src/engine/library/search.js';
import { Bus } from '../../../src/lib/bus.js';
import { newId } from '../../../src/lib/ids.js';
import { createLog } from '../../../src/lib/log.js';
import { openStore } from '../../../src/store/store.js';
import { EditablePlex } from '../../support/editable.js';

describe('metadata edits', function () {
  this.timeout(180_000);
  let dir: string;
  let world: EditablePlex;
  let ctx: Context;
  let search: LibrarySearch;
  let edits: BatchEdits;
  let logged: string[];
  let told: string[];

  const open = async (): Promise<void> => {
    const log = createLog('trace', { write: (line: string) => void logged.push(line) });
    const now = (): Date => new Date();
    const store = await openStore({ dir, log, now });
    const bus = new Bus<Events>((error) => logged.push(String(error)));
    bus.on('edit.changed', ({ id }) => told.push(id));
    const parts = await world.prepare({ store, bus });
    const shared = { store, bus, log, now, newId, ...parts };
    edits = new BatchEdits({ ...shared, readNow: (keys) => parts.intake.readNow(keys) });
    await edits.start();
    search = new LibrarySearch(shared);
    search.start();
    ctx = { ...shared, edits, search } as unknown as Context;
  };
  const close = async (): Promise<void> => {
    await edits.stop();
    await search.stop();
    await ctx.store.close();
  };
  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'mediaflow-edits-'));
    [logged, told] = [[], []];
    world = await EditablePlex.start(230);
    await open();
  });
  afterEach(async () => {
    await close();
    await world.stop();
    await rm(dir, { recursive: true });
  });

  const library = (): LibraryItem[] => [...ctx.store.library.values()];
  const ids = (from: number, to: number): string[] => library().slice(from, to).map(({ id }) => id); // prettier-ignore
  const call = <Input extends z.ZodType, Output>(
    does: { input: Input } & ((ctx: Context, input: z.infer<Input>) => Promise<Output>),
    input: unknown,
  ): Promise<Output> => does(ctx, does.input.parse(input));
  const choose = (selection: object, edit: object = {}) => call(metadata.chooseTitles, { ...selection, edit });
  const apply = (id: string, expected: number) => call(metadata.applyEdit, { id, expected });
  const refusal = async (promise: Promise<unknown>): Promise<AppError> =>
    promise.then(
      () => expect.fail('it was not refused'),
      (error: unknown) => error as AppError,
    );
  /** Waits until an edit has ended. */
  const ended = async (id: string): Promise<BatchEdit> => {
    for (;;) {
      const edit = ctx.edits.find(id);
      if (edit.state !== 'running') return edit;
      await new Promise<void>((resolve) => {
        const undo = ctx.bus.on('edit.changed', () => {
          undo();
          resolve();
        });
        if (ctx.edits.find(id).state !== 'running') resolve();
      });
    }
  };
  const titled = (edit: BatchEdit, state: string): string[] =>
    edit.titles.filter((title) => title.state === state).map(({ itemId }) => itemId);

  it('show what would change, and change nothing', async () => {
    const [first, second] = world.plex.items();
    if (first) first.labels = ['Keep'];
    if (second) second.labels = ['Old'];
    const { id, total } = await choose({ itemIds: ids(0, 3) });
    await call(metadata.changeEdit, { id, edit: { labels: { tags: 'keep, New' }, studio: { value: 'A24' } } });
    const preview = await call(metadata.previewEdit, { id });
    expect(preview).to.deep.include({ total, looked: 3, changing: 3, unchanged: 0, gone: 0, hasEpisodes: false });
    expect(preview.byField).to.deep.equal([{ field: 'studio', titles: 3 }, { field: 'labels', titles: 3 }]); // prettier-ignore
    expect(preview.rows[1]?.changes.map(({ before, after }) => [before, after])).to.deep.equal([
      ['', 'A24'],
      [['Old'], ['Old', 'keep', 'New']],
    ]);
    expect(world.edits).to.equal(0);
    expect(ctx.edits.find(id).state).to.equal('draft');
  });

  it('of very many titles look at some, spread over all', async () => {
    world.plex.loadSynthetic(390);
    await close();
    await open();
    const { id } = await choose({ all: 'sort=title', expected: 620 }, { labels: { tags: 'x' } });
    const preview = await call(metadata.previewEdit, { id });
    expect(preview).to.include({ total: 620, looked: 155, changing: 155 });
    expect(preview.rows).to.have.length(20);
  });

  it('are made to as many titles as were shown, and to no other', async () => {
    const others = world.plex.items().slice(150).map((item) => JSON.stringify(item)); // prettier-ignore
    const { id } = await choose({ itemIds: ids(0, 150) }, { labels: { tags: 'Keep' } });
    expect((await refusal(apply(id, 149))).code).to.equal('conflict');
    expect(world.edits).to.equal(0);
    await apply(id, 150);
    const edit = await ended(id);
    expect(edit.state).to.equal('done');
    expect(titled(edit, 'done')).to.have.length(150);
    expect(world.plex.edits.reached).to.have.length(150);
    expect(world.plex.items().slice(150).map((item) => JSON.stringify(item))).to.deep.equal(others); // prettier-ignore
    expect((await refusal(apply(id, 150))).message).to.match(/started already/);
  });

  it('read what the library holds again, and only that', async () => {
    const { id } = await choose({ itemIds: ids(0, 60) }, { collections: { tags: 'Summer' } });
    await apply(id, 60);
    await ended(id);
    expect(world.readAgain).to.have.length(60);
    expect(library().slice(0, 61).filter(({ collections }) => collections.includes('Summer'))).to.have.length(60); // prettier-ignore
    const other = await choose({ itemIds: ids(0, 60) }, { summary: { value: 'Read once.' } });
    await apply(other.id, 60);
    await ended(other.id);
    expect(world.readAgain).to.have.length(60);
  });

  it('leave out titles that vanish between the preview and the edit, and take no others in', async () => {
    const { id } = await choose({ all: 'sort=title', expected: 230 }, { labels: { tags: 'Keep' } });
    await call(metadata.previewEdit, { id });
    const [first, second] = library();
    world.plex.remove(first?.ratingKey ?? '');
    await ctx.store.library.remove(second?.id ?? '');
    world.plex.loadSynthetic(10);
    const late = world.plex.items().slice(-10);
    await ctx.store.library.putMany(await world.server.details(late.map(({ ratingKey }) => ratingKey)));
    await apply(id, 230);
    const edit = await ended(id);
    expect(titled(edit, 'failed')).to.have.members([first?.id, second?.id]);
    expect(edit.titles.map(({ reason }) => reason).filter(Boolean)).to.have.members([
      'Plex no longer has this title.',
      'It is no longer in the library, so nothing was sent.',
    ]);
    expect(titled(edit, 'done')).to.have.length(228);
    expect(late.every(({ labels }) => labels.length === 0)).to.equal(true);
  });

  it('say of every title what became of it, the worst first', async () => {
    const [first, second, third] = library();
    const films = world.plex.items();
    if (films[0]) films[0].labels = ['Keep'];
    if (third) world.plex.remove(third.ratingKey);
    world.plex.edits.refuse = (keys) => (keys.includes(second?.ratingKey ?? '') ? { status: 500 } : null);
    const { id } = await choose({ itemIds: ids(0, 3) }, { labels: { tags: 'Keep' } });
    await apply(id, 3);
    await ended(id);
    const result = await call(metadata.showEditResult, { id });
    expect(result.counts).to.deep.equal({ waiting: 0, done: 0, unchanged: 1, not_taken: 0, failed: 2 });
    expect(result.titles.items.map(({ itemId, state }) => [itemId, state])).to.deep.equal([
      [second?.id, 'failed'],
      [third?.id, 'failed'],
      [first?.id, 'unchanged'],
    ]);
    expect((await call(metadata.showEditResult, { id, state: 'unchanged' })).titles.total).to.equal(1);
    // The rest once more, and only the rest.
    world.plex.edits.refuse = () => null;
    const again = await call(metadata.repeatEdit, { id });
    expect(again).to.deep.include({ total: 2, state: 'draft', editedFields: ['labels'] });
    await apply(again.id, 2);
    expect(titled(await ended(again.id), 'done')).to.deep.equal([second?.id]);
  });

  it('run one at a time, and stop when asked', async () => {
    let go = (): void => undefined;
    const { id } = await choose({ itemIds: ids(0, 230) }, { labels: { tags: 'Keep' } });
    const other = await choose({ itemIds: ids(0, 1) }, { labels: { tags: 'Keep' } });
    const asked = new Promise<void>((resolve) => (go = resolve));
    world.plex.edits.refuse = () => {
      go();
      return null;
    };
    await apply(id, 230);
    expect((await refusal(apply(other.id, 1))).message).to.match(/Another edit is running/);
    expect((await refusal(call(metadata.repeatEdit, { id }))).code).to.equal('conflict');
    await asked;
    const stopped = await call(metadata.stopEdit, { id });
    expect(stopped.state).to.equal('stopped');
    const edit = ctx.edits.find(id);
    const changed = world.plex.items().filter(({ labels }) => labels.includes('Keep'));
    expect(changed.length).to.be.within(1, 229);
    expect(titled(edit, 'done')).to.have.length(changed.length);
    expect(titled(edit, 'waiting')).to.have.length(230 - changed.length);
    expect((await refusal(call(metadata.stopEdit, { id }))).code).to.equal('conflict');
    await apply(other.id, 1);
    await ended(other.id);
  });

  it('are written down, and not begun again by themselves after a stop in the middle', async () => {
    const { id } = await choose({ itemIds: ids(0, 230) }, { labels: { tags: 'Keep' } });
    let go = (): void => undefined;
    const asked = new Promise<void>((resolve) => (go = resolve));
    world.plex.edits.refuse = () => {
      go();
      return null;
    };
    await apply(id, 230);
    await asked;
    await close();
    const sent = world.edits;
    await open();
    const edit = ctx.edits.find(id);
    expect(edit.state).to.equal('interrupted');
    const changed = world.plex.items().filter(({ labels }) => labels.includes('Keep'));
    expect(titled(edit, 'done')).to.have.length(changed.length);
    expect(world.edits).to.equal(sent);
    // What a crash leaves, without a chance to write anything down.
    await ctx.store.edits.put({ ...edit, state: 'running', finishedAt: null });
    await close();
    await open();
    expect(ctx.edits.find(id).state).to.equal('interrupted');
    expect(world.edits).to.equal(sent);
  });

  it('refuse what nobody can mean', async () => {
    const messageOf = async (promise: Promise<unknown>): Promise<string> => (await refusal(promise)).message;
    expect(await messageOf(choose({}))).to.match(/at least one title/);
    expect(await messageOf(choose({ itemIds: ['gone'] }))).to.match(/no longer in the library/);
    expect(await messageOf(choose({ all: 'sort=title', expected: 3 }))).to.match(/230 titles now, not 3/);
    expect(await messageOf(choose({ itemIds: ids(0, 2) }, { title: { value: 'Same' } }))).to.match(/one at a time/);
    const { id } = await choose({ itemIds: ids(0, 2) });
    expect(await messageOf(apply(id, 2))).to.match(/Nothing is filled in/);
    expect(await messageOf(call(metadata.previewEdit, { id }))).to.match(/Nothing is filled in/);
    expect(await messageOf(call(metadata.changeEdit, { id, edit: {} }))).to.match(/Nothing is filled in/);
    const only = await choose({ itemIds: ids(0, 1) }, { title: { value: 'Another' } });
    expect(only.only).to.match(/^Film/);
    await apply(only.id, 1);
    await ended(only.id);
    expect(library()[0]?.title).to.equal('Another');
    expect(world.edits).to.equal(1);
  });

  it('leave what was written out of the log and the audit', async () => {
    world.plex.edits.refuse = () => ({ status: 500 });
    const { id } = await choose(
      { itemIds: ids(0, 2) },
      { summary: { value: 'SECRET-CANARY' }, labels: { tags: 'TAG-CANARY' } },
    );
    await apply(id, 2);
    await ended(id);
    // It has ended a moment before that is written down.
    await edits.stop();
    await ctx.store.audit.flush();
    const name = (await readdir(dir)).find((file) => file.startsWith('audit-')) ?? '';
    const audit = await readFile(join(dir, name), 'utf8');
    expect(audit).to.contain('begin metadata edit').and.contain('finish metadata edit').and.contain('"failed":2');
    expect(audit + logged.join('')).not.to.contain('CANARY');
  });

  it('tell pages how far they are, and forget the oldest', async () => {
    const { id } = await choose({ itemIds: ids(0, 230) }, { labels: { tags: 'Keep' } });
    await apply(id, 230);
    await ended(id);
    expect(told.filter((other) => other === id).length).to.be.at.least(4);
    for (let n = 0; n < 32; n++) await choose({ itemIds: ids(0, 1) });
    const list = await call(metadata.listEdits, {});
    expect(list.total).to.equal(30);
    expect(list.items.some((edit) => edit.id === id)).to.equal(false);
  });
});
