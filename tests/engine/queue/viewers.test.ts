import { expect } from 'chai';
import type { MediaServer, PlaySession } from '../../../src/domain/media-server.js';
import { Viewers } from '../../../src/engine/queue/viewers.js';

describe('viewers', () => {
  it('are asked for anew once somebody began or stopped to watch', async () => {
    let sessions: PlaySession[] = [];
    const server = { sessions: () => Promise.resolve(sessions) } as unknown as MediaServer;
    const viewers = new Viewers(() => server);
    expect(await viewers.transcoding()).to.equal(0);
    sessions = [
      { ratingKey: '1', title: '', user: '', state: 'playing', fileIds: [], paths: [], transcodesVideo: true },
    ];
    viewers.forget();
    expect(await viewers.transcoding()).to.equal(1);
  });
});
