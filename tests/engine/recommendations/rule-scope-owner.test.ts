import { expect } from 'chai';
import fc from 'fast-check';
import type { Recommendation } from '../../../src/domain/recommendations/recommendation.js';
import { aJob } from '../../support/builders.js';
import { film, World } from '../../support/library-world.js';

const KEYS = ['1', '2', '3'];
const GB = 1e9;

type Step =
  | { do: 'resize'; key: string; gb: number }
  | { do: 'leave' | 'return'; key: string }
  | { do: 'least'; gb: number }
  | { do: 'mode'; mode: 'off' | 'recommend' }
  | { do: 'dismiss' | 'snooze' | 'approve' | 'finish'; key: string }
  | { do: 'sleep' }
  | { do: 'look'; all: boolean };

const key = fc.constantFrom(...KEYS);
const gb = fc.integer({ min: 1, max: 4 });
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ do: fc.constant('resize' as const), key, gb }),
  fc.record({ do: fc.constantFrom('leave' as const, 'return' as const), key }),
  fc.record({ do: fc.constant('least' as const), gb }),
  fc.record({ do: fc.constant('mode' as const), mode: fc.constantFrom('off' as const, 'recommend' as const) }),
  { weight: 3, arbitrary: fc.record({ do: fc.constant('dismiss' as const), key }) },
  fc.record({ do: fc.constantFrom('snooze' as const, 'approve' as const, 'finish' as const), key }),
  fc.record({ do: fc.constant('sleep' as const) }),
  { weight: 3, arbitrary: fc.record({ do: fc.constant('look' as const), all: fc.boolean() }) },
);

/** A library of three films, a rule that flags what is large, and an owner who does as the steps say. */
class Story {
  readonly world: World;
  readonly sizes = new Map(KEYS.map((name) => [name, 2]));
  least = 1;

  constructor(world: World) {
    this.world = world;
    world.isHeld = true;
    world.rules.rules.set('big', ({ file }) =>
      file.sizeBytes >= this.least * GB
        ? { kind: 'transcode', preset: 'balanced', severity: 'medium', reason: `At least ${this.least} GB.` }
        : null,
    );
  }

  row(name: string): Recommendation | null {
    return this.world.store.recommendations.find(`01234567-${name}.p${name}.big`);
  }

  async put(name: string): Promise<void> {
    const item = film(name, { file: { sizeBytes: (this.sizes.get(name) ?? 1) * GB, localPath: `/local/${name}.mkv` } });
    await this.world.store.library.put(item);
    this.world.bus.emit('library.changed', { itemIds: [item.id] });
  }

  async look(all: boolean): Promise<void> {
    if (all) await this.world.analyzer.library('schedule').catch(() => undefined);
    else
      await this.world.analyzer.items(
        KEYS.map((name) => `01234567-${name}`),
        'webhook',
      );
  }

  async perform(next: Step): Promise<void> {
    const { store, bus } = this.world;
    const { recommendations } = store;
    const row = 'key' in next ? this.row(next.key) : null;
    const waits = row?.state === 'open' || row?.state === 'snoozed';
    if (next.do === 'resize') {
      this.sizes.set(next.key, next.gb);
      if (store.library.find(`01234567-${next.key}`)) await this.put(next.key);
    } else if (next.do === 'return') await this.put(next.key);
    else if (next.do === 'leave') {
      await store.library.remove(`01234567-${next.key}`);
      bus.emit('library.changed', { itemIds: [`01234567-${next.key}`] });
    } else if (next.do === 'least') this.least = next.gb;
    else if (next.do === 'mode') {
      await store.rules.put({ id: 'big', mode: next.mode, options: {} });
      bus.emit('rule.changed', { ids: ['big'] });
    } else if (next.do === 'sleep') this.world.nowMs += 40 * 86_400_000;
    else if (next.do === 'look') await this.look(next.all);
    else if (row && next.do === 'dismiss' && waits)
      await recommendations.patch(row.id, { state: 'dismissed', note: 'No.', snoozedUntil: null });
    else if (row && next.do === 'snooze' && waits) {
      const snoozedUntil = new Date(this.world.nowMs + 30 * 86_400_000).toISOString();
      await recommendations.patch(row.id, { state: 'snoozed', snoozedUntil });
    } else if (row && next.do === 'approve' && waits) {
      const job = await store.jobs.put(aJob({ id: `job-${next.key}`, state: 'queued' }));
      await recommendations.patch(row.id, { state: 'approved', jobId: job.id, snoozedUntil: null });
    } else if (next.do === 'finish' && row?.state === 'approved')
      await store.jobs.put(aJob({ id: `job-${next.key}`, state: 'done', finishedAt: '2026-03-01T00:00:00.000Z' }));
    await new Promise((done) => setImmediate(done));
  }
}

