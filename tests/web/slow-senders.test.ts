import { expect } from 'chai';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { raw } from '../support/raw-http.js';
import { startWeb, type WebTest } from '../support/web.js';

const SENDERS = 60;
const TRICKLE_MS = 20;

describe('senders who take their time', () => {
  let web: WebTest;
  before(async () => {
    web = await startWeb({ patience: { requestMs: 700, headersMs: 400, checkEveryMs: 50 } });
  });
  after(() => web.stop());

  /** A connection that sends its beginning at once and then byte after byte, for ever. */
  async function trickle(beginning: string, byte: string): Promise<{ socket: Socket; heard: () => string }> {
    const { hostname, port } = new URL(web.url);
    const socket = connect(Number(port), hostname);
    socket.on('error', () => undefined);
    let heard = '';
    socket.on('data', (chunk: Buffer) => (heard += chunk.toString('latin1')));
    await once(socket, 'connect');
    socket.write(beginning);
    const timer = setInterval(() => socket.write(byte), TRICKLE_MS);
    socket.once('close', () => {
      clearInterval(timer);
    });
    return { socket, heard: () => heard };
  }

  const LINE = ' HTTP/1.1\r\nHost: 127.0.0.1\r\n';
  const TRICKLES: [string, (secret: string) => string, string][] = [
    ['the head of a page', () => `GET /sign-in${LINE}X-A: `, 'a'],
    ['ever more header lines', () => `GET /${LINE}`, 'X: y\r\n'],
    ['nothing but empty lines', () => '', '\r\n'],
    ['the body of a form', () => `POST /sign-in${LINE}Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 5000\r\n\r\npassword=`, 'x'],
    ['JSON', () => `PUT /api/settings${LINE}Content-Type: application/json\r\nContent-Length: 5000\r\n\r\n{"a":"`, 'x'],
    ['a webhook', (secret) => `POST /hooks/plex/${secret}${LINE}Content-Type: application/json\r\nContent-Length: 5000\r\n\r\n{"event":"`, 'x'],
    ['a body in pieces', (secret) => `POST /hooks/plex/${secret}${LINE}Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n`, '1\r\nx\r\n'],
  ]; // prettier-ignore

  it('are cut off, and everybody else is served meanwhile', async () => {
    const secret = web.context.access.webhookSecret;
    const all = await Promise.all(
      Array.from({ length: SENDERS }, async (_, at) => {
        const [what, beginning, byte] = TRICKLES[at % TRICKLES.length] ?? ['', () => '', ''];
        return { what, ...(await trickle(beginning(secret), byte)) };
      }),
    );
    const open = (): string[] => all.filter(({ socket }) => !socket.closed).map(({ what }) => what);
    for (let round = 0; round < 5; round++) {
      expect((await raw(`${web.url}/ping`)).status).to.equal(200);
      expect((await raw(`${web.url}/sign-in`)).status).to.equal(200);
    }
    // Ended by the server: these never stop by themselves.
    await Promise.all(all.map(({ socket }) => (socket.closed ? Promise.resolve() : once(socket, 'close'))));
    expect(open()).to.deep.equal([]);
    for (const { what, heard } of all) expect(heard(), what).to.match(/^(HTTP\/1\.1 (40[0148]|413|303)|$)/);
    expect((await raw(`${web.url}/ping`)).status).to.equal(200);
  });
});
