// Posts one webhook for each key over many connections, as a process of its own, and says how long each answer took.
import { Agent, request } from 'node:http';
import { answer } from './child.js';

const [url = '', serverId = '', connections = '500', keys = ''] = process.argv.slice(2);
const BOUNDARY = '------------------------d74496d66958873e';
// All of them are kept: one made anew in the middle of a burst is served only when those that stand have a moment to spare, by any server.
const agent = new Agent({ keepAlive: true, maxSockets: Number(connections), maxFreeSockets: Number(connections) });

/** Milliseconds from the question to the whole answer. */
function ask(address: string, body: Buffer | null): Promise<number> {
  return new Promise((resolve, reject) => {
    const startedMs = performance.now();
    const headers = {
      'Content-Type': `multipart/form-data; boundary=${BOUNDARY}`,
      'Content-Length': body?.length ?? 0,
    };
    const req = request(address, { agent, method: body ? 'POST' : 'GET', headers: body ? headers : {} }, (res) => {
      res.resume().on('end', () => {
        if (res.statusCode === 200) resolve(performance.now() - startedMs);
        else reject(new Error(`${address} answered ${String(res.statusCode)}`));
      });
    });
    req.on('error', (error: NodeJS.ErrnoException) => {
      // The server may close an idle connection at the moment it is used again; every client asks anew then.
      if (req.reusedSocket && error.code === 'ECONNRESET') ask(address, body).then(resolve, reject);
      else reject(error);
    });
    req.end(body ?? undefined);
  });
}

/** Everybody at once; each connection asks again as soon as it was answered. */
async function burst(questions: (() => Promise<number>)[]): Promise<number[]> {
  const took: number[] = [];
  const sender = async (): Promise<void> => {
    for (let next = questions.pop(); next; next = questions.pop()) took.push(await next());
  };
  await Promise.all(Array.from({ length: Number(connections) }, sender));
  return took;
}

function bodyOf(ratingKey: string): Buffer {
  const payload = {
    event: 'library.new',
    Server: { uuid: serverId, title: 'Bench' },
    Metadata: { type: 'movie', ratingKey, title: 'x', librarySectionID: 1 },
  };
  const head = 'Content-Disposition: form-data; name=';
  return Buffer.from(
    `--${BOUNDARY}\r\n${head}"payload"\r\nContent-Type: application/json\r\n\r\n${JSON.stringify(payload)}\r\n` +
      `--${BOUNDARY}\r\n${head}"thumb"; filename="thumb.jpg"\r\nContent-Type: image/jpeg\r\n\r\n${'x'.repeat(7000)}\r\n--${BOUNDARY}--\r\n`,
  );
}

const bodies = keys.split(',').map(bodyOf);
const ping = new URL('/ping', url).href;
// The connections are made, and the code is warm on both sides, before anything is measured.
await burst(bodies.slice(0, 500).map(() => () => ask(ping, null)));
const bare = await burst(bodies.map(() => () => ask(ping, null)));
const each = await burst(bodies.map((body) => () => ask(url, body)));
answer({ each, bare });
