import { expect } from 'chai';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Context } from '../../../src/actions/action.js';
import {
  approveRecommendation,
  dismissRecommendation,
  reopenRecommendation,
  snoozeRecommendation,
} from '../../../src/actions/recommendations/recommendations.js';
import { openPresets } from '../../../src/catalog/presets.js';
import { attemptId } from '../../../src/domain/jobs/job.js';
import type { Events } from '../../../src/domain/events.js';
import { AppError } from '../../../src/domain/errors.js';
import { presetOfJob } from '../../../src/domain/presets/merge.js';
import { COVERED_NOTE } from '../../../src/domain/recommendations/recommendation.js';
import { Coverage } from '../../../src/engine/recommendations/coverage.js';
import { Enqueue } from '../../../src/engine/queue/enqueue.js';
import { JobRepository } from '../../../src/engine/jobs/repository.js';
import { Bus } from '../../../src/lib/bus.js';
import { newId } from '../../../src/lib/ids.js';
import { createLog } from '../../../src/lib/log.js';
import { openStore, type Store } from '../../../src/store/store.js';
import { aFile, anItem, aRecommendation } from '../../support/builders.js';

const LOCAL = '/data/media/Movies/A Film (1999)/A Film (1999).mkv';

describe('Enqueue', () => {
  let dir: string;
  let store: Store;
  let enqueue: Enqueue;
  let shared: Pick<Context, 'store' | 'bus' | 'now' | 'newId' | 'presets' | 'log' | 'rules'>;

  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'mediaflow-enqueue-'));
    const now = (): Date => new Date();
    store = await openStore({ dir, log: createLog('silent'), now });
    await store.settings.change({ paths: { mappings: [{ from: '/share/Media', to: '/data/media' }] } });
    await store.library.put(anItem());
    const presets = await openPresets({
      builtInDir: join(import.meta.dirname, '../../../presets'),
      userDir: null,
    });
    const bus = new Bus<Events>(() => undefined);
    const rules = {
      list: () => ['codec-modernization', 'audio-optimization'].map((id) => ({ id })),
    } as unknown as Context['rules'];
    shared = { store, bus, now, newId, presets, rules, log: createLog('silent') };
    enqueue = new Enqueue(shared);
  });
  afterEach(async () => {
    await store.close();
    await rm(dir, { recursive: true });
  });

  const request = { itemId: '01234567-101', presetId: 'balanced' };
  const refused = async (change: object = {}): Promise<string> =>
    enqueue.job({ ...request, ...change }).then(
      () => 'queued',
      (error: unknown) => `${(error as { code: string }).code}: ${(error as Error).message}`,
    );

  it('makes a job that knows where the file is', async () => {
    const job = await enqueue.job({ ...request, ruleId: 'codec-modernization', score: 61 });
    expect(job).to.include({ state: 'queued', sourcePath: LOCAL, title: 'A Film (1999)', score: 61, attempt: 1 });
    expect(store.jobs.get(job.id)).to.deep.equal(job);
    expect(job.preset, 'as it is now').to.deep.include({ id: request.presetId });
  });

  it('makes one job of two clicks at once', async () => {
    const answers = await Promise.all([refused(), refused()]);
    expect(answers[0]).to.equal('queued');
    expect(answers[1]).to.match(/^conflict: There is already a job for this file, and it is queued/);
    expect(store.jobs.size).to.equal(1);
  });

  it('takes the largest file that may be replaced when none is named', async () => {
    const files = [
      aFile({ id: '1', sizeBytes: 3e9, localPath: '/data/media/small.mkv' }),
      aFile({ id: '2', sizeBytes: 9e9, localPath: '/data/media/large.mkv' }),
      aFile({ id: '3', sizeBytes: 99e9, localPath: '/data/media/copy.mkv', optimized: true }),
    ];
    await store.library.put(anItem({ files }));
    expect(await enqueue.job(request)).to.include({ fileId: '2', sourcePath: '/data/media/large.mkv' });
  });

  const cases: Record<string, { prepare?: () => Promise<unknown>; ask?: object; says: RegExp }> = {
    'an unknown item': { ask: { itemId: 'x' }, says: /^not_found/ },
    'an unknown preset': { ask: { presetId: 'x' }, says: /^not_found/ },
    'an unknown file': { ask: { fileId: '9' }, says: /^invalid: .*has no file 9/ },
    'an optimized version': {
      prepare: () => store.library.put(anItem({ file: { optimized: true } })),
      says: /^invalid/,
    },
    'a film in pieces': { prepare: () => store.library.put(anItem({ file: { stackedParts: 2 } })), says: /^invalid/ },
    'an unmapped path': {
      prepare: () => store.library.put(anItem({ file: { localPath: null } })),
      says: /^path_unmapped: No path mapping covers \/share\/Media.*Settings, Paths/,
    },
    'a path outside every mapping': {
      prepare: () => store.library.put(anItem({ file: { localPath: '/etc/passwd' } })),
      says: /^path_unmapped/,
    },
    'a title Plex no longer lists': {
      prepare: () => store.library.put(anItem({ state: 'missing' })),
      says: /^file_missing/,
    },
    'a frozen library': {
      prepare: () =>
        store.sections.put({
          ...{ id: '1', serverId: 's', title: 'Films', type: 'movie', locations: [], enabled: true, itemCount: 1 },
          ...{ frozen: 'its folder is gone', syncedAt: null },
        }),
      says: /^conflict: .*its folder is gone/,
    },
    'what failed three times': {
      prepare: () => store.attempts.put(attempt(3, false)),
      says: /^too_many_attempts: This failed 3 times: bad picture/,
    },
    'what trying again cannot change': {
      prepare: () => store.attempts.put(attempt(1, true)),
      says: /^too_many_attempts: This was tried before/,
    },
  };
  const attempt = (failures: number, isFinal: boolean) => ({
    ...{ id: attemptId(LOCAL, 12_000_000_000, 'balanced'), failures, isFinal },
    ...{ message: 'bad picture', lastAt: '2026-01-01T00:00:00.000Z' },
  });
  for (const [name, { prepare, ask, says }] of Object.entries(cases)) {
    it(`refuses ${name}`, async () => {
      await prepare?.();
      expect(await refused(ask)).to.match(says);
      expect(store.jobs.size).to.equal(0);
    });
  }

  describe('with two recommendations for one file', () => {
    const own = aRecommendation();
    const twin = aRecommendation({
      id: '01234567-101.2001.audio-optimization',
      ruleId: 'audio-optimization',
      presetId: 'audio-saver',
      savesBytes: 1e9,
    });
    let coverage: Coverage;
    let ctx: Context;
    beforeEach(async () => {
      await store.recommendations.putMany([own, twin]);
      coverage = new Coverage(shared);
      coverage.start();
      const estimates = { saving: () => ({ savesBytes: 7e9 }) };
      ctx = { ...shared, enqueue, estimates } as unknown as Context;
    });
    afterEach(() => coverage.stop());
    const states = (): string[] => [own, twin].map(({ id }) => store.recommendations.get(id).state);

    it('makes one of them, and one job that does what both ask for', async () => {
      await coverage.settled();
      expect(states()).to.deep.equal(['open', 'merged']);
      const { job } = await approveRecommendation(ctx, { id: own.id });
      expect(job).to.include({ presetId: 'balanced', expectedSavesBytes: 7e9 });
      expect(job?.alsoPresetIds).to.deep.equal(['audio-saver']);
      expect(presetOfJob(job ?? { presetId: '', alsoPresetIds: [] }, shared.presets).audio.codec).to.equal('eac3');
      expect(states()).to.deep.equal(['approved', 'merged']);
    });

    it('does what the owner chose and no more with another preset', async () => {
      await coverage.settled();
      const { job } = await approveRecommendation(ctx, { id: own.id, presetId: 'remux' });
      expect(job).to.include({ presetId: 'remux' });
      expect(job?.alsoPresetIds).to.deep.equal([]);
    });

    it('refuses a decision about the one that is merged, and says where to decide', async () => {
      await coverage.settled();
      const { id } = twin;
      const decisions = [
        approveRecommendation(ctx, { id }),
        dismissRecommendation(ctx, { id, reason: '' }),
        snoozeRecommendation(ctx, { id, days: 1 }),
        reopenRecommendation(ctx, { id }),
      ];
      for (const decision of decisions) {
        const says = await (decision as Promise<unknown>).then(
          () => 'went through',
          (error: unknown) => (error as Error).message,
        );
        expect(says).to.match(/Another recommendation for the same file includes this one/);
      }
      expect(states()).to.deep.equal(['open', 'merged']);
    });

    it('has the other one back when the job fails, and covers it when it is tried again', async () => {
      await coverage.settled();
      const { job } = await approveRecommendation(ctx, { id: own.id });
      const repository = new JobRepository(shared);
      await repository.move(job?.id ?? '', 'running');
      await repository.end(job?.id ?? '', 'failed', new AppError('encode_failed', 'It broke.'));
      expect(states()[1]).to.equal('open');
      await repository.move(job?.id ?? '', 'queued');
      expect(states()[1]).to.equal('closed');
      expect(store.recommendations.get(twin.id)).to.include({ jobId: job?.id, note: COVERED_NOTE, mergedInto: null });
    });

    it('takes a cancelled job for a no to both, and both back when it is taken back', async () => {
      await coverage.settled();
      const { job } = await approveRecommendation(ctx, { id: own.id });
      await new JobRepository(shared).end(job?.id ?? '', 'cancelled', new AppError('cancelled', 'You cancelled it.'));
      expect(states()).to.deep.equal(['dismissed', 'merged']);
      await reopenRecommendation(ctx, { id: own.id });
      expect(states()).to.deep.equal(['open', 'merged']);
    });

    it('closes both for a job that the owner asked for by hand, and one that comes later', async () => {
      await store.recommendations.patch(twin.id, {
        ...{ state: 'snoozed', mergedInto: null },
        snoozedUntil: '2099-01-01T00:00:00.000Z',
      });
      const job = await enqueue.job(request);
      expect(states()).to.deep.equal(['closed', 'closed']);
      await store.recommendations.put(own);
      shared.bus.emit('recommendation.changed', { ids: [own.id] });
      expect(states()).to.deep.equal(['closed', 'closed']);
      await new JobRepository(shared).end(job.id, 'cancelled', new AppError('cancelled', 'You cancelled it.'));
      expect(states()).to.deep.equal(['open', 'snoozed']);
    });

    it('is no dead end for a twin that stayed open: the job covers it', async () => {
      await coverage.stop();
      await store.recommendations.putMany([own, twin]);
      const { job } = await approveRecommendation(ctx, { id: own.id });
      expect(states()).to.deep.equal(['approved', 'open']);
      expect(await approveRecommendation(ctx, { id: twin.id })).to.deep.include({ isCovered: true, items: [], job });
      expect(states()).to.deep.equal(['approved', 'closed']);
      expect(store.jobs.size).to.equal(1);
    });

    it('corrects at the start what was left: a twin beside a job, and one whose job is over', async () => {
      await coverage.stop();
      await store.recommendations.putMany([own, twin]);
      const job = await enqueue.job(request);
      coverage.start();
      await coverage.settled();
      await coverage.stop();
      expect(states()).to.deep.equal(['closed', 'closed']);
      await new JobRepository(shared).end(job.id, 'cancelled', new AppError('cancelled', 'You cancelled it.'));
      expect(states()).to.deep.equal(['closed', 'closed']);
      coverage.start();
      await coverage.settled();
      await coverage.stop();
      expect(states()).to.deep.equal(['open', 'merged']);
    });
  });

  it('lets the owner insist', async () => {
    await store.attempts.put(attempt(9, true));
    expect(await refused({ force: true })).to.equal('queued');
  });
});