describe('the word of the owner', () => {
  it('stands: what was dismissed comes back for another file only, whatever else happens', async function () {
    this.timeout(180_000);
    let dismissed = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 8, maxLength: 40 }), async (steps) => {
        const world = await World.open();
        try {
          const story = new Story(world);
          for (const name of KEYS) await story.put(name);
          await story.look(false);
          const said = new Map<string, number>();
          for (const next of [...steps, { do: 'look', all: true } as const]) {
            await story.perform(next);
            for (const name of KEYS) {
              const row = story.row(name);
              if (row?.state === 'dismissed') {
                if (!said.has(name)) dismissed++;
                said.set(name, row.fileSizeBytes);
              } else if (row && said.has(name)) {
                expect(row.fileSizeBytes, `film ${name} after ${JSON.stringify(next)}`).not.to.equal(said.get(name));
                said.delete(name);
              }
            }
          }
        } finally {
          await world.close();
        }
      }),
      { numRuns: 25 },
    );
    expect(dismissed, 'steps that dismissed something').to.be.greaterThan(5);
  });

  describe('closing', () => {
    let world: World;
    let story: Story;
    beforeEach(async () => {
      world = await World.open();
      story = new Story(world);
      for (const name of KEYS) await story.put(name);
      await story.look(false);
      expect(story.row('1')?.state).to.equal('open');
    });
    afterEach(() => world.close());

    const closedWith = (note: string): void => {
      expect(story.row('1')).to.include({ state: 'closed', note });
    };

    it('says that the rule no longer finds it', async () => {
      story.least = 3;
      await story.look(true);
      closedWith('The rule no longer recommends it.');
    });

    it('says that the rule was switched off', async () => {
      await world.store.rules.put({ id: 'big', mode: 'off', options: {} });
      await story.look(true);
      closedWith('The rule was switched off.');
    });

    it('says that the title is gone', async () => {
      await world.store.library.remove('01234567-1');
      const run = await world.analyzer.items(['01234567-1'], 'sync');
      expect(run).to.include({ items: 0, removed: 1 });
      closedWith('The title is no longer in the library.');
    });

    it('says that the file was replaced', async () => {
      await world.store.library.put(film('1', { file: { id: 'another', localPath: '/local/1.mkv', sizeBytes: 0 } }));
      await story.look(true);
      closedWith('The file was replaced or removed.');
    });

    it('says that the owner leaves the title alone, or keeps the rule from its tags', async () => {
      await world.store.excluded.put({
        id: '01234567-1',
        title: 'Film 1',
        note: null,
        at: '2026-03-01T00:00:00.000Z',
      });
      await story.look(true);
      expect(story.row('1')).to.have.property('state', 'closed');
      expect(story.row('1')?.note).to.match(/\w/);
      await world.store.rules.put({ id: 'big', mode: 'recommend', options: {}, onlyTags: ['mine'] });
      await story.look(true);
      expect(story.row('2')?.note).to.match(/only at titles tagged mine/);
    });

    it('of one library of Plex leaves the others alone', async () => {
      await world.store.sections.put({
        id: '9', serverId: 's', title: 'Other', type: 'movie', locations: [], enabled: true, frozen: null, itemCount: 0, syncedAt: null,
      }); // prettier-ignore
      story.least = 4;
      const run = await world.analyzer.library('owner', '9');
      expect(run).to.include({ sectionId: '9', items: 0, removed: 0 });
      expect(story.row('1')?.state).to.equal('open');
      const refusal = await world.analyzer.library('owner', 'none').then(
        () => '',
        (error: unknown) => (error as Error).message,
      );
      expect(refusal).to.match(/none/);
    });
  });
});
