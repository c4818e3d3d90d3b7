import { expect } from 'chai';
import { PlexWebhook } from '../../../src/domain/plex/webhook.js';
import { film, SERVER_ID, World } from '../../support/library-world.js';

const transcode = { kind: 'transcode', preset: 'balanced', severity: 'low', reason: 'Old.' } as const;
const newsOf = (ratingKey: string): PlexWebhook =>
  PlexWebhook.parse({
    event: 'library.new',
    Server: { uuid: SERVER_ID, title: 'Den' },
    Metadata: { type: 'movie', title: 'A Film', librarySectionID: 1, ratingKey },
  });

describe('what a program that was killed left undone', () => {
  const worlds: World[] = [];
  const open = async (from?: World): Promise<World> => {
    const world = await World.open(from);
    worlds.push(world);
    return world;
  };
  afterEach(async () => {
    for (const world of worlds.splice(0)) await world.close();
  });
  const found = (world: World): string[] => [...world.store.recommendations.values()].map(({ itemId }) => itemId);

  /** How a title gets into the library, with what must have come before. */
  const ways: Record<string, (world: World) => Promise<unknown>> = {
    'a full sync': (world) => world.sync.run({ mode: 'full', trigger: 'schedule' }).done,
    'a sync of changes': (world) => world.sync.run({ mode: 'changed', trigger: 'schedule' }).done,
    'a webhook': (world) => world.intake.receive(newsOf('7')),
    'news of a title that is known': async (world) => {
      await world.sync.run({ mode: 'full', trigger: 'owner' }).done;
      world.server.items_ = [film('7', { title: 'Another Name', updatedAt: '2026-05-01T00:00:00.000Z' })];
      const updatedAt = Date.parse('2026-05-01T00:00:00Z') / 1000;
      const news = { serverId: SERVER_ID, ratingKey: '7', kind: 'movie', sectionId: '1', updatedAt };
      await world.intake.readChanged([news]);
    },
    'the owner, who wants it read again': (world) => world.intake.readNow(['7']),
  };
  for (const [way, take] of Object.entries(ways)) {
    it(`is a look of the rules at what came by ${way}: the next program makes up for it`, async () => {
      const world = await open();
      world.server.items_ = [film('7')];
      world.rules.rules.set('all', () => transcode);
      const goOn = world.rules.hold();
      const taken = take(world);
      await world.until(() => world.rules.calls.length > 0, 'the rules were asked');
      await world.until(() => world.store.library.find('01234567-7') !== null);
      await world.store.library.put(world.store.library.get('01234567-7'));
      expect(found(world), 'before').to.deep.equal([]);
      const next = await open(world);
      await next.until(() => found(next).includes('01234567-7'), 'the next one looked at it');
      await next.sync.settled();
      await next.until(() => next.store.analysisDue.value.since === null && next.store.pending.size === 0);
      goOn();
      await taken;
      await world.sync.settled();
    });
  }

  it('is another look at everything with a rule that was changed', async () => {
    const world = await open();
    world.server.items_ = [film('7')];
    world.rules.rules.set('all', () => null);
    await world.synced();
    await world.until(() => world.store.analysisDue.value.since === null);
    world.rules.rules.set('all', () => transcode);
    const goOn = world.rules.hold();
    world.bus.emit('rule.changed', { ids: ['all'] });
    await world.until(() => world.store.analysisDue.value.since !== null);
    await world.store.analysisDue.flush();
    const next = await open(world);
    await next.until(() => found(next).includes('01234567-7'), 'the next one looked with the changed rule');
    goOn();
    await world.until(() => world.store.analysisDue.value.since === null, 'nothing is due any more');
  });

  it('is nothing when all was looked at: then nobody looks at everything at the start', async () => {
    const world = await open();
    world.server.items_ = [film('7')];
    world.rules.rules.set('all', () => transcode);
    await world.synced();
    await world.until(() => world.store.analysisDue.value.since === null);
    await world.store.analysisDue.flush();
    const next = await open(world);
    await next.leftUndone.settled();
    expect(next.rules.calls).to.deep.equal([]);
  });

  it('stays due when the rules could not look, and when the owner ends the program meanwhile', async () => {
    const world = await open();
    world.server.items_ = [film('7')];
    world.rules.rules.set('all', () => transcode);
    const goOn = world.rules.hold();
    const sync = world.sync.run({ mode: 'changed', trigger: 'schedule' });
    await sync.done;
    const stopped = world.stop();
    goOn();
    await stopped;
    await world.start();
    await world.until(() => found(world).includes('01234567-7'), 'it was looked at after the restart');
  });

  it('is the queueing of what an automatic rule found', async () => {
    const world = await open();
    world.server.items_ = [film('7')];
    world.rules.rules.set('all', () => transcode);
    await world.store.rules.put({ id: 'all', mode: 'automatic', options: {} });
    await world.automation.stop();
    await world.synced();
    expect(found(world)).to.deep.equal(['01234567-7']);
    expect(world.queued).to.deep.equal([]);
    const next = await open(world);
    await next.until(() => next.queued.length > 0, 'it was queued by the next one');
    expect(next.queued).to.deep.equal(['01234567-7.p7.all']);
  });
});
