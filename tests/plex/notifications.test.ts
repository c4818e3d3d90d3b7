import { expect } from 'chai';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { WebSocketServer } from 'ws';
import { AppError, toAppError } from '../../src/domain/errors.js';
import type { ServerEvent } from '../../src/domain/library/server-event.js';
import { notifications } from '../../src/plex/notifications.js';
import { eventsOf } from '../../src/plex/notifications-frame.js';
import { plexAt, SERVER_ID, TOKEN } from './hand-made-server.js';

const timeline = (...entries: object[]): string =>
  JSON.stringify({ NotificationContainer: { type: 'timeline', size: entries.length, TimelineEntry: entries } });
const film = (change: object = {}): object => ({
  identifier: 'com.plexapp.plugins.library',
  sectionID: '1',
  itemID: '7',
  type: 1,
  state: 5,
  updatedAt: 1_790_000_000,
  ...change,
});
const changed = (change: object = {}): object => ({
  type: 'changed',
  ratingKey: '7',
  kind: 'movie',
  sectionId: '1',
  updatedAt: 1_790_000_000,
  isFinished: true,
  isAnalyzed: false,
  ...change,
});

describe('a notification frame', () => {
  it('tells of films, shows, seasons and episodes, of every entry in it', () => {
    const frame = timeline(film(), film({ itemID: 8, type: '4' }), film({ type: 2 }), film({ type: 3 }));
    expect(eventsOf(frame)).to.deep.equal([
      changed(),
      changed({ ratingKey: '8', kind: 'episode' }),
      changed({ kind: 'show' }),
      changed({ kind: 'season' }),
    ]);
  });

  it('tells what is finished from what is under way, numbers or not', () => {
    for (const state of [0, '1', 2, 3, '4'])
      expect(eventsOf(timeline(film({ state })))).to.deep.equal([changed({ isFinished: false })]);
    expect(eventsOf(timeline(film({ state: '5', mediaState: 'analyzing' })))).to.deep.equal([
      changed({ isAnalyzed: true }),
    ]);
    expect(eventsOf(timeline(film({ state: 9, type: -1 })))).to.deep.equal([
      { type: 'removed', ratingKey: '7', sectionId: '1' },
    ]);
    expect(eventsOf(timeline(film({ sectionID: -1, updatedAt: undefined })))).to.deep.equal([
      changed({ sectionId: null, updatedAt: null }),
    ]);
  });

  it('tells who watches, and that a scan is complete', () => {
    const playing = { sessionKey: '1', ratingKey: 7, state: 'buffering' };
    const container = { type: 'playing', PlaySessionStateNotification: playing };
    expect(eventsOf(JSON.stringify({ NotificationContainer: container }))).to.deep.equal([
      { type: 'playing', ratingKey: '7', state: 'buffering' },
    ]);
    const status = { type: 'status', StatusNotification: [{ notificationName: 'LIBRARY_UPDATE' }, { title: 'x' }] };
    expect(eventsOf(JSON.stringify({ NotificationContainer: status }))).to.deep.equal([{ type: 'scanned' }]);
  });

  const hostile: Record<string, string> = {
    nothing: '',
    'a web page': '<!DOCTYPE html><html><body>Sign in</body></html>',
    XML: '<?xml version="1.0"?><NotificationContainer type="timeline"><TimelineEntry state="5"/></NotificationContainer>',
    'half a frame': timeline(film()).slice(0, 80),
    null: 'null',
    'a number': '17',
    'a list': '[{"NotificationContainer":{}}]',
    'a frame without a type': '{"NotificationContainer":{"size":1}}',
    'a container of the wrong kind': '{"NotificationContainer":"timeline"}',
    'entries of the wrong kind': '{"NotificationContainer":{"type":"timeline","TimelineEntry":[null,7,"x",[]]}}',
    'an unknown type': JSON.stringify({ NotificationContainer: { type: 'moon.landing', TimelineEntry: [film()] } }),
    'a program guide': timeline(film({ identifier: 'tv.plex.providers.epg.xmltv:18', state: 9 })),
    'music, and kinds nobody knows': timeline(film({ type: 10 }), film({ type: -1 }), film({ type: 'movie' })),
    'states nobody knows': timeline(
      film({ state: 6 }),
      film({ state: -2 }),
      film({ state: 'x' }),
      film({ state: null }),
    ),
    'ids that are none': timeline(
      film({ itemID: '' }),
      film({ itemID: '../1' }),
      film({ itemID: { a: 1 } }),
      film({ itemID: -7 }),
      film({ itemID: '7,8' }),
    ),
    'polluted names': '{"NotificationContainer":{"__proto__":{"type":"timeline"},"constructor":1}}',
  };
  for (const [what, frame] of Object.entries(hostile))
    it(`is no event when it is ${what}`, () => {
      expect(eventsOf(frame)).to.deep.equal([]);
    });
});

