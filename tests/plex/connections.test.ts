import { expect } from 'chai';
import type { SimulatedDevice } from '../../src/demo/plex-tv/model.js';
import { SimulatedPlexTv } from '../../src/demo/plex-tv/simulated-plex-tv.js';
import type { FoundServer } from '../../src/domain/plex/account.js';
import { PlexTvService } from '../../src/plex/account.js';
import { handMade, SERVER_ID, type HandMade } from './hand-made-server.js';

/** Nobody listens there. */
const DEAD = 'http://127.0.0.1:9';

describe('the servers of an account', () => {
  let world: SimulatedPlexTv;
  let plexTv: PlexTvService;
  let den: HandMade;
  let token: string;
  before(async () => {
    den = await handMade((_req, res) => {
      // Takes the request and never answers.
      res.writeHead(200);
    });
  });
  after(() => den.stop());
  const start = async (devices: SimulatedDevice[], oddTypes = false): Promise<void> => {
    world = new SimulatedPlexTv({ devices, oddTypes });
    await world.start();
    token = world.issueToken();
    const options = { clientId: () => 'client-1', version: '1', now: () => new Date() };
    plexTv = new PlexTvService({ ...options, url: world.url, connectionTimeoutMs: 400 });
  };
  afterEach(() => world.stop());
  const own = (connections: SimulatedDevice['connections'], extra: Partial<SimulatedDevice> = {}): SimulatedDevice => ({
    name: 'Den',
    clientIdentifier: SERVER_ID,
    accessToken: 'den-token',
    connections,
    ...extra,
  });
  const only = async (): Promise<FoundServer> => {
    const [server] = await plexTv.servers(token);
    if (!server) throw new Error('no server was found');
    return server;
  };

  for (const odd of [false, true]) {
    it(`come own first, without players and what is broken${odd ? ', also with odd types' : ''}`, async () => {
      const https = { uri: 'https://1-2-3-4.abc.plex.direct:32400' };
      await start(
        [
          {
            ...own([https]),
            name: 'Shared',
            clientIdentifier: 's2',
            accessToken: 'shared-token',
            owned: false,
            sourceTitle: 'Kim',
          },
          { ...own([https]), name: 'Phone', provides: 'client,player' },
          { ...own([https]), name: 'Nothing opens it', accessToken: '' },
          own([https], { provides: 'client, server' }),
        ],
        odd,
      );
      const servers = await plexTv.servers(token);
      expect(
        servers.map(({ name, isOwned, sharedBy, accessToken }) => ({ name, isOwned, sharedBy, accessToken })),
      ).to.deep.equal([
        { name: 'Den', isOwned: true, sharedBy: null, accessToken: 'den-token' },
        { name: 'Shared', isOwned: false, sharedBy: 'Kim', accessToken: 'shared-token' },
      ]);
      expect(world.requests[0]?.path).to.contain('includeHttps=1').and.contain('includeRelay=1');
    });
  }

  it('list local addresses before remote ones and the relay, with the bare address as a fallback', async () => {
    await start([
      own([
        { uri: 'https://9-9-9-9.abc.plex.direct:8443', relay: true },
        { uri: 'https://example.org:443/' },
        { uri: 'https://172-17-0-3.abc.plex.direct:32400', local: true, address: '172.17.0.3', port: 32400 },
        { uri: 'https://192-168-1-10.abc.plex.direct:32400', local: true, address: '192.168.1.10', port: 32400 },
        { uri: 'https://user:pass@example.org:1', local: true, address: 'fd00::1', port: 32400 },
        { uri: 'javascript:alert(1)' },
      ]),
    ]);
    expect((await only()).connections).to.deep.equal([
      { url: 'https://172-17-0-3.abc.plex.direct:32400', kind: 'local' },
      { url: 'https://192-168-1-10.abc.plex.direct:32400', kind: 'local' },
      { url: 'http://172.17.0.3:32400', kind: 'local' },
      { url: 'http://192.168.1.10:32400', kind: 'local' },
      { url: 'http://[fd00::1]:32400', kind: 'local' },
      { url: 'https://example.org:443', kind: 'remote' },
      { url: 'https://9-9-9-9.abc.plex.direct:8443', kind: 'relay' },
    ]);
  });

  it('are never asked in the clear when they want secure connections, nor at private addresses of somebody else', async () => {
    const local = {
      uri: 'https://192-168-1-10.abc.plex.direct:32400',
      local: true,
      address: '192.168.1.10',
      port: 32400,
    };
    await start([
      own([local], { httpsRequired: true }),
      { ...own([local, { uri: 'https://far.example:443' }]), owned: false },
    ]);
    const [mine, shared] = await plexTv.servers(token);
    expect(mine?.connections.map(({ url }) => url)).to.deep.equal([local.uri]);
    expect(shared?.connections.map(({ url }) => url)).to.deep.equal(['https://far.example:443']);
  });

  it('are tried at every address at once, and the first that works comes behind dead ones', async () => {
    const connections = [
      { uri: den.url.replace('127.0.0.1', 'localhost'), relay: true },
      { uri: DEAD, local: true },
      { uri: `${den.url}/behind/nothing`, local: true },
      { uri: den.url, local: true },
    ];
    await start([own(connections, { httpsRequired: true })]);
    const tried = await plexTv.tryConnections(await only());
    expect(tried.map(({ kind, works }) => [kind, works])).to.deep.equal([
      ['local', false],
      ['local', false],
      ['local', true],
      ['relay', true],
    ]);
    expect(tried.map(({ reason }) => reason === null)).to.deep.equal(tried.map(({ works }) => works));
  });

  it('get no token while they are tried, and a stranger at the address of ours is told apart', async () => {
    await start([own([{ uri: den.url, local: true }], { clientIdentifier: 'e'.repeat(40) })]);
    den.seen.length = 0;
    const tried = await plexTv.tryConnections(await only());
    expect(tried).to.deep.include({
      url: den.url,
      kind: 'local',
      works: false,
      reason: 'another server answers there',
    });
    expect(den.seen.length).to.be.greaterThan(0);
    for (const { url, headers } of den.seen) {
      expect(url).to.equal('/identity');
      expect(headers).not.to.have.property('x-plex-token');
    }
  });

  it('are read once a minute at most', async () => {
    await start([own([{ uri: den.url, local: true }])]);
    await plexTv.servers(token);
    await plexTv.servers(token);
    expect(world.requests).to.have.length(1);
  });
});
