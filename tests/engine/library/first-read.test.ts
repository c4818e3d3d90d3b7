import { expect } from 'chai';
import type { Events } from '../../../src/domain/events.js';
import type { Job } from '../../../src/domain/jobs/job.js';
import type { Run } from '../../../src/domain/recommendations/run.js';
import { firstReadOver } from '../../../src/engine/library/first-read.js';
import { Bus } from '../../../src/lib/bus.js';

describe('the end of a first read', () => {
  let bus: Bus<Events>;
  let known: { url: string; plexToken: string | null; sections: number };
  let stop: AbortController;
  let isOver: boolean;

  beforeEach(() => {
    bus = new Bus<Events>((error) => {
      throw error;
    });
    known = { url: 'http://plex:32400', plexToken: 'token', sections: 0 };
    stop = new AbortController();
    isOver = false;
  });

  const wait = async (): Promise<void> => {
    const store = {
      settings: { value: { plex: { url: known.url } } },
      secrets: { find: () => known.plexToken },
      sections: { size: known.sections },
    };
    void firstReadOver({ store: store as never, bus }, stop.signal).then(() => {
      isOver = true;
    });
    await new Promise(setImmediate);
  };

  it('comes with the first analysis', async () => {
    await wait();
    bus.emit('library.changed', { itemIds: ['1'] });
    bus.emit('sync.completed', {} as Run);
    await new Promise(setImmediate);
    expect(isOver).to.equal(false);
    bus.emit('analysis.completed', {} as Run);
    await new Promise(setImmediate);
    expect(isOver).to.equal(true);
  });

  it('is not waited for when there is a job, nor when the program stops', async () => {
    await wait();
    bus.emit('job.changed', {} as Job);
    await new Promise(setImmediate);
    expect(isOver).to.equal(true);

    isOver = false;
    await wait();
    expect(isOver).to.equal(false);
    stop.abort();
    await new Promise(setImmediate);
    expect(isOver).to.equal(true);
  });

  it('is not waited for where nothing is read for the first time', async () => {
    for (const other of [{ url: '' }, { plexToken: null }, { sections: 2 }]) {
      Object.assign(known, { url: 'http://plex:32400', plexToken: 'token', sections: 0 }, other);
      isOver = false;
      await wait();
      expect(isOver, JSON.stringify(other)).to.equal(true);
    }
  });
});
