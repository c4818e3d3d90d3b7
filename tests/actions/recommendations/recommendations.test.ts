import { expect } from 'chai';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ReviewSearch } from '../../../src/engine/recommendations/review-search.js';
import type { Context } from '../../../src/actions/action.js';
import {
  approveMany,
  askAboutMany,
  dismissMany,
  sumSelection,
} from '../../../src/actions/recommendations/decide-many.js';
import { createJobs, listJobs } from '../../../src/actions/jobs/jobs.js';
import { listQuarantine } from '../../../src/actions/replace/quarantine.js';
import { showQueue } from '../../../src/actions/queue/queue.js';
import { saveRule } from '../../../src/actions/rules/rules.js';
import {
  approveRecommendation,
  dismissRecommendation,
  listRecommendations,
  reopenRecommendation,
  snoozeRecommendation,
} from '../../../src/actions/recommendations/recommendations.js';
import { conflict } from '../../../src/domain/errors.js';
import { LeftOut } from '../../../src/domain/recommendations/left-out.js';
import type { Events } from '../../../src/domain/events.js';
import { Bus } from '../../../src/lib/bus.js';
import { createLog } from '../../../src/lib/log.js';
import { openStore } from '../../../src/store/store.js';
import { aJob, anItem, aRecommendation } from '../../support/builders.js';

const NOW = new Date('2026-03-01T00:00:00.000Z');
const ID = aRecommendation().id;

/** A real store; what lies beyond it answers with the least that the actions ask of it. */
async function open(dir: string) {
  const store = await openStore({ dir, log: createLog('silent'), now: () => NOW });
  const bus = new Bus<Events>(() => undefined);
  const rule = {
    id: 'old-codec',
    title: 'Old codec',
    docs: { what: 'a', why: 'b', whenNotToUse: 'c' },
    optionsSchema: { properties: { limit: { type: 'number' }, deep: { type: 'boolean' } } },
    defaults: { limit: 5, deep: false },
    origin: 'built-in',
    file: 'old-codec.ts',
    problem: null,
    lastRunMs: null,
  };
  const ctx = {
    store,
    bus,
    now: () => NOW,
    rules: {
      list: () => [rule],
      get: () => rule,
      parseOptions: (_id: string, options: object) => Promise.resolve(options),
    },
    presets: { list: () => [], problems: [] },
    countLinks: () => Promise.resolve(new Map()),
    queue: {
      state: () => ({ paused: false, running: 0, pending: 1, blocked: 0, reasons: [] }),
      progress: () => null,
      // Somebody watches whatever is on the page.
      watched: (files: readonly object[]) => Promise.resolve(new Set(files)),
    },
    estimates: { forRecommendations: () => Promise.resolve({}) },
    analyzer: { membersOf: () => [] },
    sync: { status: () => ({ state: 'idle', done: 0, total: 0, lastRun: null }) },
    enqueue: {
      busyPaths: () => new Map(),
      check: ({ itemId }: { itemId: string }) => {
        if (store.jobs.has(`job-${itemId}`)) throw new LeftOut('has-job', 'It is already queued');
        return aJob({ itemId, sourcePath: `/films/${itemId}` });
      },
      job: ({
        itemId,
        presetId,
        alsoPresetIds = [],
      }: {
        itemId: string;
        presetId: string;
        alsoPresetIds?: string[];
      }) => {
        if (store.jobs.has(`job-${itemId}`)) return Promise.reject(conflict('It is already queued'));
        return store.jobs.put(aJob({ id: `job-${itemId}`, itemId, presetId, alsoPresetIds }));
      },
    },
  } as unknown as Context;
  ctx.review = new ReviewSearch(ctx);
  return { ctx, store };
}

