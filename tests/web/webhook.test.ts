import { expect } from 'chai';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { webhookFirst } from '../../src/web/webhook.js';
import { raw } from '../support/raw-http.js';
import { startWeb, type WebTest } from '../support/web.js';
import { aBody, headOf, PARTINGS, sendAndLeave } from '../support/webhook-fuzz.js';

const EVENT = {
  event: 'library.new',
  user: true,
  owner: true,
  Account: { id: 1, thumb: 'https://plex.tv/users/x/avatar', title: 'robin' },
  Server: { title: 'Den', uuid: 'server-1' },
  Metadata: { librarySectionType: 'movie', ratingKey: '42', key: '/library/metadata/42', type: 'movie', title: 'Hollow Sun', librarySectionID: 1, addedAt: 1_700_000_000 },
}; // prettier-ignore
const BOUNDARY = '----------------------------f4ee2b87f5a5';

const part = (name: string, value: string, extra = '', type = ''): string =>
  `--${BOUNDARY}\r\nContent-Disposition: form-data; name="${name}"${extra}\r\n${type}\r\n${value}\r\n`;
const end = `--${BOUNDARY}--\r\n`;
const MULTIPART = { 'Content-Type': `multipart/form-data; boundary=${BOUNDARY}` };
const JSON_TYPE = { 'Content-Type': 'application/json' };
const payload = JSON.stringify(EVENT);

