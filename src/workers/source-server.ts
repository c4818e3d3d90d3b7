import { randomBytes, timingSafeEqual } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Rate } from '../lib/rate.js';

const READ_BYTES = 256 * 1024;
const TOKEN_HEADER = 'x-mediaflow-token';

/**
 * Hands one file to whoever comes through a tunnel and knows the token, any part of it: ffmpeg jumps about in a file. It
 * listens nowhere; connections are given to it.
 */
export class SourceServer {
  readonly #path: string;
  readonly #rate: Rate | null;
  readonly #token = randomBytes(24).toString('hex');
  readonly #stopped = new AbortController();
  readonly #failed: (error: Error) => void;
  readonly #server = createServer((request, response) => {
    void this.#answer(request, response);
  });

  /** `failed` hears that the file could not be read to its end. */
  constructor(path: string, { rate, failed }: { rate: Rate | null; failed: (error: Error) => void }) {
    this.#path = path;
    this.#rate = rate;
    this.#failed = failed;
    // A worker that thinks about a picture for long is not idle.
    this.#server.timeout = 0;
    this.#server.keepAliveTimeout = 0;
    this.#server.requestTimeout = 0;
  }

  /** What a client sends with every request, as ffmpeg wants it. */
  get header(): string {
    return `${TOKEN_HEADER}: ${this.#token}\r\n`;
  }

  take(connection: Duplex): void {
    connection.on('error', () => undefined);
    this.#server.emit('connection', connection);
  }

  close(): void {
    this.#stopped.abort();
    this.#server.closeAllConnections();
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      if (!this.#isKnown(request.headers[TOKEN_HEADER])) {
        response.writeHead(403).end();
        return;
      }
      const { size } = await stat(this.#path);
      const range = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? '');
      const start = Number(range?.[1] ?? 0);
      const end = Math.min(size - 1, range?.[2] ? Number(range[2]) : size - 1);
      if (start > end) {
        response.writeHead(416, { 'content-range': `bytes */${size}` }).end();
        return;
      }
      response.writeHead(range ? 206 : 200, {
        'accept-ranges': 'bytes',
        'content-length': end - start + 1,
        ...(range ? { 'content-range': `bytes ${start}-${end}/${size}` } : {}),
      });
      const file = createReadStream(this.#path, { start, end, highWaterMark: READ_BYTES });
      file.once('error', this.#failed);
      await pipeline(file, (chunks: AsyncIterable<Buffer>) => this.#limited(chunks), response, {
        signal: this.#stopped.signal,
      });
    } catch (error) {
      // ffmpeg goes away in the middle whenever it jumps; of what else happens, it hears by a short answer.
      if (!response.headersSent) {
        this.#failed(error as Error);
        response.writeHead(500).end();
      } else response.destroy();
    }
  }

  #isKnown(said: string | string[] | undefined): boolean {
    const [one, other] = [Buffer.from(String(said)), Buffer.from(this.#token)];
    return one.length === other.length && timingSafeEqual(one, other);
  }

  async *#limited(chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
    for await (const chunk of chunks) {
      await this.#rate?.pass(chunk.length, this.#stopped.signal);
      yield chunk;
    }
  }
}