describe('actions over a real store', () => {
  let dir: string;
  let ctx: Context;
  let store: Awaited<ReturnType<typeof openStore>>;
  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'mediaflow-actions-'));
    ({ ctx, store } = await open(dir));
    await store.recommendations.put(aRecommendation());
    await store.library.put(anItem());
  });
  afterEach(async () => {
    await store.close();
    await rm(dir, { recursive: true });
  });
  const paging = { page: 1, pageSize: 50 };
  const refusal = (promise: Promise<unknown>): Promise<unknown> =>
    promise.then(
      () => 'went through',
      (error: unknown) => (error as { code: string }).code,
    );

  it('lists recommendations with title, expected size and counts', async () => {
    const list = await listRecommendations(ctx, listRecommendations.input.parse({}));
    expect(list.total).to.equal(1);
    expect(list.counts.open).to.equal(1);
    expect(list.items[0]).to.include({ title: 'A Film (1999)', remainsPercent: 41.7, remainsBytes: 6_000_000_000 });
  });

  it('says of a file that somebody watches it', async () => {
    const [row] = (await listRecommendations(ctx, listRecommendations.input.parse({}))).items;
    expect(row?.risks.map(({ id }) => id)).to.include('in-use');
  });

  it('queues one job when two people approve at once', async () => {
    const clicks = [1, 2].map(() => refusal(approveRecommendation(ctx, { id: ID })));
    expect((await Promise.all(clicks)).sort()).to.deep.equal(['conflict', 'went through']);
    expect(store.jobs.size).to.equal(1);
    expect(store.recommendations.get(ID)).to.include({ state: 'approved', jobId: 'job-01234567-101' });
  });

  it('refuses to queue what only informs', async () => {
    await store.recommendations.patch(ID, { kind: 'review', presetId: null });
    expect(await refusal(approveRecommendation(ctx, { id: ID }))).to.equal('invalid');
    expect(store.jobs.size).to.equal(0);
  });

  it('dismisses with a reason and snoozes for days, but not what was approved', async () => {
    await snoozeRecommendation(ctx, { id: ID, days: 2 });
    expect(store.recommendations.get(ID).snoozedUntil).to.equal('2026-03-03T00:00:00.000Z');
    await dismissRecommendation(ctx, { id: ID, reason: 'I like it as it is' });
    expect(store.recommendations.get(ID)).to.include({ state: 'dismissed', note: 'I like it as it is' });
    await store.recommendations.patch(ID, { state: 'approved' });
    expect(await refusal(dismissRecommendation(ctx, { id: ID, reason: '' }))).to.equal('conflict');
  });

  it('queues each chosen item once and groups failed jobs by cause', async () => {
    const input = createJobs.input.parse({ itemIds: ['x', 'x', 'y'], presetId: 'balanced' });
    expect((await createJobs(ctx, input)).items).to.have.length(2);
    const error = { code: 'no_space' as const, message: 'The disk is full.' };
    for (const id of ['f1', 'f2']) await store.jobs.put(aJob({ id, state: 'failed', error, finishedAt: '2026-02-01' }));
    const board = await showQueue(ctx, {});
    expect(board.causes.map(({ jobs }) => jobs.length)).to.deep.equal([2]);
    expect(board.waiting).to.have.length(2);
    expect((await listJobs(ctx, listJobs.input.parse({ state: 'failed' }))).total).to.equal(2);
  });

  it('reads rule options from a form: numbers, and a check box with its hidden twin', async () => {
    await saveRule(ctx, { id: 'old-codec', mode: 'automatic', options: { limit: '8', deep: ['false', 'true'] } });
    expect(store.rules.get('old-codec')).to.deep.include({ mode: 'automatic', options: { limit: 8, deep: true } });
  });

  it('lists no kept originals while nothing was replaced', async () => {
    expect((await listQuarantine(ctx, { ...paging, state: 'kept' })).total).to.equal(0);
  });

  it('counts a file once, with its largest saving, and a group only with what its files do not bring', async () => {
    await store.recommendations.put(
      aRecommendation({ id: '01234567-101.2001.other', ruleId: 'other', savesBytes: 9e9 }),
    );
    const list = await listRecommendations(ctx, listRecommendations.input.parse({}));
    expect(list.total).to.equal(2);
    expect(list.savesBytes).to.equal(9e9);
    const file = store.library.get('01234567-101').files[0];
    const group = { codec: file?.video?.codec ?? '', resolution: '1080' as const, files: 2 };
    await store.recommendations.put(
      aRecommendation({ id: 'group.x.batch', itemId: '', fileId: '', group, ruleId: 'batch', savesBytes: 11e9 }),
    );
    expect((await listRecommendations(ctx, listRecommendations.input.parse({}))).savesBytes).to.equal(11e9);
  });

  it('lists what is merged into another with that one: found by its rule, in one group, selected once', async () => {
    const other = aRecommendation({
      id: '01234567-102.2002.remux',
      itemId: '01234567-102',
      fileId: '2002',
      ruleId: 'remux',
    });
    const merged = aRecommendation({ id: '01234567-101.2001.remux', ruleId: 'remux', state: 'merged', mergedInto: ID });
    await store.library.put(anItem({ id: '01234567-102', ratingKey: '102', file: { id: '2002' } }));
    await store.recommendations.putMany([other, merged]);
    const filter = (asked: object) => listRecommendations.input.parse(asked);
    const list = await listRecommendations(ctx, filter({}));
    expect(list).to.include({ total: 2 });
    expect(list.items.find(({ id }) => id === ID)?.merged.map(({ ruleId }) => ruleId)).to.deep.equal(['remux']);
    expect((await listRecommendations(ctx, filter({ ruleId: 'remux' }))).total).to.equal(2);
    expect((await listRecommendations(ctx, filter({ leadRuleId: 'remux' }))).total).to.equal(1);
    const { groups, facets } = await ctx.review.find({ filter: filter({}), sort: 'priority', group: 'rule' });
    expect(facets.ruleId.get('remux')).to.equal(2);
    for (const { narrow, entries } of groups) {
      const again = await listRecommendations(ctx, filter(narrow));
      expect(
        again.items.map(({ id }) => id),
        JSON.stringify(narrow),
      ).to.deep.equal(entries.map(({ row }) => row.id));
    }
    // It stands by itself again, and the one that stood for it alone.
    await store.recommendations.put({ ...merged, state: 'open', mergedInto: null });
    ctx.bus.emit('recommendation.changed', { ids: [merged.id] });
    expect((await listRecommendations(ctx, filter({ ruleId: 'codec-modernization' }))).items[0]?.merged).to.deep.equal(
      [],
    );
    expect((await listRecommendations(ctx, filter({ leadRuleId: 'remux' }))).total).to.equal(2);
  });

  it('does what is recommended for a file as a whole, and of a preset that is named nothing else', async () => {
    ctx.presets = { ...ctx.presets, list: () => [{ id: 'balanced' }, { id: 'remux' }] as never };
    const merged = { ruleId: 'remux', presetId: 'remux', state: 'merged', mergedInto: ID } as const;
    for (const key of ['101', '102']) {
      const of = { itemId: `01234567-${key}`, mergedInto: null };
      await store.library.put(anItem({ id: of.itemId, ratingKey: key }));
      const leader = aRecommendation({ ...of, id: key === '101' ? ID : 'other' });
      await store.recommendations.putMany([
        leader,
        aRecommendation({ ...of, ...merged, id: `${key}.remux`, mergedInto: leader.id }),
      ]);
    }
    const queue = async (itemId: string, presetId: string): Promise<string[][]> => {
      const { items } = await createJobs(ctx, createJobs.input.parse({ itemIds: [itemId], presetId }));
      return items.map((job) => [job.presetId, ...job.alsoPresetIds]);
    };
    expect(await queue('01234567-101', '')).to.deep.equal([['balanced', 'remux']]);
    expect(await queue('01234567-102', 'balanced')).to.deep.equal([['balanced']]);
  });

  it('filters by rule, risk, saving and words, and follows what changes', async () => {
    const total = async (asked: object): Promise<number> =>
      (await listRecommendations(ctx, listRecommendations.input.parse(asked))).total;
    expect(await total({ ruleId: 'codec-modernization' })).to.equal(1);
    expect(await total({ ruleId: 'other' })).to.equal(0);
    expect(await total({ minSavesBytes: 7e9 })).to.equal(0);
    expect(await total({ q: 'FILM 1999' })).to.equal(1);
    expect(await total({ q: 'nothing like it' })).to.equal(0);
    expect(await total({ risk: 'dynamic-hdr' })).to.equal(0);
    await snoozeRecommendation(ctx, { id: ID, days: 2 });
    expect(await total({})).to.equal(0);
    expect(await total({ state: 'snoozed' })).to.equal(1);
    await reopenRecommendation(ctx, { id: ID });
    expect(await total({})).to.equal(1);
  });

  it('does nothing to many when another number matches than was seen', async () => {
    await store.recommendations.put(aRecommendation({ id: '01234567-102.2002.codec-modernization', itemId: 'x' }));
    const input = { all: 'ruleId=codec-modernization', expected: 1 };
    expect(await refusal(dismissMany(ctx, dismissMany.input.parse(input)))).to.equal('conflict');
    expect(await refusal(dismissMany(ctx, dismissMany.input.parse({ all: 'rule=x', expected: 2 })))).to.equal(
      'invalid',
    );
    expect(await refusal(dismissMany(ctx, dismissMany.input.parse({})))).to.equal('invalid');
    expect(store.recommendations.where(({ state }) => state === 'dismissed')).to.have.length(0);
    // Looking is never refused: it says what it found.
    expect(await sumSelection(ctx, sumSelection.input.parse(input))).to.include({ count: 2, queues: 2 });
    expect(await sumSelection(ctx, sumSelection.input.parse({ groups: '3 ruleId=none' }))).to.include({ count: 0 });
    const done = await dismissMany(
      ctx,
      dismissMany.input.parse({ groups: '2 ruleId=codec-modernization', reason: 'Grain' }),
    );
    expect(done).to.deep.equal({ changed: 2, skipped: 0 });
    expect(store.recommendations.get(ID)).to.include({ state: 'dismissed', note: 'Grain' });
  });

  it('says before it approves what is left out and why, each file once, and approves just that', async () => {
    await store.recommendations.putMany([
      aRecommendation({ id: '01234567-101.2001.other', ruleId: 'other', savesBytes: 9e9 }),
      aRecommendation({ id: '01234567-101.2001.look', ruleId: 'look', kind: 'review', presetId: null }),
      aRecommendation({ id: 'x.1.other', itemId: 'x', ruleId: 'other', savesBytes: 5e9 }),
    ]);
    await store.jobs.put(aJob({ id: 'job-x', itemId: 'x' }));
    const everything = { all: 'state=open', expected: '4' };
    const question = await askAboutMany(ctx, askAboutMany.input.parse(everything));
    expect(question).to.include({ count: 4, changes: 1, jobs: 1, savesBytes: 9e9, leftOutCount: 3 });
    expect(Object.fromEntries(question.leftOut.map(({ reason, count }) => [reason, count]))).to.deep.equal({
      ...{ covered: 1, informs: 1, 'has-job': 1 },
    });
    const { items, refused } = await approveMany(ctx, approveMany.input.parse(everything));
    expect([items.length, refused.length]).to.deep.equal([question.changes, question.leftOutCount]);
    const dismissal = { ...everything, expected: '3', decision: 'dismiss', reason: 'Grain' };
    expect(await askAboutMany(ctx, askAboutMany.input.parse(dismissal))).to.include({ changes: 3, reason: 'Grain' });
  });

  it('approves the better of two findings about one file, and passes over what only informs', async () => {
    await store.recommendations.putMany([
      aRecommendation({ id: '01234567-101.2001.other', ruleId: 'other', savesBytes: 9e9 }),
      aRecommendation({ id: '01234567-101.2001.look', ruleId: 'look', kind: 'review', presetId: null }),
    ]);
    const { items, refused } = await approveMany(ctx, approveMany.input.parse({ all: 'state=open', expected: 3 }));
    expect(items).to.have.length(1);
    expect(refused.map(({ id }) => id).sort()).to.deep.equal([ID, '01234567-101.2001.look'].sort());
    expect(store.recommendations.get('01234567-101.2001.other').state).to.equal('approved');
    expect(store.recommendations.get(ID).state).to.equal('open');
  });
});