describe('the notification connection', () => {
  let http: Server;
  let sockets: WebSocketServer;
  let url: string;
  let asked: IncomingMessage[];
  let welcome: (request: IncomingMessage, socket: Duplex, head: Buffer) => void;
  let abort: AbortController;
  /** Nobody else looks after them. */
  let upgraded: Duplex[];

  beforeEach(async () => {
    asked = [];
    upgraded = [];
    abort = new AbortController();
    sockets = new WebSocketServer({ noServer: true, autoPong: false });
    welcome = (request, socket, head) => {
      sockets.handleUpgrade(request, socket, head, () => undefined);
    };
    http = createServer((_request, res) => {
      res.end(JSON.stringify({ MediaContainer: { size: 0, machineIdentifier: SERVER_ID } }));
    });
    http.on('upgrade', (request, socket: Duplex, head) => {
      asked.push(request);
      upgraded.push(socket);
      socket.on('error', () => undefined);
      welcome(request, socket, head);
    });
    http.listen(0, '127.0.0.1');
    await once(http, 'listening');
    url = `http://127.0.0.1:${(http.address() as AddressInfo).port}`;
  });
  afterEach(async () => {
    abort.abort();
    for (const client of sockets.clients) client.terminate();
    http.close();
    http.closeAllConnections();
    for (const socket of upgraded) socket.destroy();
    await once(http, 'close');
  });

  const options = { token: TOKEN, clientId: 'client-1', version: '1.0.0' };
  const refuse = (status: string, headers = '') => {
    welcome = (_request, socket) => socket.end(`HTTP/1.1 ${status}\r\n${headers}Connection: close\r\n\r\n`);
  };
  /** What came, and how it ended. */
  const hear = async (
    events: AsyncIterable<ServerEvent>,
    on: (event: ServerEvent, heard: number) => void = () => undefined,
  ): Promise<{ events: ServerEvent[]; error: AppError }> => {
    const all: ServerEvent[] = [];
    try {
      for await (const event of events) on(event, all.push(event));
    } catch (error) {
      return { events: all, error: toAppError(error) };
    }
    throw new Error('It just ended');
  };
  const send = (...frames: (string | Buffer)[]): void => {
    for (const client of sockets.clients) for (const frame of frames) client.send(frame);
  };

  it('keeps the token out of the address, and asks for no log lines', async () => {
    const heard = hear(plexAt(url).listen(abort.signal), () => {
      abort.abort(new AppError('interrupted', 'enough'));
    });
    expect((await heard).error.message).to.equal('enough');
    const [request] = asked;
    expect(request?.url).to.equal('/:/websockets/notifications?filters=timeline,playing,status');
    expect(request?.headers).to.include({
      'x-plex-token': TOKEN,
      'x-plex-client-identifier': 'client-1',
      accept: 'application/json',
    });
  });

  it('reads on after frames that are none', async () => {
    const junk = ['<html>', '{', '[]', Buffer.from(timeline(film())), 'x'.repeat(1_000_000)];
    const heard = await hear(notifications({ url, ...options }, abort.signal), (event) => {
      if (event.type === 'listening') send(...junk, timeline(film()));
      else abort.abort();
    });
    expect(heard.events).to.deep.equal([{ type: 'listening' }, changed()]);
  });

  it('misses no frame that comes along with the welcome', async () => {
    welcome = (request, socket, head) => {
      sockets.handleUpgrade(request, socket, head, (client) => {
        client.send(timeline(film()));
      });
    };
    const heard = await hear(notifications({ url, ...options }, abort.signal), (event) => {
      if (event.type === 'changed') abort.abort();
    });
    expect(heard.events).to.have.length(2);
  });

  it('ends when a frame is larger than any of Plex', async () => {
    const heard = await hear(notifications({ url, ...options }, abort.signal), () => {
      send('x'.repeat(5_000_000));
    });
    expect(heard.events).to.deep.equal([{ type: 'listening' }]);
    expect(heard.error.code).to.equal('plex_bad_answer');
  });

  it('notices a peer that answers nothing any more', async () => {
    const heard = await hear(notifications({ url, ...options, pingEveryMs: 20 }, abort.signal));
    expect(heard.events).to.deep.equal([{ type: 'listening' }]);
    expect(heard.error.code).to.equal('plex_unreachable');
  });

  it('stays with a peer that answers its pings', async () => {
    let pings = 0;
    welcome = (request, socket, head) => {
      sockets.handleUpgrade(request, socket, head, (client) => {
        client.on('ping', (data) => {
          client.pong(data);
          if (++pings === 5) abort.abort(new AppError('interrupted', 'enough'));
        });
      });
    };
    const heard = await hear(notifications({ url, ...options, pingEveryMs: 20 }, abort.signal));
    expect(heard.error.message).to.equal('enough');
  });

  it('ends when the server goes', async () => {
    const heard = await hear(notifications({ url, ...options }, abort.signal), () => {
      for (const client of sockets.clients) client.terminate();
    });
    expect(heard.error.code).to.equal('plex_unreachable');
  });

  it('tries the other name of the door before it says that there is none', async () => {
    const proper = welcome;
    refuse('404 Not Found');
    const none = await hear(notifications({ url, ...options }, abort.signal));
    expect(none.error.code).to.equal('plex_not_found');
    expect(asked.map((request) => request.url?.split('?')[0])).to.deep.equal([
      '/:/websockets/notifications',
      '/:/websocket/notifications',
    ]);
    const refusal = welcome;
    welcome = (request, socket, head) => {
      (request.url?.startsWith('/:/websockets/') ? refusal : proper)(request, socket, head);
    };
    const heard = await hear(notifications({ url, ...options }, abort.signal), () => {
      abort.abort();
    });
    expect(heard.events).to.deep.equal([{ type: 'listening' }]);
  });

  const refusals: [string, string, string][] = [
    ['401 Unauthorized', '', 'plex_unauthorized'],
    ['403 Forbidden', '', 'plex_forbidden'],
    ['503 Service Unavailable', '', 'plex_unavailable'],
    ['302 Found', 'Location: http://127.0.0.1:1/\r\n', 'plex_bad_answer'],
    ['200 OK', 'Content-Type: text/html\r\n', 'plex_bad_answer'],
  ];
  for (const [status, headers, code] of refusals)
    it(`says ${code} when it is answered ${status}`, async () => {
      refuse(status, headers);
      const { error, events } = await hear(notifications({ url, ...options }, abort.signal));
      expect(error.code).to.equal(code);
      expect(events).to.deep.equal([]);
      expect(asked).to.have.length(1);
      expect(JSON.stringify([error.message, String(error.cause)])).not.to.include(TOKEN);
    });

  it('says that nobody is there, and refuses a token that is none', async () => {
    const nobody = await hear(notifications({ url: 'http://127.0.0.1:1', ...options }, abort.signal));
    expect(nobody.error.code).to.equal('plex_unreachable');
    const odd = await hear(notifications({ url, ...options, token: 'a\nb' }, abort.signal));
    expect(odd.error.code).to.equal('plex_unauthorized');
  });

  it('hands no token to another server', async () => {
    const other = plexAt(url, { expectedServerId: 'f'.repeat(40) });
    expect((await hear(other.listen(abort.signal))).error.code).to.equal('plex_wrong_server');
    expect(asked).to.deep.equal([]);
  });

  it('gives up at once when told to, connected or not', async () => {
    welcome = () => undefined;
    const heard = hear(notifications({ url, ...options }, abort.signal));
    await once(http, 'upgrade');
    abort.abort(new AppError('interrupted', 'enough'));
    expect((await heard).error.message).to.equal('enough');
  });
});