describe('the webhook', () => {
  let web: WebTest;
  let door: string;
  beforeEach(async () => {
    web = await startWeb();
    door = `${web.url}/hooks/plex/${web.context.access.webhookSecret}`;
  });
  afterEach(() => web.stop());

  const post = (body: string | Buffer, headers: Record<string, string> = MULTIPART, url = door) =>
    raw(url, { method: 'POST', headers: { ...headers, 'Content-Length': String(Buffer.byteLength(body)) }, body });

  const GOOD: [string, string, Record<string, string>][] = [
    ['as Plex sends it without a poster', part('payload', payload, '', 'Content-Type: application/json\r\n') + end, MULTIPART],
    [
      'as Plex sends it with a poster',
      part('payload', payload, '', 'Content-Type: application/json\r\n') +
        part('thumb', '\u0000\u0001JFIF'.repeat(20_000), '; filename="thumb.jpg"', 'Content-Type: image/jpeg\r\n') +
        end,
      MULTIPART,
    ],
    [
      'with the poster first',
      part('thumb', 'x'.repeat(50_000), '; filename="thumb.jpg"', 'Content-Type: image/jpeg\r\n') + part('payload', payload) + end,
      MULTIPART,
    ],
    ['with the payload as a file', part('payload', payload, '; filename="payload.json"', 'Content-Type: application/json\r\n') + end, MULTIPART],
    ['with a byte order mark', part('payload', `\uFEFF${payload}`) + end, MULTIPART],
    ['as plain JSON', payload, JSON_TYPE],
    ['as plain JSON with a byte order mark', `\uFEFF${payload}`, JSON_TYPE],
    ['with numbers as text and fields nobody knows', JSON.stringify({ ...EVENT, Metadata: { ...EVENT.Metadata, ratingKey: 42, unknown: [{}] } }), JSON_TYPE],
    ['without metadata', JSON.stringify({ event: 'admin.database.backup', Server: { uuid: 'server-1' } }), JSON_TYPE],
  ]; // prettier-ignore
  for (const [what, body, headers] of GOOD) {
    it(`takes an event ${what}`, async () => {
      const { status, text } = await post(body, headers);
      expect(status, text).to.equal(200);
      await sleep(10);
      expect(web.webhooks.events).to.have.length(1);
      expect(web.webhooks.events[0]?.Server.uuid).to.equal('server-1');
      if (what !== 'without metadata') expect(web.webhooks.events[0]?.Metadata?.ratingKey).to.equal('42');
    });
  }

  it('answers before the work is done, and survives work that fails', async () => {
    let finish: () => void = () => undefined;
    const running = new Promise<void>((resolve) => (finish = resolve));
    web.context.intake.receive = async () => {
      await running;
      throw new Error('the disk is gone');
    };
    const { status } = await post(payload, JSON_TYPE);
    expect(status, 'answered while the work still runs').to.equal(200);
    finish();
    await sleep(20);
    expect(web.logged.join('\n')).to.contain('could not be worked on');
    expect((await raw(`${web.url}/ping`)).status).to.equal(200);
  });

  it('says nothing to a wrong secret, and counts it', async () => {
    for (const secret of [
      'x',
      web.context.access.webhookSecret.slice(1),
      `${web.context.access.webhookSecret}x`,
      '%00',
      '..%2f..',
    ]) {
      const { status } = await post(payload, JSON_TYPE, `${web.url}/hooks/plex/${secret}`);
      expect(status, secret).to.equal(404);
    }
    await sleep(10);
    expect(web.webhooks.events).to.deep.equal([]);
    expect(web.webhooks.refused).to.deep.equal(Array(5).fill('wrong_secret'));
  });

  it('is deaf to the old address once it was changed', async () => {
    await web.context.access.rotateWebhookSecret();
    expect((await post(payload, JSON_TYPE)).status).to.equal(404);
  });

  it('is found however its address is written, and nowhere else', async () => {
    const { origin, pathname } = new URL(door);
    const secret = pathname.split('/').at(-1) ?? '';
    const status = async (path: string): Promise<number> => (await post(payload, JSON_TYPE, `${origin}${path}`)).status;
    for (const path of [`${pathname}/`, `${pathname}?x=1`, `/Hooks/PLEX/${secret}`])
      expect(await status(path), path).to.equal(200);
    for (const path of [
      '/hooks/plex/',
      `/hooks/plex/${secret}/more`,
      `/hooks/plex/${secret.toUpperCase()}`,
      `/x${pathname}`,
    ])
      expect(await status(path), path).to.be.within(400, 499);
  });

  it('lies below the base path, where there is one', async () => {
    const below = await startWeb({ urlBase: '/flow' });
    try {
      const path = `/hooks/plex/${below.context.access.webhookSecret}`;
      expect((await post(payload, JSON_TYPE, `${below.url}${path}`)).status).to.equal(200);
      expect((await post(payload, JSON_TYPE, `${new URL(below.url).origin}${path}`)).status).to.be.within(400, 499);
    } finally {
      await below.stop();
    }
  });

  it('answers only to POST', async () => {
    for (const method of ['GET', 'PUT', 'DELETE'])
      expect((await raw(door, { method })).status, method).to.be.oneOf([303, 404]);
  });

  it('works under any host name, for Plex may know the machine by any', async () => {
    const { status } = await post(payload, { ...JSON_TYPE, Host: 'whatever.example' });
    expect(status).to.equal(200);
  });

  it('refuses what is too large, by announcement and by size', async () => {
    const huge = part('payload', JSON.stringify({ ...EVENT, pad: 'x'.repeat(1_200_000) })) + end;
    expect((await post(huge)).status).to.equal(413);
    expect((await post(JSON.stringify({ pad: 'x'.repeat(1_200_000) }), JSON_TYPE)).status).to.equal(413);
    const announced = await raw(door, { method: 'POST', headers: { ...MULTIPART, 'Content-Length': '99000000' }, body: part('payload', payload) + end }).catch(() => null);
    expect(announced?.status ?? 413).to.equal(413);
    await sleep(10);
    expect(web.webhooks.events).to.deep.equal([]);
    expect(web.webhooks.refused.every((outcome) => outcome === 'too_large')).to.equal(true);
  }); // prettier-ignore

  const BAD: [string, string | Buffer, Record<string, string>][] = [
    ['nothing', '', JSON_TYPE],
    ['an empty multipart body', '', MULTIPART],
    ['no parts', end, MULTIPART],
    ['no boundary in the header', part('payload', payload) + end, { 'Content-Type': 'multipart/form-data' }],
    ['another boundary', part('payload', payload) + end, { 'Content-Type': 'multipart/form-data; boundary=other' }],
    ['no final boundary', part('payload', payload), MULTIPART],
    ['half a part', part('payload', payload).slice(0, 60), MULTIPART],
    ['a part without headers', `--${BOUNDARY}\r\n\r\n${payload}\r\n${end}`, MULTIPART],
    ['a part without a name', `--${BOUNDARY}\r\nContent-Disposition: form-data\r\n\r\n${payload}\r\n${end}`, MULTIPART],
    ['another part only', part('thumb', 'x', '; filename="a.jpg"') + end, MULTIPART],
    ['an empty payload', part('payload', '') + end, MULTIPART],
    ['half a JSON', part('payload', payload.slice(0, 40)) + end, MULTIPART],
    ['JSON with more behind it', part('payload', `${payload}}`) + end, MULTIPART],
    ['XML', part('payload', '<MediaContainer/>') + end, MULTIPART],
    ['null', 'null', JSON_TYPE],
    ['true', 'true', JSON_TYPE],
    ['a number', '42', JSON_TYPE],
    ['text', '"library.new"', JSON_TYPE],
    ['a list', '[]', JSON_TYPE],
    ['an empty object', '{}', JSON_TYPE],
    ['no event', JSON.stringify({ Server: { uuid: 'server-1' } }), JSON_TYPE],
    ['an event that is a number', JSON.stringify({ event: 1, Server: { uuid: 'server-1' } }), JSON_TYPE],
    ['no server', JSON.stringify({ event: 'library.new' }), JSON_TYPE],
    ['a server without an id', JSON.stringify({ event: 'library.new', Server: {} }), JSON_TYPE],
    ['a server that is null', JSON.stringify({ event: 'library.new', Server: null }), JSON_TYPE],
    ['a form', 'payload=%7B%7D', { 'Content-Type': 'application/x-www-form-urlencoded' }],
    ['bytes that are no text', Buffer.from([0xff, 0xfe, 0x00, 0x80]), JSON_TYPE],
    ['a bomb of brackets', '['.repeat(50_000), JSON_TYPE],
    ['a prototype', '{"__proto__":{"event":"library.new","Server":{"uuid":"server-1"}}}', JSON_TYPE],
    ['no content type', 'hello', {}],
  ]; // prettier-ignore
  it(`refuses ${BAD.length} malformed bodies without falling over`, async () => {
    for (const [what, body, headers] of BAD) {
      const { status, text } = await post(body, headers);
      expect(status, what).to.equal(400);
      expect(JSON.parse(text), what).to.have.nested.property('error.code', 'invalid');
    }
    await sleep(10);
    expect(web.webhooks.events).to.deep.equal([]);
    expect(web.webhooks.refused).to.deep.equal(Array(BAD.length).fill('malformed'));
    expect((await post(payload, JSON_TYPE)).status, 'and the next good one works').to.equal(200);
  });

  /** A body that ends at each of these places, and in the middle of what stands between them. */
  const body = aBody(EVENT, 50_000);
  const posterFirst = aBody(EVENT, 50_000, true);
  const CUTS: [string, Buffer, boolean][] = [
    ['before the first part', Buffer.alloc(0), false],
    ['inside the first boundary', body.subarray(0, 20), false],
    ['inside the headers of the payload', body.subarray(0, body.indexOf('form-data')), false],
    ['inside the payload', body.subarray(0, body.indexOf('Hollow Sun')), false],
    ['before the poster', body.subarray(0, body.indexOf('\r\nContent-Disposition: form-data; name="thumb"')), true],
    ['inside the headers of the poster', body.subarray(0, body.indexOf('image/jpeg')), true],
    ['inside the poster', body.subarray(0, -20_000), true],
    ['inside the last boundary', body.subarray(0, -4), true],
    ['inside a poster that comes first', posterFirst.subarray(0, 20_000), false],
    ['inside the payload behind a poster', posterFirst.subarray(0, -120), false],
  ];
  it('outlives senders that leave at any place in any way, and keeps what was said in full', async () => {
    for (const parting of PARTINGS) {
      web.webhooks.events.length = 0;
      for (const [where, sent] of CUTS)
        for (const pieces of [[sent], [sent.subarray(0, sent.length / 2), sent.subarray(sent.length / 2)]])
          await sendAndLeave(door, [Buffer.from(headOf(door, body.length)), ...pieces], 1, parting).catch((error: unknown) => {
            throw new Error(`${where}, ${parting}: ${String(error)}`);
          });
      const told = CUTS.filter(([, , isTold]) => isTold).length * 2;
      // What a reset connection still held is thrown away by the system, so nobody can count on it.
      if (parting === 'fin') expect(web.webhooks.events).to.have.length(told);
      expect((await post(payload, JSON_TYPE)).status, `a good one after ${parting}`).to.equal(200);
    }
  }); // prettier-ignore

  it('answers when the payload is there, and does not wait for the poster', async () => {
    const sent = body.subarray(0, body.indexOf('image/jpeg'));
    const answer = await sendAndLeave(door, [Buffer.from(headOf(door, body.length)), sent], 20, 'silence');
    expect(answer).to.match(/^HTTP\/1.1 200 /);
  });

  it('outlives senders that are slower than the time limit', async () => {
    const listener = webhookFirst(web.context, (_req, res) => res.writeHead(404).end());
    const server = createServer(
      { requestTimeout: 100, headersTimeout: 100, connectionsCheckingInterval: 20 },
      listener,
    );
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const slowDoor = `http://127.0.0.1:${String((server.address() as AddressInfo).port)}${new URL(door).pathname}`;
    try {
      for (const [, sent, isTold] of CUTS) {
        // Longer than the limit, whatever the machine does meanwhile: the server ends it, not the sender.
        const pieces = [Buffer.from(headOf(slowDoor, body.length)), sent];
        const answer = await sendAndLeave(slowDoor, pieces, 0, 'patience');
        expect(answer).to.match(isTold ? /^HTTP\/1.1 200 / : /^HTTP\/1.1 (408|400) |^$/);
      }
      expect((await post(payload, JSON_TYPE, slowDoor)).status).to.equal(200);
    } finally {
      server.closeAllConnections();
      server.close();
    }
  });

  it('takes no properties from a payload that nobody declared', async () => {
    const hostile = JSON.stringify(EVENT).replace('{', '{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}},');
    const nested = JSON.stringify(EVENT).replace('"Metadata":{', '"Metadata":{"__proto__":{"polluted":1},');
    for (const text of [hostile, nested]) expect((await post(part('payload', text) + end)).status).to.equal(200);
    for (const name of ['__proto__', 'constructor', 'toString'])
      expect((await post(part(name, 'x') + part('payload', payload) + end)).status, name).to.equal(200);
    await sleep(10);
    expect(({} as { polluted?: number }).polluted).to.equal(undefined);
    for (const event of web.webhooks.events)
      expect([...Object.keys(event), ...Object.keys(event.Metadata ?? {})]).to.not.include.oneOf(['__proto__', 'constructor']);
  }); // prettier-ignore

  it('ends a connection that sends more than any webhook holds, before or behind the payload', async () => {
    const much = Buffer.alloc(11_000_000, 'x');
    const head = `POST ${new URL(door).pathname} HTTP/1.1\r\nHost: x\r\nContent-Type: ${MULTIPART['Content-Type']}\r\nTransfer-Encoding: chunked\r\n\r\n`;
    const poster = part('thumb', '', '; filename="a.jpg"').slice(0, -2);
    for (const before of [poster, part('payload', payload) + poster]) {
      const chunk = (data: Buffer): Buffer => Buffer.concat([Buffer.from(`${data.length.toString(16)}\r\n`), data, Buffer.from('\r\n')]);
      const isTold = before.includes('payload');
      const answer = await sendAndLeave(door, [Buffer.from(head), chunk(Buffer.from(before)), chunk(much)], 0, 'patience');
      expect(answer.slice(0, 12)).to.be.oneOf([isTold ? 'HTTP/1.1 200' : 'HTTP/1.1 413', ...(isTold ? [] : [''])]);
    }
    expect((await post(payload, JSON_TYPE)).status).to.equal(200);
  }); // prettier-ignore

  it('does not wait for ever for a body that was cut off', async () => {
    await raw(door, {
      method: 'POST',
      headers: { ...MULTIPART, 'Content-Length': '5000' },
      body: part('payload', payload.slice(0, 50)),
      cutOff: true,
    }).catch(() => undefined);
    await sleep(100);
    expect(web.webhooks.refused).to.deep.equal(['malformed']);
    expect((await post(payload, JSON_TYPE)).status).to.equal(200);
  });
});
