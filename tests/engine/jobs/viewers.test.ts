import { expect } from 'chai';
import { mappingsOf } from '../../../src/domain/settings/paths.js';
import type { MediaServer, PlaySession } from '../../../src/domain/plex/media-server.js';
import { holds, Viewers, type Viewing } from '../../../src/engine/jobs/viewers.js';
import type { Store } from '../../../src/store/store.js';

const aSession = (change: Partial<PlaySession> = {}): PlaySession => ({
  ratingKey: '1',
  title: '',
  user: '',
  state: 'playing',
  fileIds: [],
  paths: [],
  transcodesVideo: true,
  ...change,
});

const knowing = (ids: string[], shared: string[] = []) =>
  ({ servers: { ids: () => ids, isOwned: (id: string) => !shared.includes(id) } }) as unknown as Pick<Store, 'servers'>;

describe('viewers', () => {
  it('are asked for anew once somebody began or stopped to watch', async () => {
    let sessions: PlaySession[] = [];
    const server = { sessions: () => Promise.resolve(sessions) } as unknown as MediaServer;
    const viewers = new Viewers(() => server, knowing(['one']));
    expect(await viewers.transcoding()).to.equal(0);
    sessions = [aSession()];
    viewers.forget();
    expect(await viewers.transcoding()).to.equal(1);
  });

  it('are asked for on every server of the owner, and not on one that somebody shares', async () => {
    const asked: (string | undefined)[] = [];
    const server = (id?: string) => {
      asked.push(id);
      return { sessions: () => Promise.resolve([aSession()]) } as unknown as MediaServer;
    };
    const viewing = await new Viewers(server, knowing(['one', 'two', 'friend'], ['friend'])).now();
    expect(asked).to.deep.equal(['one', 'two']);
    expect(viewing.map(({ serverId }) => serverId)).to.deep.equal(['one', 'two']);
  });

  describe('hold a file', () => {
    const file = { serverId: 'one', ratingKey: '7', fileId: '70', serverPath: '/m/a.mkv', localPath: '/data/a.mkv' };
    const mappings = [
      { from: '/m', to: '/data' },
      { from: '/films', to: '/data', serverId: 'two' },
    ];
    const held = (session: Partial<Viewing>): boolean =>
      holds([{ ...aSession(session), serverId: session.serverId ?? 'one' }], file, (id) => mappingsOf(id, mappings)) !==
      null;

    it('by title, by part and by path on the server that lists it', () => {
      expect(held({ ratingKey: '7' })).to.equal(true);
      expect(held({ fileIds: ['70'] })).to.equal(true);
      expect(held({ paths: ['/m/a.mkv'] })).to.equal(true);
      expect(held({ ratingKey: '8', fileIds: ['80'], paths: ['/m/b.mkv'] })).to.equal(false);
    });

    it('not because another server has a title or part of the same number', () => {
      expect(held({ serverId: 'two', ratingKey: '7', fileIds: ['70'], paths: ['/films/b.mkv'] })).to.equal(false);
    });

    it('when they play the same file from another server, under another path', () => {
      expect(held({ serverId: 'two', ratingKey: '9', paths: ['/films/a.mkv'] })).to.equal(true);
    });
  });
});
