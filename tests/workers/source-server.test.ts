import { expect } from 'chai';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Rate } from '../../src/lib/rate.js';
import { SourceServer } from '../../src/workers/source-server.js';

describe('the source that a worker reads from afar', () => {
  const content = Buffer.from(Array.from({ length: 300_000 }, (_, at) => at % 251));
  let dir: string;
  let source: SourceServer;
  let port: Server;
  let url: string;
  const failures: string[] = [];
  const open = (path: string, rate: Rate | null = null): void => {
    source = new SourceServer(path, { rate, failed: ({ message }) => failures.push(message) });
  };
  const ask = (range?: string, headers: Record<string, string> = known()): Promise<Response> =>
    fetch(url, { headers: { ...headers, connection: 'close', ...(range === undefined ? {} : { range }) } });
  const known = (): Record<string, string> => {
    const [name = '', value = ''] = source.header.trim().split(': ');
    return { [name]: value };
  };
  const bytesOf = async (response: Response): Promise<Buffer> => Buffer.from(await response.arrayBuffer());

  beforeEach(async () => {
    failures.length = 0;
    dir = await mkdtemp(join(tmpdir(), 'source-'));
    await writeFile(join(dir, 'film.mkv'), content);
    open(join(dir, 'film.mkv'));
    // Stands for the tunnel.
    port = createServer((socket) => {
      source.take(socket);
    });
    await new Promise<void>((done) => port.listen(0, '127.0.0.1', done));
    url = `http://127.0.0.1:${(port.address() as AddressInfo).port}/source`;
  });
  afterEach(async () => {
    source.close();
    await new Promise((done) => port.close(done));
    await rm(dir, { recursive: true });
  });

  it('is given to who knows the token, whole or in part', async () => {
    const whole = await ask();
    expect(whole.status).to.equal(200);
    expect((await bytesOf(whole)).equals(content)).to.equal(true);
    for (const [range, from, to] of [
      ['bytes=1000-', 1000, 300_000],
      ['bytes=10-19', 10, 20],
      ['bytes=299999-900000', 299_999, 300_000],
    ] as const) {
      const part = await ask(range);
      expect(part.status, range).to.equal(206);
      expect(part.headers.get('content-range')).to.equal(`bytes ${from}-${to - 1}/300000`);
      expect((await bytesOf(part)).equals(content.subarray(from, to)), range).to.equal(true);
    }
    expect((await ask('bytes=300000-')).status).to.equal(416);
  });

  it('is given to nobody else', async () => {
    const [name = ''] = Object.keys(known());
    for (const headers of [{}, { [name]: '' }, { [name]: 'a'.repeat(48) }, { authorization: 'x' }]) {
      const answer = await ask(undefined, headers);
      expect(answer.status).to.equal(403);
      expect(await answer.text()).to.equal('');
    }
  });

  it('says when the file cannot be read', async () => {
    open(join(dir, 'gone.mkv'));
    expect((await ask()).status).to.equal(500);
    expect(failures.join()).to.contain('ENOENT');
  });

  it('ends what is under way when closed', async () => {
    open(join(dir, 'film.mkv'), new Rate(1_000_000));
    const answer = await ask();
    source.close();
    const got = await bytesOf(answer).catch(() => Buffer.alloc(0));
    expect(got.length).to.be.lessThan(content.length);
  });
});
