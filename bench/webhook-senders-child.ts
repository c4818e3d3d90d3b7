// Posts one webhook for each key over many connections, as a process of its own, and says how long each answer took.
// Plain sockets: Node's own client takes longer to ask than the server to answer, and would be what is measured.
import { connect, type Socket } from 'node:net';
import { answer } from './child.js';

const [url = '', serverId = '', connections = '500', keys = ''] = process.argv.slice(2);
const BOUNDARY = '------------------------d74496d66958873e';
const { hostname, port, pathname } = new URL(url);

/** One connection that is kept, and asks the next question when it was answered. */
class Sender {
  readonly #socket: Socket;
  #came = '';
  #waiting: { resolve: (ms: number) => void; reject: (error: Error) => void; startedMs: number } | null = null;

  private constructor(socket: Socket) {
    this.#socket = socket.setEncoding('latin1').setNoDelay(true);
    socket.on('data', (text: string) => {
      this.#came += text;
      this.#look();
    });
    const fail = (error?: Error): void => {
      this.#waiting?.reject(error ?? new Error('The connection was closed before it was answered.'));
    };
    socket.on('error', fail).on('close', () => {
      fail();
    });
  }

  static open(): Promise<Sender> {
    return new Promise((resolve, reject) => {
      const socket = connect({ host: hostname, port: Number(port) }, () => {
        socket.off('error', reject);
        resolve(new Sender(socket));
      });
      socket.once('error', reject);
    });
  }

  /** Milliseconds from the question to the whole answer. Throws when that is not 200. */
  ask(request: Buffer): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#waiting = { resolve, reject, startedMs: performance.now() };
      this.#socket.write(request);
    });
  }

  close(): void {
    this.#waiting = null;
    this.#socket.destroy();
  }

  #look(): void {
    const headEnd = this.#came.indexOf('\r\n\r\n');
    const length = headEnd < 0 ? null : /\r\ncontent-length: (\d+)\r\n/i.exec(this.#came.slice(0, headEnd + 2));
    if (!length || this.#came.length < headEnd + 4 + Number(length[1])) return;
    const status = this.#came.slice(9, 12);
    const waiting = this.#waiting;
    this.#came = '';
    this.#waiting = null;
    if (status === '200') waiting?.resolve(performance.now() - waiting.startedMs);
    else waiting?.reject(new Error(`The server answered ${status}`));
  }
}

/** Everybody at once; each connection asks again as soon as it was answered. */
async function burst(senders: readonly Sender[], requests: readonly Buffer[]): Promise<number[]> {
  const took: number[] = [];
  const left = [...requests];
  const work = async (sender: Sender): Promise<void> => {
    for (let next = left.pop(); next; next = left.pop()) took.push(await sender.ask(next));
  };
  await Promise.all(senders.map(work));
  return took;
}

function webhookAbout(ratingKey: string, event = 'library.new'): Buffer {
  const payload = {
    event,
    Server: { uuid: serverId, title: 'Bench' },
    Metadata: { type: 'movie', ratingKey, title: 'x', librarySectionID: 1 },
  };
  const head = 'Content-Disposition: form-data; name=';
  const body =
    `--${BOUNDARY}\r\n${head}"payload"\r\nContent-Type: application/json\r\n\r\n${JSON.stringify(payload)}\r\n` +
    `--${BOUNDARY}\r\n${head}"thumb"; filename="thumb.jpg"\r\nContent-Type: image/jpeg\r\n\r\n${'x'.repeat(7000)}\r\n--${BOUNDARY}--\r\n`;
  return Buffer.from(
    `POST ${pathname} HTTP/1.1\r\nHost: ${hostname}:${port}\r\nContent-Type: multipart/form-data; boundary=${BOUNDARY}\r\nContent-Length: ${String(body.length)}\r\n\r\n${body}`,
  );
}

const ping = Buffer.from(`GET /ping HTTP/1.1\r\nHost: ${hostname}:${port}\r\n\r\n`);
const webhooks = keys.split(',').map((key) => webhookAbout(key));
// The connections are made, and the code is warm on both sides, before anything is measured.
const senders = await Promise.all(Array.from({ length: Number(connections) }, () => Sender.open()));
await burst(
  senders,
  senders.map(() => ping),
);
// What Plex posts all day long.
await burst(
  senders,
  keys.split(',').map((key) => webhookAbout(key, 'media.play')),
);
const bare = await burst(
  senders,
  webhooks.map(() => ping),
);
const each = await burst(senders, webhooks);
for (const sender of senders) sender.close();
answer({ each, bare });
